"""No upstream ever sees a request that postern did not log.

A few hundred messages that two readers may cut differently are sent through postern to
three servers that other people wrote, each of which writes down every request that it
believes to have received. test_strict.py says what postern answers; this asks the other
side. The corpus is a table: a new trick is a new row.
"""

import socket
from collections import Counter
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME
from wire import chunked, lines
from witness import Apache, Asked, Nginx, PythonH11

HOST = f"Host: {PUBLIC_NAME}"
SMUGGLED = lines("GET /smuggled HTTP/1.1", HOST, "")
PREFIX = lines("GET /smuggled HTTP/1.1")[:-2] + b"\r\nX: "  # swallows the next request line
CHUNKED = "Transfer-Encoding: chunked"

# Lines that one reader takes for `Transfer-Encoding: chunked` and another one does not.
CODINGS = [
    "Transfer-Encoding: chunked",
    "transfer-encoding: CHUNKED",
    "Transfer-Encoding:chunked",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding: chunked\t",
    "Transfer-Encoding:  chunked  ",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: chunk",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: chunked;q=1",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding:",
    "Transfer-Encoding: identity",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked",
    "X: y\r\n Transfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding:\r\n\tchunked",
    "Transfer-Encoding\r\n: chunked",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: \x0cchunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding: \x00chunked",
    "Transfer-Encoding: chunked\xa0",
    "Transfer-Encoding: \xffchunked",
    "Transfer_Encoding: chunked",
    "Transfer.Encoding: chunked",
    "Transfer Encoding: chunked",
    "Transfer-Encoding\x00: chunked",
    "\x00Transfer-Encoding: chunked",
    "\xefTransfer-Encoding: chunked",
    "Transfer-Encoding; chunked",
    "Transfer-Encoding= chunked",
    "Content-Encoding: chunked",
    "TE: chunked",
]

# The same for a length that is really that of the smuggled request.
LENGTHS = [
    "{}", "+{}", "-{}", " {} ", "0{}", "00000000000000000000000{}", "{}.0", "{}e0", "0x{:x}", "{}, {}", "{},", ",{}",
    "{} {}", "{};", '"{}"', "{}\t", "\x0b{}", "{}\x00", "{}a", "1_{}", "\xb2{}", "",
    "18446744073709551616", "9223372036854775807", "4294967296", "-1", "NaN", "1 ,{}", "{}\r\n ",
]  # fmt: skip

FIELDS = [
    "Content-Length : {}", "Content-Length\t: {}", "Content_Length: {}", " Content-Length: {}", "Content-Length\x00: {}",
    "Content-Length\r\n: {}", "X: y\nContent-Length: {}", "X: y\rContent-Length: {}", "X: y\r\n Content-Length: {}",
    "Content Length: {}", "content-length: {}", "CONTENT-LENGTH: {}", "Content-Length: {}\r", "Content-Length:{}",
    "Content-Length\x0b: {}", "Content-Length\xa0: {}", "Content-Length: 0\r\nContent-Length: {}",
    "Content-Length: {}\r\nContent-Length: 0", "Content-Length: {}\r\nContent-Length: {}", ": y\r\nContent-Length: {}",
    "Connection: Content-Length\r\nContent-Length: {}", "Connection: close, Content-Length\r\nContent-Length: {}",
]  # fmt: skip

