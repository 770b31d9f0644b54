"""An upstream is believed no more than a client: what it says wrongly is a 502.

The connection that it came on is never used again, and nothing that stands on it
beyond one answer is ever given to anybody.
"""

import threading

import pytest
from actors import PUBLIC_NAME, until
from wire import Truncated, chunked, lines, reply

OK = "HTTP/1.1 200 OK"
POISON = reply(200, b"poison")
TE = "Transfer-Encoding: chunked"
RECORD = 16384

BAD = {
    "cl-te": lines(OK, "Content-Length: 5", TE, "") + b"0\r\n\r\n",
    "cl-cl": lines(OK, "Content-Length: 5", "Content-Length: 6", "") + b"hello",
    "cl-cl-equal": lines(OK, "Content-Length: 5", "Content-Length: 5", "") + b"hello",
    "cl-list": lines(OK, "Content-Length: 5, 5", "") + b"hello",
    "cl-minus": lines(OK, "Content-Length: -5", "") + b"hello",
    "cl-overflow": lines(OK, "Content-Length: 18446744073709551621", "") + b"hello",
    "te-twice": lines(OK, TE, TE, "") + b"0\r\n\r\n",
    "te-gzip": lines(OK, "Transfer-Encoding: gzip, chunked", "") + b"0\r\n\r\n",
    "te-xchunked": lines(OK, "Transfer-Encoding: xchunked", "") + b"0\r\n\r\n",
    "te-empty": lines(OK, "Transfer-Encoding:", ""),
    "te-1.0": lines("HTTP/1.0 200 OK", TE, "") + b"0\r\n\r\n",
    "status-2-digits": lines("HTTP/1.1 20 OK", "Content-Length: 0", ""),
    "status-099": lines("HTTP/1.1 099 OK", "Content-Length: 0", ""),
    "status-999": lines("HTTP/1.1 999 OK", "Content-Length: 0", ""),
    "status-missing": lines("HTTP/1.1", "Content-Length: 0", ""),
    "version-2.0": lines("HTTP/2.0 200 OK", "Content-Length: 0", ""),
    "http-0.9": b"<html>hello</html>\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "reason-nul": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "reason-lf": b"HTTP/1.1 200 OK\nSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n",
    "header-injection-lf": lines(OK, "Location: /x\nSet-Cookie: evil=1", "Content-Length: 0", ""),
    "header-injection-cr": lines(OK, "Location: /x\rSet-Cookie: evil=1", "Content-Length: 0", ""),
    "value-nul": lines(OK, "X: a\0b", "Content-Length: 0", ""),
    "value-escape": lines(OK, "X: \x1b[31m", "Content-Length: 0", ""),
    "folded": lines(OK, "X: a", " b", "Content-Length: 0", ""),
    "name-empty": lines(OK, ": a", "Content-Length: 0", ""),
    "location-twice": lines("HTTP/1.1 302 Found", "Location: /a", "Location: /b", "Content-Length: 0", ""),
    "204-length": lines("HTTP/1.1 204 No Content", "Content-Length: 5", "") + b"hello",
    "204-chunked": lines("HTTP/1.1 204 No Content", TE, "") + b"0\r\n\r\n",
    "100-length": lines("HTTP/1.1 100 Continue", "Content-Length: 5", "") + b"hello" + reply(200, b"x"),
    "fields-many": lines(OK, *["X: a"] * 101, "Content-Length: 0", ""),
    "field-long": lines(OK, "X: " + "a" * 60000, "Content-Length: 0", ""),
    "head-endless": lines(OK, "X: " + "a" * 40000) + lines("Y: " + "b" * 40000),
    "line-endless": b"HTTP/1.1 200 " + b"a" * 100_000,
}

# Which of these are bounds of ours: the log says so, and which.
LIMITS = {
    "fields-many": "upstream-field-count",
    "field-long": "upstream-field-long",
    "head-endless": "upstream-head-long",
}

