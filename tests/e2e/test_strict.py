"""Requests that two readers could understand differently never reach the upstream.

Each row is followed by a second request on the same connection. The client gets one
answer and the end, the upstream not one byte. The parsers' own tables are in
tests/conformance; this is the proof over the wire.
"""

import pytest
from actors import PUBLIC_NAME
from wire import chunked, lines

HOST = f"Host: {PUBLIC_NAME}"
SMUGGLED = lines("GET /smuggled HTTP/1.1", HOST, "")


def get(*fields):
    return lines("GET / HTTP/1.1", HOST, *fields, "")


def post(*fields, body=b""):
    return lines("POST / HTTP/1.1", HOST, *fields, "") + body


def start(line):
    return lines(line, HOST, "")


def host(value):
    return lines("GET / HTTP/1.1", f"Host: {value}", "")


def coding(value, version="1.1"):
    return lines(f"POST / HTTP/{version}", HOST, f"Transfer-Encoding: {value}", "") + b"0\r\n\r\n"


def length(value):
    return post(f"Content-Length: {value}", body=b"hello")


CL, TE = "Content-Length: 5", "Transfer-Encoding: chunked"

# name: (bytes, status, reason)
HEADS = {
    # two framings
    "cl.te": (post(CL, TE, body=b"0\r\n\r\n"), 400, "http-two-lengths"),
    "te.cl": (post(TE, CL, body=b"0\r\n\r\n"), 400, "http-two-lengths"),
    "cl.te-empty": (post(CL, "Transfer-Encoding:", body=b"hello"), 400, "http-two-lengths"),
    "cl.cl": (post(CL, "Content-Length: 6", body=b"hello"), 400, "http-length-twice"),
    "cl.cl-equal": (post(CL, CL, body=b"hello"), 400, "http-length-twice"),
    "te.te": (post(TE, TE, body=b"0\r\n\r\n"), 400, "http-transfer-encoding"),
    "te.te-cow": (post("Transfer-Encoding: cow", TE, body=b"0\r\n\r\n"), 400, "http-transfer-encoding"),
    # Transfer-Encoding is exactly one word
    **{
        f"te-{value or 'empty'}": (coding(value), 400, "http-transfer-encoding")
        for value in ["gzip, chunked", "identity, chunked", "chunked, identity", ",chunked", "chunked,", "xchunked",
                      "identity", "", "chunked;q=1", '"chunked"', "chunked\xa0", "\x85chunked"]
    },
    "te-vertical-tab": (coding("\x0bchunked"), 400, "http-field-value"),
    "te-in-1.0": (coding("chunked", "1.0"), 400, "http-transfer-encoding"),
    "te-folded": (post("Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n"), 400, "http-field-folded"),
    "te-space-before-colon": (post("Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400, "http-field-space"),
    "te-after-bare-cr": (post("X-A:\rTransfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, "http-bare-cr"),
    "te-after-bare-lf": (post("X-A: a\nTransfer-Encoding: chunked", body=b"0\r\n\r\n"), 400, "http-bare-lf"),
    # Content-Length is a number
    **{
        f"cl-{value or 'empty'}": (length(value), 400, "http-length")
        for value in ["", "+5", "-5", "0x5", "5, 5", "5,", "5a", "5.0", "5 5", "9223372036854775808",
                      "18446744073709551621", "9" * 40]
    },
    "cl-hidden-in-fold": (post("X: a\r\n Content-Length: 64"), 400, "http-field-folded"),
    "cl-missing-in-1.0": (lines("POST / HTTP/1.0", HOST, "") + b"body", 400, "http-length"),
    # line ends
    "lf-request-line": (b"GET / HTTP/1.1\n" + lines(HOST, ""), 400, "http-bare-lf"),
    "lf-field": (f"GET / HTTP/1.1\r\n{HOST}\n\r\n".encode(), 400, "http-bare-lf"),
    "lf-end": (lines("GET / HTTP/1.1", HOST) + b"\n", 400, "http-bare-lf"),
    "lf-before": (b"\n" + get(), 400, "http-bare-lf"),
    "cr-value": (get("X: a\rb"), 400, "http-bare-cr"),
    "cr-end": (lines("GET / HTTP/1.1", HOST) + b"\rX", 400, "http-bare-cr"),
    "cr-cr-lf": (get("X: a\r"), 400, "http-bare-cr"),
    "nul-value": (get("X: a\0b"), 400, "http-nul"),
    "nul-target": (start("GET /\0 HTTP/1.1"), 400, "http-nul"),
    "empty-lines-before": (b"\r\n\r\n" + get(), 400, "http-request-line"),
    # fields
    "fold": (get("X: a\r\n b"), 400, "http-field-folded"),
    "fold-tab": (get("X: a\r\n\tb"), 400, "http-field-folded"),
    "space-before-colon": (get("X : a"), 400, "http-field-space"),
    "name-empty": (get(": a"), 400, "http-field-name"),
    "name-no-token": (get("X(y): a"), 400, "http-field-name"),
    "name-high": (get("Caf\xe9: a"), 400, "http-field-name"),
    "name-without-colon": (get("Content-Length"), 400, "http-field-name"),
    "value-control": (get("X: a\x01b"), 400, "http-field-value"),
    "value-delete": (get("X: a\x7fb"), 400, "http-field-value"),
    "authorization-twice": (get("Authorization: Basic YQ==", "Authorization: Basic Yg=="), 400, "http-single-twice"),
    # Host
    "host-missing": (lines("GET / HTTP/1.1", "X: y", ""), 400, "http-host-missing"),
    "host-twice": (get(HOST), 400, "http-host-twice"),
    "host-twice-different": (get("Host: evil.example"), 400, "http-host-twice"),
    **{
        f"host-{value or 'empty'}": (host(value), 400, "http-host")
        for value in ["", f"{PUBLIC_NAME}, evil.example", f"user@{PUBLIC_NAME}", f"{PUBLIC_NAME}/", f"{PUBLIC_NAME}:",
                      f"{PUBLIC_NAME}:0443x", f"{PUBLIC_NAME}:65536", f"{PUBLIC_NAME}\\x", "m\xe4il.test"]
    },
    # request line
    **{
        f"line-{line!r}": (start(line), 400, reason)
        for line, reason in [
            ("GET /", "http-request-line"),
            ("GET / HTTP/0.9", "http-version"),
            ("GET / HTTP/1.2", "http-version"),
            ("GET / HTTP/2.0", "http-version"),
            ("GET / HTTP/3.0", "http-version"),
            ("GET / http/1.1", "http-request-line"),
            ("GET / RTSP/1.0", "http-request-line"),
            ("GET / HTTP/1.1 ", "http-request-line"),
            ("GET  / HTTP/1.1", "http-request-line"),
            ("GET /  HTTP/1.1", "http-request-line"),
            (" GET / HTTP/1.1", "http-request-line"),
            ("GET\t/ HTTP/1.1", "http-method"),
            ("G\xc9T / HTTP/1.1", "http-method"),
            ("GET /a b HTTP/1.1", "http-request-line"),
            ("GET /\xe4 HTTP/1.1", "http-target"),
            ("GET /a#b HTTP/1.1", "http-target"),
            ("GET /a\\b HTTP/1.1", "http-target"),
            ("GET * HTTP/1.1", "http-target"),
            ("GET owa/ HTTP/1.1", "http-target"),
            ("GET ftp://mail.example.test/ HTTP/1.1", "http-target"),
            ("GET /%zz HTTP/1.1", "url-escape"),
            ("GET /%u002e HTTP/1.1", "url-unicode-escape"),
        ]
    },
    "h2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "http-version"),
    "h0.9": (b"GET /\r\n\r\n", 400, "http-request-line"),
    "smtp": (b"EHLO there\r\n\r\n", 400, "http-request-line"),
    # too much of it
    "target-long": (start(f"GET /{'a' * 16384} HTTP/1.1"), 414, "http-target-long"),
    "field-long": (get("X: " + "a" * (48 * 1024 + 1)), 431, "http-field-long"),
    "name-long": (get("X" * 129 + ": a"), 431, "http-field-long"),
    "fields-many": (get(*["X: a"] * 100), 431, "http-field-count"),
    "head-long": (get("X: " + "a" * 40000, "Y: " + "b" * 30000), 431, "http-head-long"),
    # never a forward proxy
    "foreign": (start("GET http://evil.example/ HTTP/1.1"), 421, "http-authority-foreign"),
    "foreign-user": (start(f"GET http://user@{PUBLIC_NAME}/ HTTP/1.1"), 421, "http-authority-foreign"),
    "expect-other": (post("Expect: 200-ok"), 417, "http-expect"),
}

# Judged by a gate, from a head that all readers understand alike: the connection goes on.
GATED = {
    "connect": (lines(f"CONNECT {PUBLIC_NAME}:443 HTTP/1.1", HOST, ""), 405, "http-method-refused"),
    "connect-foreign": (lines("CONNECT 10.0.0.1:25 HTTP/1.1", HOST, ""), 405, "http-method-refused"),
    "trace": (start("TRACE / HTTP/1.1"), 405, "http-method-refused"),
    "host-unknown": (host("other.example.test"), 421, "http-host-unknown"),
    "climbs": (start("GET /../../etc/passwd HTTP/1.1"), 400, "url-climbs"),
    "climbs-disguised": (start("GET /owa/%2e%2e/ecp HTTP/1.1"), 400, "url-climbs"),
    "climbs-by-parameter": (start("GET /owa/..;/ecp HTTP/1.1"), 400, "url-climbs"),
    "encoded-slash": (start("GET /owa%2fecp HTTP/1.1"), 400, "url-encoded-slash"),
    "encoded-backslash": (start("GET /owa%5cecp HTTP/1.1"), 400, "url-backslash"),
    "encoded-twice": (start("GET /%252e%252e/ HTTP/1.1"), 400, "url-double-encoded"),
    "encoded-nul": (start("GET /a%00.jpg HTTP/1.1"), 400, "url-control"),
    "encoded-line-end": (start("GET /a?b=%0d%0aX:%20y HTTP/1.1"), 400, "url-control"),
    "overlong-utf8": (start("GET /%c0%ae%c0%ae/ HTTP/1.1"), 400, "url-utf8"),
}

# The head is good and may be forwarded; the body never becomes a request of its own.
BODIES = {
    "size-empty": (b"\r\n\r\n", "http-chunk-size"),
    "size-letters": (b"xyz\r\n", "http-chunk-size"),
    "size-0x": (b"0x5\r\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "size-minus": (b"-5\r\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "size-space": (b"5 \r\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "size-17-digits": (b"00000000000000005\r\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "size-overflow": (b"10000000000000005\r\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "line-lf": (b"5\nhello\r\n0\r\n\r\n", "http-chunk-size"),
    "line-cr": (b"5\rhello\r\n0\r\n\r\n", "http-chunk-line"),
    "line-long": (b"5;" + b"a" * 63 + b"\r\nhello\r\n0\r\n\r\n", "http-chunk-line"),
    "extension-lf": (b"5;a\nhello\r\n0\r\n\r\n", "http-chunk-line"),
    "extension-quoted-line-end": (b'5;a="\r\n0\r\n\r\n"', "http-chunk-line"),
    "data-long": (b"5\r\nhellooo\r\n0\r\n\r\n", "http-chunk-data"),
    "data-without-end": (b"5\r\nhello0\r\n\r\n", "http-chunk-data"),
    "last-lf": (b"0\r\n\n", "http-trailer"),
    "trailer-length": (b"0\r\nContent-Length: 5\r\n\r\n", "http-trailer"),
    "trailer-host": (b"0\r\nHost: evil.example\r\n\r\n", "http-trailer"),
    "trailer-forwarded": (b"0\r\nX-Forwarded-For: ::1\r\n\r\n", "http-trailer"),
    "trailer-long": (b"0\r\nX: " + b"a" * 9000 + b"\r\n\r\n", "http-trailer"),
}

# Legal, and read alike by everybody: exactly two requests.
PASSED = {
    "cl": post(CL, body=b"hello"),
    "cl-zeros": post("Content-Length: 0005", body=b"hello"),
    "te": post(TE, body=chunked(b"hello")),
    "te-case": post("transfer-encoding:\t CHUNKED ", body=chunked(b"hello")),
    "te-extension": post(TE, body=b'5;a="\\"b"\r\nhello\r\n0;c\r\n\r\n'),
    "get-with-body": get(CL)[:-2] + b"\r\nhello",
    "request-in-body": post(f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    "request-in-chunk": post(TE, body=chunked(SMUGGLED)),
    "empty-line-before": b"\r\n" + post(CL, body=b"hello"),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_could_be_read_in_two_ways_ends_the_connection(stage, name):
    raw, status, reason = HEADS[name]
    connections = stage.upstream.connection_count
    client = stage.client()
    client.send(raw + SMUGGLED)
    response = client.read_response("GET")
    assert (response.status, response.get("Connection")) == (status, "close")
    client.expect_end()
    client.close()
    event = stage.event_of(client, "request-blocked")
    assert (event["event.reason"], event["http.response.status_code"]) == (reason, status)
    assert stage.event_of(client, "connection-ended")["postern.requests"] == 1
    assert (stage.upstream.connection_count, stage.upstream.requests) == (connections, [])


@pytest.mark.parametrize("name", GATED)
def test_a_request_that_a_gate_refuses_never_reaches_the_upstream(stage, name):
    raw, status, reason = GATED[name]
    connections = stage.upstream.connection_count
    client = stage.client()
    client.send(raw)
    assert client.read_response("GET").status == status
    stage.event_of(client, "request-blocked", status=status, reason=reason)
    assert (stage.upstream.connection_count, stage.upstream.requests) == (connections, [])


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_could_end_in_two_places_ends_the_connection(stage, name):
    body, reason = BODIES[name]
    client = stage.client()
    client.send(post(TE, body=body) + SMUGGLED)
    response = client.read_response("POST")
    assert (response.status, response.get("Connection")) == (400, "close")
    client.expect_end()
    client.close()
    stage.event_of(client, "request-blocked", status=400, reason=reason)
    assert stage.event_of(client, "connection-ended")["postern.requests"] == 1
    assert stage.upstream.requests == [], "not even the first one is complete"


@pytest.mark.parametrize("name", PASSED)
def test_what_everybody_reads_alike_is_two_requests(stage, name):
    client = stage.client()
    client.send(PASSED[name] + SMUGGLED)
    client.read_response("POST")
    client.read_response("GET")
    assert [request.target for request in stage.upstream.requests] == ["/", "/smuggled"]
    for path in ["/", "/smuggled"]:
        stage.event_of(client, "request-forwarded", path=path)


@pytest.mark.parametrize("count", [99, 100])
def test_as_many_fields_as_allowed_pass_and_one_more_does_not(stage, count):
    client = stage.client()
    client.send(get(*["X: a"] * count))
    assert client.read_response("GET").status == (200 if count == 99 else 431)


def test_the_longest_target_passes(stage):
    assert stage.client().ask("GET", "/" + "a" * 16383).status == 200


def test_an_upgrade_to_another_protocol_is_an_ordinary_request(stage):
    """h2c smuggling: what comes behind is read as HTTP/1.1, not passed through unseen."""
    client = stage.client()
    upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    client.send(get(*upgrade) + SMUGGLED)
    assert client.read_response("GET").status == 200
    assert client.read_response("GET").body == b"GET /smuggled\n"
    assert stage.upstream.requests[0].get("Upgrade") is None
