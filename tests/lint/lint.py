"""What the lint scripts share: finding the sources, reporting, and the self-test.

A rule is a function that takes the root of the tree and yields findings, each
"path:line: what is wrong". A script that cannot fail proves nothing, so each
brings small bad trees with the finding that they must give (--self-test).
"""

import pathlib
import sys
import tempfile

FOLDERS = ["auth", "base", "cli", "config", "http", "log", "proxy", "tls"]


def sources(root, folders, *suffixes):
    """The paths of all files with one of the suffixes, relative to the root, sorted."""
    found = []
    for folder in folders:
        for path in (root / folder).rglob("*"):
            if path.suffix in suffixes and path.is_file():
                found.append(path.relative_to(root))
    return sorted(found)


def lines(root, path):
    """The lines of a file with their numbers, from 1."""
    return list(enumerate((root / path).read_text().splitlines(), 1))


def self_test(rule, good, bad):
    """The good tree gives no finding, each bad one the finding that it names."""
    failures = 0
    for files, expected in [(good, None)] + [({**good, **more}, text) for more, text in bad]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            findings = list(rule(root))
        if expected is None and findings or expected is not None and (
            len(findings) != 1 or expected not in findings[0]
        ):
            failures += 1
            print(f"expected {expected or 'nothing'!r}, found {findings}")
    print(f"{len(bad) + 1} trees, {failures} failures")
    return failures


def main(rule, good, bad):
    """Runs the rule over the tree in the first argument, or the self-test."""
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(rule, good, bad) > 0)
    findings = list(rule(pathlib.Path(sys.argv[1])))
    for finding in findings:
        print(finding)
    sys.exit(len(findings) > 0)
