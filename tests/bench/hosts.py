"""A thousand published hosts, each with a certificate and key of its own: does postern stay small?

Not a comparison: the figures are held against bounds that are the product's own. What
they cost per host must not grow with the number of hosts.
"""

import concurrent.futures
import contextlib
import os
import resource
import socket
import ssl
import subprocess
import tempfile
import time

from pki import UPSTREAM_NAME, Pki
from process import IS_ROOT, BenchError, Process, free_ports

HOSTS = 1000
UPSTREAMS = 50
WORKERS = 2
# What `check` and a start may take of a processor, and all processes of memory.
BOUNDS = {"check_cpu_s": 3, "start_cpu_s": 9, "memory_mib": 150}
TITLES = {
    "check_cpu_s": "CPU s, postern check",
    "start_cpu_s": "CPU s, all processes until ready",
    "start_s": "s until ready",
    "memory_mib": "MiB, all processes",
}


def name_of(number):
    return f"mail{number}.bench.test"


def make_certificates(folder):
    """A process each, so a few at a time."""

    def make(number):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "7", "-noenc"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name_of(number)}"),
                *("-addext", f"subjectAltName=DNS:{name_of(number)}", "-addext", "basicConstraints=CA:FALSE"),
                *("-keyout", f"host{number}.key", "-out", f"host{number}.pem"),
            ],
            cwd=folder,
            env={**os.environ, "OPENSSL_CONF": "/etc/ssl/openssl.cnf"},
            check=True,
            capture_output=True,
        )
        with open(f"{folder}/ca.pem") as authority, open(f"{folder}/host{number}.pem", "a") as chain:
            chain.write(authority.read())

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        list(pool.map(make, range(HOSTS)))


def write_config(folder, pki, port):
    hosts = "".join(
        f"      {name_of(number)}: {{certificate: {pki.folder}/host{number}.pem,"
        f" key: file:{pki.folder}/host{number}.key, application: exchange, upstream: u{number % UPSTREAMS}}}\n"
        for number in range(HOSTS)
    )
    upstreams = "".join(
        f"  u{number}: {{servers: https://127.0.0.1, verify: {{ca: {pki.ca}, name: {UPSTREAM_NAME}}}}}\n"
        for number in range(UPSTREAMS)
    )
    with open(f"{folder}/config", "w") as file:
        file.write(
            f"version: 1\nworkers: {WORKERS}\n{'user: nobody' if IS_ROOT else ''}\n"
            f"listeners:\n  public:\n    address: 127.0.0.1:{port}\n    publish:\n{hosts}"
            f"upstreams:\n{upstreams}log:\n  to: file:{folder}/log\n"
        )


def check_cost(program, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [program, "check", "--config", f"{folder}/config"], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise BenchError(f"postern check: {done.stdout.strip()[-400:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def shake_hands(port, pki, number):
    """The host is served, with its own certificate."""
    context = ssl.create_default_context(cafile=pki.ca)
    with socket.create_connection(("127.0.0.1", port), timeout=15) as tcp:
        context.wrap_socket(tcp, server_hostname=name_of(number)).close()


def measure(program):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="postern-bench-"))
        os.chmod(folder, 0o755)
        pki = Pki(f"{folder}/pki")
        make_certificates(pki.folder)
        (port,) = free_ports(1)
        write_config(folder, pki, port)
        figures = {"check_cpu_s": check_cost(program, folder)}
        began = time.monotonic()
        command = [program, "run", "--config", f"{folder}/config"]
        process = stack.enter_context(
            Process("postern", command, f"{folder}/said", os.sched_getaffinity(0), talks=True)
        )
        if process.read_line(60, "line `postern ready`") != "postern ready":
            process.fail("is not ready")
        figures["start_s"] = time.monotonic() - began
        figures["start_cpu_s"] = process.settled_cpu_us() / 1e6
        for number in (0, HOSTS // 2, HOSTS - 1):
            shake_hands(port, pki, number)
        figures["memory_mib"] = process.memory_kib() / 1024
        return figures


def report(figures):
    """Prints the figures beside their bounds; the names of those that are broken."""
    print(f"\n{HOSTS:,} published hosts with a certificate each, {UPSTREAMS} upstreams, {WORKERS} workers")
    broken = []
    for key, title in TITLES.items():
        bound = BOUNDS.get(key)
        is_broken = bound is not None and figures[key] > bound
        broken += [title] if is_broken else []
        beside = "" if bound is None else f"   at most {bound:g}{'   BROKEN' if is_broken else ''}"
        print(f"  {figures[key]:>10.2f}  {title}{beside}")
    return broken
