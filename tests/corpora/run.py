#!/usr/bin/env python3
"""Asks `postern explain` about every request of the tables: what is ordinary passes,
what is an attack does not.

usage: run.py POSTERN PKI HOST [--self-test]

POSTERN is the program, PKI a folder that tests/pki/make-pki.sh fills, HOST a row of HOSTS
below. --self-test turns every expectation round and wants each one missed.

A table is lines of JSON:
  application, method, url (path?query), headers, body_type, body_bytes, note
and, in attacks/, expect: the reason, or `refused` where more than one is right; in
ordinary/ source: who makes such a request (tables.py knows the forms). A row may have a
body, as text; then its length counts, and body_bytes is 0.
ordinary/ is written by hand, recorded/ by the real programs. In the value of a header
`{TEXT*N}` stands for N times TEXT.

Hosts whose name ends in -bare have the mitigations alone: no model, no knob. There the
vectors and variants of every mitigation must be refused, too, and nothing ordinary.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
NAME = "app.example.test"
INSIDE = "10.1.2.3"
OUTSIDE = "192.0.2.7"


class Host:
    """A published host: what stands behind `application:`, and which tables it takes."""

    def __init__(self, application, tables, prefix="", source="", generic=True, bare=False):
        self.application = application
        self.tables = tables
        self.prefix = prefix
        self.source = source
        self.generic = generic
        self.bare = bare


def opened(*rules, networks="10.0.0.0/8"):
    """Closed rules, opened as docs/applications.md tells operators to."""
    paths = ", ".join(f"{id}: {{path: {path}, action: deny, unless_from: [{networks}], source: test}}"
                      for id, path in rules)
    return f"{{extends: exchange, paths: {{{paths}}}}}"


OPTIONS = ("EX010", "[/ecp, /ecp/**, /owa/options/ecp, /owa/options/ecp/**]")


def bare(name):
    return Host(name, [name], generic=False, bare=True)


HOSTS = {
    "any": Host("any", ["any"]),
    "exchange": Host("exchange", ["exchange"]),
    "exchange-activesync-only": Host("exchange-activesync-only", ["exchange-activesync-only"]),
    "exchange-opened": Host(
        opened(OPTIONS, ("EX014", "[/rpc, /rpc/**]"), ("EX016", "/ews/mrsproxy.svc"),
               ("EX017", "[/owa/calendar, /owa/calendar/**]")),
        ["exchange-opened", "exchange"], source=INSIDE, generic=False),
    "exchange-options-opened": Host(opened(OPTIONS, networks='0.0.0.0/0, "::/0"'), ["exchange-options-opened"],
                                    source=OUTSIDE, generic=False),
    "grommunio": Host("grommunio", ["grommunio"]),
    "roundcube": Host("roundcube", ["roundcube"]),
    "roundcube-webmail": Host("{extends: roundcube, prefix: /webmail}", ["roundcube"], prefix="/webmail",
                              generic=False),
    "snappymail": Host("snappymail", ["snappymail"]),
    "sogo": Host("sogo", ["sogo"]),
    "zimbra": Host("zimbra", ["zimbra"]),
    "exchange-bare": bare("exchange"),
    "exchange-activesync-only-bare": bare("exchange-activesync-only"),
    "grommunio-bare": bare("grommunio"),
    "roundcube-bare": bare("roundcube"),
    "snappymail-bare": bare("snappymail"),
    "sogo-bare": bare("sogo"),
    "zimbra-bare": bare("zimbra"),
}

# Of these the doors are tried from outside, too.
OPENED_ONLY = {"exchange-opened"}

CONFIG = """version: 1
{presets}listeners:
  public:
    address: 127.0.0.1:443
    publish:
      {name}:
        certificate: {pki}/public-ec.pem
        application: {application}
        upstream: inside
upstreams:
  inside:
    servers: https://127.0.0.1:8443
    verify: {{ca: {pki}/internal-ca.crt, name: webmail.internal.test}}
