"""How much one client, one address and everybody together may cost."""

import hashlib
import resource
import select
import threading

import pytest
from actors import Client
from wire import lines, reply

MEGABYTE = 1 << 20
SPARE_DESCRIPTORS = 1000  # for everything else in this process and in a worker


@pytest.fixture(scope="session")
def is_sanitized(program):
    """Then memory is no measure, and time is dear."""
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


def worker_of(proxy):
    return next(pid for role, pid in proxy.children().items() if role.startswith("worker"))


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


# --- how many


def test_more_connections_than_allowed_are_closed_at_once(proxy, make_client):
    """Those within the limit are not harmed, and a place that becomes free is given again."""
    proxy.listener["connections"] = 3
    clients = [make_client() for _ in range(3)]
    surplus = make_client(handshake=False, clear=True)
    surplus.expect_gone()
    proxy.expect_event("tls-rejected", reason="connection-limit")
    assert [client.ask("GET", "/").status for client in clients] == [200] * 3
    clients.pop().close()
    proxy.expect_event("connection-ended")
    assert make_client().ask("GET", "/").status == 200


def test_connections_that_never_finish_their_handshake_count(proxy, make_client):
    """Half-open connections are bounded like all others, and go after the handshake's time."""
    proxy.listener["connections"] = 3
    proxy.listener["timeouts"] = {"handshake": "2s"}  # also for the last client, on a busy machine
    half_open = [make_client(handshake=False, clear=True) for _ in range(3)]
    surplus = make_client(handshake=False, clear=True)
    surplus.expect_gone()
    proxy.expect_event("tls-rejected", reason="connection-limit")
    for client in half_open:
        client.expect_gone()
        proxy.expect_event("tls-rejected", reason="tls-handshake-timeout")
    assert make_client().ask("GET", "/").status == 200


def test_one_address_has_its_share_and_leaves_the_rest_to_others(proxy, make_client):
    proxy.listener["connections_per_source"] = 2
    clients = [make_client(source="127.0.0.5") for _ in range(2)]
    surplus = make_client(source="127.0.0.5", handshake=False, clear=True)
    surplus.expect_gone()
    proxy.expect_event("tls-rejected", reason="connection-limit-source", **{"source.ip": "127.0.0.5"})
    assert make_client(source="127.0.0.6").ask("GET", "/").status == 200
    assert [client.ask("GET", "/").status for client in clients] == [200] * 2
    clients.pop().close()
    proxy.expect_event("connection-ended", **{"source.ip": "127.0.0.5"})
    assert make_client(source="127.0.0.5").ask("GET", "/").status == 200


EIGHT = 8  # workers, among which the kernel spreads connections as it likes


def expect_refused(proxy, make_client, reason, **options):
    make_client(handshake=False, clear=True, **options).expect_gone()
    proxy.expect_event("tls-rejected", reason=reason)


def test_the_share_of_an_address_is_exact_over_many_workers(proxy, make_client):
    """Sixteen are sixteen, whichever workers they land on."""
    proxy.config["workers"] = EIGHT
    proxy.listener["connections_per_source"] = 16
    clients = [make_client(source="127.0.0.5") for _ in range(16)]
    for _ in range(3):
        expect_refused(proxy, make_client, "connection-limit-source", source="127.0.0.5")
    assert [client.ask("GET", "/").status for client in clients] == [200] * 16
    assert make_client(source="127.0.0.6").ask("GET", "/").status == 200
    assert len({event["process.name"] for event in proxy.events("request-forwarded")}) > 1


def test_the_limit_of_a_listener_is_exact_over_many_workers(proxy, make_client):
    proxy.config["workers"] = EIGHT
    proxy.listener["connections"] = 5
    clients = [make_client() for _ in range(5)]
    for _ in range(3):
        expect_refused(proxy, make_client, "connection-limit")
    assert [client.ask("GET", "/").status for client in clients] == [200] * 5


def is_served(client):
    try:
        return client.ask("GET", "/").status == 200
    except OSError:
        return False


