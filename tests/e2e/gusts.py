"""The clients of a storm, thrown together by a seed.

Whatever a client does is drawn from the seed and its number; only what happens at the
same time is up to the machine. Each byte of the wire is in our hands: TLS runs over
memory BIOs, and a client may be cut off, spoilt or slowed at any of them.
"""

import asyncio
import base64
import random
import re
import socket
import ssl
from contextlib import suppress

from actors import PUBLIC_NAME
from fickle import BAD, GOOD, reset
from wire import Malformed, Reader, Truncated, chunked, lines

WHOLE = 1 << 20  # bytes at once: as they come
OPENSSL = ("openssl", 0)  # whose addresses nobody knows
CALM = "/calm"  # what is below has a server without moods
TUNNELLED = "webmail.second.test"
PROOF = re.compile(rb"(\d+-\d+) (\d+)\n")
GOOD_MOODS = [mood.__name__ for mood in GOOD]
FRAMED_MOODS = [name for name in GOOD_MOODS if name != "until_the_end"]
BAD_MOODS = [mood.__name__ for mood in BAD]
NOISE = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x15\x03\x03\x00\x02\x02\x28",  # an alert that is not encrypted
    b"\x14\x03\x03\x00\x01\x01",  # ChangeCipherSpec
    b"\x17\x03\x03\x00\x20" + bytes(32),
    b"\x17\x03\x03\xff\xff",
    b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",  # HelloRequest
    b"\0",
)
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
BROKEN_HEADS = (
    lambda: lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", "X: " + "a" * 300_000, ""),
    lambda: lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", *["X: a"] * 1000, ""),
    lambda: lines("GET /" + "a" * 20_000 + " HTTP/1.1", f"Host: {PUBLIC_NAME}", ""),
    lambda: lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", "Content-Length: 5", "Transfer-Encoding: chunked", ""),
    lambda: b"GET / HTTP/1.1\nHost: x\n\n",
    lambda: lines("CONNECT mail:25 HTTP/1.1", "Host: mail:25", ""),
    lambda: lines(f"GET https://{TUNNELLED}/ HTTP/1.1", f"Host: {TUNNELLED}", ""),
    lambda: lines("PRI * HTTP/2.0", "", "SM", ""),
)


class Cut(Exception):
    """The moment at which a client goes away, as was drawn for it."""


