"""When descriptors or memory run out: who is here is served, who comes waits, and the log says it."""

import mmap
import os
import resource
import shutil
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from wire import DEADLINE, reply

DESCRIPTORS = 512
STRANGERS = 700  # more than descriptors, fewer than the kernel's queue holds


@pytest.fixture
def narrow_proxy(proxy):
    """No process of it may open more than DESCRIPTORS; each request needs one more inside."""
    proxy.descriptor_limit = DESCRIPTORS
    proxy.upstream["pool"] = {"size": 0}
    return proxy


@pytest.fixture
def strangers():
    """Connections that say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * STRANGERS)), hard))
    sockets = []

    def come(port, address="127.0.0.1"):
        for _ in range(STRANGERS):
            sockets.append(socket.create_connection((address, port), DEADLINE))

    yield come
    for sock in sockets:
        sock.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_strangers_take_no_descriptor_from_clients_that_are_here(narrow_proxy, make_client, strangers):
    """Each request of an old client dials anew, while all places are taken."""
    clients = [make_client() for _ in range(3)]
    strangers(narrow_proxy.port())
    event = narrow_proxy.expect_event("capacity-reached")
    assert event["postern.capacity.lack"] == "descriptors"
    assert event["postern.capacity.connections"] == event["postern.capacity.places"] < DESCRIPTORS // 2
    for _ in range(3):
        assert [client.ask("GET", "/").status for client in clients] == [200] * 3


def test_who_says_nothing_makes_room_for_who_speaks(narrow_proxy, make_client, strangers):
    """The handshake's own deadline would take minutes here."""
    narrow_proxy.listener["timeouts"] = {"handshake": "5m"}
    strangers(narrow_proxy.port())
    assert make_client().ask("GET", "/").status == 200
    narrow_proxy.expect_event("tls-rejected", reason="no-socket")


def test_who_says_nothing_in_clear_text_makes_room_too(narrow_proxy, make_client, strangers):
    address = "127.0.0.2"
    narrow_proxy.listener.update(redirect_http=f"{address}:0", timeouts={"head": "5m"})
    strangers(narrow_proxy.port(address), address)
    assert make_client().ask("GET", "/").status == 200
    narrow_proxy.expect_event("connection-ended", reason="no-socket", phase="head")


def test_when_there_is_room_again_the_log_says_so(narrow_proxy, make_client, strangers):
    narrow_proxy.listener["timeouts"] = {"handshake": "300ms"}
    strangers(narrow_proxy.port())
    narrow_proxy.expect_event("capacity-reached")
    event = narrow_proxy.expect_event("capacity-freed")
    assert event["postern.capacity.lack"] == "descriptors"
    assert event["event.duration"] > 0
    assert "postern.capacity.shed" in event
    assert make_client().ask("GET", "/").status == 200


def test_a_full_worker_still_ends_in_order(narrow_proxy, make_client, strangers):
    narrow_proxy.listener["timeouts"] = {"handshake": "1s"}
    client = make_client()
    strangers(narrow_proxy.port())
    narrow_proxy.expect_event("capacity-reached")
    assert client.ask("GET", "/").status == 200
    assert narrow_proxy.stop() == 0


def test_too_few_descriptors_to_begin_with_are_said(proxy):
    """Not a worker that listens and serves nobody."""
    proxy.descriptor_limit = 32
    with pytest.raises(AssertionError, match="descriptors are too few"):
        proxy.start()
    assert proxy.wait_end() == 1
    proxy.process = None


# --- memory

MEGABYTE = 1 << 20


@pytest.fixture
def frugal_proxy(proxy, upstream):
    """Buffers of 4 MiB in all. /huge is far more than the kernel and one connection hold, /large
    is soon in postern as a whole."""
    sizes = {"/huge": MEGABYTE, "/large": 160 * 1024}
    proxy.config["limits"] = {"memory": "4MiB"}
    upstream.handler = lambda request: reply(200, b"x" * sizes.get(request.target, 10))
    return proxy


@pytest.fixture
def stalling(make_client):
    """Downloads that nobody reads, one more each time, until set."""
    enough = threading.Event()

    def stall(path):
        while not enough.is_set():
            make_client(window=4096).send_request("GET", path)

    threads = []

    def begin(path):
        threads.append(threading.Thread(target=stall, args=[path]))
        threads[-1].start()
        return enough

    yield begin
    enough.set()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "the last of them was never accepted"


@pytest.mark.parametrize("path", ["/huge", "/large"])
def test_when_memory_runs_out_the_heaviest_go_and_the_others_are_served(path, frugal_proxy, make_client, stalling):
    """Who comes waits, a request of a client that is here waits, nobody falls."""
    client = make_client()
    assert client.ask("GET", "/").status == 200
    enough = stalling(path)
    event = frugal_proxy.expect_event("capacity-reached")
    enough.set()
    assert event["postern.capacity.lack"] == "memory"
    assert event["postern.capacity.memory"] == 4 * MEGABYTE
    assert event["postern.capacity.buffers"] < 6 * MEGABYTE, "what is under way may end, no more"
    frugal_proxy.expect_event("request-forwarded", reason="memory-full", path=path)
    assert client.ask("GET", "/").status == 200
    assert frugal_proxy.expect_event("capacity-freed")["postern.capacity.shed"] > 0
    assert make_client().ask("GET", "/").status == 200


