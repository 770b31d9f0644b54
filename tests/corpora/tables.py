#!/usr/bin/env python3
"""Looks at the tables themselves: well-formed, long enough, and with every vector of
config/mitigations.yaml and ten variants of it.

usage: tables.py
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
KEYS = {"application", "method", "url", "headers", "body_type", "body_bytes", "note"}
MAY = {"source", "body"}
ORDINARY_LEAST, GENERIC_LEAST, VARIANTS_LEAST = 40, 150, 10

# "NAME VERSION-OR-COMMIT path/to/file:LINE", NAME a repository or a Debian package; or a
# document with its section. Several stand with "; " between them.
SOURCE = re.compile(r"""
    [A-Za-z0-9][\w.+/-]* [ ] [\w.+:~-]*\d[\w.+:~-]* [ ] [^\s:]+ : \d+ (-\d+)?
    | (RFC[ ]\d+ | MS-[A-Z0-9]+ | (WHATWG|W3C)[ ][\w.-]+ | draft-[a-z0-9-]+) [ ] [0-9A-Z]+ (\.\d+)*
    """, re.VERBOSE)
results = []


def result(name, wrong):
    results.append(not wrong)
    print("not ok" if wrong else "ok", len(results), "-", name)
    for text in wrong[:20]:
        print("#", text)


def rows_of(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def key_of(row):
    headers = dict(row["headers"])
    if "body" in row and row.get("body_type"):
        headers.setdefault("Content-Type", row["body_type"])
    return row["method"], row["url"], tuple(sorted(headers.items())), row.get("body", "")


def check_source(file, row):
    """What is wrong with where a row comes from."""
    if "source" not in row:
        return "no source" if file.parent.name == "ordinary" else None
    if file.parent.name != "ordinary":
        return "a source belongs to what is ordinary"
    good = all(SOURCE.fullmatch(part) for part in row["source"].split("; "))
    return None if good else f"no file and line, no section of a document: {row['source']}"


def check_rows(file):
    """What is wrong with the rows of a table."""
    wants = KEYS | ({"expect"} if file.parent.name == "attacks" else set())
    application = "*" if file.stem == "generic" else file.stem
    wrong = []
    for number, row in enumerate(rows_of(file), 1):
        if set(row) - MAY != wants:
            wrong.append(f"{file.name}:{number}: keys {sorted((set(row) - MAY) ^ wants)}")
        elif check_source(file, row):
            wrong.append(f"{file.name}:{number}: {check_source(file, row)}")
        elif row["application"] != application:
            wrong.append(f"{file.name}:{number}: stands in the table of another application")
        elif not row["url"].startswith("/") or not row["note"]:
            wrong.append(f"{file.name}:{number}: the URL begins with '/', the note says what it is")
        elif "body" in row and (not isinstance(row["body"], str) or row["body_bytes"] != 0):
            wrong.append(f"{file.name}:{number}: a body is text, and its length counts: body_bytes is 0")
        elif bool(row["body_bytes"] or row.get("body")) > bool(row["body_type"]):
            wrong.append(f"{file.name}:{number}: a body without a type")
    return wrong


def check_length(file, least):
    count = len(rows_of(file))
    return [] if count >= least else [f"{file.name}: {count} rows, {least} at least"]


def repeated(file):
    counts = Counter((*key_of(row), row["body_type"], row["body_bytes"]) for row in rows_of(file))
    return [f"{file.name}: {method} {url} stands {n} times" for (method, url, *_), n in counts.items() if n > 1]


def check_mitigation(name, mitigation):
    wrong = []
    for application in mitigation["applications"]:
        rows = rows_of(HERE / "attacks" / f"{application}.jsonl")
        attacked = {key_of(row) for row in rows}
        for vector in mitigation["vectors"]:
            if key_of({"headers": {}, "method": "GET", **vector}) not in attacked:
                wrong.append(f"attacks/{application}.jsonl lacks {vector['url']}")
        variants = sum(row["note"].startswith(name + ":") for row in rows) - len(mitigation["vectors"])
        if variants < VARIANTS_LEAST:
            wrong.append(f"attacks/{application}.jsonl: {variants} variants, {VARIANTS_LEAST} at least")
    return wrong


def main():
    for file in sorted(HERE.glob("*/*.jsonl")):
        wrong = check_rows(file)
        if file.parent.name != "recorded" and not wrong:
            wrong = repeated(file)
        if file.parent.name == "ordinary" and not file.stem.endswith("-opened"):
            wrong += check_length(file, ORDINARY_LEAST)
        if file.stem == "generic":
            wrong += check_length(file, GENERIC_LEAST)
        result(f"{file.parent.name}/{file.name}", wrong)
    shipped = HERE.parents[1] / "config" / "mitigations.yaml"
    for name, mitigation in yaml.safe_load(shipped.read_text(encoding="utf-8"))["mitigations"].items():
        result(f"{name} is tried, and in other spellings", check_mitigation(name, mitigation))
    print(f"1..{len(results)}")
    return not all(results)


if __name__ == "__main__":
    sys.exit(main())
