"""A process that was taken over speaks to the others: they lose nothing but it.

Its channels are taken out of it (pidfd_getfd), and used as whoever owns it would: with
messages that break the format, the order, or no rule at all, and with more than can be read.
"""

import array
import ctypes
import itertools
import os
import random
import signal
import socket
import struct
import threading
from contextlib import suppress

import pytest
from actors import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take descriptors out of a process")

PIDFD_GETFD = 438  # the same on all architectures
VERSION = b"\x01"
TAGS = range(0, 32)
LONGEST = 60 * 1024  # base/ipc.h
CONTROL = 3  # the channel to the parent (proxy/child.h)


def channels_of(pid, but=()):
    """Copies of the sockets over which the process talks to others of the family."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        if int(name) in but:
            continue
        number = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
        if number < 0:
            continue  # closed meanwhile
        try:
            sock = socket.socket(fileno=number)
        except OSError:
            os.close(number)
            continue
        if (sock.family, sock.type & ~socket.SOCK_NONBLOCK) == (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            found.append(sock)
        else:
            sock.close()
    os.close(pidfd)
    return found


def fields(*values):
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


def nonsense():
    """Messages that no honest process would send, some of them of the right form."""
    draw = random.Random(6)
    yield from (b"", b"\0", VERSION, b"\xff" * 10, VERSION + b"\xff", bytes(LONGEST), bytes(2 * LONGEST))
    for tag in TAGS:
        head = VERSION + bytes([tag])
        yield from (head, head + b"\xff\xff\xff\xff", head + fields(b""), head + fields(bytes(LONGEST - 100)))
        yield head + fields(*[draw.randbytes(draw.choice([0, 1, 4, 8, 32])) for _ in range(draw.randint(1, 9))])
        yield head + fields(b"\1\0\0\0", b"\xff" * 32, b"\2\0\0\0", b"\1\0\0\0", bytes(32))
        yield head + draw.randbytes(500)


def say(sock, message, descriptors=()):
    with suppress(OSError):  # nobody listens, or nobody any more
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sock.sendmsg([message], rights, socket.MSG_DONTWAIT)


@pytest.fixture
def served(proxy, make_client):
    proxy.config["workers"] = 2
    proxy.listener["timeouts"] = {"handshake": "1s"}  # whom the attacker accepted must not wait for long

    def served():
        """By the worker that is left, if one was the attacker."""
        with suppress(OSError):
            client = make_client()
            return client.ask("GET", "/").status == 200

    return served


def replace(proxy, victim):
    """What was taken over dies; the others have lived through all of it."""
    family = set(proxy.children().values())
    proxy.kill(victim)
    until(lambda: len(proxy.children()) == len(family) and victim not in proxy.children().values(), "another one")
    assert len(family & set(proxy.children().values())) == len(family) - 1
    proxy.expect_event("process-lost")
    assert len(proxy.events("process-lost")) == 1


@pytest.mark.parametrize("victim", ["worker", "keyd", "logd", "resolver"])
@pytest.mark.parametrize("with_descriptors", [False, True], ids=["words", "descriptors"])
def test_nonsense_harms_nobody_else(victim, with_descriptors, proxy, served):
    proxy.port()
    parent = len(os.listdir(f"/proc/{proxy.process.pid}/fd"))
    pid = proxy.children()[victim]
    channels = channels_of(pid)
    assert channels
    for channel in channels:
        for message in nonsense():
            say(channel, message, [0] * 3 if with_descriptors else [])
            say(channel, message, [0] if with_descriptors else [])
        channel.close()
    proxy.expect_no_complaint()
    replace(proxy, pid)
    until(served, "an answer")
    until(lambda: len(os.listdir(f"/proc/{proxy.process.pid}/fd")) == parent, "no descriptor that a child sent")
    proxy.clients.clear()  # some met a worker or a keyd that was just being replaced


def test_a_worker_whose_channels_were_closed_gets_others(proxy, make_client):
    """Each time; keyd and logd close on nonsense, and the worker need not be started again for it."""
    proxy.port()
    worker = proxy.children()["worker"]
    for number in range(1, 3):
        channels = channels_of(worker, but=[CONTROL])
        assert len(channels) == 2
        for channel in channels:
            say(channel, b"nonsense")
            channel.close()
        until(lambda: len(proxy.events("log-refused")) == number, "that logd closed one")
        assert make_client().ask("GET", f"/{number}").status == 200
        proxy.clients.pop().close()
        until(lambda: len(proxy.events("request-forwarded")) == number, "its event")
    assert proxy.children()["worker"] == worker
    assert proxy.stop() == 0
    (event,) = proxy.events("keys-asked-oddly")
    assert event["postern.keys.refused"] == 2


def flood(channel, over):
    channel.settimeout(0.1)
    for number in itertools.count():
        if over.is_set():
            return
        with suppress(OSError):
            channel.send(VERSION + bytes([1 + number % 20]) + fields(b"\1\0\0\0", b"x" * 32))


@pytest.mark.parametrize("victim", ["worker", "keyd", "logd", "resolver"])
def test_a_flood_starves_nobody(victim, proxy, served, make_client):
    """Well-formed and without end, and nothing that is answered is ever read."""
    client = make_client()
    client.ask()
    over = threading.Event()
    floods = [threading.Thread(target=flood, args=(c, over)) for c in channels_of(proxy.children()[victim])]
    for thread in floods:
        thread.start()
    try:
        for number in range(5):
            assert client.ask("GET", f"/{number}").status == 200
            if victim != "keyd":  # without its signatures there are no handshakes
                until(served, "an answer")
        assert proxy.stop() == 0
    finally:
        over.set()
        for thread in floods:
            thread.join()
    proxy.clients.clear()


def test_who_stood_still_while_others_were_replaced_works_with_the_new_ones(proxy, served):
    proxy.port()
    worker = proxy.children()["worker"]
    os.kill(worker, signal.SIGSTOP)
    try:
        for role in ("keyd", "logd") * 3:
            old = proxy.children()[role]
            proxy.kill(old)
            until(lambda: proxy.children().get(role, old) != old, f"a new {role}")
    finally:
        os.kill(worker, signal.SIGCONT)
    for _ in range(10):
        until(served, "an answer of either worker")
    proxy.clients.clear()