# The head was good and has gone out: the client must see that the rest is missing.
BAD_BODIES = {
    "size-letters": b"xyz\r\n",
    "size-overflow": b"fffffffffffffffff\r\n",
    "lf": b"5\nhello\n0\n\n",
    "data-long": b"2\r\nhello\r\n0\r\n\r\n",
    "trailer-set-cookie": b"5\r\nhello\r\n0\r\nSet-Cookie: evil=1\r\n\r\n",
    "trailer-endless": b"5\r\nhello\r\n0\r\nX: " + b"a" * 20_000,
}

# Correct answers, and something behind them that nobody asked for.
SURPLUS = {
    "second-answer": reply(200, b"first") + POISON,
    "bytes-behind": reply(200, b"first") + b"x",
    "line-end-behind": reply(200, b"first") + b"\r\n",
    "204-with-body": reply(204) + POISON,
    "204-cl-0-with-body": reply(204, b"", [("Content-Length", "0")]) + POISON,
    "304-chunked": lines("HTTP/1.1 304 Not Modified", TE, "") + b"0\r\n\r\n",
    "304-with-body": reply(304, b"", [("Content-Length", "5")]) + b"hello",
    "behind-chunks": reply(200, chunked(b"first"), [("Transfer-Encoding", "chunked")]) + POISON,
    "head-with-body": reply(200, b"", [("Content-Length", str(len(POISON)))]) + POISON,
}


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_breaks_the_rules_is_a_502(stage, name):
    stage.upstream.handler = lambda request: BAD[name]
    client = stage.client()
    client.send_request()
    response = client.read_response()
    assert response.status == 502
    assert b"evil" not in response.raw and b"poison" not in response.raw
    reason = LIMITS.get(name, "upstream-malformed")
    stage.event_of(client, "request-forwarded", reason=reason, ended_by="upstream", status=502)
    # If the same connection were used again, its own echo would stand behind what is left.
    connections = stage.upstream.connection_count
    stage.upstream.handler = lambda request: reply(200, b"good")
    assert stage.client().ask("GET", "/next").body == b"good"
    assert stage.upstream.connection_count == connections + 1


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_breaks_the_rules_is_never_shown_as_complete(stage, name):
    stage.upstream.handler = lambda request: lines(OK, TE, "") + BAD_BODIES[name]
    client = stage.client()
    client.send_request()
    # When head and body come in one piece, the head may not have left yet: then it is a 502.
    try:
        assert client.read_response().status == 502
    except (Truncated, ConnectionError):
        pass
    stage.event_of(client, "request-forwarded", reason="upstream-malformed", outcome="failure")
    connections = stage.upstream.connection_count
    stage.upstream.handler = lambda request: reply(200, b"good")
    assert stage.client().ask("GET", "/next").body == b"good"
    assert stage.upstream.connection_count == connections + 1


@pytest.mark.parametrize("name", SURPLUS)
def test_what_stands_behind_an_answer_is_given_to_nobody(stage, name):
    stage.upstream.handler = lambda request: SURPLUS[name]
    client = stage.client()
    first = client.ask("HEAD" if name.startswith("head") else "GET", "/first")
    assert b"poison" not in first.raw
    connections = stage.upstream.connection_count
    stage.upstream.handler = lambda request: reply(200, b"good")
    assert client.ask("GET", "/next").body == b"good"
    assert stage.client().ask("GET", "/next").body == b"good"
    assert stage.upstream.connection_count == connections + 1, "the connection was used again"


