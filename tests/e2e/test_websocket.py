"""A tunnel exists only where it was allowed, asked for, and agreed to by the upstream."""

import socket
import ssl
import threading
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME
from wire import Truncated, lines, reply

HANDSHAKE = [
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "chat"),
]
AGREED = lines(
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "",
)


def configure(proxy):
    proxy.published["routes"] = {"/ws": {"websocket": True}, "/ws-brief": {"websocket": True, "idle": "1s"}}


def tunnel(play, path="/ws", **options):
    client = play.client(**options)
    client.send_request("GET", path, HANDSHAKE)
    upstream = play.upstream.accept()
    request = upstream.expect_request()
    upstream.send(AGREED)
    response = client.read_response()
    return client, upstream, request, response


def test_where_it_is_allowed_the_handshake_passes_and_then_all_bytes(play):
    client, upstream, request, response = tunnel(play)
    assert (request.get("Connection"), request.get("Upgrade")) == ("Upgrade", "websocket")
    assert request.get("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ=="
    assert request.get("Sec-WebSocket-Protocol") == "chat"
    assert response.status == 101
    assert (response.get("Connection"), response.get("Upgrade")) == ("Upgrade", "websocket")
    assert response.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    for data in [b"\x81\x05hello", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 300]:
        client.send(data)
        assert upstream.read_bytes(len(data)) == data
        upstream.send(data[::-1])
        assert client.read_bytes(len(data)) == data[::-1]


def test_what_the_client_still_says_passes_after_the_upstream_closed_its_half(play):
    """A close_notify ends one direction (RFC 8446, 6.1), as a FIN does (RFC 9293, 3.6)."""
    client, upstream, _, _ = tunnel(play, tls="1.3")
    upstream.send(b"the last word")
    half_close(upstream.stream)
    assert client.read_bytes(13) == b"the last word"
    rest = bytes(range(256)) * 5200
    sender = threading.Thread(target=client.send, args=(rest,))
    sender.start()
    assert upstream.read_bytes(len(rest)) == rest
    sender.join()
    client.expect_end()
    client.close()
    play.event_of(client, "connection-ended", outcome="success")


def half_close(stream):
    """close_notify, and reading goes on: python's unwrap() would not read any more."""
    with suppress(ssl.SSLError):
        stream.close_notify()
    stream.sock.shutdown(socket.SHUT_WR)


def test_bytes_behind_the_handshake_wait_for_the_101(play):
    client = play.client()
    head = lines("GET /ws HTTP/1.1", f"Host: {PUBLIC_NAME}", *(f"{name}: {value}" for name, value in HANDSHAKE), "")
    client.send(head + b"early frame")
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(AGREED + b"early answer")
    assert client.read_response("GET").status == 101
    assert upstream.read_bytes(11) == b"early frame"
    assert client.read_bytes(12) == b"early answer"


def test_bytes_behind_a_refused_handshake_are_a_request_like_any_other(play):
    """Nobody gets a tunnel by pretending that there is one."""
    client = play.client()
    head = lines("GET /ws HTTP/1.1", f"Host: {PUBLIC_NAME}", *(f"{name}: {value}" for name, value in HANDSHAKE), "")
    client.send(head + lines("GET /../../x HTTP/1.1", f"Host: {PUBLIC_NAME}", ""))
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(reply(426, b"no"))
    assert client.read_response("GET").status == 426
    assert client.read_response("GET").status == 400
    play.event_of(client, "request-blocked", reason="url-climbs")


def test_where_it_is_not_allowed_it_is_an_ordinary_request(play):
    client = play.client()
    client.send_request("GET", "/", HANDSHAKE)
    upstream = play.upstream.accept()
    request = upstream.expect_request()
    assert (request.get("Connection"), request.get("Upgrade")) == (None, None)
    upstream.send(reply(200, b"an ordinary answer"))
    assert client.read_response().body == b"an ordinary answer"


@pytest.mark.parametrize(
    "path, fields, answer",
    [
        ("/", HANDSHAKE, AGREED),
        ("/ws", [], AGREED),
        ("/ws", HANDSHAKE, lines("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c", "")),
        ("/ws", HANDSHAKE, lines("HTTP/1.1 101 Switching Protocols", "")),
        ("/ws", [("Connection", "Upgrade"), ("Upgrade", "h2c")], AGREED),
    ],
    ids=["not-allowed", "not-asked-for", "to-something-else", "to-nothing", "asked-for-something-else"],
)
def test_an_upstream_that_switches_unasked_is_cut_off(play, path, fields, answer):
    client = play.client()
    client.send_request("GET", path, fields)
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(answer + b"in the tunnel")
    response = client.read_response()
    assert response.status == 502
    assert b"tunnel" not in response.raw
    play.event_of(client, "request-forwarded", reason="upstream-upgrade", status=502)
    upstream.expect_gone()


@pytest.mark.parametrize(
    "fields",
    [
        [field for field in HANDSHAKE if field[0] != "Sec-WebSocket-Key"],
        [field for field in HANDSHAKE if field[0] != "Connection"],
        [*HANDSHAKE[:1], ("Upgrade", "websocket, h2c"), *HANDSHAKE[2:]],
        [*HANDSHAKE[:3], ("Sec-WebSocket-Version", "8")],
        [*HANDSHAKE, ("Content-Length", "5")],
    ],
    ids=["no-key", "no-connection", "two-protocols", "old-version", "with-a-body"],
)
def test_half_a_handshake_is_an_ordinary_request(play, fields):
    """Public smuggling tools send such; proxies that believe them open a tunnel to nowhere."""
    client = play.client()
    client.send_request("GET", "/ws", fields, b"hello" if ("Content-Length", "5") in fields else None)
    upstream = play.upstream.accept()
    request = upstream.expect_request()
    assert (request.get("Connection"), request.get("Upgrade")) == (None, None)
    upstream.send(reply(200, b"ordinary"))
    assert client.read_response().body == b"ordinary"


def test_the_end_of_the_client_reaches_the_upstream(play):
    client, upstream, *_ = tunnel(play)
    client.send(b"last words")
    client.finish()
    assert upstream.read_bytes(10) == b"last words"
    upstream.expect_end()
    upstream.send(b"goodbye")
    upstream.finish()
    assert client.read_bytes(7) == b"goodbye"
    client.expect_end()
    play.event_of(client, "request-forwarded", status=101, outcome="success")


def test_the_end_of_the_upstream_reaches_the_client(play):
    client, upstream, *_ = tunnel(play)
    upstream.send(b"last words")
    upstream.finish()
    assert client.read_bytes(10) == b"last words"
    client.expect_end()
    client.close()
    event = play.event_of(client, "request-forwarded", status=101, outcome="success")
    assert event["http.response.body.bytes"] == 10


@pytest.mark.parametrize("who", ["client", "upstream"])
def test_a_reset_on_one_side_ends_the_other(play, who):
    client, upstream, *_ = tunnel(play)
    if who == "client":
        client.reset()
        upstream.expect_gone()
        play.event_of(client, "request-forwarded", status=101, reason="client-reset")
    else:
        upstream.reset()
        with pytest.raises((Truncated, ConnectionError)):
            while client.read_some():
                pass
        play.event_of(client, "request-forwarded", status=101, ended_by="upstream")


def test_a_tunnel_without_a_byte_ends_when_its_patience_does(play):
    client, upstream, *_ = tunnel(play, "/ws-brief")
    upstream.expect_gone()
    client.expect_gone()
    event = play.event_of(client, "request-forwarded", status=101, reason="upstream-stalled")
    assert event["event.duration"] >= 990_000_000


def test_a_tunnel_belongs_to_one_client(stage):
    """What carried a tunnel never carries a request again, on either side."""
    stage.upstream.handler = lambda request: AGREED if request.get("Upgrade") else reply(200, b"fresh")
    client = stage.client()
    connections = stage.upstream.connection_count
    client.send_request("GET", "/ws", HANDSHAKE)
    assert client.read_response().status == 101
    assert stage.client().ask("GET", "/").body == b"fresh"
    assert stage.upstream.connection_count >= connections + 1
    client.finish()