def test_memory_that_runs_out_while_descriptors_are_out_is_relieved_all_the_same(
    frugal_proxy, narrow_proxy, make_client, strangers
):
    clients = [make_client(window=4096) for _ in range(50)]
    strangers(narrow_proxy.port())
    assert narrow_proxy.expect_event("capacity-reached")["postern.capacity.lack"] == "descriptors"
    for client in clients:
        client.send_request("GET", "/huge")
    narrow_proxy.expect_event("request-forwarded", reason="memory-full")
    narrow_proxy.expect_event("capacity-freed")


def test_a_slow_upload_that_has_to_go_gets_its_answer(frugal_proxy, upstream, make_client):
    """Large heads wait for bodies that never come; the first that must go is told why."""
    upstream.handler = None
    fields = [("Cookie", "x" * 40_000), ("Content-Length", "1000000")]
    clients = []
    while not frugal_proxy.events("capacity-reached"):
        assert len(clients) < 200, "none of them holds memory"
        clients.append(make_client())
        clients[-1].send_request("POST", f"/upload/{len(clients) - 1}", fields)
    event = {}
    while "url.path" not in event:  # one may have been refused before its head was understood
        event = frugal_proxy.expect_event("request-forwarded", reason="memory-full")
        assert event["http.response.status_code"] == 503
    answer = clients[int(event["url.path"].rpartition("/")[2])].read_response()
    assert answer.status == 503


EACH = [3, 7, 19, 53, 101, 211, 499, 997]
STRIDE = 7


class Starving:
    """Takes memory away from a worker (starve.c)."""

    ORDER = struct.Struct("=IIII")  # process, n, allocations, those of them that got nothing
    ONCE = 1 << 31

    def __init__(self, proxy, folder):
        library = folder / "starve.so"
        built = Path(proxy.program).parent / "tests/e2e/starve.so"
        shutil.copy(os.environ.get("POSTERN_STARVE", built), library)
        order = folder / "starve.so.order"
        order.write_bytes(bytes(self.ORDER.size))
        with order.open("r+b") as file:
            self.order = mmap.mmap(file.fileno(), self.ORDER.size)
        proxy.environment["LD_PRELOAD"] = str(library)
        # It must come before a sanitizer. What OpenSSL leaks when it gets nothing is not ours.
        proxy.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        proxy.environment["LSAN_OPTIONS"] = "detect_leaks=0"

    def fail_each(self, n, process):
        self.order[:] = self.ORDER.pack(process, n, 0, 0)

    def fail_one(self, number, process):
        self.order[:] = self.ORDER.pack(process, self.ONCE, self.ONCE - number, 0)

    def end(self):
        """Returns how many allocations got nothing."""
        refused = self.ORDER.unpack(self.order[:])[3]
        self.order[:] = bytes(self.ORDER.size)
        return refused


@pytest.fixture
def starving(proxy, tmp_path):
    return Starving(proxy, tmp_path)


def test_no_allocation_that_fails_ends_a_worker(starving, proxy, make_client):
    """Handshakes, requests and answers with each n-th one failing; then all is as before."""
    proxy.upstream["pool"] = {"size": 0}
    assert make_client().ask("GET", "/").status == 200
    worker = proxy.children()["worker"]
    served = 0
    for n in EACH:
        starving.fail_each(n, worker)
        for tls in ["1.2", "1.3"] * 3:
            with suppress(AssertionError, OSError):
                client = make_client(tls=tls)
                served += client.ask("POST", "/", body=b"x" * 20_000).status == 200
                served += client.ask("GET", "/").status == 200
        assert starving.end() > 0
        assert make_client().ask("GET", "/").status == 200
        assert proxy.children()["worker"] == worker, f"it died of each {n}th"
    assert served > 0


def test_one_allocation_that_fails_harms_its_connection_at_most(starving, proxy, make_client):
    """From the first to the last that a handshake, a request and its answer need, at strides."""
    proxy.upstream["pool"] = {"size": 0}
    assert make_client().ask("GET", "/").status == 200
    worker = proxy.children()["worker"]
    number, refused = 1, 1
    while refused:
        starving.fail_one(number, worker)
        with suppress(AssertionError, OSError):
            make_client(tls="1.2" if number % 2 else "1.3").ask("POST", "/", body=b"x" * 20_000)
        refused = starving.end()
        assert make_client().ask("GET", "/").status == 200
        assert proxy.children()["worker"] == worker, f"it died of the {number}th"
        number += STRIDE
