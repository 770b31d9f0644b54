"""A server may answer before it has the whole request (RFC 9112, 9.3): the rest of the body still
passes, and both connections go on. NTLM and Negotiate with a body on the first leg need it."""

import base64
import os
import signal
import threading
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME
from wire import chunked, lines, reply

MEGABYTE = 1 << 20
CHALLENGE = base64.b64encode(b"prove it").decode()
SCHEMES = pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
# On a listener of its own body bytes have to come soon.
SHORT, ADDRESS = {"body": "1s", "linger": "10ms"}, "127.0.0.9"


def configure(proxy):
    proxy.published["routes"] = {"/small": {"body": "1KiB"}, "/impatient": {"idle": "1s"}}
    proxy.config["listeners"]["short"] = {**proxy.listener, "address": f"{ADDRESS}:0", "timeouts": SHORT}


def hurried(play):
    return play.client(address=ADDRESS, port=play.proxy.port(ADDRESS, "short"))


def leg(scheme, text="hello"):
    return ("Authorization", f"{scheme} {base64.b64encode(text.encode()).decode()}")


def go_on(scheme):
    return reply(401, b"go on", [("WWW-Authenticate", f"{scheme} {CHALLENGE}")])


def stays(response):
    return (response.get("Connection") or "").lower() != "close"


def ask_again(client, upstream, target="/next"):
    """One more request over both connections."""
    client.send_request("GET", target)
    upstream.expect_request(f"GET {target} HTTP/1.1")
    upstream.send(reply(200, b"welcome"))
    assert client.read_response().body == b"welcome"


def ended_well(play, client, status):
    """One answer was given, and nobody is told of a fault."""
    event = play.event_of(client, "request-forwarded", status=status)
    assert "event.reason" not in event


# --- the legs of a log-in


@SCHEMES
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_first_leg_with_a_body_in_two_halves(scheme, framing, play):
    """EWS over a slow line: the server has read the head, and says no at once."""
    client = play.client()
    halves = (b"<soap>" * 1000, b"</soap>" * 1000)
    if framing == "length":
        fields, first, second = [("Content-Length", str(sum(map(len, halves))))], *halves
    else:
        fields = [("Transfer-Encoding", "chunked")]
        first, second = chunked(halves[0]).removesuffix(b"0\r\n\r\n"), chunked(halves[1])
    client.send_request("POST", "/EWS/Exchange.asmx", [leg(scheme), *fields], first)
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on(scheme))
    response = client.read_response()
    assert (response.status, response.body, stays(response)) == (401, b"go on", True)
    client.send(second)
    if framing == "length":
        assert upstream.read_bytes(sum(map(len, halves))) == b"".join(halves)
    else:
        read = b""
        while not read.endswith(b"0\r\n\r\n"):
            read += upstream.read_some()
        assert read.count(b"soap>") == 2000
    client.send_request("POST", "/EWS/Exchange.asmx", [leg(scheme, "I am kim")], b"<soap/>")
    assert upstream.expect_request("POST /EWS/Exchange.asmx HTTP/1.1").body == b"<soap/>"
    upstream.send(reply(200, b"mailbox of kim"))
    assert client.read_response().body == b"mailbox of kim"
    ask_again(client, upstream)
    ended_well(play, client, 401)


@SCHEMES
@pytest.mark.parametrize("length", [0, 4, 3 * MEGABYTE])
def test_legs_with_and_without_a_body_each(scheme, length, play):
    client = play.client()
    body = b"b" * length
    client.send_request("POST", "/mapi/emsmdb/", [leg(scheme), ("Content-Length", "0")])
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(go_on(scheme))
    assert client.read_response().status == 401
    sending = threading.Thread(
        target=client.send_request, args=("POST", "/mapi/emsmdb/", [leg(scheme, "I am kim")], body)
    )
    sending.start()
    upstream.read_head()
    upstream.send(reply(200, b"early"))
    assert upstream.read_bytes(length) == body
    sending.join()
    assert client.read_response().body == b"early"
    ask_again(client, upstream)


