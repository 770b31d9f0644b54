"""Clients that take little or nothing: they harm nobody, and who takes his time gets everything."""

from contextlib import suppress

import pytest
from wire import lines, reply

CHUNK = 16 * 1024
ENDLESS = 64 * 1024 * 1024


@pytest.fixture
def played(make_upstream):
    """An upstream whose part the scene plays itself."""
    return make_upstream(handler=None)


@pytest.fixture
def proxy(make_proxy, played):
    proxy = make_proxy(played)
    proxy.upstream["pool"] = {"size": 0}  # each request comes on a connection of its own
    return proxy


def answer(played, body=b"fine"):
    connection = played.accept()
    connection.expect_request()
    connection.send(reply(200, body))
    connection.expect_gone()  # postern has it all


def still_serves(client, played):
    client.send_request("GET", "/other")
    answer(played)
    return client.read_response().body == b"fine"


def head(length):
    return lines("HTTP/1.1 200 OK", f"Content-Length: {length}", "")


def capacity(proxy, played, make_client):
    """How much of a body postern and the kernel hold for a client that takes nothing."""
    client = make_client(window=4096)
    client.send_request("GET", "/endless")
    connection = played.accept()
    connection.expect_request()
    connection.send(head(ENDLESS))
    with suppress(OSError):  # postern gives the client up, and with it this connection
        connection.send(bytes(ENDLESS))
    return proxy.expect_event("request-forwarded", path="/endless")["http.response.body.bytes"]


# --- who takes nothing


def test_a_half_closed_upload_behind_a_whole_answer(proxy, played, make_client):
    """The answer is complete, the client takes none of it and says that no upload will follow."""
    proxy.listener["timeouts"] = {"reply": "1s"}
    size = capacity(proxy, played, make_client) - 2 * CHUNK
    client, other = make_client(window=4096), make_client()
    client.send_request("POST", "/early", [("Content-Length", "1000")], b"x" * 10)
    connection = played.accept()
    connection.read_bytes(10)
    connection.send(reply(200, bytes(size)))
    connection.expect_gone()
    client.stream.close_notify()
    assert still_serves(other, played)


@pytest.mark.parametrize("more", [CHUNK // 4, CHUNK // 2, CHUNK, 3 * CHUNK // 2])
def test_an_answer_that_breaks_off_before_a_client_that_takes_nothing(more, proxy, played, make_client):
    proxy.listener["timeouts"] = {"reply": "1s"}
    size = capacity(proxy, played, make_client) + more
    client, other = make_client(window=4096), make_client()
    client.send_request("GET", "/broken")
    connection = played.accept()
    connection.expect_request()
    connection.send(head(ENDLESS) + bytes(size))
    connection.stream.sock.close()  # without a close_notify
    assert still_serves(other, played)


def test_a_whole_answer_that_nobody_takes_is_no_success(proxy, played, make_client):
    """postern has all of it, the kernel has not: it is cut, and the log says how far it came."""
    proxy.listener["timeouts"] = {"reply": "1s"}
    size = capacity(proxy, played, make_client) - 2 * CHUNK
    make_client(window=4096).send_request("GET", "/left")
    answer(played, bytes(size))
    event = proxy.expect_event("request-forwarded", path="/left", reason="client-slow-read", phase="done")
    assert event["event.outcome"] == "failure"
    assert event["postern.answer_taken"] < event["http.response.body.bytes"] == size


# --- who takes his time


@pytest.mark.parametrize("persist", [True, False])
def test_a_slow_client_gets_the_last_bytes(persist, proxy, played, make_client):
    """All of the answer is in postern's hands; that the client reads slowly is no idleness."""
    proxy.listener["timeouts"] = {"reply": "5s", "linger": "10ms", "keep_alive": "100ms"}
    size = capacity(proxy, played, make_client) - 8 * CHUNK
    client, clock = make_client(window=4096), make_client()
    client.send_request("GET", "/slow", [] if persist else [("Connection", "close")])
    answer(played, bytes(size))
    assert still_serves(clock, played)
    clock.expect_end()  # after 100 ms of idleness
    assert client.read_response().body == bytes(size)
