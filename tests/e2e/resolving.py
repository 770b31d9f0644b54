"""What servers that cannot run here would make of a request target: models, each rule with its source.

A model errs on the generous side: where a setting decides, both ways are taken, so that
what it says is closed may be more than a real server would find, never less.
"""

import re
from urllib.parse import unquote_to_bytes

# Windows' best fit of code page 1252: the fullwidth forms U+FF01 to U+FF5E become ASCII, and so
# do the lookalikes of the slashes (unicode.org, Public/MAPPINGS/VENDORS/MICSFT/WindowsBestFit/bestfit1252.txt).
BEST_FIT = {code: code - 0xFF01 + 0x21 for code in range(0xFF01, 0xFF5F)} | {0x2044: 0x2F, 0x2215: 0x2F, 0x29F8: 0x2F, 0x2216: 0x5C}


def texts(raw):
    """As UTF-8 (also overlong, as decoders once took it) and as a code page: EnableNonUTF8 and
    FavorUTF8 of HTTP.sys, both on by default (Microsoft KB 820129)."""
    loose = re.sub(rb"[\xc0-\xc1]([\x80-\xbf])", lambda m: bytes([((m[0][0] & 3) << 6 | m[1][0] & 63) & 0x7F]), raw)
    loose = re.sub(rb"\xe0\x80([\x80-\xbf])", lambda m: bytes([m[1][0] & 0x7F]), loose)
    for data in (raw, loose):
        for encoding in ("utf-8", "cp1252"):
            text = data.decode(encoding, errors="replace")
            yield text
            yield text.translate(BEST_FIT)


def decoded(path):
    """%XX, and %uXXXX: PercentUAllowed is on by default (Microsoft KB 820129)."""
    for text in texts(unquote_to_bytes(path.encode("utf-8", "surrogatepass"))):
        yield text
        yield re.sub(r"%u([0-9A-Fa-f]{4})", lambda m: chr(int(m[1], 16)), text).translate(BEST_FIT)


def windows_name(segment):
    """Names end neither with dots nor with blanks (Microsoft, Path normalization, "Trimming characters"),
    and a colon begins a stream, or names the folder's own index (MS-FSCC 2.1.5)."""
    return segment.split(":")[0].rstrip(". \t")


def canonical(text):
    """Backslashes are slashes, dot segments are resolved, empty ones vanish (Microsoft, Path normalization,
    "Separators" and "Relative components"); ASP.NET takes the segment of a session without a cookie out
    of the path, (S(...)) and the like (sessionState, cookieless)."""
    done = []
    for segment in text.replace("\\", "/").split("\0")[0].split("/"):
        name = windows_name(segment.split(";")[0])
        if re.fullmatch(r"\(([A-Z]\([^)]*\))+\)", name, re.IGNORECASE):
            continue
        if segment.strip() == "..":
            done = done[:-1]
        elif name != "":
            done.append(name)
    return done


def is_short_for(short, name):
    """8.3 names (MS-FSCC 2.1.5.2.1): six letters, a tilde and a number; found like the long ones."""
    begin = re.match(r"([^~]{1,6})~\d", short)
    return begin is not None and name.replace(".", "").replace("-", "").startswith(begin[1])


def iis_finds(target, closed):
    """Does IIS, in front of Exchange, come to one of these paths, or to what lies below it?
    A second decoding is taken in: Exchange 2019 takes RequestFilteringModule out of /owa, /ecp and
    /autodiscover, which would refuse what differs then (CSS-Exchange f88378b, DefaultWebSite-OWA_web.config)."""
    path = target.split("?")[0].split("#")[0]
    once = set(decoded(path))
    for text in once | {again for text in once for again in decoded(text)}:
        parts = [part.lower() for part in canonical(text)]
        for place in closed:
            wanted = place.lower().strip("/").split("/")
            if len(parts) >= len(wanted) and all(
                part == want or is_short_for(part, want) for part, want in zip(parts, wanted)
            ):
                return True
    return False


def sope_path(target):
    """The components that sogod walks along: split at slashes, each unescaped once, empty ones and
    those of a range left out; parameters of query and form may add to them
    (SOPE caf376c, NGObjWeb/SoObjects/SoObjectRequestHandler.m:141-206, 274-290)."""
    path, _, query = target.partition("?")
    parts = [unquote_to_bytes(part).decode("latin-1") for part in path[1:].split("/") if not part.startswith("_range")]
    parts = [part for part in parts if part]
    for pair in re.split(r"[&;]", query):
        name, _, value = (unquote_to_bytes(text.replace("+", " ")).decode("latin-1") for text in pair.partition("="))
        if name == ":method" or (name == "Cmd" and parts[-1:] != ["Microsoft-Server-ActiveSync"]):
            parts.append(value)
        elif name.endswith(":method"):
            parts.append(name[: -len(":method")])
    return [part for part in parts if part]


def sogo_finds(target):
    """The administration, the API, what is public to anybody."""
    parts = sope_path(target)
    if parts[:1] != ["SOGo"]:
        return False
    rest = parts[1:]
    if rest[:1] in (["so"], ["dav"]):
        rest = rest[1:]
    return rest[:1] in (["SOGoAPI"], ["public"]) or "Administration" in rest[1:2]