def test_what_a_dead_worker_had_open_counts_no_more(proxy, make_client):
    """As many places as it held are free again, and not one more."""
    proxy.config["workers"] = EIGHT
    proxy.listener["connections_per_source"] = 16
    clients = [make_client(source="127.0.0.5") for _ in range(16)]
    workers = [pid for role, pid in proxy.children().items() if role.startswith("worker")]
    for pid in workers[: EIGHT // 2]:
        proxy.kill(pid)
        proxy.expect_event("process-lost")
    alive = [client for client in clients if is_served(client)]
    assert len(alive) < 16, "the killed ones had nobody: too small a test"
    for client in set(clients) - set(alive):
        proxy.clients.remove(client)  # no worker tells of their end
    alive += [make_client(source="127.0.0.5") for _ in range(16 - len(alive))]
    expect_refused(proxy, make_client, "connection-limit-source", source="127.0.0.5")
    assert all(is_served(client) for client in alive)


def test_thousands_of_idle_connections_are_cheap_and_all_are_answered(
    program, pki, proxy, make_client, is_sanitized, record_property
):
    """10,000, or as many as descriptors and a sanitizer's patience allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10_000, (hard - SPARE_DESCRIPTORS) // 2, 500 if is_sanitized else 10_000)
    proxy.listener["timeouts"] = {"head": "10m", "keep_alive": "10m"}
    port = proxy.port()
    worker = worker_of(proxy)
    context = Client.context(pki, "1.3")
    first = make_client(context=context)
    first.ask("GET", "/")
    session = first.tls.session
    before = proxy.memory_kib(worker)
    clients = [make_client(port=port, context=context, session=session) for _ in range(count)]
    each = (proxy.memory_kib(worker) - before) / count
    record_property("kib_per_idle_connection", round(each, 1))
    print(f"{count} idle connections, {each:.1f} KiB each")
    assert is_sanitized or each <= 16
    request = lines("GET /idle HTTP/1.1", f"Host: {first.host}", "")
    for client in clients:
        client.send(request)
        assert client.read_head().status == 200
        client.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- how much


def test_heads_of_the_largest_size_fit(upstream, proxy, make_client):
    proxy.published["limits"] = {"head": "256KiB", "field_value": "256KiB"}
    long = "x" * 250 * 1024  # and it grows on its way
    upstream.handler = lambda request: reply(200, b"fine", [("Set-Cookie", long)])
    response = make_client().ask("GET", "/", [("Cookie", f"__Host-postern-server=x; {long[:56 * 1024]}")])
    assert upstream.requests[0].get("Cookie") == long[: 56 * 1024]
    assert (response.status, response.get("Set-Cookie")) == (200, f"{long}; Secure")


@pytest.fixture
def frugal_proxy(make_upstream, make_proxy):
    """A sanitizer keeps freed memory for a while; here it must not."""
    proxy = make_proxy(make_upstream(handler=None))
    proxy.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1"
    return proxy


def stream_endlessly(upstream, block, count, sent):
    """An answer of `count` blocks; `sent` counts them as they are taken."""
    upstream.send(lines("HTTP/1.1 200 OK", f"Content-Length: {len(block) * count}", ""))
    for _ in range(count):
        upstream.send(block)
        sent.append(1)


def wait_for_standstill(sock):
    """Nothing more is taken: every buffer between here and the client is full."""
    while select.select([], [sock], [], 0.2)[1]:
        pass


def test_a_download_that_stalls_costs_little_and_then_arrives_whole(
    frugal_proxy, make_client, is_sanitized, record_property
):
    """1 GiB to a client that does not read; somebody else is served meanwhile."""
    count = 128 if is_sanitized else 1024
    proxy = frugal_proxy
    (upstream,) = proxy.upstreams
    client = make_client(proxy)
    client.send_request("GET", "/huge")
    inside = upstream.accept()
    inside.expect_request()
    worker = worker_of(proxy)
    before = peak_kib(worker)
    block, sent = bytes(range(256)) * (MEGABYTE // 256), []
    sender = threading.Thread(target=stream_endlessly, args=(inside, block, count, sent))
    sender.start()
    wait_for_standstill(inside.stream.sock)
    assert len(sent) < count, "the whole answer fits into buffers: too small a test"
    other = make_client(proxy)
    other.send_request("GET", "/meanwhile")
    beside = upstream.accept()
    beside.expect_request("GET /meanwhile HTTP/1.1")
    beside.send(lines("HTTP/1.1 204 No Content", ""))
    assert other.read_response().status == 204
    client.read_head()
    expected, found, left = hashlib.sha256(), hashlib.sha256(), count * MEGABYTE
    while left > 0:
        data = client.read_some()
        found.update(data)
        left -= len(data)
    for _ in range(count):
        expected.update(block)
    sender.join()
    assert (left, found.digest()) == (0, expected.digest())
    growth = peak_kib(worker) - before
    record_property("kib_for_a_stalled_download", growth)
    assert growth < (64 if is_sanitized else 16) * 1024


def test_an_upload_to_an_upstream_that_stalls_costs_little(frugal_proxy, make_client, is_sanitized):
    proxy = frugal_proxy
    (upstream,) = proxy.upstreams
    proxy.published["body"] = "1GiB"
    client = make_client(proxy)
    client.send_request("POST", "/huge", [("Content-Length", str(128 * MEGABYTE))])
    inside = upstream.accept()
    inside.read_head()
    before = peak_kib(worker_of(proxy))
    block = b"x" * MEGABYTE

    def upload():
        for _ in range(128):
            client.send(block)

    sender = threading.Thread(target=upload)
    sender.start()
    wait_for_standstill(client.stream.sock)
    assert sender.is_alive()
    left = 128 * MEGABYTE
    while left > 0:
        data = inside.read_some()
        assert data.strip(b"x") == b""
        left -= len(data)
    sender.join()
    inside.send(lines("HTTP/1.1 204 No Content", ""))
    assert client.read_response().status == 204
    assert peak_kib(worker_of(proxy)) - before < (64 if is_sanitized else 16) * 1024
