"""What a request and its answer mean must be the same on both sides (RFC 9110, 9112)."""

import hashlib
import random

import pytest
from actors import PUBLIC_NAME
from wire import Truncated, chunked, lines, reply

MEGABYTE = 1 << 20
EXCHANGE_METHODS = ["PROPFIND", "BPROPPATCH", "SEARCH", "POLL", "RPC_IN_DATA", "RPC_OUT_DATA", "X-MS-ENUMATTS"]
TLS = pytest.mark.parametrize("tls", ["1.2", "1.3"])


def configure(proxy):
    usual = ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
    proxy.published["application"] = {"extends": "any", "methods": usual + EXCHANGE_METHODS}
    proxy.published["routes"] = {"/poll": {"idle": "300ms"}, "/stall": {"idle": "1s"}, "/small": {"body": "1KiB"}}


def get(target="/", version="1.1", *fields):
    return lines(f"GET {target} HTTP/{version}", f"Host: {PUBLIC_NAME}", *fields, "")


# --- the order of things on one connection


def test_requests_sent_in_one_write_are_answered_in_their_order(stage):
    client = stage.client()
    client.send(get("/1") + get("/2") + get("/3"))
    assert [client.read_response("GET").body for _ in range(3)] == [b"GET /1\n", b"GET /2\n", b"GET /3\n"]


def test_requests_that_wait_are_answered_though_the_client_has_said_its_last_word(stage):
    """A script that pipes requests into a connection closes its side at once."""
    client = stage.client()
    client.send(get("/1") + get("/2") + get("/3"))
    client.finish()
    assert [client.read_response("GET").body for _ in range(3)] == [b"GET /1\n", b"GET /2\n", b"GET /3\n"]
    client.expect_end()


def test_a_body_between_two_requests_is_no_request(stage):
    client = stage.client()
    inner = get("/inner")
    client.send(
        lines("POST /a HTTP/1.1", f"Host: {PUBLIC_NAME}", f"Content-Length: {len(inner)}", "")
        + inner
        + get("/b")
    )
    assert client.read_response("POST").body == inner
    assert client.read_response("GET").body == b"GET /b\n"
    assert [request.target for request in stage.upstream.requests] == ["/a", "/b"]


def test_a_client_that_asks_for_the_end_gets_it(stage):
    client = stage.client()
    response = client.ask("GET", "/", [("Connection", "close")])
    assert response.get("Connection") == "close"
    client.expect_end()


def test_a_half_closed_client_still_gets_its_answer(play):
    client = play.client()
    client.send_request("POST", "/", body=b"all I have to say")
    client.finish()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(reply(200, b"heard"))
    assert client.read_response().body == b"heard"
    client.expect_end()
    play.event_of(client, "request-forwarded", status=200, outcome="success")


# --- bodies and what frames them


def test_trailers_are_dropped_in_both_directions(stage):
    """What stands behind a body must never be taken for a field of the head."""
    stage.upstream.handler = lambda request: reply(
        200, chunked(b"down", trailers=["X-Digest: 1", "X-Late: 2"]), [("Transfer-Encoding", "chunked")]
    )
    client = stage.client()
    response = client.ask(
        "POST",
        "/",
        [("Transfer-Encoding", "chunked"), ("Trailer", "X-Digest")],
        chunked(b"up", trailers=["X-Digest: 1"]),
    )
    (request,) = stage.upstream.requests
    assert (request.body, request.trailers, request.get("X-Digest")) == (b"up", [], None)
    assert (response.body, response.trailers, response.get("X-Digest")) == (b"down", [], None)
    assert client.ask("GET", "/after").status == 200


def test_an_answer_to_head_keeps_its_length_and_has_no_body(stage):
    stage.upstream.handler = lambda request: reply(200, b"", [("Content-Length", "1234")])
    client = stage.client()
    for _ in range(2):
        response = client.ask("HEAD", "/big")
        assert (response.get("Content-Length"), response.body) == ("1234", b"")


@pytest.mark.parametrize(
    "status, fields, length",
    [(204, [], None), (204, [("Content-Length", "0")], None), (304, [], None), (304, [("Content-Length", "5")], "5")],
)
def test_an_answer_without_body_leaves_the_connection_in_step(stage, status, fields, length):
    stage.upstream.handler = lambda request: reply(status, b"", fields)
    client = stage.client()
    for _ in range(2):
        response = client.ask("GET", "/")
        assert (response.status, response.get("Content-Length"), response.body) == (status, length, b"")
        assert response.get("Transfer-Encoding") is None


def test_a_body_that_ends_with_the_upstream_connection_becomes_chunks(play):
    """So that the client's connection can go on."""
    client = play.client()
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.0 200 OK", "") + b"until the end")
    upstream.finish()
    response = client.read_response()
    assert (response.get("Transfer-Encoding"), response.body) == ("chunked", b"until the end")
    client.send_request("GET", "/again")
    upstream = play.upstream.accept()
    upstream.expect_request("GET /again HTTP/1.1")
    upstream.send(reply(204))
    assert client.read_response().status == 204


