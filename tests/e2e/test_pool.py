"""Connections to the upstream are kept and shared, as long as they are beyond doubt."""

import os
import signal
from pathlib import Path

import pytest
from actors import until
from wire import DEADLINE, chunked, lines, reply


@pytest.fixture
def played(make_upstream):
    """An upstream whose part the scene plays itself."""
    return make_upstream(handler=None)


@pytest.fixture
def stage(make_proxy, played):
    return make_proxy(played)


def answer(connection, target, response=None):
    connection.expect_request(f"GET {target} HTTP/1.1")
    connection.send(response or reply(200, b"fine"))


def test_clients_share_a_connection_one_after_the_other(upstream, proxy, make_client):
    for number in range(5):
        client = make_client()
        assert client.ask("GET", f"/{number}").status == 200
        client.close()
    assert upstream.connection_count == 1
    for number in range(5):
        event = proxy.expect_event("request-forwarded", path=f"/{number}")
        assert event["postern.upstream.reused"] == (number > 0)


def test_requests_at_the_same_time_have_a_connection_each(played, stage, make_client):
    clients = [make_client(stage) for _ in range(3)]
    connections = []
    for number, client in enumerate(clients):
        client.send_request("GET", f"/{number}")
        connections.append(played.accept())
        connections[-1].expect_request(f"GET /{number} HTTP/1.1")
    for number in (2, 0, 1):
        connections[number].send(reply(200, f"for {number}".encode()))
        assert clients[number].read_response().body == f"for {number}".encode()


def test_no_more_are_kept_than_the_pool_has_room_for(played, stage, make_client):
    stage.upstream["pool"] = {"size": 1}
    clients = [make_client(stage) for _ in range(2)]
    connections = []
    for client in clients:
        client.send_request("GET", "/")
        connections.append(played.accept())
        connections[-1].expect_request()
    for client, connection in zip(clients, connections):
        connection.send(reply(200, b"fine"))
        assert client.read_response().status == 200
    connections[1].expect_end()
    clients[0].send_request("GET", "/again")
    answer(connections[0], "/again")
    assert clients[0].read_response().status == 200


def test_a_pool_of_none_keeps_none(upstream, proxy, make_client):
    proxy.upstream["pool"] = {"size": 0}
    client = make_client()
    for _ in range(3):
        client.ask()
    assert upstream.connection_count == 3


def test_a_connection_that_waited_too_long_is_closed(played, stage, make_client):
    """With a TLS close, so that the server knows it was no accident."""
    stage.upstream["pool"] = {"idle": "50ms"}
    client = make_client(stage)
    client.send_request("GET", "/")
    connection = played.accept()
    answer(connection, "/")
    assert client.read_response().status == 200
    connection.expect_end()


def test_a_connection_that_grew_old_serves_no_further_request(played, stage, make_client):
    """However busy it is: a server that was moved behind its address would never be met."""
    stage.upstream["pool"] = {"age": "100ms"}
    client = make_client(stage)
    client.send_request("GET", "/")
    connection = played.accept()
    connection.expect_request()
    connection.stream.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        connection.read_bytes(1)
    connection.stream.sock.settimeout(DEADLINE)
    connection.send(reply(200, b"fine"))
    assert client.read_response().status == 200
    connection.expect_end()
    client.send_request("GET", "/again")
    answer(played.accept(), "/again")
    assert client.read_response().status == 200


def test_a_byte_that_nobody_asked_for_ends_an_idle_connection(played, stage, make_client):
    """It would be read as the beginning of the next answer (RFC 9112, 9.2)."""
    client = make_client(stage)
    client.send_request("GET", "/one")
    connection = played.accept()
    answer(connection, "/one")
    assert client.read_response().status == 200
    connection.send(reply(200, b"for whoever comes next"))
    connection.expect_gone()
    client.send_request("GET", "/two")
    answer(played.accept(), "/two", reply(200, b"for two"))
    assert client.read_response().body == b"for two"


@pytest.mark.parametrize("first", ["client", "server"])
def test_an_answer_that_was_there_before_the_question(first, played, stage, make_client):
    """However the events of one turn of the loop are ordered."""
    client = make_client(stage)
    client.send_request("GET", "/one")
    connection = played.accept()
    connection.expect_request()
    connection.send(reply(200, b"for one"))
    assert client.read_response().body == b"for one"
    worker = stage.children()["worker"]
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


