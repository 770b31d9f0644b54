"""What a careful reader of the code found, each as the scene that showed it."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from actors import until
from wire import chunked, lines, reply

AFFINITY = "__Host-postern-server"
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


# --- a client that takes nothing must not stop the others


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


# --- a client that takes its time gets everything


@pytest.mark.parametrize("persist", [True, False])
def test_a_slow_client_gets_the_last_bytes(persist, proxy, played, make_client):
    """All of the answer is in postern's hands; that the client reads slowly is no idleness."""
    proxy.listener["timeouts"] = {"reply": "1s", "linger": "10ms", "keep_alive": "100ms"}
    size = capacity(proxy, played, make_client) - 8 * CHUNK
    client, clock = make_client(window=4096), make_client()
    client.send_request("GET", "/slow", [] if persist else [("Connection", "close")])
    answer(played, bytes(size))
    assert still_serves(clock, played)
    clock.expect_end()  # after 100 ms of idleness
    assert client.read_response().body == bytes(size)


def test_the_alert_arrives_before_the_end(proxy, make_client):
    """Closing with bytes unread would reset the connection, and the reason would be lost."""
    client = make_client(clear=True)
    client.send(lines("POST / HTTP/1.1", "Host: mail.example.test", "") + bytes(256 * 1024))
    assert client.read_bytes(7) == bytes([21, 3, 3, 0, 2, 2, 10])
    client.expect_end()
    client.stream.sock.sendall(bytes(4 * 1024 * 1024))  # fails when the connection was reset


# --- what a client can blame on a server


def test_a_body_that_is_too_large_is_no_failure_of_the_server(proxy, played, make_client):
    proxy.published["body"] = "1KiB"
    proxy.upstream["health"] = {"failures": 1}
    client = make_client()
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], chunked(bytes(4096)))
    played.accept()
    assert client.read_response().status == 413
    proxy.expect_event("request-blocked", reason="http-body-large")
    assert still_serves(make_client(), played)
    assert proxy.events("upstream-down") == []


# --- memory


@pytest.mark.parametrize("separator", [";", "; ", ";;  ;"])
def test_our_cookie_among_many_short_ones(separator, proxy, played, make_client):
    client = make_client()
    cookies = ["a"] * 4000
    client.send_request("GET", "/", [("Cookie", separator.join([*cookies, f"{AFFINITY}=x", *cookies]))])
    connection = played.accept()
    received = connection.expect_request().get("Cookie")
    assert [crumb.strip() for crumb in received.split(";") if crumb.strip()] == cookies + cookies
    connection.send(reply(200, b"fine"))
    assert client.read_response().status == 200


def test_heads_of_the_largest_size_fit(proxy, played, make_client):
    proxy.published["limits"] = {"head": "256KiB", "field_value": "256KiB"}
    long = "x" * 250 * 1024  # and it grows on its way
    client = make_client()
    client.send_request("GET", "/", [("Cookie", f"{AFFINITY}=x; {long[:56 * 1024]}")])
    connection = played.accept()
    assert connection.expect_request().get("Cookie") == long[: 56 * 1024]
    connection.send(reply(200, b"fine", [("Set-Cookie", long)]))
    response = client.read_response()
    assert (response.status, response.get("Set-Cookie")) == (200, f"{long}; Secure")


# --- one server connection, many clients


@pytest.mark.parametrize("first", ["client", "server"])
def test_an_answer_that_was_there_before_the_question(first, make_proxy, played, make_client):
    """However the events of one turn of the loop are ordered."""
    proxy = make_proxy(played)
    client = make_client(proxy)
    client.send_request("GET", "/one")
    connection = played.accept()
    connection.expect_request()
    connection.send(reply(200, b"for one"))
    assert client.read_response().body == b"for one"
    worker = proxy.children()["worker"]
    os.kill(worker, signal.SIGSTOP)
    until(lambda: " T " in Path(f"/proc/{worker}/stat").read_text(), "the worker to stop")
    if first == "client":
        client.send_request("GET", "/two")
    connection.send(reply(200, b"for whoever comes next"))
    if first == "server":
        client.send_request("GET", "/two")
    os.kill(worker, signal.SIGCONT)
    connection.expect_gone()
    connection = played.accept()
    connection.expect_request("GET /two HTTP/1.1")
    connection.send(reply(200, b"for two"))
    assert client.read_response().body == b"for two"


# --- who can write where


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look")
def test_only_logd_holds_the_log(proxy):
    """Standard output is the log's target: whoever holds it can forge what happened."""
    proxy.start()
    log = os.readlink(f"/proc/{proxy.process.pid}/fd/1")
    for name, pid in proxy.children().items():
        held = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()}
        assert (log in held) == (name == "logd"), name


# --- what is looked at before it goes out


def test_a_stream_that_begins_with_a_few_bytes_is_not_held_back(proxy, played, make_client):
    """64 bytes would tell a program for certain; two tell that this is none."""
    proxy.published["application"] = {"extends": "any", "response": {"refuse_executables": True}}
    client = make_client()
    client.send_request("GET", "/events")
    connection = played.accept()
    connection.expect_request()
    connection.send(lines("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", ""))
    connection.send(b"9\r\ndata: 1\n\n\r\n")
    client.read_head()
    assert client.read_bytes(14) == b"9\r\ndata: 1\n\n\r\n"
    connection.send(b"0\r\n\r\n")
    client.read_bytes(5)