# Bodies of a chunked request: where does each of them end?
CHUNKS = [
    b"0\r\n\r\n",
    b"0\n\n",
    b"0\r\n\n",
    b"0\n\r\n",
    b"0\r\r\n\r\n",
    b"00000\r\n\r\n",
    b"0 \r\n\r\n",
    b" 0\r\n\r\n",
    b"0;a=b\r\n\r\n",
    b"0;a\n\r\n\r\n",
    b'0;a="\r\n\r\n"\r\n\r\n',
    b"0;" + b"a" * 70 + b"\r\n\r\n",
    b"0x0\r\n\r\n",
    b"-0\r\n\r\n",
    b"+0\r\n\r\n",
    b"\r\n0\r\n\r\n",
    b"\r\n\r\n",
    b"x\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;\r\nhello\r\n0\r\n\r\n",
    b"5 ; a = b\r\nhello\r\n0\r\n\r\n",
    b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\n0\n\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhelloXX0\r\n\r\n",
    b"5\rXhello\r\n0\r\n\r\n",
    b"4\r\nhello\r\n0\r\n\r\n",
    b"6\r\nhello\r\n0\r\n\r\n",
    b"05\r\nhello\r\n0\r\n\r\n",
    b"0000000000000005\r\nhello\r\n0\r\n\r\n",
    b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"100000005\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    b"7FFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    b"-1\r\nhello\r\n0\r\n\r\n",
    b"5\x00\r\nhello\r\n0\r\n\r\n",
    b"\xb25\r\nhello\r\n0\r\n\r\n",
    b"5_0\r\nhello\r\n0\r\n\r\n",
    b"0\r\nX: y\r\n\r\n",
    b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"0\r\nHost: evil.example\r\n\r\n",
    b"0\r\nX: y\n\r\n\r\n",
    b"0\r\nX : y\r\n\r\n",
    b"0\r\n X: y\r\n\r\n",
    b"0\r\nX: y\r\n z\r\n\r\n",
    b"0\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    b"0\r\n" + PREFIX + b"y\r\n\r\n",
]