@SCHEMES
def test_expect_on_each_leg_and_the_client_sends_what_nobody_wants(scheme, play):
    """.NET does so, to keep the connection (dotnet/corefx issue 30760, step 3)."""
    client = play.client()
    fields = [("Expect", "100-continue"), ("Content-Length", "4")]
    client.send_request("POST", "/EWS/", [leg(scheme), *fields])
    upstream = play.upstream.accept()
    assert upstream.read_head().get("Expect") == "100-continue"
    upstream.send(go_on(scheme))
    response = client.read_response()
    assert (response.status, response.interims, stays(response)) == (401, [], True)
    client.send(b"body")
    assert upstream.read_bytes(4) == b"body"
    client.send_request("POST", "/EWS/", [leg(scheme, "I am kim"), *fields])
    assert upstream.read_head().get("Expect") == "100-continue"
    upstream.send(lines("HTTP/1.1 100 Continue", ""))
    assert client.read_head().status == 100
    client.send(b"body")
    assert upstream.read_bytes(4) == b"body"
    upstream.send(reply(200, b"mailbox of kim"))
    assert client.read_response().body == b"mailbox of kim"
    ask_again(client, upstream)


@pytest.mark.parametrize("how", ["close", "finish", "reset"])
def test_a_client_that_was_told_no_and_leaves_without_sending(how, play):
    """The log tells of an answer that was given; of a reset it says whose, and where."""
    client = play.client()
    client.send_request("POST", "/EWS/", [leg("NTLM"), ("Expect", "100-continue"), ("Content-Length", "4")])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on("NTLM"))
    assert client.read_response().status == 401
    getattr(client, how)()
    upstream.expect_gone()
    if how == "reset":
        fields = {"reason": "client-reset", "phase": "rest", "outcome": "success"}
        play.event_of(client, "request-forwarded", status=401, **fields)
    else:
        ended_well(play, client, 401)


def test_a_client_that_waits_for_ever_after_its_answer(play):
    """What it announced does not come: after the time for bodies both connections end in order."""
    client = hurried(play)
    client.send_request("POST", "/EWS/", [leg("NTLM"), ("Expect", "100-continue"), ("Content-Length", "4")])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on("NTLM"))
    assert client.read_response().status == 401
    client.expect_end()
    upstream.expect_gone()
    ended_well(play, client, 401)


def test_a_body_that_drips_behind_its_answer_has_the_usual_least_rate(play):
    client = hurried(play)
    client.send_request("POST", "/EWS/", [leg("NTLM"), ("Content-Length", "1000000")], b"x")
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on("NTLM"))
    assert client.read_response().status == 401
    with suppress(OSError):
        while client.is_quiet():
            client.send(b"x")
    upstream.expect_gone()
    ended_well(play, client, 401)


# --- any answer, any server


@pytest.mark.parametrize("status, fields", [(413, []), (200, []), (401, [("WWW-Authenticate", 'Basic realm="x"')])])
def test_any_early_answer_lets_the_body_and_the_client_go_on(status, fields, make_upstream, make_proxy, make_client):
    """Inside the connection is not used again: who reads a body as the next request would answer it to another."""
    inside = make_upstream(handler=None)
    proxy = make_proxy(inside)
    client = make_client(proxy)
    client.send_request("POST", "/", [("Content-Length", str(4 * MEGABYTE))], b"x" * 1000)
    upstream = inside.accept()
    upstream.read_head()
    upstream.send(reply(status, b"early", fields))
    response = client.read_response()
    assert (response.status, response.body, stays(response)) == (status, b"early", True)
    rest = threading.Thread(target=client.send, args=(b"x" * (4 * MEGABYTE - 1000),))
    rest.start()
    assert upstream.read_bytes(4 * MEGABYTE) == b"x" * 4 * MEGABYTE
    rest.join()
    upstream.expect_gone()
    client.send_request("GET", "/next")
    other = inside.accept()
    other.expect_request("GET /next HTTP/1.1")
    other.send(reply(200, b"welcome"))
    assert client.read_response().body == b"welcome"
    assert "event.reason" not in proxy.expect_event("request-forwarded", status=status)