@TLS
def test_five_megabytes_up_arrive_intact(stage, tls):
    body = random.Random(1).randbytes(5 * MEGABYTE)
    stage.upstream.handler = lambda request: reply(200, hashlib.sha256(request.body).digest())
    assert stage.client(tls=tls).ask("POST", "/up", body=body).body == hashlib.sha256(body).digest()


@TLS
def test_twenty_five_megabytes_down_arrive_intact(stage, tls):
    body = random.Random(2).randbytes(25 * MEGABYTE)
    stage.upstream.handler = lambda request: reply(200, body)
    response = stage.client(tls=tls).ask("GET", "/down")
    assert hashlib.sha256(response.body).digest() == hashlib.sha256(body).digest()


@TLS
def test_one_byte_at_a_time_in_both_directions(play, tls):
    """From the first byte of the handshake on, nothing may depend on how the network cuts."""
    client = play.client(tls=tls, drip=True)
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], chunked(b"a" * 300, b"b", b"c" * 30))
    upstream = play.upstream.accept()
    upstream.stream.drip = True
    assert upstream.expect_request().body == b"a" * 300 + b"b" + b"c" * 30
    upstream.send(lines("HTTP/1.1 103 Early Hints", "Link: </x>", ""))
    upstream.send(reply(200, chunked(b"d" * 300, b"e"), [("Transfer-Encoding", "chunked")]))
    response = client.read_response()
    assert ([i.status for i in response.interims], response.body) == ([103], b"d" * 300 + b"e")


# --- interim answers and expectations


def test_interim_answers_are_passed_on_before_the_final_one(play):
    client = play.client()
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    for status, reason in [(100, "Continue"), (103, "Early Hints"), (103, "Early Hints")]:
        upstream.send(lines(f"HTTP/1.1 {status} {reason}", "X-Step: 1", ""))
        assert client.read_head().start == f"HTTP/1.1 {status} {reason}"
    upstream.send(reply(200, b"final"))
    assert client.read_response().body == b"final"


def test_a_client_of_http_1_0_gets_no_interim_answer(play):
    client = play.client()
    client.send(get("/", "1.0"))
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 103 Early Hints", "") + reply(200, b"final"))
    response = client.read_response("GET")
    assert (response.interims, response.body) == ([], b"final")
    client.expect_end()


def test_interim_answers_before_the_last_answer_of_a_connection(play):
    """They lie before it in one piece with the end, and are not for this client."""
    client = play.client()
    client.send(get("/", "1.0"))
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 103 Early Hints", "") * 3 + reply(200, b"final"))
    upstream.close()
    response = client.read_response("GET")
    assert (response.interims, response.body) == ([], b"final")


def test_eight_interim_answers_pass_and_the_ninth_is_too_many(stage):
    hints = lines("HTTP/1.1 103 Early Hints", "")
    stage.upstream.handler = lambda request: hints * int(request.target[1:]) + reply(200, b"final")
    client = stage.client()
    response = client.ask("GET", "/8")
    assert (len(response.interims), response.status) == (8, 200)
    response = client.ask("GET", "/9")
    assert (len(response.interims), response.status) == (8, 502)
    stage.event_of(client, "request-forwarded", reason="upstream-interim")


def test_a_client_that_expects_100_continue_waits_for_the_upstreams_word(play):
    """postern does not answer 100 by itself: only the upstream knows whether it wants the body."""
    client = play.client()
    client.send_request("PUT", "/", [("Expect", "100-continue"), ("Content-Length", "4")])
    upstream = play.upstream.accept()
    assert upstream.read_head().get("Expect") == "100-continue"
    upstream.send(lines("HTTP/1.1 100 Continue", ""))
    assert client.read_head().status == 100
    client.send(b"body")
    assert upstream.read_bytes(4) == b"body"
    upstream.send(reply(201))
    assert client.read_response().status == 201


def test_an_upstream_that_does_not_want_the_body_says_so_instead_of_100(play):
    client = play.client()
    client.send_request("PUT", "/", [("Expect", "100-continue"), ("Content-Length", "4")])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(reply(401, b"who are you?"))
    response = client.read_response()
    assert (response.status, response.interims, response.get("Connection")) == (401, [], None)
    client.finish()
    client.expect_end()


def test_a_body_that_policy_refuses_is_not_asked_for(stage):
    """Policy first: the client is told before it has sent anything, and the upstream not at all."""
    client = stage.client()
    response = client.ask("PUT", "/small", [("Expect", "100-continue"), ("Content-Length", "1025")])
    assert (response.status, response.interims) == (413, [])
    stage.event_of(client, "request-blocked", reason="http-body-large")
    assert stage.upstream.requests == []


def test_another_expectation_fails(stage):
    assert stage.client().ask("GET", "/", [("Expect", "200-ok")]).status == 417
    assert stage.upstream.requests == []


