"""The actors of an end-to-end scene: the proxy, the upstream and the client.

Each waits for what it expects with one deadline (wire.DEADLINE) and never sleeps for
a guessed time. Ports are chosen by the kernel: the upstream binds port 0, and
postern tells in its `listening` events what it was given.
"""

import json
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from wire import DEADLINE, PlainSocket, Reader, TlsSocket, Truncated, lines, reply

PUBLIC_NAME = "mail.example.test"
INTERNAL_NAME = "webmail.internal.test"
ENDINGS = ("connection-ended", "tls-rejected", "clear-text")
REQUEST_ENDINGS = ("request-forwarded", "request-answered", "request-blocked", "request-redirected")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")

# Short names for the fields that scenes ask for most.
FIELDS = {
    "reason": "event.reason",
    "outcome": "event.outcome",
    "status": "http.response.status_code",
    "method": "http.request.method",
    "path": "url.path",
    "host": "url.domain",
    "listener": "postern.listener",
    "ended_by": "postern.ended_by",
    "phase": "postern.phase",
    "process": "process.name",
}


def until(condition, what, deadline=DEADLINE):
    """Looks again every few milliseconds: for facts that nobody announces (/proc)."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"gave up waiting for {what}"
        threading.Event().wait(0.01)


def flatten(record, prefix=""):
    """{"event": {"action": x}} as {"event.action": x}."""
    flat = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def to_yaml(value, indent=""):
    """The few shapes a configuration has; strings are always quoted."""
    if isinstance(value, dict):
        out = []
        for key, inner in value.items():
            nested = isinstance(inner, dict) or (isinstance(inner, list) and any(isinstance(i, dict) for i in inner))
            out.append(f"{indent}{key}:" + ("\n" if nested else " ") + to_yaml(inner, indent + "  "))
        return "\n".join(out)
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "\n".join(f"{indent}- " + to_yaml(item, indent + "  ").lstrip() for item in value)
    return json.dumps(value)


class Proxy:
    """postern with all its processes, run in the foreground on a configuration of its own.

    Change `config` before the first use; start() happens by itself when a port is
    asked for. finish() makes the checks that every scene ends with.
    """

    def __init__(self, program, folder, pki, upstreams):
        self.program, self.folder, self.pki = program, Path(folder), Path(pki)
        self.upstreams = upstreams
        self.config = self.default_config()
        self.text = None  # a whole configuration as text, instead of `config`
        self.environment = {}
        self.descriptor_limit = None  # the hard limit that postern starts under
        self.loses_processes = False  # a scene that kills one says so
        self.keeps_connections = False  # an upstream that is not ours leaves pooled ones open
        self.clients = []
        self.process = None
        self.stderr = ""
        self.everything = []  # every line of standard output
        self._events, self._claimed = [], set()
        self._changed = threading.Condition()
        self._ready = self._ended = False
        self._readers = []
        self._descriptors = {}
        self.log_is_read = threading.Event()  # clear() it: nobody empties postern's standard output
        self.log_is_read.set()

    # --- before

    def default_config(self):
        config = {
            "version": 1,
            "listeners": {
                "public": {
                    "address": "127.0.0.1:0",
                    "publish": {
                        PUBLIC_NAME: {
                            "certificate": str(self.pki / "public-ec.chain.pem"),
                            "key": f"file:{self.pki / 'public-ec.key'}",
                            "application": "any",
                            "upstream": "webmail",
                        }
                    },
                }
            },
            "upstreams": {
                "webmail": {
                    "servers": [upstream.url for upstream in self.upstreams],
                    "verify": {"ca": str(self.pki / "internal-ca.crt"), "name": INTERNAL_NAME},
                }
            },
            "log": {"to": "stdout"},
            "workers": 1,
        }
        if os.geteuid() == 0:
            config["user"] = "nobody"
        return config

    @property
    def listener(self):
        return self.config["listeners"]["public"]

    @property
    def published(self):
        return self.listener["publish"][PUBLIC_NAME]

    @property
    def upstream(self):
        return self.config["upstreams"]["webmail"]

    # --- running

    def start(self):
        assert self.process is None, "started twice"
        file = self.folder / "postern.yaml"
        file.write_text(self.text if self.text is not None else to_yaml(self.config) + "\n")
        self.process = subprocess.Popen(
            [*self._under_limit(), self.program, "run", "--config", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**os.environ, **self.environment},
        )
        self._readers = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._wait(lambda: self._ready or self._ended, "'postern ready'")
        assert self._ready, f"postern ended instead of getting ready:\n{self._last_words()}"
        self._descriptors = self.descriptors()
        return self

    def _under_limit(self):
        return ["prlimit", f"--nofile={self.descriptor_limit}"] if self.descriptor_limit else []

    def port(self, address="127.0.0.1", listener="public"):
        """The port that the kernel gave to `address`. Tell two addresses apart by 127.0.0.x."""
        if self.process is None:
            self.start()
        event = self._wait(
            lambda: next(
                (
                    e
                    for e in self._events
                    if e.get("event.action") == "listening"
                    and e.get("server.ip") == address
                    and e.get("postern.listener") == listener
                ),
                None,
            ),
            f"the listening event of {address}",
        )
        return event["server.port"]

    def events(self, action=None, **fields):
        """The events so far that look like this."""
        with self._changed:
            return [e for e in self._events if self._matches(e, action, fields)]

    def expect_event(self, action, **fields):
        """Waits for an event that no earlier call has claimed; claims and returns it."""

        def look():
            for number, event in enumerate(self._events):
                if number not in self._claimed and self._matches(event, action, fields):
                    self._claimed.add(number)
                    return event
            return None

        return self._wait(look, f"the event {action} {fields}")

    def everything_logged(self):
        """All that was written anywhere, to search for what must not stand there."""
        with self._changed:
            return "\n".join(self.everything) + self.stderr

    def children(self):
        """{"worker 0": pid, "keyd": pid, ...} of the processes that live now."""
        found = {}
        parent = str(self.process.pid)
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                # The command name (field 2) may hold blanks and brackets.
                if (folder / "stat").read_text().rpartition(")")[2].split()[1] != parent:
                    continue
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                role = re.search(r"(worker|keyd|logd|resolver)\W*(\d*)", " ".join(words))
                name = " ".join(part for part in role.groups() if part) if role else words[0]
                while name in found:
                    name += "'"
                found[name] = int(folder.name)
        return found

    def descriptors(self):
        """{pid: open descriptors} of the processes that meet the network or keep state."""
        found = {}
        for pid in self.children().values():
            # Without root a process that may not be dumped hides them.
            with suppress(OSError):
                found[pid] = len(os.listdir(f"/proc/{pid}/fd"))
        return found

    def memory_kib(self, pid):
        """Resident and not shared with anybody: what this process alone costs."""
        total = 0
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1])
        return total

    def kill(self, pid, number=signal.SIGKILL):
        self.loses_processes = True
        os.kill(pid, number)

    def stop(self, number=signal.SIGTERM):
        """Asks it to end and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait_end()

    def wait_end(self):
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._kill_all()
            raise AssertionError(f"postern did not end:\n{self._last_words()}") from None
        for reader in self._readers:
            reader.join(DEADLINE)
        return status

    def was_cut_short(self):
        """It ended without its last words, as the scene wanted: only the sanitizers have a say."""
        self.wait_end()
        self.expect_no_complaint()
        self.process = None

    def expect_no_complaint(self):
        assert not SANITIZER.search(self.stderr), f"a sanitizer complains:\n{self.stderr}"

    def abandon(self):
        """After a failed scene: gone, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self._kill_all()
            for reader in self._readers:
                reader.join(DEADLINE)

    # --- after

    def finish(self):
        """The checks that every scene ends with."""
        if self.process is None:
            return
        for client in self.clients:
            client.close()
        for upstream in self.upstreams:
            upstream.hang_up()
        if self.process.poll() is None:
            if not self.keeps_connections:
                self._expect_descriptors_back()
            status = self.stop()
            assert status == 0, f"postern ended with {status}:\n{self._last_words()}"
        self.expect_no_complaint()
        if not self.loses_processes:
            assert self.events("process-lost") == []
        self._expect_one_ending_each()
        assert self.events(reason="internal") == [], "something ended and nobody said why"
        stopped = self.events("stopped")
        assert len(stopped) == 1, f"one 'stopped' event, not {len(stopped)}"
        assert stopped[0].get("postern.chunks_lent", 0) == 0

    def _expect_descriptors_back(self):
        """What a process has open at the end is what it had open at the start."""

        workers = {pid for role, pid in self.children().items() if role.startswith("worker")}

        def back():
            now = self.descriptors()
            # keyd and logd take the channels to their askers after postern is ready.
            return all(
                now.get(pid, count) == count or (pid not in workers and now[pid] - count <= len(workers) + 1)
                for pid, count in self._descriptors.items()
            )

        try:
            until(back, "descriptors to be closed")
        except AssertionError:
            raise AssertionError(
                f"descriptors left open: {self._descriptors} at the start, {self.descriptors()} now"
            ) from None

    def _expect_one_ending_each(self):
        """Told apart by id: the kernel gives a port out again, also one that a program had
        which is no client of ours (openssl s_client)."""
        connections, requests, addresses = {}, {}, Counter()
        for event in self.events():
            action = event.get("event.action")
            if action in ENDINGS:
                connections.setdefault(event["postern.connection"], []).append(action)
                addresses[event.get("source.ip"), event.get("source.port")] += 1
            elif action in REQUEST_ENDINGS:
                requests.setdefault(event["event.id"], []).append(action)
        for endings in (connections, requests):
            twice = {which: found for which, found in endings.items() if len(found) != 1}
            assert twice == {}, f"one ending event each, not {twice}"
        for address, count in Counter(client.address for client in self.clients).items():
            assert addresses[address] >= count, f"{count} ending events for {address}, not {addresses[address]}"

    def _matches(self, event, action, fields):
        if action is not None and event.get("event.action") != action:
            return False
        return all(event.get(FIELDS.get(name, name)) == value for name, value in fields.items())

    def _wait(self, look, what):
        end = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                found = look()
                if found:
                    return found
                left = end - time.monotonic()
                if left <= 0 or (self._ended and not self._changed.wait(0)):
                    raise AssertionError(f"{what} did not come:\n{self._last_words()}")
                self._changed.wait(left)

    def _read_stdout(self):
        for line in self.process.stdout:
            self.log_is_read.wait()
            text = line.decode(errors="replace").rstrip("\n")
            with self._changed:
                self.everything.append(text)
                if text == "postern ready":
                    self._ready = True
                elif text.startswith("{"):
                    self._events.append(flatten(json.loads(text)))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read_stderr(self):
        for line in self.process.stderr:
            self.stderr += line.decode(errors="replace")

    def _last_words(self):
        return "\n".join(self.everything[-20:]) + "\n" + self.stderr[-8000:]

    def _kill_all(self):
        pids = [self.process.pid, *self.children().values()]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


class UpstreamConnection:
    """One connection that postern made, for a scene to answer on."""

    def __init__(self, stream):
        self.stream = stream
        self._reader = Reader(stream.receive)

    @property
    def server_name(self):
        return getattr(self.stream.tls, "server_name_sent", None)

    @property
    def tls_version(self):
        return self.stream.tls.version()

    @property
    def is_resumed(self):
        return self.stream.tls.session_reused

    def expect_request(self, start=None):
        message = self._reader.read_request()
        assert start is None or message.start == start
        return message

    def read_head(self):
        return self._reader.read_head()

    def read_body(self, message):
        """Of a request whose head was read by read_head."""
        self._reader.read_body(message)

    def read_some(self):
        return self._reader.read_some()

    def read_bytes(self, count):
        return self._reader.read_bytes(count)

    def expect_end(self):
        self._reader.expect_end()

    def expect_gone(self):
        """postern has let go of the connection, in whatever way."""
        with suppress(OSError):
            while self.stream.receive():
                pass

    def send(self, data):
        self.stream.send(data)

    def finish(self):
        self.stream.finish()

    def reset(self):
        self.stream.reset()

    def close(self):
        self.stream.close()


def echo(request):
    """The default answer: what was sent, or where it was sent to."""
    body = request.body or f"{request.method} {request.target}\n".encode()
    return reply(200, b"" if request.method == "HEAD" else body, [("Content-Type", "text/plain")])


class Upstream:
    """The internal server. With a `handler` it answers by itself; without one the
    scene takes each connection with accept() and plays the server."""

    def __init__(self, pki, certificate="internal-ok", handler=echo, clear=False, address="127.0.0.1"):
        self.handler = handler
        self.requests = []
        self.errors = []
        self.connection_count = 0  # accepted
        self.met_count = 0  # of these, the ones whose handshake postern finished
        self.context = None if clear else self.server_context(Path(pki), certificate)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.create_server((address, 0), family=family, backlog=256)
        self.port = self._listening.getsockname()[1]
        shown = f"[{address}]" if ":" in address else address
        self.url = f"{'http' if clear else 'https'}://{shown}:{self.port}"
        self._waiting = queue.Queue()
        self._open = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept_all, daemon=True).start()

    @staticmethod
    def server_context(pki, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate == "internal-rsa1024":
            context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(pki / f"{certificate}.chain.pem", pki / f"{certificate}.key")

        def remember(tls, name, _context):
            tls.server_name_sent = name

        context.sni_callback = remember
        return context

    def accept(self):
        """The next connection whose handshake succeeded (scenes without a handler)."""
        try:
            return self._waiting.get(timeout=DEADLINE)
        except queue.Empty:
            raise AssertionError("postern did not connect to the upstream") from None

    def is_waited_for(self):
        """True when accept() would have to wait."""
        return self._waiting.empty()

    def hang_up(self):
        """Ends all connections; new ones are still accepted."""
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            with suppress(OSError):
                # The thread that serves it wakes up and closes it.
                stream.sock.shutdown(socket.SHUT_RDWR)
            if self.handler is None:
                stream.close()
                self._forget(stream)

    def close(self):
        self.go_deaf()
        self.hang_up()
        assert self.errors == [], self.errors

    def go_deaf(self):
        """From here on connections are refused."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept_all(self):
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connection_count += 1
            threading.Thread(target=self._meet, args=(sock,), daemon=True).start()

    def _meet(self, sock):
        stream = TlsSocket(sock, self.context, server_side=True) if self.context else PlainSocket(sock)
        with self._lock:
            self._open.add(stream)
        try:
            if self.context:
                stream.handshake()
            self.met_count += 1
        except OSError:
            # postern did not like our certificate; its events say so.
            sock.close()
            self._forget(stream)
            return
        connection = UpstreamConnection(stream)
        if self.handler is None:
            self._waiting.put(connection)
        else:
            self._serve(connection)

    def _serve(self, connection):
        try:
            while True:
                request = connection.expect_request()
                request.connection = connection
                self.requests.append(request)
                connection.send(self.handler(request))
                if "close" in (request.get("Connection") or "").lower():
                    break
        except OSError:
            pass  # postern closed it, or the scene did
        except Exception as error:  # a broken request, or a broken handler: close() tells
            self.errors.append(repr(error))
        finally:
            connection.close()
            self._forget(connection.stream)

    def _forget(self, stream):
        with self._lock:
            self._open.discard(stream)


