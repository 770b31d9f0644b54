"""Clients that vanish, in every phase and in both ways; what they leave behind is cleaned up.

Each scene ends with one ending event that tells reason and phase, and with the
upstream connection released.
"""

import os
import signal
import socket
import ssl
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME
from wire import chunked, lines, reply


def by_reset(client):
    client.reset()


def by_fin(client):
    """The machine lost its process: a FIN without TLS's own farewell."""
    client.stream.sock.shutdown(socket.SHUT_WR)


WAYS = pytest.mark.parametrize(
    "vanish, reason", [(by_reset, "client-reset"), (by_fin, "client-truncated")], ids=["reset", "fin"]
)
HALF_A_HEAD = lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}")


def by_farewell(client):
    """A close_notify where nothing has begun, in clear text as all of a first flight is."""
    client.stream.sock.sendall(b"\x15\x03\x03\x00\x02\x01\x00")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    "vanish, reason",
    [(by_reset, "client-reset"), (by_fin, "tls-closed"), (by_farewell, "tls-closed")],
    ids=["reset", "fin", "farewell"],
)
def test_in_the_handshake(play, version, vanish, reason):
    client = play.client(handshake=False, tls=version)
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    client.stream.sock.sendall(client.stream._out.read())
    assert client.stream.sock.recv(1) == b"\x16", "it was accepted and is answered"
    vanish(client)
    play.event_of(client, "tls-rejected", reason=reason, phase="handshake", ended_by="client")


def test_before_the_first_byte(play):
    """As health checks and port scanners do."""
    client = play.client(clear=True)
    client.finish()
    event = play.event_of(client, "tls-rejected", reason="client-closed", phase="handshake")
    assert event["source.bytes"] == 0


def test_before_it_was_accepted(play):
    """Whoever floods a port with resets is told by his address, too."""
    play.proxy.port()
    worker = play.proxy.children()["worker"]
    os.kill(worker, signal.SIGSTOP)
    client = play.client(clear=True)
    client.reset()
    os.kill(worker, signal.SIGCONT)
    play.event_of(client, "tls-rejected", phase="handshake")


def test_behind_the_handshake(play):
    client = play.client()
    client.close()
    event = play.event_of(client, "connection-ended", outcome="success")
    assert event["postern.requests"] == 0


@WAYS
def test_in_the_middle_of_a_head(play, vanish, reason):
    client = play.client()
    client.send(HALF_A_HEAD)
    vanish(client)
    event = play.event_of(client, "connection-ended", reason=reason, phase="head", ended_by="client")
    assert event["postern.requests"] == 0


def test_in_the_middle_of_a_head_with_a_farewell(play):
    client = play.client()
    client.send(HALF_A_HEAD)
    client.finish()
    client.expect_gone()
    play.event_of(client, "connection-ended", reason="client-closed", phase="head")


@WAYS
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_during_an_upload(play, framing, vanish, reason):
    client = play.client()
    if framing == "length":
        client.send_request("POST", "/", [("Content-Length", "1000")], b"x" * 500)
    else:
        client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], b"1f4\r\n" + b"x" * 500)
    upstream = play.upstream.accept()
    upstream.read_head()
    vanish(client)
    upstream.expect_gone()
    play.event_of(client, "request-forwarded", reason=reason, phase="relay", ended_by="client")
    play.event_of(client, "connection-ended", reason=reason, phase="relay")


def test_during_an_upload_with_a_farewell(play):
    """The body is not complete, so the request is not: the upstream must not take it for one."""
    client = play.client()
    client.send_request("POST", "/", [("Content-Length", "1000")], b"x" * 500)
    upstream = play.upstream.accept()
    upstream.read_head()
    client.finish()
    upstream.expect_gone()
    play.event_of(client, "request-forwarded", reason="client-closed", phase="relay")
    play.event_of(client, "connection-ended", reason="client-closed")


@WAYS
def test_while_it_waits_for_the_answer(play, vanish, reason):
    client = play.client()
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    vanish(client)
    upstream.expect_gone()
    event = play.event_of(client, "request-forwarded", reason=reason, phase="relay", ended_by="client")
    assert "http.response.status_code" not in event
    play.event_of(client, "connection-ended", reason=reason, phase="relay")


@WAYS
def test_in_the_middle_of_a_download(play, vanish, reason):
    client = play.client()
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 200 OK", "Content-Length: 1000", "") + b"x" * 500)
    client.read_head()
    client.read_bytes(500)
    vanish(client)
    upstream.expect_gone()
    event = play.event_of(client, "request-forwarded", reason=reason, phase="relay", status=200)
    assert event["http.response.body.bytes"] == 500


@WAYS
def test_in_the_middle_of_a_download_that_it_does_not_read(play, vanish, reason):
    """Its kernel is full, and so are all of postern's buffers."""
    client = play.client(window=4096)
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.stream.sock.settimeout(0.2)
    upstream.stream.send(lines("HTTP/1.1 200 OK", f"Content-Length: {1 << 30}", ""))
    with suppress(OSError):
        while True:
            upstream.send(b"x" * 65536)
    upstream.stream.sock.settimeout(30)
    vanish(client)
    upstream.expect_gone()
    event = play.event_of(client, "request-forwarded", phase="relay", status=200, ended_by="client")
    assert event["event.reason"] == reason


@WAYS
def test_between_two_requests(stage, vanish, reason):
    client = stage.client()
    client.ask("GET", "/")
    vanish(client)
    event = stage.event_of(client, "connection-ended", phase="head")
    assert event["postern.requests"] == 1
    assert event.get("event.reason") == (reason if vanish is by_reset else None), "a mere FIN is how most leave"


@WAYS
def test_with_requests_still_waiting_behind(play, vanish, reason):
    client = play.client()
    client.send(b"".join(lines(f"GET /{n} HTTP/1.1", f"Host: {PUBLIC_NAME}", "") for n in range(3)))
    upstream = play.upstream.accept()
    upstream.expect_request("GET /0 HTTP/1.1")
    vanish(client)
    upstream.expect_gone()
    play.event_of(client, "request-forwarded", reason=reason, path="/0")
    assert play.event_of(client, "connection-ended")["postern.requests"] == 1


def test_a_client_that_lies_about_its_chunks_is_told_and_nobody_else(stage):
    """The upload is cut off at the upstream as incomplete; the next client meets a fresh connection."""
    client = stage.client()
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], chunked(b"good")[:-5] + b"zz\r\n")
    assert client.read_response().status == 400
    assert stage.upstream.requests == []
    assert stage.client().ask("POST", "/", body=b"next").body == b"next"


def test_a_client_that_sends_on_behind_its_last_request_gets_its_answer(play):
    """What it sends is read and thrown away: a reset would take the answer with it (RFC 9112, 9.6)."""
    client = play.client()
    client.send_request("GET", "/", [("Connection", "close")])
    client.send(b"y" * 300_000)
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(reply(200, b"x" * 100_000))
    assert client.read_response().body == b"x" * 100_000
    client.expect_end()
    client.close()
    assert play.event_of(client, "connection-ended")["source.bytes"] > 300_000