class Gust:
    """One connection to postern, and what its client does on it."""

    def __init__(self, storm, number):
        self.storm, self.number = storm, number
        self.loop = asyncio.get_running_loop()
        self.draw = random.Random(f"{storm.seed} {number}")
        self.sock = self.tls = self.address = None
        self.text, self.asked = bytearray(), 0
        # Most go on to their end; the others are cut anywhere, rather early than late.
        self.left = int(2 ** self.draw.uniform(0, 17)) if self.draw.random() < 0.3 else None
        self.noise_in = int(2 ** self.draw.uniform(0, 13)) if self.draw.random() < 0.1 else None
        self.piece = self.draw.choice([1, 7, 100]) if self.draw.random() < 0.1 else WHOLE

    async def blow(self):
        scripts, weights = zip(*SCRIPTS)
        (script,) = self.draw.choices(scripts, weights)
        self.name = script.__name__
        try:
            await script(self)
            if self.sock is not None:
                await self.leave()
        except Cut:
            if self.draw.random() < 0.5:
                reset(self.sock)
        except (OSError, Truncated):
            pass  # postern ended it
        except Malformed as error:
            self.storm.wrong.append(f"{self.number} {self.name}: {error}")
        finally:
            if self.sock is not None:
                self.sock.close()
            self.storm.ends(self.address)

    # --- the wire

    async def connect(self, address, window=None):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.sock.bind((self.draw.choice(self.storm.sources), 0))
        await self.loop.sock_connect(self.sock, address)
        self.address = self.sock.getsockname()
        self.storm.begins(self.address)

    def spend(self, count):
        """True when this was the last that the client sent or read."""
        if self.left is None:
            return False
        self.left -= count
        return self.left <= 0

    async def put(self, data):
        if self.noise_in is not None:
            self.noise_in -= len(data)
            if self.noise_in <= 0:
                self.noise_in = None
                data = data[: self.draw.randrange(len(data) + 1)] + self.draw.choice(NOISE)
        for at in range(0, len(data), self.piece):
            piece = data[at : at + self.piece]
            if self.left is not None and len(piece) >= self.left:
                await self.loop.sock_sendall(self.sock, piece[: self.left])
                raise Cut
            await self.loop.sock_sendall(self.sock, piece)
            if self.spend(len(piece)):
                raise Cut
            if self.piece < len(data):
                await asyncio.sleep(0)  # let others speak in between

    async def take(self):
        data = await self.loop.sock_recv(self.sock, 65536)
        if self.spend(len(data)):
            raise Cut
        return data

    # --- TLS

    async def greet(self, name=PUBLIC_NAME, window=None):
        await self.connect(self.storm.tls, window)
        context, session = self.draw.choice(self.storm.contexts), None
        if self.draw.random() < 0.5:
            session = self.storm.sessions.get((context, name))
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name, session=session)
        await self.until_done(self.tls.do_handshake)

    async def until_done(self, call):
        while True:
            try:
                result = call()
                await self.flush()
                return result
            except ssl.SSLWantReadError:
                await self.flush()
            data = await self.take()
            if not data:
                raise Truncated
            self._in.write(data)

    async def flush(self):
        if self._out.pending:
            await self.put(self._out.read())

    async def send(self, data):
        while data:
            data = data[await self.until_done(lambda: self.tls.write(data[:16384])) :]

    async def receive(self):
        try:
            return await self.until_done(lambda: self.tls.read(65536))
        except ssl.SSLZeroReturnError:
            return b""

    async def leave(self):
        """However it goes, postern must see to it that the connection ends."""
        how = self.draw.choice(["farewell", "half", "reset", "close", "stay", "stay"])
        if how == "reset":
            reset(self.sock)
            return
        if how == "farewell" and self.tls is not None:
            with suppress(ssl.SSLError):
                self.tls.unwrap()
            await self.flush()
        if how in ("farewell", "half"):
            self.sock.shutdown(socket.SHUT_WR)
        if how != "close":
            while await self.take():
                pass

    # --- HTTP

    def request(self, mood=None, method="GET", fields=(), body=b"", host=PUBLIC_NAME):
        mood = mood or self.draw.choice(GOOD_MOODS if self.draw.random() < 0.6 else BAD_MOODS)
        self.asked += 1
        token = f"{self.number}-{self.asked}"
        head = [f"{method} /{mood}/{token} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in fields)]
        return mood, token, lines(*head, "") + body

    async def answer(self, mood, token, method="GET", body_bytes=0):
        """Reads one answer and judges it: whole, well-formed, and ours."""
        while True:
            reader = Reader(iter([bytes(self.text), b""]).__next__)
            with suppress(Truncated):
                message = reader.read_response(method, second_opinion=False)
                break
            more = await self.receive()
            if not more:
                raise Truncated
            self.text += more
        del self.text[: len(message.raw)]
        if message.status == 200 and mood in GOOD_MOODS:
            proof = PROOF.match(message.body)
            found = proof and (proof[1].decode(), int(proof[2]))
            if found != (token, body_bytes):
                self.storm.wrong.append(f"{mood}/{token} got {message.body[:80]!r}")
        return message

    async def ask(self, mood=None, method="GET", fields=(), body=b"", body_bytes=0):
        mood, token, data = self.request(mood, method, fields, body)
        await self.send(data)
        message = await self.answer(mood, token, method, body_bytes)
        if message.get("Connection") == "close":
            raise Truncated
        return message

    # --- what clients do

    async def polite(self):
        await self.greet()
        for _ in range(self.draw.randint(1, 4)):
            await self.ask()
        self.storm.sessions[self.tls.context, PUBLIC_NAME] = self.tls.session

    async def ordinary(self):
        """Asks for nothing strange, and has a right to its answer."""
        self.left = self.noise_in = None
        self.piece = WHOLE
        await self.greet()
        try:
            await self.send(lines(f"GET {CALM} HTTP/1.1", f"Host: {PUBLIC_NAME}", ""))
            got = (await self.answer("calm", "")).status
        except OSError as error:
            got = repr(error)
        if got != 200:
            self.storm.unserved.append((self.sock.getsockname(), got))

    async def in_a_row(self):
        """Pipelines; reads the answers, or some of them, or none."""
        await self.greet()
        requests = [self.request() for _ in range(self.draw.randint(2, 12))]
        await self.send(b"".join(data for _, _, data in requests))
        for mood, token, _ in requests[: self.draw.randint(0, len(requests))]:
            message = await self.answer(mood, token)
            if message.get("Connection") == "close":
                return

    async def upload(self):
        await self.greet()
        body = b"u" * int(2 ** self.draw.uniform(0, 18))
        fields = [("Content-Length", str(len(body)))]
        if self.draw.random() < 0.5:
            fields = [("Transfer-Encoding", "chunked")]
        if self.draw.random() < 0.2:
            fields.append(("Expect", "100-continue"))
        sent = chunked(body[:1000], body[1000:]) if fields[0][1] == "chunked" else body
        if self.draw.random() < 0.3:  # and it lies
            sent = sent[: self.draw.randrange(len(sent))] + self.draw.choice([b"", b"zz\r\n", b"\r\n\r\n"])
            return await self.send(self.request(None, "POST", fields, sent)[2])
        await self.ask(None, "POST", fields, sent, len(body))

    async def nonsense(self):
        await self.greet()
        if self.draw.random() < 0.3:
            await self.send(self.draw.randbytes(self.draw.randint(1, 3000)))
        else:
            await self.send(self.draw.choice(BROKEN_HEADS)())

    async def many_cookies(self):
        """Fills the arena before the answer comes."""
        await self.greet()
        await self.ask(self.draw.choice(["interims", "wide"]), fields=[("Cookie", "; ".join(["a=b"] * 3000))])

    async def slow(self):
        """Takes little, or nothing, of what it asked for."""
        await self.greet(window=4096)
        await self.send(self.request("large")[2])
        for _ in range(self.draw.choice([0, 5, 50])):
            await self.take()
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.draw.uniform(0, 2))
        self.left = 50_000  # then it has lost its patience

    async def log_in(self):
        await self.greet()
        scheme = self.draw.choice(["NTLM", "Negotiate"])
        me = f"user-{self.number}"
        for said in ["hello", f"I am {me}"]:
            proof = base64.b64encode(said.encode()).decode()
            message = await self.ask("ntlm", fields=[("Authorization", f"{scheme} {proof}")])
        for _ in range(self.draw.randint(0, 3)):
            if message.status == 200 and not message.body.startswith(me.encode() + b" "):
                self.storm.wrong.append(f"{me} was answered as {message.body!r}")
            message = await self.ask("ntlm")

    async def nobody(self):
        """Asks for a mailbox without having said who it is."""
        await self.greet()
        message = await self.ask("ntlm")
        if message.status == 200:
            self.storm.wrong.append(f"nobody was answered as {message.body!r}")

    async def websocket(self):
        await self.greet()
        await self.send(self.request("upgrade", fields=WEBSOCKET)[2])
        for _ in range(self.draw.randint(0, 5)):
            if not await self.receive():
                return
            await self.send(self.draw.randbytes(self.draw.randint(1, 20_000)))

    async def through(self):
        """TLS with the internal server itself, or what only begins like it."""
        await self.greet(TUNNELLED)
        for _ in range(self.draw.randint(0, 3)):
            await self.ask(self.draw.choice(FRAMED_MOODS))

    async def clear_text(self):
        await self.connect(self.storm.tls)
        await self.put(self.draw.choice([self.request()[2], b"\0" * 5000, b"EHLO x\r\n", b"\x80\x2e\x01\x00\x02"]))

    async def redirected(self):
        await self.connect(self.storm.redirect)
        for _ in range(self.draw.randint(1, 4)):
            host = self.draw.choice([PUBLIC_NAME, TUNNELLED, "unknown.test", "", "a b", f"{TUNNELLED}:80"])
            await self.put(self.request(host=host)[2])
            if self.draw.random() < 0.5:
                await self.take()

    async def mute(self):
        await self.connect(self.draw.choice([self.storm.tls, self.storm.redirect]))

    async def idle(self):
        await self.greet()

    async def openssl(self):
        """Key updates and renegotiation, which Python's TLS cannot ask for."""
        version, word = self.draw.choice([("-tls1_3", b"K\n"), ("-tls1_3", b"k\n"), ("-tls1_2", b"R\n")])
        where = "{}:{}".format(*self.storm.tls)
        process = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", version, "-connect", where, "-servername", PUBLIC_NAME),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.storm.begins(OPENSSL)
        await process.communicate(word * self.draw.randint(1, 50))


SCRIPTS = [
    (Gust.polite, 20), (Gust.ordinary, 5), (Gust.in_a_row, 10), (Gust.upload, 12), (Gust.nonsense, 6),
    (Gust.many_cookies, 3),
    (Gust.slow, 3), (Gust.log_in, 8), (Gust.nobody, 3), (Gust.websocket, 5), (Gust.through, 6),
    (Gust.clear_text, 4), (Gust.redirected, 6), (Gust.mute, 3), (Gust.idle, 3), (Gust.openssl, 0.5),
]  # fmt: skip