class Client:
    """Who connects from outside."""

    def __init__(
        self,
        port,
        pki,
        address="127.0.0.1",
        sni=PUBLIC_NAME,
        clear=False,
        tls=None,
        drip=False,
        session=None,
        source=None,
        handshake=True,
        context=None,
        window=None,
    ):
        """`tls`: "1.2" or "1.3", no other is offered. `drip`: each byte of the wire is
        sent alone. `sni` None: none is sent. `source`: the address to come from.
        `window`: how many bytes its kernel takes before it reads, in small segments, so
        that postern's kernel does not take megabytes either."""
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if window:  # both must be known before the connection is
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        if source:
            sock.bind((source, 0))
        sock.settimeout(DEADLINE)
        sock.connect((address, port))
        self.address = sock.getsockname()[:2]
        self.method = "GET"
        self.host = sni or PUBLIC_NAME
        if clear:
            self.stream = PlainSocket(sock, drip)
        else:
            context = context or self.context(pki, tls, verify=sni is not None)
            self.stream = TlsSocket(sock, context, server_name=sni, session=session, drip=drip)
            if handshake:
                self.stream.handshake()
        self._reader = Reader(self.stream.receive)

    @staticmethod
    def context(pki, tls=None, verify=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(Path(pki) / "public-ca.crt")
        context.check_hostname = verify
        if tls:
            version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[tls]
            context.minimum_version = context.maximum_version = version
        return context

    @property
    def tls(self):
        return self.stream.tls

    def expect_handshake_refused(self, alert):
        """`alert` as OpenSSL spells it, such as "UNRECOGNIZED_NAME"."""
        try:
            self.stream.handshake()
            self.stream.receive()  # TLS 1.3: the server's refusal comes after our last word
        except ssl.SSLError as error:
            assert alert in (error.reason or ""), f"expected the alert {alert}, got {error}"
            return
        raise AssertionError(f"the handshake was not refused with {alert}")

    def send(self, data):
        self.stream.send(data)

    def send_request(self, method="GET", target="/", fields=(), body=None, host=None):
        """A request with Host, and Content-Length unless the fields say how it is framed."""
        self.method = method
        head = [f"{method} {target} HTTP/1.1", f"Host: {host or self.host}"]
        head += [f"{name}: {value}" for name, value in fields]
        if body is not None and not {n.lower() for n, _ in fields} & {"transfer-encoding", "content-length"}:
            head.append(f"Content-Length: {len(body)}")
        self.send(lines(*head, "") + (body or b""))

    def read_response(self, method=None):
        return self._reader.read_response(method or self.method)

    def read_head(self):
        """An interim response, or the head of a final one."""
        return self._reader.read_head()

    def ask(self, method="GET", target="/", fields=(), body=None, host=None):
        self.send_request(method, target, fields, body, host)
        return self.read_response()

    def read_some(self):
        return self._reader.read_some()

    def read_bytes(self, count):
        return self._reader.read_bytes(count)

    def is_quiet(self, seconds=0.01):
        """postern says nothing for so long; a session ticket is nothing."""
        return self._reader.is_quiet(lambda: self.stream.receive_ready(seconds))

    def expect_end(self):
        """The connection is closed in order and nothing more was said."""
        self._reader.expect_end()

    def expect_gone(self):
        """The connection is over, in whatever way."""
        with suppress(OSError, Truncated):
            while self.stream.receive():
                pass

    def finish(self):
        self.stream.finish()

    def reset(self):
        self.stream.reset()

    def close(self):
        self.stream.close()
