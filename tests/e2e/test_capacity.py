"""When descriptors or memory run out: who is here is served, who comes waits, and the log says it."""

import resource
import socket

import pytest
from wire import DEADLINE

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

    def come(port, count=STRANGERS):
        for _ in range(count):
            sockets.append(socket.create_connection(("127.0.0.1", port), DEADLINE))

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