# Whole heads; what follows each is SMUGGLED.
HEADS = [
    lines("GET /0 HTTP/1.1", HOST, "X: y") + b"\n",
    lines("GET /0 HTTP/1.1", HOST) + b"\n\n",
    b"GET /0 HTTP/1.1\n" + HOST.encode() + b"\n\n",
    b"GET /0 HTTP/1.1\r" + HOST.encode() + b"\r\r",
    lines("GET /0 HTTP/1.1", HOST, "X: y\rZ: a", ""),
    lines("GET /0 HTTP/1.1", HOST, "X: y\r\rGET /smuggled HTTP/1.1", ""),
    lines("GET /0 HTTP/1.1", HOST, "X: y\n\nGET /smuggled HTTP/1.1", ""),
    lines("GET /0 HTTP/1.1", HOST, "X: y\r\n\tGET /smuggled HTTP/1.1", ""),
    lines("GET /0 HTTP/1.1", " X: y", HOST, ""),
    lines("GET /0 HTTP/1.1", "\tX: y", HOST, ""),
    lines("GET /0 HTTP/1.1", HOST, HOST, ""),
    lines("GET /0 HTTP/1.1", HOST, "Host: evil.example", ""),
    lines("GET /0 HTTP/1.1", "Host : evil.example", HOST, ""),
    lines("GET /0 HTTP/1.1", HOST, "X-Request-ID: forged", ""),
    lines("GET /0 HTTP/1.1", HOST, "X-Request-ID: forged", "X-Request-ID: again", ""),
    lines("GET /0 HTTP/1.1", HOST, "X_Request_ID: forged", ""),
    lines("GET /0 HTTP/1.1", HOST, "Connection: X-Request-ID, X-Forwarded-For", ""),
    lines("GET /0 HTTP/1.1", HOST, "Connection: Host", ""),
    lines("GET /0 HTTP/1.1", HOST, "Connection: close, Transfer-Encoding", CHUNKED, "") + chunked(b"hello"),
    lines("GET /0 HTTP/1.1", HOST, "X: " + "a" * 40_000, ""),
    # the target
    lines(f"GET https://{PUBLIC_NAME}/0 HTTP/1.1", HOST, ""),
    lines(f"GET http://{PUBLIC_NAME}/0 HTTP/1.1", HOST, ""),
    lines("GET http://evil.example/0 HTTP/1.1", HOST, ""),
    lines("GET https://evil.example/0 HTTP/1.1", "Host: evil.example", ""),
    lines(f"GET https://{PUBLIC_NAME}@evil.example/0 HTTP/1.1", HOST, ""),
    lines("GET //evil.example/0 HTTP/1.1", HOST, ""),
    lines("GET /0%20HTTP/1.1%0d%0aX:%20y HTTP/1.1", HOST, ""),
    lines("GET /0%0d%0a%0d%0aGET%20/smuggled HTTP/1.1", HOST, ""),
    lines("GET /0 HTTP/1.1 HTTP/1.1", HOST, ""),
    lines("GET /0\tHTTP/1.1", HOST, ""),
    lines("GET\x0b/0 HTTP/1.1", HOST, ""),
    lines("GET /0?a=\x00b HTTP/1.1", HOST, ""),
    lines("GET /0#/smuggled HTTP/1.1", HOST, ""),
    lines("OPTIONS * HTTP/1.1", HOST, ""),
    lines("CONNECT mail.example.test:443 HTTP/1.1", HOST, ""),
    lines("PRI * HTTP/2.0", "", "SM", ""),
    # HTTP/0.9 and others
    b"GET /0\r\n",
    b"GET /0\n",
    b"GET /0\r\n\r\n",
    b"GET /smuggled HTTP/0.9\r\n\r\n",
    lines("GET /0 HTTP/1", HOST, ""),
    lines("GET /0 HTTP/1.10", HOST, ""),
    lines("GET /0 HTTP/01.1", HOST, ""),
    lines("GET /0 HTTP/2.0", HOST, ""),
    lines("GET /0 http/1.1", HOST, ""),
    lines("GET /0 ICY/1.1", HOST, ""),
    lines("\x00GET /0 HTTP/1.1", HOST, ""),
    b"\r\n" * 3 + lines("GET /0 HTTP/1.1", HOST, ""),
    b"\n" + lines("GET /0 HTTP/1.1", HOST, ""),
    # HTTP/1.0 that would like to stay
    lines("GET /0 HTTP/1.0", HOST, ""),
    lines("GET /0 HTTP/1.0", HOST, "Connection: keep-alive", ""),
    lines("GET /0 HTTP/1.0", HOST, "Proxy-Connection: keep-alive", ""),
    lines("GET /0 HTTP/1.0", HOST, "Connection: keep-alive", "Keep-Alive: max=10", ""),
    lines("POST /0 HTTP/1.0", HOST, "Connection: keep-alive", ""),
    lines("POST /0 HTTP/1.0", HOST, "Connection: keep-alive", CHUNKED, "") + b"0\r\n\r\n",
    lines("POST /0 HTTP/1.0", HOST, "Connection: keep-alive", "Content-Length: 5", "") + b"hello",
    lines("GET /0 HTTP/1.0", "Connection: keep-alive", ""),
    # a request that asks for leave, or for another protocol
    lines("POST /0 HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 5", "") + b"hello",
    lines("POST /0 HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 0", ""),
    lines("POST /0 HTTP/1.1", HOST, "Expect: 100-Continue", CHUNKED, "") + chunked(b"hello"),
    lines("POST /0 HTTP/1.1", HOST, "Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5", "") + b"hello",
    lines("GET /0 HTTP/1.1", HOST, "Expect: 100-continue", ""),
    lines("POST /0 HTTP/1.1", HOST, "Expect: y 100-continue", "Content-Length: 5", "") + b"hello",
    lines("POST /0 HTTP/1.1", HOST, "Expect: 100-continue, 200-ok", "Content-Length: 5", "") + b"hello",
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: h2c", "Connection: Upgrade", ""),
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk", ""),
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: h2c", "Connection: HTTP2-Settings", "HTTP2-Settings: AAMAAABk", ""),
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: TLS/1.2", "Connection: Upgrade", ""),
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 777",
          "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", ""),
    lines("GET /0 HTTP/1.1", HOST, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", ""),
    lines("OPTIONS /0 HTTP/1.1", HOST, "Upgrade: h2c", "Connection: Upgrade", "Content-Length: 5", "") + b"hello",
    # pipelines, the last of which is cut
    lines("GET /0 HTTP/1.1", HOST, "") * 5,
    lines("HEAD /0 HTTP/1.1", HOST, "") * 3,
    lines("GET /0 HTTP/1.1", HOST, "Content-Length: 5", "") + b"hello" + lines("POST /1 HTTP/1.1", HOST, ""),
    lines("POST /0 HTTP/1.1", HOST, "Content-Length: 5", "") + b"hello" + PREFIX,
    lines("POST /0 HTTP/1.1", HOST, "Content-Length: 5", "") + b"hell",
    lines("POST /0 HTTP/1.1", HOST, CHUNKED, "") + chunked(b"hello") + PREFIX,
    lines("POST /0 HTTP/1.1", HOST, CHUNKED, "") + b"5\r\nhel",
    lines("GET /0 HTTP/1.1", HOST, "Connection: close", ""),
    lines("GET /0 HTTP/1.1", HOST, "Connection: close, keep-alive", ""),
    lines("GET /0 HTTP/1.1", HOST, "")[:-2],
]  # fmt: skip


