"""A program that the bench starts, what it costs, and its end.

Everything runs in the foreground below us, so that a proxy's cost is the cost of
its process tree. Only processes that were started here are ever signalled.
"""

import contextlib
import os
import random
import re
import resource
import select
import signal
import socket
import subprocess
import time

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
IS_ROOT = os.geteuid() == 0


class BenchError(Exception):
    """Something that a person has to read; nothing to catch and go on with."""


def free_ports(count):
    """Ports below the range that outgoing connections take their own from."""
    with contextlib.ExitStack() as stack:
        ports = []
        while len(ports) < count:
            port = random.randrange(15000, 32000)
            probe = stack.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
        return ports


def connections_limit():
    """What a proxy with two descriptors per connection can hold here."""
    return min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 200)


def split_processors():
    """(proxy, upstream, load): processors that they do not share, if there are enough."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) == 1:
        return mine, mine, mine
    return mine[:1], mine[1:2], mine[2:3] or mine[1:2]


class Process:
    """One program and its descendants, from start to end of a `with` block."""

    def __init__(self, what, command, log, processors, *, ports=None, talks=False):
        self.what = what
        self.log = log
        self.ports = ports
        # `talks`: we write to its standard input and read its standard output.
        pipe = subprocess.PIPE if talks else None
        with open(log, "wb") as sink:
            self.child = subprocess.Popen(
                command,
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or sink,
                stderr=sink,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, processors),
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        tree = {pid: birth_of(pid) for pid in self.tree()}
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=5)
        # What outlived its parent: the number must still be the same process.
        for pid, birth in tree.items():
            if birth is not None and birth_of(pid) == birth:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def fail(self, why):
        with open(self.log, errors="replace") as log:
            said = log.read().strip().splitlines()[-8:]
        raise BenchError("\n    ".join([f"{self.what}: {why}", *said]))

    def tree(self):
        """The process and all its descendants."""
        children = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            fields = stat_of(entry)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry))
        tree = [self.child.pid]
        for pid in tree:
            tree += children.get(pid, [])
        return tree

    def cpu_us(self):
        """User and system time of the tree, and of those of it that have ended."""
        stats = filter(None, map(stat_of, self.tree()))
        return TICK_US * sum(sum(map(int, fields[11:15])) for fields in stats)

    def memory_kib(self):
        """The tree's proportional set size: a shared page counts once in all."""
        total = 0
        for pid in self.tree():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/smaps_rollup") as rollup:
                    total += int(re.search(r"^Pss: +(\d+) kB", rollup.read(), re.M)[1])
        return total

    def settled_cpu_us(self):
        """cpu_us() once nothing is left to do: a log may be written behind."""
        seen = self.cpu_us()
        for _ in range(20):
            time.sleep(0.05)
            now = self.cpu_us()
            if now == seen:
                break
            seen = now
        return seen

    def wait_listening(self, port):
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if self.child.poll() is not None:
                self.fail(f"ended with status {self.child.returncode} at its start")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(0.02)
        self.fail("does not listen after 15 s")

    def read_line(self, seconds, what):
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        if not ready:
            self.fail(f"gave no {what} within {seconds} s")
        line = self.child.stdout.readline().decode().strip()
        if not line:
            self.child.wait()
            self.fail(f"ended with status {self.child.returncode} before its {what}")
        return line


def stat_of(pid):
    """/proc/PID/stat from field 3 (the state) on; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def birth_of(pid):
    fields = stat_of(pid)
    return fields[19] if fields and fields[0] != "Z" else None
