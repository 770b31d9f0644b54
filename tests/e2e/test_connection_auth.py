"""NTLM and its like authenticate a connection, not a request. Nobody else may ever be let onto it.

Windows does this by default, and proxies that share such connections hand one
user's mailbox to another. The upstream here does as IIS does.
"""

import base64

import pytest
from wire import lines, reply

ROUNDS = 5


def token(text):
    return base64.b64encode(text.encode()).decode()


class Windows:
    """Whoever completes the dialogue on a connection is its user until it ends."""

    def __init__(self, scheme="NTLM", legs=2):
        self.scheme, self.legs = scheme, legs
        self.users = {}

    def __call__(self, request):
        challenge = [("WWW-Authenticate", self.scheme)]
        scheme, _, proof = (request.get("Authorization") or "").partition(" ")
        if scheme.lower() == self.scheme.lower():
            said = base64.b64decode(proof).decode()
            if said == "hello" and self.legs == 2:
                return reply(401, b"go on", [("WWW-Authenticate", f"{self.scheme} {token('prove it')}")])
            self.users[request.connection] = said.removeprefix("I am ")
        user = self.users.get(request.connection)
        if user is None:
            return reply(401, b"who are you?", challenge)
        return reply(200, f"mailbox of {user}".encode())


@pytest.fixture
def windows(upstream):
    upstream.handler = Windows()
    return upstream.handler


def ask(client, said=None, scheme="NTLM", target="/owa/"):
    fields = [("Authorization", f"{scheme} {token(said)}")] if said else []
    response = client.ask("GET", target, fields)
    return response.status, response.body.decode()


def log_in(client, user, scheme="NTLM"):
    assert ask(client)[0] == 401
    assert ask(client, "hello", scheme) == (401, "go on")
    assert ask(client, f"I am {user}", scheme) == (200, f"mailbox of {user}")


def test_nobody_is_ever_answered_as_alice(windows, make_client):
    """The two-client test: Bob asks without a name while Alice is there, and after she left."""
    for _ in range(ROUNDS):
        alice, bob = make_client(), make_client()
        log_in(alice, "alice")
        assert ask(bob)[0] == 401, "during"
        assert ask(alice) == (200, "mailbox of alice"), "her own connection knows her"
        assert ask(bob)[0] == 401, "between her requests"
        alice.close()
        assert ask(bob)[0] == 401, "after"
        assert ask(make_client())[0] == 401, "a newcomer"
        bob.close()


def test_bob_asks_in_the_middle_of_her_log_in(windows, make_client):
    """The half-finished dialogue is hers too."""
    for _ in range(ROUNDS):
        alice, bob = make_client(), make_client()
        assert ask(alice)[0] == 401
        assert ask(bob)[0] == 401
        assert ask(alice, "hello") == (401, "go on")
        assert ask(bob) == (401, "who are you?")
        assert ask(alice, "I am alice") == (200, "mailbox of alice")
        assert ask(bob) == (401, "who are you?")


def test_two_users_at_once_each_read_their_own_mail(windows, make_client):
    alice, bob = make_client(), make_client()
    log_in(alice, "alice")
    log_in(bob, "bob")
    for _ in range(ROUNDS):
        assert ask(alice) == (200, "mailbox of alice")
        assert ask(bob) == (200, "mailbox of bob")


def test_she_is_never_given_a_connection_that_others_used_before(upstream, windows, make_client):
    """It may be about to end, and what she says on it is not said twice. Hers never goes back, either."""
    windows_answers = windows.__call__
    upstream.handler = lambda request: (
        reply(200, b"logo") if request.target == "/logo" else windows_answers(request)
    )
    alice, bob = make_client(), make_client()
    assert ask(bob, target="/logo") == (200, "logo")
    assert ask(alice, "hello") == (401, "go on")
    assert ask(alice, "I am alice") == (200, "mailbox of alice")
    assert upstream.connection_count == 2, "not the one from the pool"
    assert ask(bob, target="/logo") == (200, "logo")
    assert upstream.connection_count == 2, "but he gets it"
    assert ask(bob)[0] == 401
    assert ask(alice, target="/logo") == (200, "logo")
    assert ask(bob)[0] == 401


@pytest.mark.parametrize("scheme", ["NTLM", "ntlm", "Negotiate", "NEGOTIATE", "Kerberos", "Nego2", "NegoExtender"])
def test_every_scheme_of_that_kind_pins_by_the_request_alone(scheme, upstream, make_client):
    """One leg, no challenge at all: as a browser does that has a ticket already."""
    windows = Windows(scheme, legs=1)

    def answer(request):
        response = windows(request)
        return reply(401, b"who are you?") if response.startswith(b"HTTP/1.1 401") else response

    upstream.handler = answer
    alice, bob = make_client(), make_client()
    assert ask(alice, "I am alice", scheme) == (200, "mailbox of alice")
    assert ask(bob) == (401, "who are you?")
    assert ask(alice) == (200, "mailbox of alice")
    alice.close()
    assert ask(bob) == (401, "who are you?")


