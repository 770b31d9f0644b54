"""Calendar and address book programs with SOGo: CalDAV and CardDAV, spoken by curl."""

import os
import subprocess
import uuid

import pytest
from actors import PUBLIC_NAME

XML = "application/xml; charset=utf-8"
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:20260105T090000Z
DTEND:20260105T100000Z
SUMMARY:Planning äöü
END:VEVENT
END:VCALENDAR
"""
CARD = "BEGIN:VCARD\nVERSION:3.0\nUID:{uid}\nFN:Zoë Ö\nN:Ö;Zoë;;;\nEMAIL:zoe@example.test\nEND:VCARD\n"
LIST = "BEGIN:VLIST\nVERSION:1.0\nUID:{uid}\nFN:Friends\nEND:VLIST\n"
BUSY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
METHOD:REQUEST
BEGIN:VFREEBUSY
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:20260105T000000Z
DTEND:20260106T000000Z
ORGANIZER:mailto:alice@example.test
ATTENDEE:mailto:bob@example.test
END:VFREEBUSY
END:VCALENDAR
"""
NAMESPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:CS="http://calendarserver.org/ns/"'
)
QUERY = '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{}</C:comp-filter></C:comp-filter></C:filter>'


class Dav:
    """curl, logged in as somebody, for whom `home` are the calendars and address books."""

    def __init__(self, port, authority, user):
        self.base = f"https://{PUBLIC_NAME}:{port}"
        self.home = f"/SOGo/dav/{user}"
        password = os.environ[f"SOGO_MAIL_{user.upper()}_PASSWORD"]
        self._words = ["curl", "-sS", "--max-time", "60", "--path-as-is", "--cacert", authority]
        self._words += ["--resolve", f"{PUBLIC_NAME}:{port}:127.0.0.1", "--user", f"{user}:{password}"]

    def ask(self, method, path, body=None, type_=None, **headers):
        """(status, answer's head and body)"""
        words = [*self._words, "-i", "-X", method]
        if method == "HEAD":
            words[-2:] = ["--head"]
        headers["Content-Type"] = type_ or ""
        for name, value in headers.items():
            # With nothing after the colon curl leaves its own field out.
            words += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            words += ["--data-binary", "@-"]
        done = subprocess.run(
            [*map(str, words), self.base + path], input=(body or "").encode(), capture_output=True, check=True
        )
        answer = done.stdout.decode(errors="replace")
        while answer.startswith("HTTP/1.1 100"):
            answer = answer.partition("\r\n\r\n")[2]
        return int(answer.split(None, 2)[1]), answer

    def expect(self, status, method, path, *body, **headers):
        found, answer = self.ask(method, path, *body, **headers)
        assert found in ((status,) if isinstance(status, int) else status), f"{method} {path}: {answer[:2000]}"
        return answer

    def upload(self, file, path):
        """`curl -T`: the type of the file is not said. Without it SOGo takes nothing but ASCII."""
        file.write_text(file.read_text().encode("ascii", "ignore").decode())
        words = [*self._words, "-o", "/dev/null", "-w", "%{http_code}", "-T", file, self.base + path]
        return int(subprocess.run(list(map(str, words)), capture_output=True, check=True).stdout)


def request(kind, inner, namespace=""):
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{namespace}{kind} {NAMESPACES}>{inner}</{namespace}{kind}>'


def find(*names):
    return request("propfind", "<prop>" + "".join(f"<{name}/>" for name in names) + "</prop>")


@pytest.fixture
def alice(sogo, pki):
    return Dav(sogo.port(), pki / "public-ca.crt", "alice")


def test_a_program_finds_the_collections(alice):
    """From a name alone to calendars and address books (RFC 6764, RFC 4791, RFC 6352)."""
    who = find("current-user-principal", "principal-URL", "resourcetype")
    for place in ("/.well-known/caldav", "/.well-known/carddav"):
        for method, body in (("GET", ()), ("PROPFIND", (who, XML))):
            assert "/SOGo/dav/" in alice.expect(301, method, place, *body)
    alice.ask("PROPFIND", "/", who, XML, Depth=0)
    alice.ask("PROPFIND", "/principals/", who, XML, Depth=0)
    assert "/SOGo/dav/alice/" in alice.expect(207, "PROPFIND", "/SOGo/dav/", who, XML, Depth=0)
    homes = find("C:calendar-home-set", "A:addressbook-home-set", "C:calendar-user-address-set", "displayname")
    assert "/SOGo/dav/alice/Calendar/" in alice.expect(207, "PROPFIND", alice.home + "/", homes, "text/xml", Depth=0)
    assert "calendar-access" in alice.expect(200, "OPTIONS", alice.home + "/")
    assert "addressbook" in alice.expect(200, "OPTIONS", alice.home + "/Contacts/personal/")
    for folder in ("/Calendar/", "/Contacts/"):
        listing = find("resourcetype", "displayname", "CS:getctag", "sync-token", "current-user-privilege-set")
        assert "personal" in alice.expect(207, "PROPFIND", alice.home + folder, listing, XML, Depth=1)
        alice.expect(207, "PROPFIND", alice.home + folder, Depth=1)  # no body: all properties
    search = "<property-search><prop><displayname/></prop><match>Bob</match></property-search><prop><displayname/></prop>"
    alice.ask("REPORT", "/SOGo/dav/alice/", request("principal-property-search", search), XML, Depth=0)
    alice.ask("REPORT", "/SOGo/dav/alice/", request("expand-property", '<property name="displayname"/>'), XML)
    alice.ask("REPORT", "/SOGo/dav/", request("principal-search-property-set", ""), XML, Depth=0)