@pytest.mark.parametrize("records", [1, 2, 3, 31, 32, 33, 34])
def test_a_surplus_is_found_wherever_the_buffers_end(make_upstream, make_proxy, make_client, records):
    """The answer ends exactly with a record and a buffer; the surplus waits in the next record."""
    upstream = make_upstream(handler=None)
    client = make_client(make_proxy(upstream), window=4096)
    client.send_request()
    inside = upstream.accept()
    inside.expect_request()
    total = records * RECORD
    head = lines(OK, f"Content-Length: {total - len(lines(OK, f'Content-Length: {total}', ''))}", "")
    body = b"x" * (total - len(head))
    sender = threading.Thread(target=inside.send, args=(head + body + POISON,))
    sender.start()
    assert client.read_response().body == body
    sender.join()
    client.send_request("GET", "/next")
    inside = upstream.accept()
    inside.expect_request("GET /next HTTP/1.1")
    inside.send(reply(200, b"good"))
    assert client.read_response().body == b"good"


def test_a_byte_on_an_idle_connection_closes_it(make_upstream, make_proxy, make_client):
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    client = make_client(proxy)
    client.send_request()
    first = upstream.accept()
    first.expect_request()
    first.send(reply(200, b"first"))
    assert client.read_response().body == b"first"
    first.send(b"H")
    first.expect_gone()
    client.send_request()
    second = upstream.accept()
    second.expect_request()
    second.send(reply(200, b"second"))
    assert client.read_response().body == b"second"


def test_an_idle_connection_that_the_upstream_ends_is_replaced_unseen(make_upstream, make_proxy, make_client):
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    client = make_client(proxy)
    for number in range(3):
        client.send_request("GET", f"/{number}")
        inside = upstream.accept()
        inside.expect_request(f"GET /{number} HTTP/1.1")
        inside.send(reply(200, b"ok"))
        assert client.read_response().status == 200
        inside.finish()
    for number in range(3):
        proxy.expect_event("request-forwarded", path=f"/{number}", status=200, outcome="success")


def test_an_upstream_that_says_close_is_believed(stage):
    stage.upstream.handler = lambda request: reply(200, b"last", [("Connection", "close")])
    client = stage.client()
    connections = stage.upstream.connection_count
    assert client.ask("GET", "/").get("Connection") is None, "its connection, not the client's"
    stage.upstream.handler = lambda request: reply(200, b"good")
    assert client.ask("GET", "/").body == b"good"
    until(lambda: stage.upstream.connection_count >= connections + 1, "a new connection")


def test_a_body_shorter_than_it_said_is_never_shown_as_complete(play):
    for fields, part in [(["Content-Length: 10"], b"half"), ([TE], b"4\r\nhalf\r\n")]:
        client = play.client()
        client.send_request()
        inside = play.upstream.accept()
        inside.expect_request()
        inside.send(lines(OK, *fields, "") + part)
        assert client.read_head().status == 200
        inside.finish()
        with pytest.raises((Truncated, ConnectionError)):
            while client.read_some():
                pass
        play.event_of(client, "request-forwarded", reason="upstream-truncated", status=200, outcome="failure")


def test_an_upstream_that_vanishes_in_the_middle_of_an_endless_body_is_no_end(play):
    """A body until close needs a close_notify (RFC 9112, 9.8): a mere FIN is a truncation."""
    client = play.client()
    client.send_request()
    inside = play.upstream.accept()
    inside.expect_request()
    inside.send(lines(OK, "") + b"until the")
    assert client.read_head().get("Transfer-Encoding") == "chunked"
    inside.stream.sock.shutdown(1)
    with pytest.raises((Truncated, ConnectionError)):
        while client.read_some():
            pass
    play.event_of(client, "request-forwarded", reason="upstream-truncated")


def test_a_request_is_not_spoken_for_by_an_answer_to_another(play):
    """Two clients at once, answered in the opposite order."""
    clients = [play.client(), play.client()]
    inside = []
    for number, client in enumerate(clients):
        client.send_request("GET", f"/{number}")
        inside.append(play.upstream.accept())
        inside[-1].expect_request(f"GET /{number} HTTP/1.1")
    for number in [1, 0]:
        inside[number].send(reply(200, f"for {number} of {PUBLIC_NAME}".encode()))
        assert clients[number].read_response().body == f"for {number} of {PUBLIC_NAME}".encode()
