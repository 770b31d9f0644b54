"""Telephones with SOGo: ActiveSync through postern, in both forms of the query."""

import os
import random
import time
import uuid

import pytest
from activesync import CALENDAR, CONTACTS, INBOX, RFC822, SENT, Phone, items_of
from actors import PUBLIC_NAME
from wbxml import Element as E
from wbxml import decode, encode

WHOLE = (E("AirSyncBase:BodyPreference", E("AirSyncBase:Type", "1"), E("AirSyncBase:TruncationSize", "100000")),)


@pytest.fixture
def make_phone(sogo, pki):
    made = []

    def make(user, **how):
        password = os.environ[f"SOGO_MAIL_{user.upper()}_PASSWORD"]
        device = f"TEST{random.randrange(1 << 32):08X}"
        made.append(Phone(sogo.port(), PUBLIC_NAME, pki / "public-ca.crt", user, password, device, **how))
        return made[-1]

    yield make
    for phone in made:
        phone.close()


def message(sender, to, subject, text):
    return (
        f"From: {sender}@example.test\r\nTo: {to}@example.test\r\nSubject: {subject}\r\n"
        f"Message-ID: <{uuid.uuid4()}@example.test>\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


def subjects(items):
    return {data.value("Email:Subject"): id_ for id_, data in items}


def test_wbxml_comes_back_as_it_went():
    tree = E("AirSync:Sync", E("AirSync:Add", E("Email:To", "a"), E("ComposeMail:Mime", b"\0" * 300)), E("AirSync:Wait"))
    assert repr(decode(encode(tree))) == repr(tree)


@pytest.mark.parametrize("binary", [False, True], ids=["words", "bytes"])
def test_a_telephone_synchronises_mail(make_phone, binary):
    """Provision, folders, mail down and up, a search, a long poll that new mail ends."""
    alice, bob = make_phone("alice", binary=binary), make_phone("bob")
    offered = alice.options()
    assert offered.status == 200 and "14.1" in offered.headers["MS-ASProtocolVersions"]
    alice.provision()
    folders = alice.sync_folders()
    assert alice.sync_folders() == {}, "nothing new"
    inbox = folders[INBOX]
    alice.command("Settings", device_information())
    mail = alice.fetch_all(inbox, options=WHOLE)
    assert {"Welcome", "Grüße und €", "With attachment"} <= set(subjects(mail))

    read_attachment(alice, mail)
    assert list(alice.search_mail(inbox, "Welcome"))
    assert "bob@example.test" in alice.search_people("Bob")
    resolve(alice, "bob@example.test")
    estimate(alice, inbox)
    whole = alice.fetch_item(inbox, subjects(mail)["Welcome"], multipart=not binary)
    assert b"this is a plain message" in whole.body

    status, news = alice.ping(5, Email=inbox)
    assert (status, news) == ("1", []), "the server holds it back while there is no news"
    subject = f"From a telephone {uuid.uuid4()}"
    bob.provision()
    bob.sync_folders()
    bob.send_mail(message("bob", "alice", subject, "Hello"), 1)
    status, news = alice.ping(30, Email=inbox)
    assert (status, news) == ("2", [inbox])
    arrived = subjects(items_of(alice.sync(inbox, options=WHOLE)))
    work_with_message(alice, folders, arrived[subject], subject)


def device_information():
    set_ = E("Settings:Set", E("Settings:Model", "Test"), E("Settings:OS", "Test 1.0"))
    return E("Settings:Settings", E("Settings:DeviceInformation", set_))


def read_attachment(phone, mail):
    data = next(data for _, data in mail if data.value("Email:Subject") == "With attachment")
    found = phone.fetch_file(data.value("AirSyncBase:FileReference"))
    assert len(found.value("ItemOperations:Data")) > 1 << 20


def resolve(phone, address):
    times = [E("ResolveRecipients:StartTime", "2026-01-05T08:00:00.000Z")]
    times += [E("ResolveRecipients:EndTime", "2026-01-05T18:00:00.000Z")]
    options = E("ResolveRecipients:Options", E("ResolveRecipients:Availability", *times))
    parts = [E("ResolveRecipients:To", address), options]
    found = phone.command("ResolveRecipients", E("ResolveRecipients:ResolveRecipients", *parts))
    assert found.value("ResolveRecipients:Status") == "1"


def estimate(phone, folder):
    collection = E(
        "GetItemEstimate:Collection",
        E("AirSync:SyncKey", phone.keys[folder]),
        E("GetItemEstimate:CollectionId", folder),
        E("AirSync:Options", E("AirSync:FilterType", "0")),
    )
    phone.command("GetItemEstimate", E("GetItemEstimate:GetItemEstimate", E("GetItemEstimate:Collections", collection)))


def work_with_message(phone, folders, item, subject):
    """Reply, forward, read, moved to a folder of its own, deleted; the old way of sending, too."""
    inbox = folders[INBOX]
    source = E("ComposeMail:Source", E("ComposeMail:FolderId", inbox), E("ComposeMail:ItemId", item))
    for name in ("SmartReply", "SmartForward"):
        mime = message("alice", "bob", f"{name}: {subject}", "See below")
        parts = [E("ComposeMail:ClientId", uuid.uuid4().hex), E("ComposeMail:SaveInSentItems"), source]
        assert phone.command(name, E(f"ComposeMail:{name}", *parts, E("ComposeMail:Mime", mime))) is None
    mime = message("alice", "bob", f"old way {subject}", "As in 12.1")
    assert phone.command("SendMail", body=mime, type_=RFC822, SaveInSent="T") is None
    seen = E("AirSync:Change", E("AirSync:ServerId", item), E("AirSync:ApplicationData", E("Email:Read", "1")))
    phone.sync(inbox, seen)
    new = phone.command("FolderCreate", folder("Create", phone.folder_key, "0", f"Folder {subject[-8:]} ü/%25"))
    target = new.value("FolderHierarchy:ServerId")
    move = E("Move:Move", E("Move:SrcMsgId", item), E("Move:SrcFldId", inbox), E("Move:DstFldId", target))
    moved = phone.command("MoveItems", E("Move:MoveItems", move))
    assert moved.value("Move:Status") == "3", moved
    sent = subjects(phone.fetch_all(folders[SENT], options=WHOLE))
    assert {f"SmartReply: {subject}", f"old way {subject}"} <= set(sent)
    phone.sync_folders()
    new = phone.command("FolderUpdate", folder("Update", phone.folder_key, "0", "Renamed", target))
    phone.folder_key = new.value("FolderHierarchy:SyncKey")
    phone.command("FolderDelete", deletion(phone.folder_key, target))


def folder(verb, key, parent, name, id_=None):
    kind = E("FolderHierarchy:ServerId", id_) if id_ else E("FolderHierarchy:Type", "12")
    parts = [E("FolderHierarchy:ParentId", parent), E("FolderHierarchy:DisplayName", name)]
    parts = [kind, *parts] if id_ else [*parts, kind]
    return E(f"FolderHierarchy:Folder{verb}", E("FolderHierarchy:SyncKey", key), *parts)


def deletion(key, id_):
    return E("FolderHierarchy:FolderDelete", E("FolderHierarchy:SyncKey", key), E("FolderHierarchy:ServerId", id_))


def test_a_telephone_synchronises_calendar_and_contacts(make_phone):
    phone = make_phone("alice")
    phone.provision()
    folders = phone.sync_folders()
    start, name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), uuid.uuid4().hex
    event = [
        E("Calendar:DtStamp", start),
        E("Calendar:StartTime", start),
        E("Calendar:Subject", f"Planning {name} äöü"),
        E("Calendar:UID", name),
        E("Calendar:EndTime", start),
    ]
    contact = [E("Contacts:FirstName", "Zoë"), E("Contacts:LastName", name), E("Contacts:Email1Address", "zoe@x.test")]
    for kind, data in ((CALENDAR, event), (CONTACTS, contact)):
        folder = folders[kind]
        phone.fetch_all(folder)
        new = [E("AirSync:ClientId", uuid.uuid4().hex[:20]), E("AirSync:ApplicationData", *data)]
        added = phone.sync(folder, E("AirSync:Add", *new))
        id_ = added.value("AirSync:ServerId")
        assert name in repr(dict(phone.fetch_all(folder))[id_])
        phone.sync(folder, E("AirSync:Delete", E("AirSync:ServerId", id_)))
    assert phone.post("Ping", body=b"").status == 200, "as before, which is nothing yet"


def test_a_wrong_password_is_answered_by_the_server(make_phone):
    phone = make_phone("alice")
    phone.login = "Basic YWxpY2U6d3Jvbmc="
    assert phone.options().status == 401
    assert phone.post("FolderSync", E("FolderHierarchy:FolderSync", E("FolderHierarchy:SyncKey", "0"))).status == 401
