"""An internal server with moods. The target of a request, /MOOD/TOKEN, says in which it is met.

Whatever answer is complete holds the token of its request: a client that reads another
one was given somebody else's answer. All runs in the asyncio loop of the storm.
"""

import asyncio
import base64
import random
import re
import socket
import struct

from wire import lines, reply

TARGET = re.compile(r"/([a-z_]+)/(\d+-\d+)\Z")
HEAD_LIMIT = 1 << 20
FILLER = b"x" * (64 * 1024)


def reset(sock):
    """What is closed next ends with a reset and not with a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Asked:
    """A request, and the ways to answer it."""

    def __init__(self, head, connection):
        start, *fields = head[:-4].decode("latin-1").split("\r\n")
        self.method, target, _ = start.split(" ")
        self.fields = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
        self.mood, self.token = TARGET.match(target).groups()
        self.reader, self.writer, self.connection = connection.reader, connection.writer, connection
        self.draw = random.Random(f"{connection.seed} {self.token}")

    async def body_bytes(self):
        """Reads the body; how long it was."""
        if "transfer-encoding" not in self.fields:
            return len(await self.reader.readexactly(int(self.fields.get("content-length", 0))))
        total = 0
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            await self.reader.readexactly(size + 2)
            total += size
        await self.reader.readuntil(b"\r\n")
        return total

    async def proof(self):
        """What only the one who asked may read; and how much of the body arrived."""
        return f"{self.token} {await self.body_bytes()}\n".encode()

    async def send(self, *pieces):
        for piece in pieces:
            if self.writer.transport.is_closing():
                raise ConnectionResetError  # asyncio would only warn
            self.writer.write(piece)
            await self.writer.drain()

    async def gone(self):
        """Says nothing more, until postern has had enough."""
        while await self.reader.read(65536):
            pass


# --- moods; True: the connection may be used again


async def fine(asked):
    await asked.send(reply(200, await asked.proof()))
    return True


async def chunks(asked):
    body = await asked.proof() + FILLER[: asked.draw.randrange(3000)]
    await asked.send(lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", ""))
    while body:
        part = body[: asked.draw.randint(1, 1000)]
        body = body[len(part) :]
        await asked.send(b"%x\r\n%b\r\n" % (len(part), part))
    await asked.send(b"0\r\n\r\n")
    return True


async def large(asked):
    proof, count = await asked.proof(), asked.draw.randint(1, 16)
    await asked.send(lines("HTTP/1.1 200 OK", f"Content-Length: {len(proof) + count * len(FILLER)}", ""), proof)
    await asked.send(*[FILLER] * count)
    return True


async def trickle(asked):
    for byte in reply(200, await asked.proof()):
        await asked.send(bytes([byte]))
    return True


async def interims(asked):
    """Heads enough to fill what memory a request may have, some of them more than may come."""
    count, size = asked.draw.choice([(0, 0), (1, 10), (98, 600), (1, 250_000)])
    fields = [("Set-Cookie", f"{n}=" + "y" * size) for n in range(count)]
    early = lines("HTTP/1.1 103 Early Hints", *(f"{name}: {value}" for name, value in fields), "")
    await asked.send(*[early] * asked.draw.choice([0, 1, 3, 8] if size > 10 else [0, 1, 30]))
    await asked.send(*[lines("HTTP/1.1 100 Continue", "")] * asked.draw.randint(0, 1))
    await asked.send(reply(200, await asked.proof(), fields))
    return True


async def wide(asked):
    """A head as long as the longest that passes, and longer ones."""
    fields = [("Set-Cookie", f"{n}=" + "z" * asked.draw.choice([10, 600])) for n in range(asked.draw.choice([90, 98]))]
    await asked.send(reply(200, await asked.proof(), fields))
    return True


async def bodyless(asked):
    await asked.body_bytes()
    await asked.send(reply(asked.draw.choice([204, 304])))
    return True


async def until_the_end(asked):
    await asked.send(lines("HTTP/1.1 200 OK", "Connection: close", ""), await asked.proof())


async def leaves(asked):
    """Closes behind its answer without a word about it."""
    await asked.send(reply(200, await asked.proof()))


async def closes(asked):
    if asked.draw.random() < 0.5:
        await asked.body_bytes()


async def resets(asked):
    if asked.draw.random() < 0.5:
        await asked.send(reply(200, FILLER)[: asked.draw.randrange(1, 1000)])
    reset(asked.writer.get_extra_info("socket"))
    asked.writer.transport.abort()


async def short(asked):
    answer = lines("HTTP/1.1 200 OK", "Content-Length: 100000", "") + FILLER
    await asked.send(answer[: asked.draw.randrange(len(answer))])


async def surplus(asked):
    await asked.send(reply(200, await asked.proof()) + reply(200, b"poison"))
    return True


async def garbage(asked):
    await asked.send(asked.draw.randbytes(asked.draw.randrange(1, 5000)))


async def lies(asked):
    bad = (b"zz\r\n", b"5\r\nhelloX\r\n", b"5;" + b"e" * 70_000, b"fffffffffffffffff\r\n", b"-1\r\n")
    await asked.send(lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", ""), b"1\r\nx\r\n", asked.draw.choice(bad))


async def silent(asked):
    await asked.gone()


async def stalls(asked):
    await asked.send((lines("HTTP/1.1 200 OK", "Content-Length: 100", "") + b"half")[: asked.draw.randint(1, 45)])
    await asked.gone()


async def early(asked):
    """Answers at the head of an upload; reads the rest, or does not."""
    await asked.send(reply(asked.draw.choice([200, 401, 413]), b"poison"))
    if asked.draw.random() < 0.5:
        await asked.gone()


async def upgrade(asked):
    await asked.send(lines("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket", ""))
    while data := await asked.reader.read(65536):
        await asked.send(data)
        if asked.draw.random() < 0.2:
            return


async def ntlm(asked):
    """As IIS does: who completes the dialogue on a connection is its user until it ends."""
    await asked.body_bytes()
    scheme, _, said = asked.fields.get("authorization", "").partition(" ")
    said = base64.b64decode(said).decode()
    if said.startswith("I am "):
        asked.connection.user = said.removeprefix("I am ")
    if asked.connection.user is None or said == "hello":
        await asked.send(reply(401, b"who are you?", [("WWW-Authenticate", scheme or "NTLM")]))
    else:
        await asked.send(reply(200, f"{asked.connection.user} is who asks\n".encode()))
    return asked.draw.random() < 0.95


GOOD = [fine, chunks, large, trickle, interims, wide, until_the_end, leaves]
BAD = [bodyless, closes, resets, short, surplus, garbage, lies, silent, stalls, early, upgrade]
MOODS = {function.__name__: function for function in (*GOOD, *BAD, ntlm)}


class Fickle:
    """Listens from open() on; `errors` tells of requests that should not have come."""

    def __init__(self, seed, context):
        self.seed, self.context = seed, context
        self.errors, self.count = [], 0
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.calm = False  # no moods before the first byte of TLS
        self._tasks = set()

    def open(self):
        self._keep(self._accept_all())

    async def hang_up(self):
        """Ends all connections and takes no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listening.close()

    def _keep(self, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept_all(self):
        while True:
            sock, _ = await asyncio.get_running_loop().sock_accept(self._listening)
            self.count += 1
            self._keep(Connection(self).meet(sock, random.Random(f"{self.seed} {self.count}")))


class Connection:
    def __init__(self, server):
        self.server, self.seed, self.user = server, server.seed, None
        self.writer = None

    async def meet(self, sock, draw):
        try:
            if self.server.calm or draw.random() > 0.03:
                await self._greet(sock)
                await self._serve()
            else:
                await self._spoil(sock, draw)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass  # postern has gone, or was cut off in the middle of its request
        except Exception as error:
            self.server.errors.append(repr(error))
        finally:
            (self.writer or sock).close()

    async def _greet(self, sock):
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=HEAD_LIMIT, loop=loop)
        protocol = asyncio.StreamReaderProtocol(self.reader, loop=loop)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=self.server.context)
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)

    async def _serve(self):
        while True:
            asked = Asked(await self.reader.readuntil(b"\r\n\r\n"), self)
            if not await MOODS[asked.mood](asked):
                return

    async def _spoil(self, sock, draw):
        """No handshake: garbage, silence or a reset instead."""
        loop = asyncio.get_running_loop()
        if draw.random() < 0.7:
            await loop.sock_recv(sock, 1000)
        if draw.random() < 0.5:
            await loop.sock_sendall(sock, draw.choice([b"220 smtp\r\n", b"\x15\x03\x03\x00\x02\x01\x00", b"\x16"]))
        if draw.random() < 0.5:
            reset(sock)
