"""Methods that are younger or stranger than the parser: they pass where an application
names them, on each message of a connection, and RPC over HTTP's two half-duplex channels
of a gigabyte stay open side by side."""

import pytest
from actors import PUBLIC_NAME
from wire import lines

HOST = f"Host: {PUBLIC_NAME}"
STRANGE = [
    "RPC_IN_DATA", "RPC_OUT_DATA", "BPROPPATCH", "BPROPFIND", "BCOPY", "BMOVE", "BDELETE", "POLL", "SUBSCRIBE",
    "X-MS-ENUMATTS", "NOTIFY", "VERSION-CONTROL", "PATCH", "MKWORKSPACE", "UPDATEREDIRECTREF", "G", "A" * 32,
]  # fmt: skip
USUAL = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE",
    "LOCK", "UNLOCK", "REPORT", "ACL", "MKCALENDAR", "SEARCH",
]  # fmt: skip
GIGABYTE = 1 << 30
PIECE = b"x" * 65536
MEMORY_KIB = 4096  # what a worker may grow by while tens of megabytes flow


@pytest.fixture
def proxy(make_proxy, upstream):
    proxy = make_proxy(upstream)
    proxy.published["application"] = {"extends": "any", "methods": STRANGE + ["GET"]}
    return proxy


@pytest.fixture
def plain(make_proxy, upstream):
    return make_proxy(upstream)


def test_the_methods_of_webmail_pass_where_nothing_is_written(plain, make_client, upstream):
    client = make_client(plain)
    for method in USUAL:
        assert client.ask(method, "/").status == 200
    assert [request.method for request in upstream.requests] == USUAL


@pytest.mark.parametrize(
    "method", ["TRACK", "DEBUG", "PURGE", "RPC_IN_DATA", "RPC_OUT_DATA", "BPROPPATCH", "LINK", "QUERY", "Get", "get"]
)
def test_others_are_the_applications_to_name(method, plain, make_client, upstream):
    """Caches purge, old IIS debugs and echoes: no webmail needs it from outside."""
    assert make_client(plain).ask(method, "/").status == 405
    plain.expect_event("request-blocked", reason="method-not-used")
    assert upstream.requests == []


def test_strange_methods_pass_on_every_message_of_a_connection(client, upstream, proxy):
    """Among ordinary ones, with bodies of each framing, and spelt as they came."""
    for method in STRANGE:
        assert client.ask(method, f"/{method}").body == f"{method} /{method}\n".encode()
        assert client.ask(method, "/body", body=b"some body").body == b"some body"
        assert client.ask("GET", "/between").body == b"GET /between\n"
        proxy.expect_event("request-forwarded", method=method, path="/body")
    assert [r.method for r in upstream.requests] == [m for method in STRANGE for m in (method, method, "GET")]
    assert upstream.connection_count == 1


def test_strange_methods_are_pipelined(client, upstream):
    client.send(b"".join(lines(f"{method} / HTTP/1.1", HOST, "Content-Length: 2", "") + b"hi" for method in STRANGE))
    assert [client.read_response(method).body for method in STRANGE] == [b"hi"] * len(STRANGE)
    assert [request.method for request in upstream.requests] == STRANGE


@pytest.mark.parametrize("method", ["RPC_IN_DATA", "BPROPPATCH"])
def test_a_strange_method_weakens_nothing(client, upstream, proxy, method):
    """Two framings end the connection behind it, as with any other method."""
    client.send(lines(f"{method} / HTTP/1.1", HOST, "Content-Length: 4", "Transfer-Encoding: chunked", "") + b"0\r\n\r\n")
    assert client.read_response(method).status == 400
    client.expect_end()
    assert upstream.requests == []
    proxy.expect_event("request-blocked", reason="http-two-lengths")


def test_the_two_channels_of_rpc_over_http_flow_side_by_side(make_client, make_upstream, make_proxy):
    """MS-RPCH 3.2: one request whose body and one answer whose body never seem to end.
    What goes in on the one comes out on the other; postern keeps none of it."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.published["body"] = "1GiB"
    proxy.published["application"] = {"extends": "any", "methods": ["RPC_IN_DATA", "RPC_OUT_DATA"]}
    # What the sanitizer keeps of freed memory is not postern's.
    proxy.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1"
    channel_in, channel_out = make_client(proxy), make_client(proxy)
    worker = next(pid for role, pid in proxy.children().items() if role.startswith("worker"))
    rpc = "/rpc/rpcproxy.dll?mailbox.example.test:6001"

    channel_out.send_request("RPC_OUT_DATA", rpc, [("Content-Length", "76")], b"r" * 76)
    inside_out = upstream.accept()
    assert inside_out.expect_request().method == "RPC_OUT_DATA"
    inside_out.send(lines("HTTP/1.1 200 OK", "Content-Type: application/rpc", f"Content-Length: {GIGABYTE}", ""))
    assert channel_out.read_head().status == 200

    channel_in.send_request("RPC_IN_DATA", rpc, [("Content-Length", str(GIGABYTE))])
    inside_in = upstream.accept()
    head = inside_in.read_head()
    assert (head.method, head.get("Content-Length")) == ("RPC_IN_DATA", str(GIGABYTE))

    for number in range(500):
        question, answer = b"%7d?" % number, b"%7d!" % number
        channel_in.send(question)
        assert inside_in.read_bytes(8) == question
        inside_out.send(answer)
        assert channel_out.read_bytes(8) == answer
    for number in range(400):  # 25 MB each way
        if number == 40:  # the pool is filled, and so is what a sanitizer keeps
            before = proxy.memory_kib(worker)
        channel_in.send(PIECE)
        assert inside_in.read_bytes(len(PIECE)) == PIECE
        inside_out.send(PIECE)
        assert channel_out.read_bytes(len(PIECE)) == PIECE
    assert proxy.memory_kib(worker) - before < MEMORY_KIB

    channel_in.reset()
    channel_out.reset()
    for method in ("RPC_IN_DATA", "RPC_OUT_DATA"):
        proxy.expect_event("request-forwarded", method=method, path="/rpc/rpcproxy.dll")
