"""Whatever goes wrong inside, the client gets one honest answer, or sees that it got none."""

import os
import random
import socket
from contextlib import suppress

import pytest
from actors import INTERNAL_NAME, until
from wire import DEADLINE, Truncated, chunked, lines, reply

HEAD = lines("HTTP/1.1 200 OK", "Content-Type: text/plain")
LENGTH_100 = HEAD + lines("Content-Length: 100", "")
CHUNKED = HEAD + lines("Transfer-Encoding: chunked", "")


# Heads of the largest size.
WIDE = {"head": "256KiB", "field_value": "256KiB"}


@pytest.fixture
def played(make_upstream):
    """An upstream whose part the scene plays itself."""
    return make_upstream(handler=None)


@pytest.fixture
def proxy(make_proxy, played):
    return make_proxy(played)


def receive(client, upstream):
    """The client asks, with a method that is never repeated; the upstream has read it all."""
    client.send_request("POST", "/", body=b"once")
    connection = upstream.accept()
    assert connection.expect_request().body == b"once"
    return connection


BEFORE_THE_HEAD_IS_WHOLE = {
    "closes": (lambda c: c.close(), "upstream-closed"),
    "resets": (lambda c: c.reset(), "upstream-reset"),
    "closes in the status line": (lambda c: (c.send(b"HTTP/1.1 20"), c.close()), "upstream-truncated"),
    "closes in the head": (lambda c: (c.send(HEAD), c.close()), "upstream-truncated"),
    "resets in the head": (lambda c: (c.send(HEAD), c.reset()), "upstream-truncated"),
    "speaks no HTTP": (lambda c: c.send(b"220 mail.internal ESMTP\r\n\r\n"), "upstream-malformed"),
    "sends bytes at random": (lambda c: c.send(random.Random(5).randbytes(4096)), "upstream-malformed"),
    "speaks HTTP/0.9": (lambda c: (c.send(b"<html>hello</html>\r\n\r\n"), c.close()), "upstream-malformed"),
    "sends two lengths": (
        lambda c: c.send(HEAD + lines("Content-Length: 3", "Content-Length: 4", "") + b"abc"),
        "upstream-malformed",
    ),
    "sends length and chunks": (
        lambda c: c.send(HEAD + lines("Content-Length: 3", "Transfer-Encoding: chunked", "") + chunked(b"abc")),
        "upstream-malformed",
    ),
    "switches protocols unasked": (
        lambda c: c.send(lines("HTTP/1.1 101 Switching", "Connection: upgrade", "Upgrade: websocket", "")),
        "upstream-upgrade",
    ),
}


@pytest.mark.parametrize("fault", BEFORE_THE_HEAD_IS_WHOLE)
def test_an_upstream_that_fails_before_its_answer_is_a_502(fault, played, proxy, make_client):
    act, reason = BEFORE_THE_HEAD_IS_WHOLE[fault]
    client = make_client()
    act(receive(client, played))
    response = client.read_response()
    assert response.status == 502
    event = proxy.expect_event("request-forwarded", status=502)
    assert (event["event.reason"], event["postern.ended_by"]) == (reason, "upstream")
    assert event["event.outcome"] == "failure"
    assert event["event.id"].encode() in response.body, "the page names the request for the log"
    assert played.connection_count == 1


