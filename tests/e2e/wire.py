"""Bytes on a connection, and HTTP/1 messages read the strict way.

The actors (actors.py) stand on this. TLS runs over memory BIOs, so that a test
decides about each byte on the wire: one at a time, cut off, reset, half closed.
What reads here is no browser: whatever two readers could understand differently
is an error, and python3-h11 is asked for a second opinion.
"""

import re
import select
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass, field

import h11

DEADLINE = 30.0  # seconds; generous, because nothing waits for it when all is well
SECOND_OPINION_BYTES = 1 << 20

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")
LENGTH = re.compile(rb"[0-9]{1,19}\Z")
CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Truncated(ConnectionError):
    """The connection ended in the middle of something."""


class Malformed(AssertionError):
    """The other side broke the rules of HTTP/1."""


class PlainSocket:
    """A TCP connection with the ways to end it that a test needs."""

    def __init__(self, sock, drip=False):
        self.sock = sock
        self.drip = drip
        sock.settimeout(DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self._send_raw(data)

    def receive(self):
        """Some bytes, or b"" at the orderly end."""
        return self.sock.recv(65536)

    def finish(self):
        """Says that nothing more will be sent; reading goes on."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def _send_raw(self, data):
        if self.drip:
            for i in range(len(data)):
                self.sock.sendall(data[i : i + 1])
        else:
            self.sock.sendall(data)


class TlsSocket(PlainSocket):
    """TLS over such a connection, with the ciphertext in our hands."""

    def __init__(self, sock, context, server_side=False, server_name=None, session=None, drip=False):
        super().__init__(sock, drip)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._in, self._out, server_side=server_side, server_hostname=server_name, session=session
        )

    def handshake(self):
        self._until_done(self.tls.do_handshake)

    def send(self, data):
        view = memoryview(data)
        while view:
            view = view[self._until_done(lambda: self.tls.write(view[:16384])) :]
            self._flush()

    def receive(self):
        """Some bytes, or b"" after a close_notify. Truncated: the FIN came without one."""
        try:
            return self._until_done(lambda: self.tls.read(65536))
        except ssl.SSLZeroReturnError:
            return b""

    def receive_ready(self, seconds):
        """What comes within this time: some bytes, b"" at the end, None for nothing but
        what TLS says of its own, such as a session ticket."""
        while select.select([self.sock], [], [], seconds)[0]:
            data = self.sock.recv(65536)
            if not data:
                return b""
            self._in.write(data)
            with suppress(ssl.SSLWantReadError):
                return self.tls.read(65536)
        return None

    def finish(self, with_fin=True):
        """close_notify and, unless told otherwise, a FIN."""
        self.close_notify()
        if with_fin:
            self.sock.shutdown(socket.SHUT_WR)

    def close_notify(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # it is sent; that the other side's has not come is no concern here
        self._flush()

    def close(self):
        """As a browser does: close_notify if that is still possible, then gone."""
        if self.sock.fileno() < 0:
            return
        try:
            self.close_notify()
        except (OSError, ValueError):
            pass
        self.sock.close()

    def _flush(self):
        if self._out.pending:
            self._send_raw(self._out.read())

    def _until_done(self, call):
        while True:
            try:
                result = call()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                self._flush_farewell()
                raise
            data = self.sock.recv(65536)
            if not data:
                raise Truncated("the connection ended without a TLS close_notify")
            self._in.write(data)

    def _flush_farewell(self):
        """Our alert, if there is still somebody to hear it."""
        try:
            self._flush()
        except OSError:
            pass


@dataclass
class Message:
    """A request or a response as it was read, with the bytes it was read from."""

    start: str
    fields: list
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interims: list = field(default_factory=list)
    raw: bytes = b""
    connection: object = None  # the one it came on, when an upstream read it

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        """The value of a field that stands at most once; None when it does not stand."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def names(self):
        return [key for key, _ in self.fields]

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    @property
    def status(self):
        return int(self.start.split(" ")[1])


class Reader:
    """Cuts messages out of what `receive` brings."""

    def __init__(self, receive):
        self._receive = receive
        self._buffer = bytearray()
        self._raw = bytearray()

    def read_request(self, second_opinion=True):
        self._raw.clear()
        message = self._read_head()
        if not re.match(r"\S+ \S+ HTTP/1\.[01]\Z", message.start):
            raise Malformed(f"request line {message.start!r}")
        self._read_body(message, bodyless=False, until_close=False)
        message.raw = bytes(self._raw)
        if second_opinion:
            ask_h11(h11.Connection(h11.SERVER), message)
        return message

    def read_response(self, method="GET", second_opinion=True):
        """The final response; interim ones are in its `interims`."""
        self._raw.clear()
        interims = []
        while True:
            message = self._read_head()
            if not re.match(r"HTTP/1\.[01] [1-5]\d\d(?: .*)?\Z", message.start):
                raise Malformed(f"status line {message.start!r}")
            if message.status == 101 or message.status >= 200:
                break
            interims.append(message)
        message.interims = interims
        bodyless = method == "HEAD" or message.status in (101, 204, 304)
        self._read_body(message, bodyless, until_close=True)
        message.raw = bytes(self._raw)
        if second_opinion and message.status != 101:
            judge = h11.Connection(h11.CLIENT)
            judge.send(h11.Request(method=method, target="/", headers=[("Host", "any.test")]))
            ask_h11(judge, message)
        return message

    def read_head(self):
        """A head alone: its body is read by read_bytes, or not at all."""
        return self._read_head()

    def read_body(self, message):
        """The body of a request whose head read_head gave."""
        self._read_body(message, bodyless=False, until_close=False)

    def is_quiet(self, receive_ready):
        """Nothing has come that will be read; `receive_ready` brings it, or None."""
        if not self._buffer and (data := receive_ready()) is not None:
            self._buffer += data
            return False
        return not self._buffer

    def read_some(self):
        """What has been received and not been read yet, else what comes next."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        return self._receive()

    def read_bytes(self, count):
        while len(self._buffer) < count:
            self._more("in the middle of a body")
        return self._take(count)

    def expect_end(self):
        """The other side says nothing more and closes in order."""
        data = self.read_some()
        assert data == b"", f"expected the end, got {data[:200]!r}"

    def _take(self, count):
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._raw += data
        return data

    def _more(self, where):
        data = self._receive()
        if not data:
            raise Truncated(f"the connection ended {where}")
        self._buffer += data

    def _read_line(self):
        while b"\n" not in self._buffer:
            self._more("in the middle of a line" if self._buffer else "before a line")
        line = self._take(self._buffer.index(b"\n") + 1)
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Malformed(f"bare CR or LF in {line!r}")
        return line[:-2]

    def _read_fields(self):
        fields = []
        while line := self._read_line():
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise Malformed(f"field line {line!r}")
            value = value.strip(b" \t")
            if CONTROLS.search(value):
                raise Malformed(f"control character in {line!r}")
            fields.append((name.decode(), value.decode("latin-1")))
        return fields

    def _read_head(self):
        start = self._read_line().decode("latin-1")
        return Message(start, self._read_fields())

    def _read_body(self, message, bodyless, until_close):
        encodings, lengths = message.all("Transfer-Encoding"), message.all("Content-Length")
        if (encodings and lengths) or len(encodings) > 1 or len(lengths) > 1:
            raise Malformed(f"two framings: {encodings} {lengths}")
        if encodings and encodings[0].lower() != "chunked":
            raise Malformed(f"Transfer-Encoding {encodings[0]!r}")
        if lengths and not LENGTH.match(lengths[0].encode()):
            raise Malformed(f"Content-Length {lengths[0]!r}")
        if bodyless:
            return
        if encodings:
            self._read_chunks(message)
        elif lengths:
            message.body = self.read_bytes(int(lengths[0]))
        elif until_close:
            parts = []
            while data := self.read_some():
                self._raw += data
                parts.append(data)
            message.body = b"".join(parts)

    def _read_chunks(self, message):
        parts = []
        while True:
            line = self._read_line()
            if not CHUNK_SIZE.match(line):
                raise Malformed(f"chunk size {line!r}")
            size = int(line, 16)
            if size == 0:
                break
            parts.append(self.read_bytes(size))
            if self._read_line() != b"":
                raise Malformed("a chunk is longer than it said")
        message.body = b"".join(parts)
        message.trailers = self._read_fields()


def ask_h11(judge, message):
    """Another reader must see the same message in the same bytes."""
    if len(message.raw) > SECOND_OPINION_BYTES:
        return
    judge.receive_data(message.raw)
    body = bytearray()
    while True:
        event = judge.next_event()
        if event is h11.NEED_DATA:
            judge.receive_data(b"")  # a body that ends with the connection
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)) or event is h11.PAUSED:
            break
    assert bytes(body) == message.body, "h11 reads another body out of these bytes"


def lines(*texts):
    """Bytes of a head or a part of it: each text as a line with CRLF."""
    return b"".join(text.encode("latin-1") + b"\r\n" for text in texts)


def chunked(*parts, trailers=()):
    """A chunked body with one chunk per part."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return chunks + b"0\r\n" + lines(*trailers, "")


def reply(status=200, body=b"", fields=(), reason="Any Reason"):
    """A response with Content-Length, unless the fields say how it is framed."""
    head = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields)]
    framed = {name.lower() for name, _ in fields} & {"transfer-encoding", "content-length"}
    if not framed and status not in (204, 304) and status >= 200:
        head.append(f"Content-Length: {len(body)}")
    return lines(*head, "") + body
