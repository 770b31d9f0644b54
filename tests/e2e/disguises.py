"""Spellings of a path that some server, somewhere, has taken for the path itself.

Each function takes a path and a random.Random, and gives it another look. What a
server makes of it is another matter: tests/e2e/webservers.py has those to ask.
"""

import random

OVERLONG = {"/": ["%c0%af", "%e0%80%af", "%c1%9c"], ".": ["%c0%ae", "%e0%80%ae", "%c0%2e"]}
FULLWIDTH = {"/": "%ef%bc%8f", ".": "%ef%bc%8e", "\\": "%ef%bc%bc", ":": "%ef%bc%9a"}
ENDINGS = [
    "/", "//", ".", "..", "...", "%2e", "%20", "+", "%20.", "/.", "/./", "/x.css", "/x/../", "/index.php", "%00", "%00.css",
    "::$DATA", ":$I30:$INDEX_ALLOCATION", ";", ";x.css", ";jsessionid=1", "%3b", "%3bx.css", "/;x", "/%2e", "/%2e%2e/x.css",
    "%3f", "%3fx.css", "%23", "%23.css", "%0a", "%0d%0a", "%09", "\\", "%5c", "/%5c", "~", "~1", "/x.css/..", "%2f", "%2fx.css",
    "%252fx.css", "%c0%af", "?", "?x.css", "?/x.css", "&", "%26", "=", "/*", "/%2a", "%ff", "%u002f", "/.css", "/.css/",
]  # fmt: skip
INSERTIONS = [
    "/", "//", "./", "/./", "%2e/", "x/../", "x/%2e%2e/", "%2e%2e/x/", "..;/", "x/..;/", "x/..;a=b/", ";/", ";x=y/", "%2f", "%5c", "\\",
    "..%2f", "x/..%2f", "..%5c", "x%2f..%2f", "x/..%5c", "%20/", ".../", "....//", "%00", "%09", "_range1/", "%252e%252e/", "%c0%ae/",
    "x/%c0%ae%c0%ae/", "x/%ef%bc%8e%ef%bc%8e/", "%e2%88%95", "x/.%2e/", "x/%2e./", "x/..%00/", "x/..%20/", "x/...;/../", "(S(abc))/", "(F(abc)S(def))/",
]  # fmt: skip


def escaped(char):
    return f"%{ord(char):02x}"


def escape_some(path, rng):
    return "".join(escaped(c) if c != "/" and rng.random() < 0.4 else c for c in path)


def escape_upper(path, rng):
    return "".join(escaped(c).upper() if c != "/" and rng.random() < 0.3 else c for c in path)


def escape_twice(path, rng):
    return "".join("%25" + escaped(c)[1:] if rng.random() < 0.3 and c != "/" else c for c in path)


def escape_percent_digits(path, rng):
    """The percent sign's own digits escaped once more: %%36%39 for an i."""
    at = rng.randrange(1, len(path))
    return path[:at] + "%" + "".join(escaped(d) for d in escaped(path[at])[1:]) + path[at + 1 :]


def escape_a_slash(path, rng):
    places = [at for at, c in enumerate(path) if c == "/" and at > 0] or [0]
    at = rng.choice(places)
    return path[:at] + rng.choice(["%2f", "%2F", "%5c", "\\", "%252f", "//", "/%2f", *OVERLONG["/"], FULLWIDTH["/"], "%u2215", "%u002f"]) + path[at + 1 :]


def escape_as_unicode(path, rng):
    return "".join(f"%u00{ord(c):02x}" if c != "/" and rng.random() < 0.3 else c for c in path)


def write_overlong(path, rng):
    def long(char):
        return f"%{0xC0 | ord(char) >> 6:02x}%{0x80 | ord(char) & 0x3F:02x}"

    return "".join(long(c) if c != "/" and rng.random() < 0.2 else c for c in path)


def write_fullwidth(path, rng):
    def wide(char):
        return "".join(f"%{byte:02x}" for byte in chr(ord(char) - 0x21 + 0xFF01).encode())

    return "".join(wide(c) if c.isalnum() and rng.random() < 0.25 else FULLWIDTH.get(c, c) if rng.random() < 0.1 else c for c in path)


def change_case(path, rng):
    return "".join(c.swapcase() if rng.random() < 0.5 else c for c in path)


def insert(path, rng):
    at = rng.choice([at + 1 for at, c in enumerate(path) if c == "/"] or [len(path)])
    return path[:at] + rng.choice(INSERTIONS) + path[at:]


def end(path, rng):
    return path + rng.choice(ENDINGS)


def begin_elsewhere(path, rng, open_paths):
    """From an open place, and back."""
    start = rng.choice(open_paths).rstrip("/")
    ups = max(1, start.count("/"))
    up = rng.choice(["../", "..%2f", "%2e%2e/", ".%2e/", "..;/", "..%5c", "..\\", "%2e%2e%2f", "..%c0%af", "..%252f", "%252e%252e/", "..//", ".../", "..%3b/"])
    return f"{start}/{up * rng.choice([ups, ups + 1])}{path.lstrip('/')}"


def shorten(path, rng):
    """8.3 names, as old Windows file systems have them."""
    parts = path.split("/")
    at = rng.randrange(len(parts))
    if len(parts[at]) > 8:
        parts[at] = parts[at].replace(".", "")[:6] + "~1"
    return "/".join(parts)


PLAIN = [
    escape_some, escape_upper, escape_twice, escape_percent_digits, escape_a_slash, escape_as_unicode, write_overlong, write_fullwidth,
    change_case, insert, end, shorten,
]  # fmt: skip


def disguises(closed, open_paths, count, seed):
    """`count` different spellings of the paths in `closed`, always the same for a seed."""
    rng = random.Random(seed)
    made = dict.fromkeys(closed)  # undisguised, too; in this order
    while len(made) < count:
        path = rng.choice(closed)
        if rng.random() < 0.25:
            path = begin_elsewhere(path, rng, open_paths)
        for _ in range(rng.choice([1, 1, 2, 3])):
            path = rng.choice(PLAIN)(path, rng)
        made.setdefault(path)
    return list(made)[:count]
