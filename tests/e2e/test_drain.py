"""SIGTERM: what is under way is finished, what is not begun is refused, and then it is over."""

import os
import random
import signal
import socket
import threading
from collections import Counter

import pytest
from actors import ENDINGS, Client, until
from wire import Truncated, lines, reply

ROUNDS = int(os.environ.get("POSTERN_STOPS", "3"))  # 50 is the full dose
CALLERS = 16
WAITING = 48  # more than a worker accepts in one turn of its loop


@pytest.fixture
def played(make_upstream):
    """An upstream whose part the scene plays itself."""
    return make_upstream(handler=None)


@pytest.fixture
def proxy(make_proxy, played):
    return make_proxy(played)


def begin(client, upstream, target="/"):
    """A request that is under way: the upstream has it and has not answered."""
    client.send_request("GET", target)
    connection = upstream.accept()
    connection.expect_request(f"GET {target} HTTP/1.1")
    return connection


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def ask_to_stop(proxy, number=signal.SIGTERM):
    """Returns when the worker knows, too: it is the last to close the port."""
    port = proxy.port()
    proxy.process.send_signal(number)
    proxy.expect_event("stopping")
    until(lambda: is_refused(port), "the port to be closed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_finished(number, played, proxy, make_client):
    client = make_client()
    connection = begin(client, played)
    ask_to_stop(proxy, number)
    connection.send(reply(200, b"in time"))
    response = client.read_response()
    assert (response.body, response.get("Connection")) == (b"in time", "close")
    client.expect_end()
    assert proxy.wait_end() == 0
    event = proxy.expect_event("request-forwarded", status=200)
    assert "event.reason" not in event


def test_a_download_under_way_is_finished(played, proxy, make_client):
    client = make_client()
    connection = begin(client, played)
    connection.send(lines("HTTP/1.1 200 OK", "Content-Length: 300000", "") + b"x" * 100_000)
    assert client.read_bytes(12) == b"HTTP/1.1 200"
    ask_to_stop(proxy)
    connection.send(b"y" * 200_000)
    received = b""
    while not received.endswith(b"y" * 200_000):
        received += client.read_some()
    assert received.endswith(b"\r\n" + b"x" * 100_000 + b"y" * 200_000)
    client.expect_end()
    assert proxy.wait_end() == 0


def test_an_upload_under_way_is_finished(played, proxy, make_client):
    client = make_client()
    client.send_request("POST", "/", [("Content-Length", "100000")], b"x" * 50_000)
    connection = played.accept()
    ask_to_stop(proxy)
    client.send(b"y" * 50_000)
    assert connection.expect_request().body == b"x" * 50_000 + b"y" * 50_000
    connection.send(reply(204))
    assert client.read_response().status == 204
    assert proxy.wait_end() == 0


def test_new_connections_are_refused_while_the_last_request_is_finished(played, proxy, make_client):
    client = make_client()
    connection = begin(client, played)
    ask_to_stop(proxy)
    assert is_refused(proxy.port())
    connection.send(reply(200, b"in time"))
    assert client.read_response().body == b"in time"
    assert proxy.wait_end() == 0


def test_idle_connections_are_closed_in_order(played, proxy, make_client):
    """Both the client's that waits for nothing and the pooled one inside."""
    proxy.listener["timeouts"] = {"handshake": "5m", "head": "5m", "keep_alive": "5m", "linger": "300ms"}
    client = make_client()
    connection = begin(client, played)
    connection.send(reply(200, b"before"))
    assert client.read_response().body == b"before"
    ask_to_stop(proxy)
    client.expect_end()
    connection.expect_end()
    assert proxy.wait_end() == 0


@pytest.mark.parametrize("before", [0, 1])
def test_a_request_that_crosses_the_stop_is_answered(before, played, proxy, make_client):
    """HTTP/1.1 has no word to tell a client in time: who has a connection may still ask once."""
    proxy.listener["timeouts"] = {"linger": "60s"}
    client = make_client()
    for _ in range(before):
        begin(client, played).send(reply(200, b"before", [("Connection", "close")]))
        assert client.read_response().body == b"before"
    ask_to_stop(proxy)
    begin(client, played).send(reply(200, b"last"))
    response = client.read_response()
    assert (response.body, response.get("Connection")) == (b"last", "close")
    client.expect_end()
    assert proxy.wait_end() == 0
    proxy.expect_event("request-forwarded", status=200, outcome="success")


def test_nothing_under_way_nothing_to_wait_for(proxy):
    proxy.config["drain"] = "1h"
    proxy.start()
    assert proxy.stop() == 0
    actions = [event["event.action"] for event in proxy.events()]
    assert actions[-2:] == ["stopping", "stopped"]


def test_the_deadline_cuts_what_does_not_end(played, proxy, make_client):
    proxy.config["drain"] = "200ms"
    hanging, half = make_client(), make_client()
    inside = begin(hanging, played)
    begin(half, played, "/half").send(lines("HTTP/1.1 200 OK", "Content-Length: 100", "") + b"x")
    half.read_bytes(30)
    ask_to_stop(proxy)
    hanging.expect_gone()
    with pytest.raises((Truncated, ConnectionResetError)):
        while half.read_some():
            pass
    inside.expect_gone()
    assert proxy.wait_end() == 0
    for path in ("/", "/half"):
        event = proxy.expect_event(None, path=path)
        assert (event["event.reason"], event["event.outcome"]) == ("drained", "failure")


def test_a_second_signal_ends_it_at_once(played, proxy, make_client):
    proxy.config["drain"] = "1h"
    client = make_client()
    begin(client, played)
    family = proxy.children().values()
    ask_to_stop(proxy)
    proxy.process.send_signal(signal.SIGTERM)
    proxy.wait_end()
    client.expect_gone()
    until(lambda: not any(map(is_alive, family)), "all processes to be gone")
    proxy.was_cut_short()
    actions = [event["event.action"] for event in proxy.events()]
    assert "process-lost" not in actions, "whom we end ourselves is not lost"
    assert "keys-unavailable" not in actions and actions[-1] == "stopped"


def is_alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_those_who_wait_to_be_accepted_are(played, proxy, make_client):
    """As far as they know they are connected: closing the port would reset them."""
    proxy.port()
    worker = proxy.children()["worker"]
    os.kill(worker, signal.SIGSTOP)
    waiting = [make_client(handshake=False) for _ in range(WAITING)]
    proxy.process.send_signal(signal.SIGTERM)
    proxy.expect_event("stopping")
    os.kill(worker, signal.SIGCONT)
    for client in waiting:
        client.stream.handshake()
        client.close()
    assert proxy.wait_end() == 0


# --- a stop under load


class Caller(threading.Thread):
    """Asks one thing on each connection, again and again, until nobody answers any more."""

    def __init__(self, proxy):
        super().__init__()
        self.proxy, self.port = proxy, proxy.port()
        self.answered, self.unanswered = [], []

    def run(self):
        while not self.unanswered:
            try:
                client = Client(self.port, self.proxy.pki, handshake=False)
            except OSError:
                return  # refused: told at once, and told by the kernel
            try:
                client.stream.handshake()
                client.ask("GET", "/")
                self.answered.append(client.address)
                client.close()
            except OSError as error:
                self.unanswered.append((client.address, repr(error)))
                client.stream.sock.close()


@pytest.mark.parametrize("round", range(ROUNDS))
def test_a_stop_loses_nobody(round, make_upstream, make_proxy):
    """Whoever was accepted is answered, also who had only just begun to greet."""
    sizes = random.Random(round)
    upstream = make_upstream(handler=lambda request: reply(200, bytes(sizes.choice([10, 1000, 300_000]))))
    proxy = make_proxy(upstream)
    proxy.config["workers"] = 2
    callers = [Caller(proxy) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    until(lambda: len(upstream.requests) > CALLERS * (1 + round % 4), "a storm of requests")
    proxy.process.send_signal(signal.SIGTERM)
    for caller in callers:
        caller.join()
    assert proxy.wait_end() == 0
    accepted = Counter(e["source.port"] for e in proxy.events() if e["event.action"] in ENDINGS)
    answered = Counter(port for caller in callers for _, port in caller.answered)
    unanswered = [(port, error) for caller in callers for (_, port), error in caller.unanswered]
    lost = [(port, error) for port, error in unanswered if accepted[port] > answered[port]]
    assert lost == [], "these were accepted and got no answer"
    assert accepted == answered
    assert {event.get("event.reason") for event in proxy.events("request-forwarded")} == {None}
