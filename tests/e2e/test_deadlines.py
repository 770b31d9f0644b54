"""Nobody may hold a connection for longer than its phase deserves, and nobody slow is cut too early."""

import select
import ssl
import threading
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME
from wire import chunked, lines, reply

MEGABYTE = 1 << 20
# Each deadline has a listener of its own, on an address of its own, where no other is
# short: on a busy machine one would strike while a scene is about another. On the
# listener "public" none is.
BRIEF_MS = {"handshake": 300, "head": 1000, "keep_alive": 300, "body": 1000, "reply": 1500}
ADDRESSES = {name: f"127.0.0.{number}" for number, name in enumerate(BRIEF_MS, 10)}


def configure(proxy):
    proxy.published["routes"] = {"/impatient": {"idle": "1s"}}
    proxy.listener["timeouts"] = {**dict.fromkeys(BRIEF_MS, "5m"), "linger": "10ms"}
    for name, milliseconds in BRIEF_MS.items():
        timeouts = {**proxy.listener["timeouts"], name: f"{milliseconds}ms"}
        proxy.config["listeners"][name] = {
            **proxy.listener, "address": f"{ADDRESSES[name]}:0", "timeouts": timeouts
        }  # fmt: skip


def client_of(play, name, **options):
    """A client that only the deadline `name` can strike."""
    address = ADDRESSES[name]
    return play.client(address=address, port=play.proxy.port(address, name), **options)


def lasted(event, name):
    """Timers count whole milliseconds."""
    return event["event.duration"] >= (BRIEF_MS[name] - 10) * 1_000_000


def is_quiet(client):
    return not select.select([client.stream.sock], [], [], 0.01)[0]


def drip(client, byte):
    """Sends a byte now and then until something comes back."""
    with suppress(OSError):
        while client.is_quiet():
            client.stream.send(byte)


# --- who does not come to the point


@pytest.mark.parametrize("part", [0, 3, 50])
def test_a_handshake_that_does_not_come_is_not_waited_for(play, part):
    client = client_of(play, "handshake", handshake=False)
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    client.stream.sock.sendall(client.stream._out.read()[:part])
    client.expect_gone()
    event = play.event_of(client, "tls-rejected", reason="tls-handshake-timeout", phase="handshake")
    assert lasted(event, "handshake")


def test_a_handshake_that_drips_has_no_more_time(play):
    client = client_of(play, "handshake", handshake=False)
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    hello = client.stream._out.read()
    for at in range(len(hello) - 1):  # the last byte never comes
        if not is_quiet(client):
            break
        client.stream.sock.sendall(hello[at : at + 1])
    client.expect_gone()
    play.event_of(client, "tls-rejected", reason="tls-handshake-timeout")


def test_a_client_that_asks_nothing_is_let_go_in_order(play):
    client = client_of(play, "head")
    client.expect_end()
    client.close()
    event = play.event_of(client, "connection-ended", reason="client-idle", phase="head")
    assert lasted(event, "head")


def test_a_client_that_asks_nothing_more_is_let_go_in_order(play):
    client = client_of(play, "keep_alive")
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(reply(204))
    assert client.read_response().status == 204
    client.expect_end()
    client.close()
    play.event_of(client, "connection-ended", reason="client-idle", phase="head")


@pytest.mark.parametrize("first", [b"G", lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}")], ids=["a-letter", "a-field"])
def test_a_head_that_does_not_end_is_a_408(play, first):
    client = client_of(play, "head")
    client.send(first)
    response = client.read_response("GET")
    assert (response.status, response.get("Connection")) == (408, "close")
    client.expect_end()
    event = play.event_of(client, "request-blocked", status=408, reason="client-slow-head")
    assert lasted(event, "head")


def test_a_head_that_drips_has_no_more_time(play):
    client = client_of(play, "head")
    client.send(lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}") + b"X: ")
    drip(client, b"a")
    assert client.read_response("GET").status == 408
    play.event_of(client, "request-blocked", reason="client-slow-head")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_stops_is_a_408(play, framing):
    client = client_of(play, "body")
    if framing == "length":
        client.send_request("POST", "/", [("Content-Length", "10")], b"half")
    else:
        client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], b"a\r\nhalf")
    upstream = play.upstream.accept()
    upstream.read_head()
    response = client.read_response()
    assert (response.status, response.get("Connection")) == (408, "close")
    upstream.expect_gone()
    event = play.event_of(client, "request-blocked", reason="client-slow-body", ended_by="client", phase="relay")
    assert lasted(event, "body")