"""


def read(file):
    """The rows of a table, each with where it stands."""
    if not file.exists():
        return []
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        rows.append({**json.loads(line), "place": f"{file.parent.name}/{file.name}:{number}"})
    return rows


def expanded(value):
    return re.sub(r"\{([^{}*]+)\*(\d+)\}", lambda m: m[1] * int(m[2]), value)


class Request:
    """A row as `explain` is asked about it on this host."""

    def __init__(self, row, expected, host):
        self.row, self.expected = row, expected
        self.url = f"https://{NAME}{host.prefix}{row['url']}"
        self.source = host.source
        self.headers = [f"{name}: {expanded(value)}" for name, value in row["headers"].items()]
        told = {name.lower() for name in row["headers"]}
        if row["body_type"] and "content-type" not in told:
            self.headers.append(f"Content-Type: {row['body_type']}")
        if row["body_bytes"] and "content-length" not in told:
            self.headers.append(f"Content-Length: {row['body_bytes']}")
        self.body = row["body"].encode() if "body" in row else None
        self.body_file = None

    def write_body(self, file):
        """The body goes into a file, since it may hold what a line cannot."""
        if self.body is not None:
            file.write_bytes(self.body)
            self.body_file = file

    def fits_a_line(self):
        """A line of expectations knows no escape for the quote that words end with."""
        return not any('"' in text or "\t" in text for text in [self.url, *self.headers])

    def line(self):
        words = [self.expected, self.row["method"], self.url]
        words += [f"from={self.source}"] if self.source else []
        words += [f"body=@{self.body_file}"] if self.body_file else []
        return " ".join(words + [f'header="{h}"' for h in self.headers]) + "\n"

    def arguments(self):
        words = ["--method", self.row["method"], "--url", self.url]
        words += ["--from", self.source] if self.source else []
        words += ["--body", f"@{self.body_file}"] if self.body_file else []
        for header in self.headers:
            words += ["--header", header]
        return words


def write_bare_presets(folder):
    """The shipped presets without anything that refuses; JSON is YAML."""
    folder.mkdir()
    for file in sorted((HERE.parents[1] / "config" / "applications").glob("*.yaml")):
        preset = yaml.safe_load(file.read_text(encoding="utf-8"))
        kept = ("application", "version", "title", "path_case", "allow_oddities")
        (folder / file.name).write_text(json.dumps({key: preset[key] for key in kept if key in preset}))
    return f"applications: {folder}\n"


class Explainer:
    def __init__(self, postern, pki, host, folder):
        self.postern, self.folder = postern, folder
        self.config = folder / "postern.yaml"
        self.config.write_text(CONFIG.format(
            name=NAME, pki=pki, application=host.application,
            presets=write_bare_presets(folder / "bare") if host.bare else ""))

    def run(self, *words):
        done = subprocess.run([self.postern, "explain", "--config", self.config, *words],
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode > 1:
            raise SystemExit(f"explain ended with {done.returncode}: {done.stderr or done.stdout}")
        return done

    def misses(self, requests):
        """What comes out otherwise, as lines for people."""
        file = self.folder / "expect.txt"
        for number, request in enumerate(requests):
            request.write_body(self.folder / f"body-{number}")
        short = [r for r in requests if r.fits_a_line()]
        file.write_text("".join(r.line() for r in short))
        missed = []
        done = self.run("--expect", file)
        output = done.stdout
        if f"\n{len(short)} requests, " not in "\n" + output:
            raise SystemExit(f"explain did not try every line: {(done.stderr or done.stdout)[-2000:]}")
        for number, text in re.findall(r"expect\.txt:(\d+): (.*)", output):
            row = short[int(number) - 1].row
            missed.append(f"{row['place']}: {row['note']}: {text}")
        for request in requests:
            if not request.fits_a_line():
                missed += self.miss_alone(request)
        return missed

    def miss_alone(self, request):
        found = json.loads(self.run("--format", "json", *request.arguments()).stdout)["reason"] or "pass"
        if found == request.expected or (request.expected == "refused" and found != "pass"):
            return []
        row = request.row
        return [f"{row['place']}: {row['note']}: {row['method']} {request.url}: "
                f"expected {request.expected}, found {found}"]


def collect(host, name):
    """Title and requests of each group of a host."""
    ordinary = [row for table in host.tables for folder in ("ordinary", "recorded")
                for row in read(HERE / folder / f"{table}.jsonl")]
    yield "ordinary requests pass", [Request(row, "pass", host) for row in ordinary]
    if name not in OPENED_ONLY:
        attacks = [row for table in host.tables for row in read(HERE / "attacks" / f"{table}.jsonl")]
        if host.bare:
            known = [row for row in attacks if row["note"].startswith("PM-")]
            yield "mitigations alone refuse what they are for", [Request(row, "refused", host) for row in known]
            return
        yield "attacks on it are refused", [Request(row, row["expect"], host) for row in attacks]
    else:
        outside = Host(host.application, [], source=OUTSIDE)
        rows = read(HERE / "ordinary" / f"{name}.jsonl")
        yield "its doors stay closed to others", [Request(row, "path-denied", outside) for row in rows]
    if host.generic:
        rows = read(HERE / "attacks" / "generic.jsonl")
        yield "attacks on any application are refused", [Request(row, row["expect"], host) for row in rows]


def turned(request):
    request.expected = "refused" if request.expected == "pass" else "pass"
    return request


def main():
    postern, pki, name = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3]
    self_test = sys.argv[4:] == ["--self-test"]
    subprocess.run([HERE.parent / "pki" / "make-pki.sh", pki], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PUBLIC_NAME": NAME})
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        explainer = Explainer(postern, pki, HOSTS[name], Path(folder))
        groups = [group for group in collect(HOSTS[name], name) if group[1]]
        print(f"1..{len(groups)}")
        for number, (title, requests) in enumerate(groups, 1):
            if self_test:
                requests = [turned(request) for request in requests]
            missed = explainer.misses(requests)
            good = len(missed) == len(requests) if self_test else not missed
            bad += not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}: {title} ({len(requests)})")
            for text in [] if self_test else missed:
                print("#", text)
    return bad != 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    sys.exit(main())