@pytest.mark.parametrize(
    "challenges",
    [
        [("WWW-Authenticate", "Negotiate")],
        [("WWW-Authenticate", "NTLM TlRMTVNTUAACAAAA")],
        [("WWW-Authenticate", 'Basic realm="x"'), ("WWW-Authenticate", "NTLM")],
        [("WWW-Authenticate", 'Basic realm="x", Negotiate')],
        [("www-authenticate", "kerberos")],
        [("Proxy-Authenticate", "NTLM")],
    ],
    ids=lambda fields: ";".join(f"{value}" for _, value in fields),
)
def test_a_challenge_alone_pins(challenges, make_upstream, make_proxy, make_client):
    """What the server has begun there concerns the client that it was said to."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    alice, bob = make_client(proxy), make_client(proxy)
    alice.send_request("GET", "/one")
    hers = upstream.accept()
    hers.expect_request("GET /one HTTP/1.1")
    hers.send(reply(401, b"no", challenges))
    assert alice.read_response().status == 401
    bob.send_request("GET", "/two")
    his = upstream.accept()
    his.expect_request("GET /two HTTP/1.1")
    his.send(reply(200, b"bob"))
    assert bob.read_response().body == b"bob"
    alice.send_request("GET", "/three")
    hers.expect_request("GET /three HTTP/1.1")
    hers.send(reply(200, b"alice"))
    assert alice.read_response().body == b"alice"


def test_basic_and_bearer_do_not_pin(upstream, make_client):
    """They authenticate a request; to pin them would cost a connection for each user."""
    upstream.handler = lambda request: reply(401, b"no", [("WWW-Authenticate", 'Basic realm="NTLM"')])
    for scheme in ("Basic", "Bearer", "Digest"):
        assert ask(make_client(), "alice:secret", scheme)[0] == 401
    assert upstream.connection_count == 1


@pytest.fixture
def pinned(make_upstream, make_proxy, make_client):
    """Alice's connection, and the one inside that is hers."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.upstream["pool"] = {"idle": "0s", "size": 0}  # which is not for her
    alice = make_client(proxy)
    alice.send_request("GET", "/", [("Authorization", f"Negotiate {token('I am alice')}")])
    hers = upstream.accept()
    hers.expect_request()
    hers.send(reply(200, b"mailbox of alice"))
    assert alice.read_response().status == 200
    return proxy, upstream, alice, hers


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"<soap/>")])
def test_the_first_leg_meets_no_connection_that_dies(scheme, method, body, make_upstream, make_proxy, make_client):
    """The server's idle time ends just then: what it reads of the pooled one is its own goodbye."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    bob, alice = make_client(proxy), make_client(proxy)
    bob.send_request("GET", "/")
    pooled = upstream.accept()
    pooled.expect_request()
    pooled.send(reply(200, b"fine"))
    assert bob.read_response().body == b"fine"
    alice.send_request(method, "/EWS/", [("Authorization", f"{scheme} {token('hello')}")], body)
    pooled.close()
    hers = upstream.accept()
    hers.expect_request(f"{method} /EWS/ HTTP/1.1")
    hers.send(reply(401, b"go on", [("WWW-Authenticate", f"{scheme} {token('prove it')}")]))
    assert alice.read_response().body == b"go on"
    assert proxy.expect_event("request-forwarded", path="/EWS/")["postern.upstream.tries"] == 1


@pytest.mark.parametrize("how", ["close", "reset", "finish"])
def test_when_her_connection_ends_the_one_inside_ends(how, pinned):
    _, _, alice, hers = pinned
    getattr(alice, how)()
    hers.expect_gone()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_when_the_one_inside_ends_her_connection_ends(how, pinned):
    """She would go on believing that she is known; a new connection starts honestly."""
    _, _, alice, hers = pinned
    getattr(hers, how)()
    alice.expect_end()


def test_when_the_server_closes_with_its_answer_her_connection_ends_after_it(pinned):
    _, _, alice, hers = pinned
    alice.send_request("GET", "/last")
    hers.expect_request("GET /last HTTP/1.1")
    hers.send(reply(200, b"bye", [("Connection", "close")]))
    response = alice.read_response()
    assert (response.body, response.get("Connection")) == (b"bye", "close")
    alice.expect_end()


def test_her_request_is_not_sent_again_on_another_connection(pinned):
    """There she is nobody, and the answer would be somebody else's or none."""
    proxy, upstream, alice, hers = pinned
    alice.send_request("GET", "/second")
    hers.expect_request("GET /second HTTP/1.1")
    hers.close()
    assert alice.read_response().status == 502
    alice.expect_end()
    assert upstream.connection_count == 1
    proxy.expect_event("request-forwarded", reason="upstream-closed")


def test_an_answer_that_breaks_off_ends_both(pinned):
    _, _, alice, hers = pinned
    alice.send_request("GET", "/second")
    hers.expect_request()
    hers.send(lines("HTTP/1.1 200 OK", "Content-Length: 10", "") + b"half")
    hers.close()
    alice.expect_gone()


def test_her_pipelined_requests_stay_on_her_connection(pinned):
    _, upstream, alice, hers = pinned
    alice.send(b"".join(lines(f"GET /{n} HTTP/1.1", f"Host: {alice.host}", "") for n in range(3)))
    for number in range(3):
        hers.expect_request(f"GET /{number} HTTP/1.1")
        hers.send(reply(200, f"mail {number}".encode()))
    assert [alice.read_response("GET").body for _ in range(3)] == [b"mail 0", b"mail 1", b"mail 2"]
    assert upstream.connection_count == 1


def test_her_long_silence_does_not_lose_her_connection(pinned):
    """The pool's idle time is for connections that are anybody's."""
    proxy, upstream, alice, hers = pinned
    hers.stream.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        hers.read_some()
    alice.send_request("GET", "/later")
    hers.stream.sock.settimeout(30)
    hers.expect_request("GET /later HTTP/1.1")
    hers.send(reply(204))
    assert alice.read_response().status == 204
    assert upstream.connection_count == 1
