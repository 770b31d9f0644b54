#!/usr/bin/python3
"""Hellos at a fixed rate from one source: hellos.py PORT NAME RATE.

Each is a connection of its own from 127.0.0.2 that says the same ClientHello, waits for
the first bytes of an answer, at most PATIENCE_S, and is gone: whoever sends it spends
nothing, and the server a signature. Says `ready`, goes on until its input ends, and prints
how many it sent and how many were answered. An open loop: a slow server is not spared.
"""

import contextlib
import json
import selectors
import socket
import ssl
import struct
import sys
import time

SOURCE = "127.0.0.2"
PATIENCE_S = 5
OPEN_AT_MOST = 4000
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a reset, and no port in TIME_WAIT


def hello_of(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sent = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name).do_handshake()
    return sent.read()


class Flood:
    def __init__(self, port, hello):
        self.port, self.hello = port, hello
        self.selector = selectors.DefaultSelector()
        self.open = {}  # by the time when each is given up, the oldest first
        self.sent = self.answered = self.refused = 0

    def send(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        sock.bind((SOURCE, 0))
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", self.port))
        try:
            sock.send(self.hello)  # the loopback connects at once, unless its queue is full
        except OSError:
            self.refused += 1
            sock.close()
            return
        self.sent += 1
        self.open[sock] = time.monotonic() + PATIENCE_S
        self.selector.register(sock, selectors.EVENT_READ)

    def take_answers(self, wait_s):
        for key, _ in self.selector.select(max(wait_s, 0)):
            if key.fileobj is sys.stdin:
                return False
            with contextlib.suppress(OSError):
                self.answered += len(key.fileobj.recv(100)) > 7  # an alert is no answer
            self.drop(key.fileobj)
        return True

    def drop(self, sock):
        del self.open[sock]
        self.selector.unregister(sock)
        sock.close()

    def give_up(self):
        for sock in list(self.open):
            if self.open[sock] > time.monotonic() and len(self.open) < OPEN_AT_MOST:
                break
            self.drop(sock)

    def run(self, rate):
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        begun = due = time.monotonic()
        while self.take_answers(due - time.monotonic()):
            while due <= time.monotonic():
                self.send()
                due += 1 / rate
            self.give_up()
        seconds = time.monotonic() - begun
        return {"sent": self.sent / seconds, "answered": self.answered / seconds, "refused": self.refused / seconds}


def main():
    port, name, rate = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    flood = Flood(port, hello_of(name))
    print("ready", flush=True)
    print(json.dumps(flood.run(rate)), flush=True)


if __name__ == "__main__":
    main()
