"""A storm: clients that a seed throws together (gusts.py), and lightning that strikes the processes."""

import asyncio
import math
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

from actors import Client
from gusts import Gust
from wire import DEADLINE

REDIRECTS = "127.0.0.2"  # the address that answers clear text
PATIENCE = 2 * DEADLINE  # in which postern must have ended whatever a client left to it
AT_ONCE = 64
UNTOLD = 20  # seconds in which postern has ended what its client left, and a logd that died too often is back


class Storm:
    """All of it. `connected`: how often from which address; `at_risk`: those whose ending may have died with
    a process; `wrong`, `hung` and `unserved`: what must not be."""

    def __init__(self, seed, pki, proxy):
        self.seed = seed
        self.tls = ("127.0.0.1", proxy.port())
        self.redirect = (REDIRECTS, proxy.port(REDIRECTS))
        self.contexts = [Client.context(pki, version) for version in ("1.2", "1.3")]
        for context in self.contexts:
            context.load_verify_locations(pki / "internal-ca.crt")
        self.sessions, self.sources = {}, [f"127.0.0.{n}" for n in range(2, 8)]
        self.connected, self.wrong, self.hung, self.unserved = Counter(), [], [], []
        self._ended, self.at_risk = {}, set()

    def begins(self, address):
        self.connected[address] += 1
        self._ended[address] = math.inf

    def ends(self, address):
        self._ended[address] = time.monotonic()

    def struck(self):
        """A process that knew of connections died: what it had not told of them is not told."""
        lately = time.monotonic() - UNTOLD
        self.at_risk |= {address for address, ended in self._ended.items() if ended > lately}

    async def blow(self, count, at_once=AT_ONCE):
        numbers = iter(range(count))

        async def one_after_the_other():
            for number in numbers:
                gust = Gust(self, number)
                try:
                    await asyncio.wait_for(gust.blow(), PATIENCE)
                except asyncio.TimeoutError:
                    self.hung.append(f"{number} {gust.name}")

        await asyncio.gather(*[one_after_the_other() for _ in range(at_once)])


async def lightning(proxy, storm, kills, pauses):
    """Strikes the children until cancelled: those of `kills` die, those of `pauses` stand still for a while."""
    draw = random.Random(f"{storm.seed} lightning")
    roles = [(signal.SIGKILL, role) for role in kills] + [(signal.SIGSTOP, role) for role in pauses]
    while roles:
        await asyncio.sleep(draw.uniform(0.2, 1))
        number, role = draw.choice(roles)
        found = [pid for name, pid in sorted(proxy.children().items()) if name.startswith(role)]
        with suppress(IndexError, ProcessLookupError):  # it is dead already, or not yet born
            pid = draw.choice(found)
            if number == signal.SIGKILL:
                proxy.kill(pid)
                if role in ("worker", "logd"):
                    storm.struck()
            else:
                await stand_still(pid, draw.uniform(0.01, 0.5))


async def stand_still(pid, seconds):
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
