"""What is tried again, where, and what never is."""

import ssl
import subprocess

import pytest
from actors import until
from wire import chunked, reply


@pytest.fixture
def played(make_upstream):
    """An upstream whose part the scene plays itself."""
    return make_upstream(handler=None)


@pytest.fixture
def proxy(make_proxy, played):
    return make_proxy(played)


def warm_up(client, upstream):
    """One request, and then a connection that waits in the pool."""
    client.send_request("GET", "/first")
    connection = upstream.accept()
    connection.expect_request()
    connection.send(reply(200, b"first"))
    assert client.read_response().body == b"first"
    return connection


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_request_whose_pooled_connection_dies_is_sent_once_more(method, how, played, proxy, make_client):
    """The server's idle time ran out just as we sent: nobody's fault, and nobody's concern."""
    client = make_client()
    pooled = warm_up(client, played)
    client.send_request(method, "/second")
    pooled.expect_request(f"{method} /second HTTP/1.1")
    getattr(pooled, how)()
    fresh = played.accept()
    fresh.expect_request(f"{method} /second HTTP/1.1")
    fresh.send(reply(200, b"" if method == "HEAD" else b"second"))
    assert client.read_response().status == 200
    event = proxy.expect_event("request-forwarded", path="/second")
    assert event["postern.upstream.tries"] == 2
    assert "event.reason" not in event
    assert played.connection_count == 2


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("body", [b"send this mail", None], ids=["body", "empty"])
def test_what_may_have_an_effect_is_never_sent_twice(method, body, how, played, proxy, make_client):
    client = make_client()
    pooled = warm_up(client, played)
    client.send_request(method, "/send", body=body)
    pooled.expect_request(f"{method} /send HTTP/1.1")
    getattr(pooled, how)()
    assert client.read_response().status == 502
    event = proxy.expect_event("request-forwarded", path="/send")
    assert event["event.reason"] in ("upstream-closed", "upstream-reset")
    assert event["postern.upstream.tries"] == 1
    assert played.connection_count == 1


def test_a_get_with_a_body_is_not_sent_twice(played, make_client):
    """Part of the body may be gone from our buffers: there is nothing whole to repeat."""
    client = make_client()
    pooled = warm_up(client, played)
    client.send_request("GET", "/search", body=b"query")
    pooled.expect_request()
    pooled.close()
    assert client.read_response().status == 502
    assert played.connection_count == 1


def test_an_answer_that_has_begun_is_not_asked_for_again(played, proxy, make_client):
    client = make_client()
    pooled = warm_up(client, played)
    client.send_request("GET", "/second")
    pooled.expect_request()
    pooled.send(b"HTTP/1.1 200 OK\r\nContent-")
    pooled.close()
    assert client.read_response().status == 502
    proxy.expect_event("request-forwarded", reason="upstream-truncated")
    assert played.connection_count == 1


def test_it_is_tried_once_more_and_no_more_often(played, proxy, make_client):
    """A request that kills the server must not kill all of them."""
    client = make_client()
    pooled = warm_up(client, played)
    client.send_request("GET", "/poison")
    pooled.expect_request()
    pooled.close()
    fresh = played.accept()
    fresh.expect_request("GET /poison HTTP/1.1")
    fresh.close()
    assert client.read_response().status == 502
    assert proxy.expect_event("request-forwarded", path="/poison")["postern.upstream.tries"] == 2
    assert played.connection_count == 2


# --- more than one server, more than one address


def spoil(upstream):
    """From here on its handshakes fail, though its port is open."""
    upstream.context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    upstream.context.maximum_version = ssl.TLSVersion.TLSv1_2


def heal(upstream):
    upstream.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_cannot_be_reached_is_passed_over(method, make_upstream, make_proxy, make_client):
    """Nothing was sent yet, so even a POST may go to the next one."""
    dead, alive = make_upstream(), make_upstream()
    proxy = make_proxy(dead, alive)
    dead.go_deaf()
    client = make_client(proxy)
    for _ in range(4):
        response = client.ask(method, "/", body=b"mail" if method == "POST" else None)
        assert response.status == 200
        assert proxy.expect_event("request-forwarded")["destination.port"] == alive.port
    assert len(alive.requests) == 4


def test_a_server_rests_after_its_failures_and_comes_back(make_upstream, make_proxy, make_client):
    sick, well = make_upstream(), make_upstream()
    proxy = make_proxy(sick, well)
    proxy.upstream["health"] = {"failures": 2, "rest": "300ms"}
    proxy.upstream["pool"] = {"size": 0}
    spoil(sick)
    client = make_client(proxy)
    until(lambda: client.ask().status == 200 and proxy.events("upstream-down"), "the server to be given up")
    down = proxy.expect_event("upstream-down")
    assert (down["destination.port"], down["postern.upstream.name"]) == (sick.port, "webmail")
    assert sick.requests == []
    heal(sick)
    until(lambda: client.ask().status == 200 and sick.requests, "the server to be asked again")
    assert proxy.expect_event("upstream-up")["destination.port"] == sick.port


def test_a_resting_server_is_not_asked(make_upstream, make_proxy, make_client):
    sick, well = make_upstream(), make_upstream()
    proxy = make_proxy(sick, well)
    proxy.upstream["health"] = {"failures": 1, "rest": "1h"}
    spoil(sick)
    client = make_client(proxy)
    for _ in range(10):
        assert client.ask().status == 200
    assert (sick.connection_count, len(well.requests)) == (1, 10)
    proxy.expect_event("upstream-down")
    assert len(proxy.events("upstream-down")) == 1, "told once"