def test_an_answer_that_goes_on_while_the_body_comes(make_upstream, make_proxy, make_client):
    """The head is early, its end is not: nobody else gets such a connection either."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    client = make_client(proxy)
    client.send_request("POST", "/", [("Content-Length", "8")], b"half")
    first = upstream.accept()
    first.read_head()
    first.send(lines("HTTP/1.1 200 OK", "Content-Length: 6", "") + b"one")
    client.read_head()
    assert client.read_bytes(3) == b"one"
    client.send(b"half")
    assert first.read_bytes(8) == b"halfhalf"
    first.send(b"two")
    assert client.read_bytes(3) == b"two"
    client.send_request("GET", "/next")
    second = upstream.accept()
    second.expect_request("GET /next HTTP/1.1")
    second.send(reply(204))
    assert client.read_response().status == 204
    event = proxy.expect_event("request-forwarded", status=200)
    assert event.get("postern.upstream.wait", 0) < 60_000_000_000, "no answer took longer than time itself"


@pytest.mark.parametrize("how", ["close", "reset"])
@SCHEMES
def test_a_server_that_answers_early_and_goes(how, scheme, play):
    """She has her answer; the rest is thrown away, and the connection she was to prove herself on is gone."""
    client = play.client()
    client.send_request("POST", "/EWS/", [leg(scheme), ("Content-Length", str(4 * MEGABYTE))], b"x" * 10)
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on(scheme))
    assert client.read_response().body == b"go on"
    getattr(upstream, how)()
    with suppress(OSError):
        client.send(b"x" * MEGABYTE)
    client.expect_gone()
    ended_well(play, client, 401)


def test_a_server_that_says_close_with_its_early_answer(play):
    """It will not read on, so the rest of the upload is thrown away, and no reset overtakes the answer."""
    client = play.client()
    client.send_request("POST", "/", [("Content-Length", str(4 * MEGABYTE))], b"x" * 1000)
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(reply(413, b"too much", [("Connection", "close")]))
    response = client.read_response()
    assert (response.status, response.body, response.get("Connection")) == (413, b"too much", "close")
    client.send(b"x" * MEGABYTE)
    client.expect_end()
    upstream.expect_gone()
    play.event_of(client, "request-forwarded", status=413)


def test_a_server_that_never_reads_the_rest(play):
    """Time and memory are bounded: buffers fill, nothing moves, both ends are let go."""
    client = play.client(window=65536)
    client.send_request("POST", "/impatient", [leg("NTLM"), ("Content-Length", str(64 * MEGABYTE))])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on("NTLM"))
    assert client.read_response().status == 401

    def pour():
        with suppress(OSError):
            client.send(bytes(64 * MEGABYTE))

    threading.Thread(target=pour, daemon=True).start()
    ended_well(play, client, 401)
    upstream.close()


def test_an_answer_too_many_is_nobodys(play):
    """What the server says after its early answer belongs to no request."""
    client = play.client()
    client.send_request("POST", "/EWS/", [leg("NTLM"), ("Content-Length", "8")], b"half")
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(go_on("NTLM"))
    assert client.read_response().status == 401
    upstream.send(reply(200, b"mailbox of somebody"))
    client.expect_end()
    upstream.expect_gone()


# --- what is judged is judged to its end


def test_a_body_behind_its_answer_has_its_bounds(play):
    client = play.client()
    client.send_request("POST", "/small", [("Transfer-Encoding", "chunked")], b"4\r\nhalf\r\n")
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(reply(200, b"early"))
    assert client.read_response().body == b"early"
    client.send(chunked(bytes(1021)).removesuffix(b"0\r\n\r\n"))
    client.expect_end()
    upstream.expect_gone()
    play.event_of(client, "request-blocked", status=200, reason="http-body-large")


def test_a_body_behind_its_answer_is_no_place_for_another_request(play):
    """Chunks that are malformed end it, as they do in front of an answer."""
    client = play.client()
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], b"4\r\nhalf\r\n")
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(reply(200, b"early"))
    assert client.read_response().body == b"early"
    client.send(lines("GET /hidden HTTP/1.1", f"Host: {PUBLIC_NAME}", ""))
    client.expect_end()
    upstream.expect_gone()
    play.event_of(client, "request-forwarded", status=200, reason="http-chunk-size")


def test_a_stop_lets_the_body_go_on_for_as_long_as_it_drains(make_upstream, make_proxy, make_client):
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    client = make_client(proxy)
    client.send_request("POST", "/", [("Content-Length", "8")], b"half")
    inside = upstream.accept()
    inside.read_head()
    inside.send(reply(200, b"early"))
    assert client.read_response().body == b"early"
    os.kill(proxy.process.pid, signal.SIGTERM)
    proxy.expect_event("stopping")
    client.send(b"half")
    assert inside.read_bytes(8) == b"halfhalf"
    client.expect_end()