def test_a_body_that_was_asked_for_and_does_not_come_is_a_408(play):
    """Expect: 100-continue is no way to hold an upstream connection for as long as a poll may hang."""
    client = client_of(play, "body")
    client.send_request("POST", "/", [("Content-Length", "10"), ("Expect", "100-continue")])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(lines("HTTP/1.1 100 Continue", ""))
    response = client.read_response()
    assert ([i.status for i in response.interims], response.status) == ([100], 408)
    play.event_of(client, "request-blocked", reason="client-slow-body")


def test_an_upstream_that_never_says_100_has_no_more_time_than_for_an_answer(play):
    """It is the upstream that is silent; who waits for it may go on by himself (RFC 9110, 10.1.1)."""
    client = play.client()
    client.send_request("PUT", "/impatient", [("Content-Length", "4"), ("Expect", "100-continue")])
    upstream = play.upstream.accept()
    upstream.read_head()
    assert client.read_response().status == 504
    play.event_of(client, "request-forwarded", reason="upstream-timeout")
    upstream.expect_gone()


def test_a_client_need_not_wait_for_100_continue(play):
    client = play.client()
    client.send_request("PUT", "/", [("Expect", "100-continue")], b"body")
    upstream = play.upstream.accept()
    assert upstream.expect_request().body == b"body"
    upstream.send(reply(201))
    assert client.read_response().status == 201


@pytest.mark.parametrize("fields", [[], [("Content-Length", "0")]], ids=["none", "empty"])
def test_an_expectation_without_a_body_is_none(play, fields):
    """There is nothing to go on with: the upstream might wait for a body that never comes."""
    client = play.client()
    client.send_request("POST", "/", [("Expect", "100-continue"), *fields])
    upstream = play.upstream.accept()
    assert upstream.expect_request().get("Expect") is None
    upstream.send(reply(204))
    assert client.read_response().status == 204


def test_a_client_that_waits_for_100_continue_is_not_hurried(play):
    """The upstream may take its time: the client owes nothing yet."""
    client = client_of(play, "body")
    client.send_request("POST", "/", [("Content-Length", "4"), ("Expect", "100-continue")])
    upstream = play.upstream.accept()
    upstream.read_head()
    stall_until_cut(play)  # which takes longer than a body may
    upstream.send(lines("HTTP/1.1 100 Continue", ""))
    assert client.read_head().status == 100
    client.send(b"body")
    assert upstream.read_bytes(4) == b"body"
    upstream.send(reply(204))
    assert client.read_response().status == 204


def test_a_body_that_trickles_ends_although_it_never_stops(make_upstream, make_proxy, make_client):
    """What comes in each span of timeouts.body has to reach limits.minimum_rate."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.listener["timeouts"] = {"body": "2s"}
    proxy.config["limits"] = {"minimum_rate": "1MiB"}
    client = make_client(proxy)
    client.send_request("POST", "/", [("Content-Length", str(64 * MEGABYTE))])
    upstream.accept()
    drip(client, bytes(100))
    response = client.read_response()
    assert (response.status, response.get("Connection")) == (408, "close")
    proxy.expect_event("request-blocked", reason="client-slow-body", ended_by="client", phase="relay")


def test_a_body_that_the_upstream_does_not_take_is_not_the_clients_fault(make_upstream, make_proxy, make_client):
    """The least rate is asked of the client only while it is the client that is waited for."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.listener["timeouts"] = {"body": "500ms", "keep_alive": "1s", "head": "1s"}
    proxy.config["limits"] = {"minimum_rate": "1KiB"}
    client, length = make_client(proxy), 24 * MEGABYTE
    sender = threading.Thread(target=client.send_request, args=("POST", "/"), kwargs={"body": bytes(length)})
    sender.start()
    inside = upstream.accept()
    inside.read_head()
    for _ in range(2):  # nothing is taken for more than the time of a body
        make_client(proxy).expect_end()
    received = 0
    while received < length:
        received += len(inside.read_some())
    inside.send(reply(204))
    sender.join()
    assert client.read_response().status == 204


# --- who does not take what it asked for


