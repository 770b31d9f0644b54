"""The first things that must work: a request in, a verified connection on, an answer back."""

import pytest
from actors import INTERNAL_NAME, PUBLIC_NAME
from wire import chunked, lines, reply


def test_a_request_passes_and_its_answer_comes_back(client, upstream, proxy):
    """What the client asks reaches the upstream under its public name, and the answer returns."""
    response = client.ask("GET", "/inbox?folder=1")
    assert response.status == 200
    assert response.body == b"GET /inbox?folder=1\n"
    request = upstream.requests[0]
    assert request.get("Host") == PUBLIC_NAME
    assert request.get("X-Forwarded-For") == "127.0.0.1"
    assert request.get("X-Forwarded-Proto") == "https"
    event = proxy.expect_event("request-forwarded", status=200, path="/inbox")
    assert event["url.domain"] == PUBLIC_NAME


def test_a_body_arrives_as_it_was_sent(client, upstream):
    body = bytes(range(256)) * 40
    response = client.ask("POST", "/send", body=body)
    assert response.status == 200
    assert upstream.requests[0].body == body
    assert response.body == body


def test_the_connection_is_kept_on_both_sides(client, upstream):
    """Many requests, one connection outside, one inside."""
    for number in range(5):
        assert client.ask("GET", f"/{number}").body == f"GET /{number}\n".encode()
    assert upstream.connection_count == 1


def test_pipelined_requests_are_answered_in_order(client):
    client.send(b"".join(lines(f"GET /{n} HTTP/1.1", f"Host: {PUBLIC_NAME}", "") for n in range(4)))
    assert [client.read_response("GET").body for _ in range(4)] == [f"GET /{n}\n".encode() for n in range(4)]


def test_chunked_bodies_pass_both_ways(client, upstream):
    parts = [b"first", b"x" * 5000, b"last"]
    upstream.handler = lambda request: reply(
        200, chunked(*parts, trailers=["Digest: yes"]), [("Transfer-Encoding", "chunked")]
    )
    response = client.ask("POST", "/", [("Transfer-Encoding", "chunked")], chunked(*parts))
    assert upstream.requests[0].body == b"".join(parts)
    assert response.body == b"".join(parts)
    assert response.get("Digest") is None, "a trailer must not become a field of the head"


def test_an_error_of_the_upstream_is_passed_on(client, upstream, proxy):
    upstream.handler = lambda request: reply(404, b"no such mail", [("X-Own", "1")])
    response = client.ask("GET", "/nothing")
    assert (response.status, response.body, response.get("X-Own")) == (404, b"no such mail", "1")
    proxy.expect_event("request-forwarded", status=404)


def test_a_head_request_has_no_body(client):
    assert client.ask("HEAD", "/").body == b""
    assert client.ask("GET", "/after").body == b"GET /after\n"