def test_a_body_whose_length_nobody_told_is_cut_where_the_limit_is(stage):
    client = stage.client()
    client.send_request("POST", "/small", [("Transfer-Encoding", "chunked")], chunked(b"x" * 1025))
    assert client.read_response().status == 413
    stage.event_of(client, "request-blocked", reason="http-body-large")
    assert stage.upstream.requests == []


# --- HTTP/1.0


def test_a_client_of_http_1_0_gets_a_body_until_the_end(stage):
    """It knows no chunks (RFC 9112, 6.1)."""
    stage.upstream.handler = lambda request: reply(
        200, chunked(b"one", b"two"), [("Transfer-Encoding", "chunked")]
    )
    client = stage.client()
    client.send(get("/", "1.0", "Connection: keep-alive"))
    response = client.read_response("GET")
    assert (response.get("Transfer-Encoding"), response.body) == (None, b"onetwo")
    assert response.get("Connection") == "close"


def test_a_client_of_http_1_0_may_ask_to_stay(stage):
    client = stage.client()
    for _ in range(2):
        client.send(get("/", "1.0", "Connection: keep-alive"))
        assert client.read_response("GET").get("Connection") == "keep-alive"
    client.send(get("/", "1.0"))
    assert client.read_response("GET").body == b"GET /\n"
    client.expect_end()


# --- streams and long silences


def test_each_event_of_a_stream_is_delivered_before_the_next_is_sent(play):
    client = play.client()
    client.send_request("GET", "/events", [("Accept", "text/event-stream")])
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", ""))
    assert client.read_head().status == 200
    for number in range(5):
        event = b"data: %d\n\n" % number
        upstream.send(b"%x\r\n%b\r\n" % (len(event), event))
        expected = b"%x\r\n%b\r\n" % (len(event), event)
        assert client.read_bytes(len(expected)) == expected
    upstream.send(b"0\r\n\r\n")
    assert client.read_bytes(5) == b"0\r\n\r\n"


def test_an_upload_reaches_the_upstream_while_it_still_comes(play):
    client = play.client()
    client.send_request("POST", "/", [("Transfer-Encoding", "chunked")], b"")
    upstream = play.upstream.accept()
    assert upstream.read_head().get("Transfer-Encoding") == "chunked"
    for part in [b"5\r\nfirst\r\n", b"6\r\nsecond\r\n", b"0\r\n\r\n"]:
        client.send(part)
        assert upstream.read_bytes(len(part)) == part
    upstream.send(reply(204))
    assert client.read_response().status == 204


def test_a_poll_is_answered_504_when_its_patience_ends_and_not_before(play):
    client = play.client()
    client.send_request("GET", "/poll/1")
    upstream = play.upstream.accept()
    upstream.expect_request()
    assert client.read_response().status == 504
    event = play.event_of(client, "request-forwarded", reason="upstream-timeout", ended_by="upstream")
    assert event["event.duration"] >= 300_000_000
    upstream.expect_gone()


def test_an_answer_that_stops_in_the_middle_is_never_shown_as_complete(play):
    client = play.client()
    client.send_request("GET", "/stall")
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "") + b"5\r\nfirst\r\n")
    with pytest.raises((Truncated, ConnectionError)):
        client.read_response()
    play.event_of(client, "request-forwarded", reason="upstream-stalled", outcome="failure")
    upstream.expect_gone()


# --- methods, targets and our own answers


@pytest.mark.parametrize("method", EXCHANGE_METHODS)
def test_methods_of_exchange_pass(stage, method):
    assert stage.client().ask(method, "/exchange/user/", body=b"<x/>").body == b"<x/>"
    assert stage.upstream.requests[0].method == method


@pytest.mark.parametrize(
    "method, target, forwarded",
    [
        ("GET", f"https://{PUBLIC_NAME}/owa/?a=b", "/owa/?a=b"),
        ("GET", f"http://{PUBLIC_NAME.upper()}?a", "/?a"),
        ("OPTIONS", "*", "*"),
        ("GET", "/a/./b/../c", "/a/c"),
        ("GET", "/%7euser/%6dail", "/~user/mail"),
        ("GET", "/a%c3%a4?q=%2f", "/a%C3%A4?q=%2F"),
    ],
)
def test_the_upstream_gets_the_one_normal_form_of_a_target(stage, method, target, forwarded):
    assert stage.client().ask(method, target).status == 200
    assert stage.upstream.requests[0].target == forwarded


def test_the_error_page_quotes_the_id_that_the_log_has(stage):
    client = stage.client()
    response = client.ask("GET", "/%2e%2e%2f")
    event = stage.event_of(client, "request-blocked", status=400)
    assert event["event.id"] in response.body.decode()
    assert "<script" not in response.body.decode()
    assert response.get("Content-Type") == "text/html; charset=utf-8"


def test_a_program_gets_its_error_as_json(stage):
    client = stage.client()
    response = client.ask("GET", "/%2e%2e%2f", [("Accept", "application/json")])
    event = stage.event_of(client, "request-blocked", status=400)
    assert response.get("Content-Type") == "application/problem+json"
    assert event["event.id"] in response.body.decode()