def pour(upstream, length, pieces=1024):
    """Answers with `length` bytes, in a thread, as fast as they are taken."""

    def run():
        with suppress(OSError):
            upstream.send(lines("HTTP/1.1 200 OK", f"Content-Length: {length}", ""))
            for _ in range(pieces):
                upstream.send(b"x" * (length // pieces))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("path", ["/", "/impatient"])
def test_a_client_that_stops_reading_is_cut_and_it_is_its_own_fault(play, path):
    """Also where the upstream may be silent for less long: it is not the upstream that stopped."""
    client = client_of(play, "reply", window=4096)
    client.send_request("GET", path)
    upstream = play.upstream.accept()
    upstream.expect_request()
    pour(upstream, 64 * MEGABYTE)
    event = play.event_of(client, "request-forwarded", reason="client-slow-read", ended_by="client")
    assert lasted(event, "reply")
    assert 0 < event["postern.answer_taken"] < event["http.response.body.bytes"]
    upstream.expect_gone()


def test_a_client_that_takes_a_little_all_the_time_is_not_cut(make_upstream, make_proxy, make_client):
    """What counts is what its kernel acknowledged, not whether a whole write has gone."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.listener["timeouts"] = {"reply": "1s"}
    client = make_client(proxy, window=4096)
    client.send_request("GET", "/")
    inside = upstream.accept()
    inside.expect_request()
    pour(inside, MEGABYTE)
    client.read_head()
    for _ in range(200):
        threading.Event().wait(0.02)  # its pace: 50 KB/s, so that 64 KiB take longer than `reply`
        client.read_bytes(1024)
    left = MEGABYTE - 200 * 1024
    while left > 0:
        left -= len(client.read_bytes(min(left, 65536)))
    event = proxy.expect_event("request-forwarded", status=200, outcome="success")
    assert "postern.answer_taken" not in event


def test_an_answer_that_waits_in_the_kernel_is_not_idleness(make_upstream, make_proxy, make_client):
    """The client may read later than its time between two requests, and gets its last byte."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.listener["timeouts"] = {"keep_alive": "300ms"}
    proxy.upstream["pool"] = {"size": 0}
    client, length = make_client(proxy, window=4096), 48 * 1024
    client.send_request("GET", "/")
    inside = upstream.accept()
    inside.expect_request()
    inside.send(lines("HTTP/1.1 200 OK", f"Content-Length: {length}", "") + bytes(length))
    proxy.expect_event("request-forwarded", status=200, outcome="success")
    other = make_client(proxy)
    other.send_request("GET", "/")
    inside = upstream.accept()
    inside.expect_request()
    inside.send(reply(204))
    assert other.read_response().status == 204
    other.expect_end()  # idle for as long as is allowed
    assert client.read_response().body == bytes(length)
    client.expect_end()


@pytest.mark.parametrize("idle", ["65m", "200ms"])
def test_a_client_that_reads_slowly_gets_its_last_byte(make_upstream, make_proxy, make_client, idle):
    """Even when its answer is the last on the connection, and to linger is brief."""
    length = MEGABYTE // 2
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.listener["timeouts"] = {"linger": "10ms"}
    proxy.published["idle"] = idle
    client = make_client(proxy, window=8192)
    client.send_request("GET", "/", [("Connection", "close")])
    inside = upstream.accept()
    inside.expect_request()
    pour(inside, length, pieces=1)  # no pause of ours may be taken for the upstream's
    client.read_head()
    left = length
    while left > 0:
        threading.Event().wait(0.02)  # this is its pace; nothing else depends on it
        left -= len(client.read_bytes(min(left, 8192)))
    client.expect_end()
    proxy.expect_event("request-forwarded", status=200, outcome="success")


def test_an_event_stream_outlives_the_time_for_replies(play):
    """The client has taken all there was: it is not slow."""
    client = client_of(play, "reply")
    client.send_request("GET", "/events")
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "") + chunked(b"first")[:-5])
    client.read_head()
    client.read_bytes(len(b"5\r\nfirst\r\n"))
    stall_until_cut(play)
    upstream.send(chunked(b"last"))
    assert client.read_bytes(len(b"4\r\nlast\r\n0\r\n\r\n")) == b"4\r\nlast\r\n0\r\n\r\n"


def stall_until_cut(play):
    """Another client takes nothing for as long as that is allowed."""
    client = client_of(play, "reply", window=4096)
    client.send_request("GET", "/never-read")
    upstream = play.upstream.accept()
    upstream.expect_request()
    pour(upstream, 64 * MEGABYTE)
    play.event_of(client, "request-forwarded", reason="client-slow-read")


def test_a_client_that_still_uploads_reads_its_early_answer(make_upstream, make_proxy, make_client):
    """A reset would take the answer away from it: who is talking is listened to for longer."""
    proxy = make_proxy(make_upstream())
    proxy.listener["timeouts"] = {"linger": "300ms"}
    proxy.published["body"] = "1KiB"
    client = make_client(proxy)
    client.send_request("POST", "/", [("Content-Length", "2000")])
    for _ in range(50):
        client.stream.send(b"x")
        threading.Event().wait(0.02)  # more than three times what a silent client would have
    response = client.read_response()
    assert (response.status, response.get("Connection")) == (413, "close")
    client.expect_end()


def test_lingering_has_an_end(play):
    """The connection is over for postern, but the client does not close it."""
    client = client_of(play, "head")
    client.send(b"no request at all\r\n\r\n")
    assert client.read_response("GET").status == 400
    play.event_of(client, "connection-ended")