def test_a_bad_certificate_makes_a_server_rest_at_once(make_upstream, make_proxy, make_client):
    """It will not become good by being asked three times."""
    forged, good = make_upstream(certificate="rogue-server"), make_upstream()
    proxy = make_proxy(forged, good)
    client = make_client(proxy)
    for _ in range(6):
        assert client.ask().status == 200
    assert (forged.connection_count, len(good.requests)) == (1, 6)
    proxy.expect_event("upstream-certificate-rejected")


def test_a_body_that_is_too_large_is_no_failure_of_the_server(played, proxy, make_client):
    """What a client can bring about by itself says nothing about the server."""
    proxy.published["body"] = "1KiB"
    proxy.upstream["health"] = {"failures": 1}
    client = make_client()
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], chunked(bytes(4096)))
    played.accept()
    assert client.read_response().status == 413
    proxy.expect_event("request-blocked", reason="http-body-large")
    warm_up(make_client(), played)
    assert proxy.events("upstream-down") == []


def test_when_all_servers_rest_they_are_tried_all_the_same(make_upstream, make_proxy, make_client):
    """A refusal is never given without a try: the line may be back since."""
    first, second = make_upstream(), make_upstream()
    proxy = make_proxy(first, second)
    proxy.upstream["health"] = {"failures": 1, "rest": "1h"}
    spoil(first)
    spoil(second)
    for _ in range(2):
        assert make_client(proxy).ask().status == 502
        event = proxy.expect_event("request-forwarded", reason="upstream-tls")
        assert event["postern.upstream.tries"] == 2
    heal(second)
    assert make_client(proxy).ask().status == 200
    assert proxy.expect_event("upstream-up")["destination.port"] == second.port


# What a healthy server may make of a request, because of what is in it.
ANSWERS_BADLY = {
    "closes": lambda connection: connection.close(),
    "resets": lambda connection: connection.reset(),
    "answers nonsense": lambda connection: connection.send(b"220 mail.internal ESMTP\r\n\r\n"),
    "answers half": lambda connection: (connection.send(b"HTTP/1.1 200 OK\r\n"), connection.close()),
    "never answers": lambda connection: None,
}


@pytest.mark.parametrize("how", ANSWERS_BADLY)
def test_a_request_that_a_server_answers_badly_harms_nobody_else(how, make_upstream, make_proxy, make_client):
    """Else anybody who knows one such request could take the webmail from all others."""
    upstreams = [make_upstream(handler=None) for _ in range(2)]
    proxy = make_proxy(*upstreams)
    proxy.upstream["health"] = {"failures": 1, "rest": "1h"}
    if how == "never answers":
        proxy.published["idle"] = "50ms"
    attacker, other = make_client(proxy), make_client(proxy)
    met = set()

    def receive():
        """Which of the two was asked is its turn; one of them was."""
        ready = until(lambda: [u for u in upstreams if not u.is_waited_for()], "a server to be asked")
        met.add(ready[0])
        connection = ready[0].accept()
        connection.expect_request()
        return connection

    for _ in range(20):
        attacker.send_request("POST", "/x", body=b"poison")
        ANSWERS_BADLY[how](receive())
        assert attacker.read_response().status in (502, 504)
        attacker = make_client(proxy)
    for _ in range(2):
        other.send_request("POST", "/mail", body=b"mail")
        receive().send(reply(200, b"fine", [("Connection", "close")]))
        assert other.read_response().body == b"fine"
    assert met == set(upstreams)
    assert proxy.events("upstream-down") == []


def test_the_only_server_never_rests(make_upstream, make_proxy, make_client):
    """An answer that may come beats a certain 503."""
    upstream = make_upstream()
    proxy = make_proxy(upstream)
    proxy.upstream["health"] = {"failures": 1, "rest": "1h"}
    spoil(upstream)
    assert make_client(proxy).ask().status == 502
    heal(upstream)
    assert make_client(proxy).ask().status == 200


def test_a_name_without_an_address_is_a_502_of_its_own(proxy, make_client):
    proxy.upstream["servers"] = "https://nowhere.invalid"
    assert make_client().ask("POST", "/", body=b"x").status == 502
    proxy.expect_event(None, path="/", reason="upstream-unresolved")


def test_a_name_without_an_address_does_not_hold_up_the_others(make_upstream, make_proxy, make_client):
    upstream = make_upstream()
    proxy = make_proxy(upstream)
    proxy.upstream["servers"] = ["https://nowhere.invalid", upstream.url]
    client = make_client(proxy)
    for _ in range(4):
        assert client.ask().status == 200


@pytest.fixture
def two_addresses(tmp_path, program):
    """A program whose /etc/hosts gives one name two addresses; needs root."""
    hosts = tmp_path / "hosts"
    hosts.write_text("::1 both.internal.test\n127.0.0.1 both.internal.test\n")
    wrapper = tmp_path / "postern"
    wrapper.write_text(
        "#!/bin/sh\nexec unshare --mount sh -c "
        f"'mount --bind {hosts} /etc/hosts && exec \"$0\" \"$@\"' {program} \"$@\"\n"
    )
    wrapper.chmod(0o755)
    probe = subprocess.run(["unshare", "--mount", "mount", "--bind", hosts, "/etc/hosts"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("a mount of one's own needs root")
    return str(wrapper)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_address_of_a_name_is_tried(address, two_addresses, make_upstream, make_proxy, make_client):
    """Old names have an IPv6 address that nobody listens on, and the other way round."""
    upstream = make_upstream(address=address)
    proxy = make_proxy(upstream)
    proxy.program = two_addresses
    proxy.upstream["servers"] = f"https://both.internal.test:{upstream.port}"
    client = make_client(proxy)
    for _ in range(3):
        assert client.ask("POST", "/", body=b"x").status == 200
        assert proxy.expect_event("request-forwarded")["destination.ip"] == address
    assert proxy.events("upstream-down") == [], "the server as such was never away"