@pytest.mark.parametrize("size", [1000, 40_000])
def test_a_head_as_large_as_those_of_clients_may_be_passes(size, played, make_client):
    """More than any queue of a body: cookies and tickets of Windows make long heads."""
    client = make_client()
    receive(client, played).send(reply(200, b"fine", [("X-Long", "x" * size), ("X-Too", "y" * (size // 2))]))
    response = client.read_response()
    assert (len(response.get("X-Long")), response.body) == (size, b"fine")


@pytest.mark.parametrize(
    "line, reason",
    [
        pytest.param(b"X-Endless: 1234567890\r\n", "upstream-field-count", id="fields"),
        pytest.param(b"x", "upstream-field-long", id="one field"),
    ],
)
def test_a_head_without_end_is_cut_off(line, reason, played, proxy, make_client):
    client = make_client()
    connection = receive(client, played)
    connection.send(HEAD)
    with suppress(OSError):
        connection.send(line * ((1 << 20) // len(line)))
    assert client.read_response().status == 502
    proxy.expect_event("request-forwarded", reason=reason)


@pytest.mark.parametrize("limits, count, cookies", [({"head": "64KiB"}, 8, ["x" * 600] * 98), (WIDE, 3, ["x" * 250 * 1024])])
def test_interim_answers_give_their_memory_back(limits, count, cookies, played, proxy, make_client):
    """Each head of the largest size has the same room, however many came before it."""
    proxy.published["limits"] = limits
    client = make_client(tls="1.3")
    client.send_request("GET", "/", [("Cookie", "; ".join(["a=b"] * 3000))])
    connection = played.accept()
    connection.expect_request()
    fields = [f"Set-Cookie: {cookie}" for cookie in cookies]
    for _ in range(count):
        connection.send(lines("HTTP/1.1 103 Early Hints", *fields, ""))
    connection.send(lines("HTTP/1.1 200 OK", "Content-Length: 4", *fields, "") + b"fine")
    response = client.read_response()
    assert ([interim.status for interim in response.interims], response.body) == ([103] * count, b"fine")
    assert response.all("Set-Cookie") == [f"{cookie}; Secure" for cookie in cookies]


def test_interim_answers_without_end_are_cut_off(played, proxy, make_client):
    client = make_client()
    connection = receive(client, played)
    with pytest.raises(OSError):
        while True:
            connection.send(lines("HTTP/1.1 102 Processing", "") * 100)
    with pytest.raises((AssertionError, OSError)):
        response = client.read_response()
        assert response.status == 200
    proxy.expect_event("request-forwarded", reason="upstream-interim")


# What the upstream has sent when it goes, and how it goes. The client must see a cut.
IN_THE_BODY = {
    "close in a length": (LENGTH_100 + b"x" * 99, "close"),
    "reset in a length": (LENGTH_100 + b"x" * 50, "reset"),
    "close before the body": (LENGTH_100, "close"),
    "close in a chunk": (CHUNKED + b"20\r\n" + b"x" * 31, "close"),
    "close between chunks": (CHUNKED + b"5\r\nhello\r\n", "close"),
    "close before the last line": (CHUNKED + b"5\r\nhello\r\n0\r\n", "close"),
    "reset between chunks": (CHUNKED + b"5\r\nhello\r\n", "reset"),
    "reset in a body until the end": (HEAD + lines("Connection: close", "") + b"hello", "reset"),
}


@pytest.mark.parametrize("fault", IN_THE_BODY)
def test_a_body_that_breaks_off_never_looks_complete(fault, played, proxy, make_client):
    data, how = IN_THE_BODY[fault]
    client = make_client()
    connection = receive(client, played)
    connection.send(data)
    getattr(connection, how)()
    with pytest.raises((Truncated, ConnectionResetError)):
        client.read_response()
    event = proxy.expect_event("request-forwarded", reason="upstream-truncated")
    assert event["postern.phase"] == "relay"


def test_an_old_client_sees_the_cut_too(played, proxy, make_client):
    """HTTP/1.0 knows no chunks: only the missing close_notify tells that something is missing."""
    client = make_client()
    client.send(lines("POST / HTTP/1.0", "Host: mail.example.test", "Content-Length: 0", ""))
    connection = played.accept()
    connection.expect_request()
    connection.send(CHUNKED + b"5\r\nhello\r\n")
    connection.close()
    with pytest.raises((Truncated, ConnectionResetError)):
        client.read_response()
    proxy.expect_event("request-forwarded", reason="upstream-truncated")


def test_a_body_until_the_end_is_complete_only_with_a_tls_close(played, proxy, make_client):
    """A FIN can be forged by anybody on the way; a close_notify cannot (RFC 9112, 9.8)."""
    client = make_client()
    connection = receive(client, played)
    connection.send(HEAD + b"\r\n" + b"all of it")
    connection.close()  # with close_notify
    response = client.read_response()
    assert response.body == b"all of it"

    client = make_client()
    connection = receive(client, played)
    connection.send(HEAD + b"\r\n" + b"part of it")
    connection.stream.sock.shutdown(socket.SHUT_WR)  # without
    with pytest.raises((Truncated, ConnectionResetError)):
        client.read_response()
    proxy.expect_event("request-forwarded", reason="upstream-truncated")


@pytest.mark.parametrize("bad", [b"zz\r\n", b"5\r\nhelloX\r\n", b"5;" + b"x" * 70000], ids=["size", "data", "extension"])
def test_a_chunk_that_is_malformed_cuts_the_answer(bad, played, proxy, make_client):
    client = make_client()
    connection = receive(client, played)
    connection.send(CHUNKED + b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n")
    client.read_bytes(100_000)  # under way: an answer of our own is not possible any more
    with suppress(OSError):
        connection.send(bad)
    with pytest.raises((Truncated, ConnectionResetError)):
        while client.read_some():
            pass
    proxy.expect_event("request-forwarded", reason="upstream-malformed")


def test_what_comes_after_the_promised_length_is_not_passed_on(played, make_client):
    """Else it would be the beginning of the answer to somebody's next request."""
    client = make_client()
    connection = receive(client, played)
    connection.send(HEAD + lines("Content-Length: 5", "") + b"helloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert client.read_response().body == b"hello"
    connection.expect_gone()
    client.send_request("GET", "/next")
    connection = played.accept()
    connection.expect_request("GET /next HTTP/1.1")
    connection.send(reply(200, b"good"))
    assert client.read_response().body == b"good"


# --- waiting


def test_an_upstream_that_never_answers_is_a_504(played, proxy, make_client):
    proxy.published["idle"] = "200ms"
    client = make_client()
    connection = receive(client, played)
    assert client.read_response().status == 504
    proxy.expect_event("request-forwarded", status=504, reason="upstream-timeout")
    connection.expect_gone()


def test_an_upstream_that_stalls_in_its_answer_cuts_it(played, proxy, make_client):
    proxy.published["idle"] = "1s"
    client = make_client()
    receive(client, played).send(LENGTH_100 + b"x" * 10)
    with pytest.raises((Truncated, ConnectionResetError)):
        client.read_response()
    proxy.expect_event("request-forwarded", reason="upstream-stalled")


def test_an_upstream_that_stalls_in_its_head_is_a_504(played, proxy, make_client):
    proxy.published["idle"] = "1s"
    client = make_client()
    receive(client, played).send(HEAD)
    assert client.read_response().status == 504
    proxy.expect_event("request-forwarded", reason="upstream-timeout")


def test_a_head_that_drips_has_no_more_time(played, proxy, make_client):
    """Bytes of a head that is not complete are no progress: a byte a minute would do for months."""
    proxy.published["idle"] = "300ms"
    client = make_client()
    connection = receive(client, played)
    connection.send(HEAD + b"X: ")
    with suppress(OSError):
        for _ in range(1000):
            if not client.is_quiet():
                break
            connection.send(b"x")
    assert client.read_response().status == 504
    proxy.expect_event("request-forwarded", reason="upstream-timeout")
    connection.expect_gone()


def test_trailers_without_end_cut_the_answer(played, proxy, make_client):
    client = make_client()
    connection = receive(client, played)
    connection.send(CHUNKED + b"5\r\nhello\r\n0\r\n")
    with suppress(OSError):
        connection.send(b"X-Endless: 1234567890\r\n" * ((1 << 20) // 23))
    with pytest.raises((Truncated, ConnectionResetError)):
        client.read_response()
    proxy.expect_event("request-forwarded", reason="upstream-malformed")


@pytest.mark.parametrize("how, reason", [("close", "upstream-closed"), ("reset", "upstream-reset")])
def test_an_upstream_that_goes_in_the_middle_of_an_upload_is_a_502(how, reason, played, proxy, make_client):
    client = make_client()
    client.send_request("POST", "/up", [("Content-Length", str(1 << 20))], b"x" * 20000)
    connection = played.accept()
    connection.read_bytes(10000)
    getattr(connection, how)()
    assert client.read_response().status == 502
    event = proxy.expect_event("request-forwarded", path="/up")
    assert event["event.reason"] in (reason, "upstream-reset"), "what was unread at its end is a reset to TCP"


def test_the_patience_of_a_route_is_its_own(played, proxy, make_client):
    """A poll may hang for an hour where a page may not."""
    proxy.published["idle"] = "200ms"
    proxy.published["routes"] = {"/poll": {"idle": "1h"}}
    poll, page = make_client(), make_client()
    poll.send_request("POST", "/poll", body=b"wait")
    hanging = played.accept()
    hanging.expect_request()
    page.send_request("POST", "/page", body=b"now")
    played.accept().expect_request()
    assert page.read_response().status == 504
    hanging.send(reply(200, b"new mail"))
    assert poll.read_response().body == b"new mail"


def test_each_byte_starts_the_patience_anew(played, proxy, make_client):
    """Silence is what is measured, not duration: this answer takes longer than the budget."""
    proxy.published["idle"] = "2s"
    client = make_client()
    connection = receive(client, played)
    connection.send(CHUNKED)
    began = connection.stream.sock  # something to wait on that never comes
    for _ in range(12):
        began.settimeout(0.25)
        with pytest.raises(TimeoutError):
            began.recv(1)
        began.settimeout(DEADLINE)
        connection.send(b"1\r\nx\r\n")
    connection.send(b"0\r\n\r\n")
    assert client.read_response().body == b"x" * 12


@pytest.fixture
def silent():
    """Accepts connections, as the kernel does for it, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_an_upstream_that_hangs_in_the_tls_handshake_is_a_504(silent, proxy, make_client):
    proxy.upstream.update(servers=f"https://127.0.0.1:{silent.getsockname()[1]}", connect="200ms")
    assert make_client().ask("POST", "/", body=b"x").status == 504
    event = proxy.expect_event("request-forwarded", reason="upstream-connect-timeout")
    assert event["postern.phase"] == "dial"


def test_an_upstream_that_does_not_even_accept_is_a_504(proxy, make_client):
    """Its backlog is full: the kernel drops what would be the connection's first packet."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        address, queue = listening.getsockname(), []
        while True:
            queue.append(socket.socket())
            queue[-1].settimeout(0.2)
            try:
                queue[-1].connect(address)
            except TimeoutError:
                break
        proxy.upstream.update(servers=f"https://127.0.0.1:{address[1]}", connect="200ms")
        assert make_client().ask("POST", "/", body=b"x").status == 504
        for waiting in queue:
            waiting.close()
    proxy.expect_event("request-forwarded", reason="upstream-connect-timeout")


def test_an_upstream_that_speaks_no_tls_is_a_502(make_upstream, proxy, make_client):
    plain = make_upstream(handler=None, clear=True)
    proxy.upstream["servers"] = f"https://127.0.0.1:{plain.port}"
    client = make_client()
    client.send_request("POST", "/", body=b"x")
    plain.accept().send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert client.read_response().status == 502
    proxy.expect_event("request-forwarded", reason="upstream-tls")


# TLS records in clear text, as a server's first bytes may be.
GOODBYE = b"\x15\x03\x03\x00\x02\x01\x00"
DENIED = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure
IN_THE_HANDSHAKE = {
    "ends": (lambda c: c.close(), "upstream-tls-closed"),
    "resets": (lambda c: c.reset(), "upstream-reset"),
    "says goodbye": (lambda c: c.send(GOODBYE), "upstream-tls-closed"),
    "says goodbye and ends": (lambda c: (c.send(GOODBYE), c.close()), "upstream-tls-closed"),
    "ends in a record": (lambda c: (c.send(b"\x16\x03\x03\x00\x7a\x02"), c.close()), "upstream-tls-closed"),
    "refuses": (lambda c: c.send(DENIED), "upstream-tls"),
    "sends bytes at random": (lambda c: c.send(random.Random(6).randbytes(4096)), "upstream-tls"),
}


@pytest.mark.parametrize("fault", IN_THE_HANDSHAKE)
def test_an_upstream_that_fails_in_the_tls_handshake_is_a_502(fault, make_upstream, proxy, make_client):
    """Each with a cause: a goodbye in the handshake once was none, and the answer an empty success."""
    act, reason = IN_THE_HANDSHAKE[fault]
    plain = make_upstream(handler=None, clear=True)
    proxy.upstream["servers"] = f"https://127.0.0.1:{plain.port}"
    client = make_client()
    client.send_request("GET", "/")
    connection = plain.accept()
    assert connection.read_bytes(1) == b"\x16"
    act(connection)
    assert client.read_response().status == 502
    event = proxy.expect_event("request-forwarded", reason=reason, status=502)
    assert (event["postern.phase"], event["event.outcome"]) == ("dial", "failure")


def test_an_upstream_that_refuses_connections_is_a_502(played, proxy, make_client):
    played.go_deaf()
    assert make_client().ask("POST", "/", body=b"x").status == 502
    event = proxy.expect_event("request-forwarded", reason="upstream-connect")
    assert "refused" in event["error.message"]


# --- afterwards


def test_after_an_answer_and_an_end_the_next_request_gets_a_new_connection(played, make_client):
    client = make_client()
    for number in range(3):
        client.send_request("GET", f"/{number}")
        connection = played.accept()
        connection.expect_request(f"GET /{number} HTTP/1.1")
        connection.send(reply(200, b"fine"))
        connection.close()
        assert client.read_response().body == b"fine"
    assert played.connection_count == 3


def test_the_clients_connection_survives_a_refusal_that_is_not_its_fault(played, proxy, make_client):
    """One bad answer inside is no reason to make the browser dial again, or it is told so."""
    client = make_client()
    receive(client, played).close()
    response = client.read_response()
    assert response.status == 502
    if response.get("Connection") == "close":
        client.expect_end()
    else:
        receive(client, played).send(reply(204))
        assert client.read_response().status == 204


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.fixture
def worker(proxy):
    proxy.port()
    return proxy.children()["worker"]


def test_a_hundred_aborted_downloads_leave_nothing_behind(played, proxy, worker, make_client):
    before = descriptors(worker)
    for _ in range(100):
        client = make_client()
        connection = receive(client, played)
        connection.send(HEAD + lines(f"Content-Length: {1 << 30}", "") + b"x" * 20000)
        client.read_bytes(10000)
        client.reset()
        connection.expect_gone()
    until(lambda: descriptors(worker) == before, "the descriptors of the downloads")
    until(lambda: len(proxy.events("request-forwarded")) == 100, "an event for each")


def test_a_hundred_aborted_uploads_leave_nothing_behind(played, proxy, worker, make_client):
    before = descriptors(worker)
    for _ in range(100):
        client = make_client()
        client.send_request("POST", "/up", [("Content-Length", str(1 << 20))], b"x" * 20000)
        connection = played.accept()
        connection.read_bytes(10000)
        client.reset()
        connection.expect_gone()
    until(lambda: descriptors(worker) == before, "the descriptors of the uploads")
    until(lambda: len(proxy.events("request-forwarded")) == 100, "an event for each")
    for event in proxy.events("request-forwarded"):
        assert event["postern.ended_by"] == "client"


def test_a_request_that_the_client_gave_up_ends_inside_too(played, proxy, make_client):
    """Nobody waits for the answer any more: the server must not go on working for nobody."""
    client = make_client()
    connection = receive(client, played)
    client.reset()
    connection.expect_gone()
    proxy.expect_event("request-forwarded", reason="client-reset")


def test_the_verified_name_is_not_told_to_the_client(played, make_client):
    """An error page is for strangers: no internal name, no address, no reason of the kernel's."""
    played.go_deaf()
    response = make_client().ask("GET", "/")
    for secret in (INTERNAL_NAME, "127.0.0.1", str(played.port), "refused"):
        assert secret.encode() not in response.raw