def test_the_upstream_is_asked_for_by_its_name(make_client, make_upstream, make_proxy):
    """SNI inside is the server's own name, so that a front-end with many names answers."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.upstream["servers"] = [f"https://localhost:{upstream.port}"]
    del proxy.upstream["verify"]["name"]
    client = make_client(proxy)
    client.send_request()
    connection = upstream.accept()
    connection.expect_request("GET / HTTP/1.1")
    assert connection.server_name == "localhost"
    connection.send(reply(204))
    assert client.read_response().status == 204


def test_clear_text_on_a_tls_port_is_refused(make_client, upstream, proxy):
    """An alert and the end: never a page, never a redirect."""
    client = make_client(clear=True)
    client.send(lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", ""))
    answer = client.read_some()
    assert answer == b"" or (answer[0] == 0x15 and len(answer) == 7), "a TLS alert and nothing else"
    client.expect_gone()
    proxy.expect_event("clear-text", reason="tls-clear-text")
    assert upstream.requests == []


def test_an_unknown_server_name_is_refused(make_client, proxy):
    client = make_client(sni="other.example.test", handshake=False)
    client.expect_handshake_refused("UNRECOGNIZED_NAME")
    proxy.expect_event("tls-rejected", reason="tls-name-unknown")


def test_no_server_name_is_refused_when_there_is_no_default(make_client, proxy):
    client = make_client(sni=None, handshake=False)
    client.expect_handshake_refused("")
    proxy.expect_event("tls-rejected", reason="tls-name-missing")


def test_a_host_that_differs_from_the_server_name_is_misdirected(client, upstream, proxy):
    """421 tells a browser to ask again on a connection of its own (RFC 9110, 15.5.20)."""
    response = client.ask("GET", "/", host="autodiscover.example.test")
    assert response.status == 421
    proxy.expect_event("request-blocked", status=421)
    assert upstream.requests == []


def test_the_http_port_answers_with_a_redirect_and_nothing_else(make_client, upstream, proxy):
    proxy.listener["redirect_http"] = "127.0.0.2:0"
    client = make_client(address="127.0.0.2", clear=True)
    response = client.ask("GET", "/inbox?a=1", host=PUBLIC_NAME)
    assert response.status == 302
    assert response.get("Location") == f"https://{PUBLIC_NAME}:{proxy.port()}/inbox?a=1"
    proxy.expect_event("request-redirected", status=302)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "method, target, status, path",
    [
        # MS-OXDISCO 3.1.5.4: the client looks for a 302 there, and knows no other.
        ("GET", "/Autodiscover/Autodiscover.xml", 302, "/Autodiscover/Autodiscover.xml"),
        ("HEAD", "/owa/", 302, "/owa/"),
        # ews-managed-api 25a393d Autodiscover/Requests/AutodiscoverRequest.cs:59: 301, 302, 303, 307.
        ("POST", "/autodiscover/autodiscover.xml", 307, "/autodiscover/autodiscover.xml"),
        ("PROPFIND", "/SOGo/dav/", 307, "/SOGo/dav/"),
        ("OPTIONS", "*", 307, "/"),
    ],
)
def test_clear_text_is_led_away_by_a_status_that_old_clients_know(
    method, target, status, path, make_client, upstream, proxy
):
    """And it is never asked for a password, whatever it brought."""
    proxy.listener.update(redirect_http="127.0.0.2:0", public_port=444)
    client = make_client(address="127.0.0.2", clear=True)
    fields = [("Authorization", "Basic a2ltOnNlY3JldA==")]
    response = client.ask(method, target, fields, body=b"x" if method == "POST" else None, host=f"{PUBLIC_NAME}:80")
    assert (response.status, response.get("Location")) == (status, f"https://{PUBLIC_NAME}:444{path}")
    assert response.get("WWW-Authenticate") is None
    proxy.expect_event("request-redirected", status=status, method=method)
    assert upstream.requests == []


@pytest.mark.parametrize(
    "certificate, reason",
    [
        ("internal-expired", "upstream-certificate-expired"),
        ("internal-notyet", "upstream-certificate-early"),
        ("internal-wrongname", "upstream-certificate-name"),
        ("internal-selfsigned", "upstream-certificate-chain"),
        ("internal-nochain", "upstream-certificate-chain"),
        ("internal-clienteku", "upstream-certificate-purpose"),
        ("internal-rsa1024", "upstream-certificate-weak"),
        ("rogue-server", "upstream-certificate-chain"),
    ],
)
def test_an_upstream_that_cannot_prove_itself_gets_nothing(
    certificate, reason, make_upstream, make_proxy, make_client
):
    upstream = make_upstream(certificate=certificate)
    proxy = make_proxy(upstream)
    response = make_client(proxy).ask("GET", "/secret")
    assert response.status == 502
    proxy.expect_event("request-forwarded", status=502, reason=reason)
    assert upstream.requests == [], f"{INTERNAL_NAME} was not proven and yet spoken to"


def test_a_worker_that_dies_is_replaced_and_the_port_stays_open(make_client, proxy):
    make_client().ask("GET", "/")
    port = proxy.port()
    worker = next(pid for role, pid in proxy.children().items() if role.startswith("worker"))
    proxy.clients.clear()  # the connections of a killed worker have no ending
    proxy.kill(worker)
    proxy.expect_event("process-lost")
    assert make_client().ask("GET", "/again").body == b"GET /again\n"
    assert proxy.port() == port
