"""bridge: tunnel passes a client's TLS to the upstream by its server name, and sees nothing of it."""

import ssl
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME, Client
from wire import lines

TUNNELLED = "webmail.second.test"
KEY = b"nobody but the two ends reads this"


@pytest.fixture
def both(make_upstream, make_proxy):
    """One host that ends here, one that is passed through, on one port."""
    ended, passed = make_upstream(), make_upstream(certificate="public-second")
    proxy = make_proxy(ended, passed)
    proxy.upstream["servers"] = [ended.url]
    proxy.config["upstreams"]["through"] = {"servers": [passed.url], "bridge": "tunnel"}
    proxy.listener["publish"][TUNNELLED] = {"upstream": "through"}
    return proxy, ended, passed


@pytest.mark.parametrize("options", [{"tls": "1.2"}, {"tls": "1.3"}, {"drip": True}], ids=str)
def test_the_handshake_is_with_the_upstream_itself(both, make_client, options):
    """The client verifies the upstream's own certificate, which postern has no key for."""
    proxy, ended, passed = both
    client = make_client(proxy, sni=TUNNELLED, **options)
    assert client.ask("POST", "/", body=KEY, host=TUNNELLED).body == KEY
    request = passed.requests[0]
    assert request.get("Via") is None and request.get("X-Forwarded-For") is None
    client.close()
    event = proxy.expect_event("connection-ended", outcome="success")
    assert event["postern.requests"] == 0
    assert event["tls.client.server_name"] == TUNNELLED
    assert event["postern.upstream.name"] == "through"
    assert (event["destination.domain"], event["destination.port"]) == ("127.0.0.1", passed.port)
    assert KEY.decode() not in proxy.everything_logged()
    assert ended.requests == []


def test_the_other_host_on_the_port_still_ends_here(both, make_client):
    proxy, ended, passed = both
    assert make_client(proxy).ask("GET", "/").body == b"GET /\n"
    assert ended.requests[0].get("X-Forwarded-For") == "127.0.0.1"
    assert passed.connection_count == 0


def test_a_name_that_is_not_published_goes_nowhere(both, make_client):
    proxy, ended, passed = both
    client = make_client(proxy, sni="other.example.test", handshake=False)
    client.expect_handshake_refused("UNRECOGNIZED_NAME")
    proxy.expect_event("tls-rejected", reason="tls-name-unknown")
    assert (ended.connection_count, passed.connection_count) == (0, 0)


def test_clear_text_goes_nowhere(both, make_client):
    proxy, ended, passed = both
    client = make_client(proxy, clear=True)
    client.send(lines("GET / HTTP/1.1", f"Host: {TUNNELLED}", ""))
    assert client.read_some()[:1] == b"\x15"
    client.expect_end()
    proxy.expect_event("clear-text")
    assert (ended.connection_count, passed.connection_count) == (0, 0)


def test_clear_text_on_the_redirect_port_is_led_to_https(both, make_client):
    """Nothing is known of a tunnel's application, and nothing of it is needed for a redirect."""
    proxy, _, passed = both
    proxy.listener["redirect_http"] = "127.0.0.2:0"
    client = make_client(proxy, address="127.0.0.2", clear=True)
    response = client.ask("GET", "/vpn?x=1", host=TUNNELLED)
    assert (response.status, response.get("Location")) == (302, f"https://{TUNNELLED}:{proxy.port()}/vpn?x=1")
    assert client.ask("GET", "/%5c", host=TUNNELLED).status == 400
    proxy.expect_event("request-redirected", host=TUNNELLED)
    assert passed.connection_count == 0


def test_a_tunnelled_name_in_host_alone_is_misdirected(both, make_client):
    proxy, ended, passed = both
    assert make_client(proxy).ask("GET", "/", host=TUNNELLED).status == 421
    assert (ended.requests, passed.connection_count) == ([], 0)


def test_where_all_hosts_are_tunnelled_no_certificate_is_needed(make_upstream, make_proxy, make_client):
    passed = make_upstream(certificate="public-ec")
    proxy = make_proxy(passed)
    proxy.config["upstreams"] = {"through": {"servers": [passed.url], "bridge": "tunnel"}}
    proxy.listener["publish"] = {PUBLIC_NAME: {"upstream": "through"}}
    assert make_client(proxy).ask("GET", "/").body == b"GET /\n"
    for options in [{"sni": "other.example.test", "handshake": False}, {"sni": None, "handshake": False}]:
        client = make_client(proxy, **options)
        with suppress(ssl.SSLError, OSError):
            client.stream.handshake()
            raise AssertionError("a handshake with nobody succeeded")
    assert passed.connection_count == 1


def test_an_upstream_that_is_down_is_a_connection_that_ends(both, make_client):
    proxy, _, passed = both
    proxy.start()
    passed.go_deaf()
    client = make_client(proxy, sni=TUNNELLED, handshake=False)
    with pytest.raises((OSError, ssl.SSLError)):
        client.stream.handshake()
    event = proxy.expect_event("connection-ended", reason="upstream-connect")
    assert event["event.outcome"] == "failure"


def test_resumption_is_the_upstreams_affair(both, make_client, pki):
    proxy, _, passed = both
    context = Client.context(pki, "1.2")
    first = make_client(proxy, sni=TUNNELLED, context=context)
    first.ask("GET", "/", host=TUNNELLED)
    second = make_client(proxy, sni=TUNNELLED, context=context, session=first.tls.session)
    assert second.tls.session_reused is True
    assert second.ask("GET", "/", host=TUNNELLED).status == 200