def post(*fields, body=b""):
    return lines("POST /0 HTTP/1.1", HOST, *fields, "") + body


def cl_te(coding):
    """Who counts sees one request; who reads chunks sees two."""
    body = b"0\r\n\r\n" + SMUGGLED
    return post(f"Content-Length: {len(body)}", coding, body=body)


def te_cl(coding):
    """Who reads chunks sees one request; who counts sees two."""
    body = chunked(SMUGGLED)
    return post(coding, f"Content-Length: {body.index(SMUGGLED)}", body=body)


def te_te(coding):
    """Two codings, of which each reader may like another one."""
    return post(coding, CHUNKED, body=chunked(SMUGGLED)) + SMUGGLED


def te_0(coding):
    """No length at all, and a coding that perhaps is none."""
    return post(coding, body=chunked(SMUGGLED))


def cl_0(length):
    """Who does not believe in this length sees a second request."""
    return post("Content-Length: " + length.replace("{}", str(len(SMUGGLED))).replace("{:x}", f"{len(SMUGGLED):x}"),
                body=SMUGGLED)  # fmt: skip


def named(field):
    return post(field.replace("{}", str(len(SMUGGLED))), body=SMUGGLED)


def corpus():
    for trick in (cl_te, te_cl, te_te, te_0):
        yield from map(trick, CODINGS)
    yield from map(cl_0, LENGTHS)
    yield from map(named, FIELDS)
    yield from (post(CHUNKED, body=body) + SMUGGLED for body in CHUNKS)
    yield from (head + SMUGGLED for head in HEADS)


@pytest.fixture(params=[Nginx, Apache, PythonH11])
def witness(request, folder):
    witness = request.param(folder)
    yield witness
    witness.stop()


@pytest.fixture
def proxy(make_proxy, witness):
    proxy = make_proxy()
    proxy.upstream.update(bridge="clear_text", servers=[f"http://127.0.0.1:{witness.port}"])
    del proxy.upstream["verify"]
    return proxy


def send_all(make_client):
    for raw in corpus():
        client = make_client()
        # postern ends some of these connections while we still speak.
        with suppress(OSError):
            client.send(raw)
            client.finish()
        client.expect_gone()
        client.close()


def test_no_upstream_sees_a_request_that_is_not_in_the_log(make_client, proxy, witness):
    """Each request that the server took for one has its event in postern's log, with the
    same id, method and path, and each that was forwarded whole was seen, once."""
    send_all(make_client)
    assert proxy.stop() == 0
    witness.stop()
    events = {e["event.id"]: e for e in proxy.events("request-forwarded")}
    seen = Counter(witness.requests())
    assert {one: count for one, count in seen.items() if count > 1 and one.id} == {}, "one id, two requests"
    assert {one for one in seen if one.id and one != named_by(events.get(one.id))} == set(), "not in the log"
    # What a server refuses before it comes to the id is known by its method and path.
    ids = {one.id for one in seen}
    unread = Counter(Asked(None, *named_by(event)[1:]) for event in events.values()
                     if event["event.id"] not in ids and event.get("postern.upstream.status") == 400)  # fmt: skip
    assert Counter({one: count for one, count in seen.items() if not one.id}) == unread, "without an id"
    lost = [event for event in events.values() if "event.reason" not in event and event["event.id"] not in ids]
    assert [named_by(event) for event in lost if event["postern.upstream.status"] != 400] == []


def named_by(event):
    return event and Asked(event["event.id"], event["http.request.method"], event["url.path"])


def test_a_server_would_tell_of_a_smuggled_request(witness):
    """The proof is worth something: what comes without postern is seen as such."""
    with socket.create_connection(("127.0.0.1", witness.port)) as sock:
        sock.sendall(post(CHUNKED, "X-Request-ID: known", "Connection: keep-alive", body=b"0\r\n\r\n") + SMUGGLED)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    witness.stop()
    assert witness.requests() == [Asked("known", "POST", "/0"), Asked(None, "GET", "/smuggled")]