def test_events_come_go_and_move(alice, folder):
    calendar = f"{alice.home}/Calendar/{uuid.uuid4().hex}/"
    props = "<displayname>Second äöü</displayname>"
    alice.expect(201, "MKCALENDAR", calendar, request("mkcalendar", f"<set><prop>{props}</prop></set>", "C:"), XML)
    alice.expect(207, "PROPPATCH", calendar, request("propertyupdate", f"<set><prop>{props}</prop></set>"), XML)

    names = ["plain.ics", "with%20blank.ics", "%C3%A4%C3%B6.ics", "100%25.ics", "a%2Fb.ics", "%7Bid%7D@host+1=2.ics"]
    for name in names:
        event = EVENT.format(uid=uuid.uuid4())
        alice.expect((201, 204), "PUT", calendar + name, event, "text/calendar; charset=utf-8", If_None_Match="*")
    file = folder / "untyped.ics"
    file.write_text(EVENT.format(uid=uuid.uuid4()))
    assert alice.upload(file, calendar + "untyped.ics") in (201, 204)
    assert "SUMMARY:Planning äöü" in alice.expect(200, "GET", calendar + "plain.ics")
    alice.expect(200, "HEAD", calendar + "plain.ics")

    times = '<C:time-range start="20260101T000000Z" end="20260201T000000Z"/>'
    query = "<prop><getetag/><C:calendar-data/></prop>" + QUERY.format(times)
    found = alice.expect(207, "REPORT", calendar, request("calendar-query", query, "C:"), XML, Depth=1)
    assert found.count("BEGIN:VEVENT") == len(names) + 1
    hrefs = "".join(f"<href>{calendar}{name}</href>" for name in names)
    several = request("calendar-multiget", f"<prop><getetag/><C:calendar-data/></prop>{hrefs}", "C:")
    assert "BEGIN:VEVENT" in alice.expect(207, "REPORT", calendar, several, XML, Depth=1)
    token = "<sync-token/><sync-level>1</sync-level><prop><getetag/></prop>"
    assert "plain.ics" in alice.expect(207, "REPORT", calendar, request("sync-collection", token), XML, Depth=0)
    busy = '<C:time-range start="20260105T000000Z" end="20260106T000000Z"/>'
    alice.ask("REPORT", calendar, request("free-busy-query", busy, "C:"), XML, Depth=1)
    alice.ask("POST", f"{alice.home}/Calendar/personal/", BUSY.format(uid=uuid.uuid4()), "text/calendar")
    alice.ask("GET", calendar.rstrip("/") + ".ics")
    alice.ask("GET", f"{alice.home}/freebusy.ifb")

    other = f"{alice.home}/Calendar/{uuid.uuid4().hex}/"
    alice.expect(201, "MKCALENDAR", other)
    to = f"{alice.base}{other}moved%20%25%20here.ics"
    alice.expect((201, 204), "MOVE", calendar + "plain.ics", Destination=to, Overwrite="T")
    for name in names[1:]:
        alice.expect((204, 404), "DELETE", calendar + name)
    for place in (calendar, other):
        alice.expect(204, "DELETE", place)


def test_cards_come_and_go(alice, folder):
    book = f"{alice.home}/Contacts/personal/"
    made = []
    for name in (f"{uuid.uuid4()}.vcf", f"odd%20%25%20{uuid.uuid4().hex}.vcf", f"a%2F{uuid.uuid4().hex}.vcf"):
        alice.expect((201, 204), "PUT", book + name, CARD.format(uid=uuid.uuid4()), "text/vcard; charset=utf-8")
        made.append(name)
    name = f"{uuid.uuid4()}.vlf"
    alice.expect((201, 204), "PUT", book + name, LIST.format(uid=name), "text/x-vlist")
    made.append(name)
    file = folder / "untyped.vcf"
    file.write_text(CARD.format(uid=uuid.uuid4()))
    assert alice.upload(file, book + "untyped.vcf") in (201, 204)
    assert "FN:Zo" in alice.expect(200, "GET", book + made[0])

    match = '<A:filter><A:prop-filter name="mail"><A:text-match>zoe</A:text-match></A:prop-filter></A:filter>'
    query = request("addressbook-query", f"<prop><getetag/><A:address-data/></prop>{match}", "A:")
    assert "BEGIN:VCARD" in alice.expect(207, "REPORT", book, query, XML, Depth=1)
    hrefs = "".join(f"<href>{book}{name}</href>" for name in made)
    several = request("addressbook-multiget", f"<prop><getetag/><A:address-data/></prop>{hrefs}", "A:")
    assert "BEGIN:VCARD" in alice.expect(207, "REPORT", book, several, "text/xml", Depth=1)
    token = "<sync-token/><sync-level>1</sync-level><prop><getetag/></prop>"
    assert made[0] in alice.expect(207, "REPORT", book, request("sync-collection", token), XML, Depth=0)

    second = f"{alice.home}/Contacts/{uuid.uuid4().hex}/"
    kind = "<set><prop><resourcetype><collection/><A:addressbook/></resourcetype></prop></set>"
    alice.expect(201, "MKCOL", second, request("mkcol", kind), XML)
    alice.expect((201, 204), "MOVE", book + made[0], Destination=f"{alice.base}{second}moved.vcf", Overwrite="F")
    for name in [*made[1:], "untyped.vcf"]:
        alice.expect((204, 404), "DELETE", book + name)
    alice.expect(204, "DELETE", second)