@pytest.mark.parametrize("how", ["finish", "close", "reset"])
def test_a_connection_that_the_server_ended_is_not_used(how, played, stage, make_client):
    client = make_client(stage)
    client.send_request("GET", "/one")
    connection = played.accept()
    answer(connection, "/one")
    assert client.read_response().status == 200
    worker = stage.children()["worker"]
    before = stage.descriptors().get(worker, 1)  # hidden from whoever is not root
    getattr(connection, how)()
    until(lambda: stage.descriptors().get(worker, 0) < before, "postern to see it")
    client.send_request("POST", "/two", body=b"safe, as nothing was sent in vain")
    connection = played.accept()
    connection.expect_request("POST /two HTTP/1.1")
    connection.send(reply(204))
    assert client.read_response().status == 204


NOT_TO_BE_USED_AGAIN = {
    "Connection: close": reply(200, b"fine", [("Connection", "close")]),
    "HTTP/1.0": lines("HTTP/1.0 200 OK", "Content-Length: 4", "") + b"fine",
    "more than the length": reply(200, b"fine") + b"\r\n",
    "more than the chunks": reply(200, chunked(b"fine"), [("Transfer-Encoding", "chunked")]) + b"0",
    "a body of a 204": lines("HTTP/1.1 204 No Content", "") + b"fine",
    "a second answer": reply(200, b"fine") + reply(200, b"evil"),
}


@pytest.mark.parametrize("kind", NOT_TO_BE_USED_AGAIN)
def test_an_answer_that_leaves_doubt_ends_its_connection(kind, played, stage, make_client):
    client = make_client(stage)
    client.send_request("GET", "/one")
    connection = played.accept()
    answer(connection, "/one", NOT_TO_BE_USED_AGAIN[kind])
    assert client.read_response().body in (b"fine", b"")
    connection.expect_gone()
    client.send_request("GET", "/two")
    answer(played.accept(), "/two", reply(200, b"for two"))
    assert client.read_response().body == b"for two"


def test_http_1_0_with_keep_alive_is_kept(played, stage, make_client):
    client = make_client(stage)
    client.send_request("GET", "/one")
    connection = played.accept()
    answer(connection, "/one", lines("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 4", "") + b"fine")
    assert client.read_response().body == b"fine"
    client.send_request("GET", "/two")
    answer(connection, "/two")
    assert client.read_response().status == 200


def test_an_answer_before_the_end_of_the_upload_ends_the_connection(played, stage, make_client):
    """The rest of that upload must not be read as somebody's next request."""
    client = make_client(stage)
    client.send_request("POST", "/up", [("Content-Length", "1000")], b"x" * 10)
    connection = played.accept()
    connection.read_bytes(10)
    connection.send(reply(413, b"too much"))
    assert client.read_response().status == 413
    connection.expect_gone()


def test_a_download_that_a_client_gave_up_ends_the_connection(played, stage, make_client):
    client, other = make_client(stage), make_client(stage)
    client.send_request("GET", "/down")
    connection = played.accept()
    answer(connection, "/down", lines("HTTP/1.1 200 OK", "Content-Length: 1000", "") + b"x" * 10)
    client.read_bytes(10)
    client.reset()
    connection.expect_gone()
    other.send_request("GET", "/mine")
    answer(played.accept(), "/mine", reply(200, b"mine"))
    assert other.read_response().body == b"mine"


def test_upstreams_do_not_share_connections(upstream, proxy, make_client):
    """Two upstreams may name one server and yet trust it differently."""
    proxy.config["upstreams"]["other"] = {**proxy.upstream}
    proxy.published["routes"] = {"/other": {"upstream": "other"}}
    client = make_client()
    for target in ("/", "/other", "/", "/other"):
        assert client.ask("GET", target).status == 200
    assert upstream.connection_count == 2


def test_idle_connections_are_closed_in_order_when_postern_stops(played, stage, make_client):
    client = make_client(stage)
    client.send_request("GET", "/")
    connection = played.accept()
    answer(connection, "/")
    assert client.read_response().status == 200
    assert stage.stop() == 0
    connection.expect_end()
