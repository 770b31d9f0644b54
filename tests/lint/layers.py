"""Who may include whom: each #include against the table in docs/architecture.md.

Also: the policy headers, which hold data alone, see nothing but base and each
other; a library's headers appear only in the folders that the table names; and
no source includes another.
"""

import fnmatch
import re

import lint

# How the table's third column calls what an <include> begins with.
LIBRARIES = {
    "fyaml": "libfyaml",
    "libfyaml": "libfyaml",
    "ldap": "libldap",
    "liboath": "liboath",
    "llhttp": "llhttp",
    "maxminddb": "libmaxminddb",
    "nghttp2": "nghttp2",
    "openssl": "OpenSSL",
    "seccomp": "libseccomp",
    "systemd": "libsystemd",
    "uv": "libuv",
}

INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')


def read_table(root):
    """folder -> (patterns of headers that it may include, libraries)"""
    table = {}
    for _, line in lint.lines(root, "docs/architecture.md"):
        cells = [cell.strip(" `") for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or cells[0] not in lint.FOLDERS:
            continue
        allowed = [] if cells[1] == "-" else re.split(r"[\s,`]+", cells[1])
        patterns = [name if "/" in name else name + "/*" for name in allowed]
        table[cells[0]] = (patterns, re.split(r"\s*,\s*", cells[2]))
    return table


def judge_quoted(path, folder, header, allowed):
    """What is wrong with #include "header" in a file that counts as folder's, or None."""
    if header.endswith(".c"):
        return f"includes the source {header}"
    if "/" not in header:
        if path.parts[0] == "tests":
            return None  # a helper beside it
        return f"includes {header} without its folder"
    if path.name.endswith("_policy.h"):
        if not fnmatch.fnmatch(header, "base/*") and not header.endswith("_policy.h"):
            return f"is a policy header and includes {header}"
    if header.startswith(folder + "/") or header.startswith("tests/"):
        return None
    if not any(fnmatch.fnmatch(header, pattern) for pattern in allowed):
        return f"{folder} may not include {header}"
    return None


def judge_library(folder, header, libraries):
    """The same for #include <header>."""
    library = LIBRARIES.get(re.split(r"[/.]", header)[0])
    if library and library not in libraries:
        return f"{folder} may not use {library} (<{header}>)"
    return None


def folder_of(path):
    """The folder whose rules a file obeys: a unit test obeys those of what it tests."""
    parts = path.parts
    return parts[2] if parts[:2] == ("tests", "unit") and len(parts) > 3 else parts[0]


def check(root):
    table = read_table(root)
    for path in lint.sources(root, lint.FOLDERS + ["tests/unit"], ".c", ".h", ".def"):
        folder = folder_of(path)
        if folder not in table:
            yield f"{path}:1: {folder} has no row in docs/architecture.md"
            continue
        allowed, libraries = table[folder]
        for number, line in lint.lines(root, path):
            match = INCLUDE.match(line)
            if not match:
                continue
            if match[1] == '"':
                wrong = judge_quoted(path, folder, match[2], allowed)
            elif path.parts[0] != "tests":  # which may ask a library for a second opinion
                wrong = judge_library(folder, match[2], libraries)
            else:
                wrong = None
            if wrong:
                yield f"{path}:{number}: {wrong}"


GOOD = {
    "docs/architecture.md": "| folder | may include | libraries |\n"
    "| base | - | libc |\n| http | base | llhttp |\n| tls | base | libuv, OpenSSL |\n"
    "| config | base, http/*_policy.h | libfyaml |\n",
    "base/bytes.h": "#include <stddef.h>\n",
    "http/http_policy.h": '#include "base/bytes.h"\n',
    "config/config.c": '#include "http/http_policy.h"\n#include <libfyaml.h>\n',
    "tls/tls.c": '#include <uv.h>\n#include <openssl/ssl.h>\n',
    "tests/unit/http/test_head.c": '#include "http/head.h"\n#include "base/bytes.h"\n'
    '#include "helper.h"\n#include <openssl/sha.h>\n',
}
BAD = [
    ({"base/a.c": '\n#include "http/head.h"\n'}, "base/a.c:2: base may not include http/head.h"),
    ({"config/a.c": '#include "http/head.h"\n'}, "config may not include http/head.h"),
    ({"http/a.c": '#  include "base/bytes.c"\n'}, "includes the source"),
    ({"http/a.c": '#include "head.h"\n'}, "without its folder"),
    ({"http/a.c": "#include <uv.h>\n"}, "http may not use libuv"),
    ({"base/a.h": "#include <openssl/rand.h>\n"}, "base may not use OpenSSL"),
    ({"http/b_policy.h": '#include "http/head.h"\n'}, "is a policy header"),
    ({"tests/unit/http/test_b.c": '#include "tls/tls.h"\n'}, "http may not include tls/tls.h"),
    ({"log/a.c": "\n"}, "log has no row"),
]

if __name__ == "__main__":
    lint.main(check, GOOD, BAD)
