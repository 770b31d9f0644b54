"""A person's day with webmail: Roundcube and Dovecot inside, Chromium outside, postern between
with the preset that it ships. Nothing that a person does may be refused.
"""

import base64
import os
import random

import pytest
from actors import PUBLIC_NAME
from browser import Browser, sha256
from roundcube_pages import Webmail

MEGABYTE = 1 << 20
# What a browser writes into a form's head, or into a URL, in a spelling of its own.
ODD_NAMES = ["grüße 100% & co.txt", "a.b..c", "'quoted';x.txt", ".leading", "x%41.txt", "semi;colon=1,2.txt",
             'double"quote.txt', "back\\slash.txt", "日本.ts"]
ODD_WORDS = 'a&b %|{}ü"<>'
DOT = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
MESSAGE = """From: Carol <carol@example.test>\r
To: alice@example.test\r
Subject: Imported {mark}\r
Disposition-Notification-To: bob@example.test\r
\r
Carried over.\r
"""
CARD = "BEGIN:VCARD\nVERSION:3.0\nN:Card;Carol;;;\nFN:Carol Card\nEMAIL:card{mark}@example.test\nEND:VCARD\n"
TABLE = "First Name,Last Name,E-mail Address\nTable,Tom,table{mark}@example.test\n"


@pytest.fixture
def browser(pki, artifacts):
    browser = Browser(pki / "public-ca.crt", artifacts)
    yield browser
    browser.close()


@pytest.fixture
def publish(passes_everything):
    """postern in front of the Roundcube that roundcube/start.sh began."""
    server = f"https://127.0.0.1:{os.environ['RC_HTTPS_PORT']}"
    return lambda application: passes_everything(application, server, os.environ["RC_CA"], os.environ["RC_NAME"])


class Day:
    """What a scene needs: the pages, a folder for files, and a mark for what this scene makes."""

    def __init__(self, browser, url, folder, mark):
        self.browser, self.folder, self.mark = browser, folder, mark
        self.webmail = Webmail(browser, url)

    def file(self, name, content):
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.format(mark=self.mark).encode())
        return file


def log_in(day):
    """A wrong password, and the right one."""
    webmail, browser = day.webmail, day.browser
    webmail.log_in("alice", "not-the-password")
    browser.wait_until("return !!document.querySelector('#messagestack .ui.alert, #messagestack div')")
    # Roundcube answers with its login page and 401; postern must not take it for its own.
    assert [c for c in browser.complaints() if not c.startswith("401 ")] == []
    webmail.log_in("alice", os.environ["MAIL_ALICE_PASSWORD"])
    webmail.wait_for_inbox()
    if webmail.run("return $('#newuserdialog:visible').length"):
        webmail.introduce("Alice Exämple")
    browser.picture("1-inbox")


def arrange_folders(day):
    webmail = day.webmail
    webmail.open("?_task=settings&_action=folders")
    for name in ("Über & <x>", "plain"):
        webmail.create_folder(name)
    webmail.rename_folder("plain", "O'Neil {1}|2;\"")
    folder = webmail.folder_id("Über & <x>")
    for command in ("unsubscribe", "subscribe"):
        webmail.command(command, folder)
    webmail.run("rcmail.http_post('folder-size', {_mbox: arguments[0]})", folder)
    webmail.settle()
    for name in ("O'Neil {1}|2;\"", "Über & <x>"):
        webmail.delete_folder(name)
    for name in ("Archive", "Junk"):
        if not webmail.has_folder(name):
            webmail.create_folder(name)


def search(day):
    webmail = day.webmail
    webmail.open("?_task=mail&_mbox=INBOX")
    webmail.uid("Welcome")
    for words in (ODD_WORDS, "100%25 ^`\\", "From: x; y"):
        webmail.search(words)
    assert webmail.count() == 0
    webmail.run("rcmail.env.search_scope = 'all'")
    webmail.search("Grüße")
    assert webmail.count() == 1
    for words in ("UNSEEN", "FLAGGED", "ALL"):
        webmail.run("rcmail.filter_mailbox(arguments[0])", words)
        webmail.settle()
    webmail.command("reset-search")
    webmail.command("checkmail")
    for threads in (True, False):
        webmail.run("rcmail.set_list_options(['subject', 'fromto', 'date', 'size'], 'date', 'DESC', arguments[0])", threads)
        webmail.settle()
    webmail.uid("Welcome")


def read(day):
    webmail, browser = day.webmail, day.browser
    webmail.select("Welcome")
    text = webmail.read("Grüße und €")
    assert "umlauts äöü" in text
    assert browser.title() != "script ran"
    browser.picture("2-message")
    webmail.run("rcmail.http_request('headers', {_uid: rcmail.env.uid, _mbox: rcmail.env.mailbox})")
    webmail.settle()
    webmail.read("With attachment")
    data = webmail.attachment()
    assert len(data) == MEGABYTE
    assert sha256(data) == os.environ["MAIL_ATTACHMENT_SHA256"]
    saved = "return rcmail.secure_url(rcmail.url('viewsource', rcmail.params_from_uid(rcmail.env.uid, {_save: 1})))"
    assert b"Subject: With attachment" in browser.download(webmail.run(saved))
    webmail.read("Welcome")
    webmail.follow("print", "{_safe: 1}")


def look_inside(day):
    """Pages that are no HTML of Roundcube's: for these a browser asks for /favicon.ico."""
    webmail = day.webmail
    webmail.read("With attachment")
    webmail.open(webmail.run("return $('#attachment-list a.filename')[0].search"))
    webmail.read("Welcome")
    webmail.follow("viewsource")


def write(day, size):
    """In both editors, with a look at the spelling, and with files of all names."""
    webmail, browser = day.webmail, day.browser
    webmail.compose()
    browser.type("#compose_to input", "bo")
    webmail.until("return !$.active && !rcmail.env.autocomplete_wait")
    browser.type("#compose_to input", "b@example.test,")
    webmail.address(None, f"Written {day.mark} {ODD_WORDS}")
    webmail.write("Helo wrold, 100% <plain> & text\n.\n.. and dots\n")
    assert webmail.check_spelling() > 0
    webmail.switch_editor(html=True)
    assert webmail.check_spelling() > 0
    webmail.attach(*(day.file(name, name.encode() * 9) for name in ODD_NAMES))
    large = day.file("large.bin", random.Random(1).randbytes(size))
    webmail.attach(large)
    first = webmail.run("return Object.keys(rcmail.env.attachments)[0]")
    webmail.run("rcmail.command('rename-attachment', arguments[0])", first)
    webmail.answer("renamed & äöü.txt")
    webmail.command("savedraft")
    webmail.command("remove-attachment", first)
    webmail.switch_editor(html=False)
    browser.picture("3-compose")
    webmail.send()
    webmail.read(f"Written {day.mark}", "Sent")
    assert sha256(webmail.attachment("large.bin")) == sha256(large.read_bytes())
    all_of_them = "return rcmail.secure_url(rcmail.url('plugin.zipdownload.attachments', rcmail.params_from_uid(rcmail.env.uid)))"
    assert browser.download(webmail.run(all_of_them))[:2] == b"PK"


def answer(day):
    webmail = day.webmail
    webmail.open("?_task=mail&_mbox=INBOX")
    uid = webmail.uid("Welcome")
    webmail.compose(f"&_reply_uid={uid}&_mbox=INBOX&_all=all")
    webmail.write("An answer")
    webmail.send()
    for attachment in ("", "&_attachment=1"):
        webmail.compose(f"&_forward_uid={uid}&_mbox=INBOX{attachment}")
        webmail.address("alice@example.test", f"Forwarded{attachment[-1:]} {day.mark}")
        webmail.write("As it came")
        webmail.send()


def tidy_up(day):
    webmail, browser = day.webmail, day.browser
    webmail.open("?_task=mail&_mbox=INBOX")
    webmail.select(f"Forwarded {day.mark}")
    for flag in ("flagged", "unread", "read", "unflagged"):
        webmail.command("mark", flag)
    webmail.command("copy", "Archive")
    webmail.command("plugin.archive")
    webmail.select("Welcome")
    webmail.command("plugin.markasjunk.junk")
    webmail.open("?_task=mail&_mbox=Junk")
    webmail.select("Welcome")
    webmail.command("move", "INBOX")
    webmail.open("?_task=mail&_mbox=INBOX")
    webmail.select("Welcome", "Grüße")
    for mode in ("mbox", "maildir"):
        assert browser.saved_by("rcmail_zipdownload(arguments[0])", mode)[:2] == b"PK"
    webmail.select(f"Forwarded1 {day.mark}")
    webmail.command("delete")
    webmail.run("rcmail.http_post('mark', {_mbox: 'INBOX', _uid: '*', _flag: 'read', _folders: 'all'})")
    webmail.settle()
    webmail.command("expunge")
    webmail.open("?_task=mail&_mbox=Trash")
    webmail.uid(f"Forwarded1 {day.mark}")
    webmail.run("rcmail.command('purge')")
    webmail.answer()


def carry_over(day):
    """A message comes in as a file, wants a receipt, and goes on to somebody else."""
    webmail, browser = day.webmail, day.browser
    webmail.open("?_task=mail&_mbox=INBOX")
    webmail.uid("Welcome")
    webmail.run("UI.import_dialog()")
    webmail.choose(".ui-dialog input[type=file]", day.file("in & out 100%.eml", MESSAGE))
    webmail.answer()
    assert "Carried over" in webmail.read(f"Imported {day.mark}")
    webmail.answer()
    webmail.run("rcmail.bounce('', null, new Event('click'))")
    webmail.settle()
    with browser.inside(".ui-dialog iframe"):
        browser.type(".recipient-input input", "bob@example.test,")
    webmail.answer()


def keep_contacts(day):
    webmail, browser = day.webmail, day.browser
    webmail.open("?_task=addressbook")
    webmail.new_contact({"_firstname": "Zoë", "_surname": f"O'Hara & <Co> {day.mark}",
                         "_email_home[]": f"zoe+{day.mark}@example.test"}, day.file("Gesicht & 1.png", DOT))
    webmail.new_contact({"_firstname": "Second", "_surname": f"Person {day.mark}",
                         "_email_home[]": f"second{day.mark}@example.test"})
    zoe, second = webmail.contact_id(f"<Co> {day.mark}"), webmail.contact_id(f"Person {day.mark}")
    webmail.select_contacts(zoe)
    assert "Zoë" in webmail.frame("return arguments[0].document.body.innerText")
    source = webmail.run("return rcmail.env.source")
    webmail.command("group-create")
    webmail.answer("Friends & <Co> 100%")
    webmail.until("return Object.values(rcmail.env.contactgroups).length")
    group = webmail.run("return Object.values(rcmail.env.contactgroups)[0].id")
    webmail.select_contacts(zoe, second)
    webmail.run("rcmail.group_member_change('add', rcmail.contact_list.get_selection(), ...arguments)", source, group)
    webmail.settle()
    webmail.command("listgroup", {"source": source, "id": group})
    webmail.until("return rcmail.env.group == arguments[0] && rcmail.commands['group-rename']", group)
    webmail.command("group-rename")
    webmail.answer("Others")
    webmail.until("return Object.values(rcmail.env.contactgroups)[0].name === 'Others'")
    webmail.select_contacts(second)
    webmail.command("group-remove-selected")
    webmail.command("listgroup", {"source": source, "id": group})
    webmail.until("rcmail.command('group-delete'); return $('.ui-dialog:visible').length")
    webmail.answer()
    webmail.command("list", source)
    webmail.select_contacts(second)
    webmail.select_contacts(zoe)
    webmail.framed_command("edit")
    webmail.open(f"?_task=addressbook&_action=print&_source={source}&_cid={zoe}")


def find_contacts(day):
    """By words and by fields, in and out of files."""
    webmail, browser = day.webmail, day.browser
    webmail.open("?_task=addressbook")
    source = webmail.run("return rcmail.env.source")
    for words in (ODD_WORDS, "Zo"):
        webmail.search(words)
    webmail.command("search-create")
    webmail.answer("Saved & <x>")
    webmail.command("search-delete")
    webmail.command("reset-search")
    webmail.command("advanced-search")
    with browser.inside(".ui-dialog iframe"):
        webmail.run("$('[name=_search_firstname]').val('Zo')")
    webmail.answer()
    webmail.command("reset-search")
    webmail.command("list", source)
    zoe = webmail.contact_id(f"<Co> {day.mark}")
    webmail.select_contacts(zoe)
    for command in ("export", "export-selected"):
        assert b"BEGIN:VCARD" in browser.saved_by("rcmail.command(arguments[0])", command)
    webmail.import_contacts(day.file("card & 1.vcf", CARD))
    webmail.import_contacts(day.file("table.csv", TABLE), columns=True)
    webmail.select_contacts(webmail.contact_id(f"Person {day.mark}"))
    webmail.command("delete")
    webmail.answer()
    webmail.command("undo")
    webmail.open("?_task=mail&_mbox=INBOX")
    webmail.read("Welcome")
    webmail.command("add-contact", f"stranger{day.mark}@example.test")


def set_up(day):
    webmail = day.webmail
    webmail.open("?_task=settings")
    for section in webmail.run("return Object.keys(rcmail.sections_list.rows)"):
        webmail.run("rcmail.sections_list.select(arguments[0])", section)
        webmail.until("return $('#preferences-frame')[0].contentWindow.location.search.includes(arguments[0])",
                      f"_section={section}")
        webmail.settle()
        webmail.framed_command("save")
    webmail.open("?_task=settings&_action=identities")
    webmail.command("add")
    webmail.fill({"_name": f"Ä & <{day.mark}>", "_email": f"other{day.mark}@example.test"})
    webmail.frame("arguments[0].rcmail.command('toggle-editor', {id: 'rcmfd_signature', html: true})")
    webmail.until("return !!$('#preferences-frame')[0].contentWindow.tinymce.activeEditor?.initialized")
    webmail.framed_command("save")
    webmail.remove_row("identities", "identity_list", f"Ä & <{day.mark}>")
    webmail.open("?_task=settings&_action=responses")
    webmail.command("add")
    webmail.fill({"_name": f"Soon & 100% {day.mark}", "_text": "I answer <soon>"})
    webmail.framed_command("save")
    webmail.remove_row("responses", "responses_list", f"Soon & 100% {day.mark}")
    for query in ("settings&_action=about&_framed=1", "settings&_action=plugin.userinfo",
                  "settings&_action=plugin.password", "help", "help&_action=about"):
        webmail.open(f"?_task={query}")


def filter_mail(day):
    """Rules that Dovecot keeps, by way of the plugin managesieve."""
    webmail, browser = day.webmail, day.browser
    webmail.open("?_task=settings&_action=plugin.managesieve-vacation")
    webmail.run("$('[name=vacation_reason]').val('Gone & <away> 100%'); $('[name=vacation_status]').val('off')")
    webmail.command("plugin.managesieve-save")
    webmail.open("?_task=settings&_action=plugin.managesieve-forward")
    webmail.run("$('[name=forward_target]').val('bob@example.test'); $('[name=forward_status]').val('off')")
    webmail.command("plugin.managesieve-save")
    webmail.open("?_task=settings&_action=plugin.managesieve")
    webmail.command("plugin.managesieve-add")
    webmail.frame("const w = arguments[0]; w.$('[name=_name]').val(arguments[1]);"
                  "w.$('[name^=_header]').first().val('subject').trigger('change');"
                  "w.$('[name^=_rule_target]').val('100% off & <on>').trigger('change');"
                  "w.$('[name^=_action_type]').first().val('keep').trigger('change')", f"Rule & <{day.mark}>")
    webmail.framed_command("plugin.managesieve-save")
    webmail.open("?_task=settings&_action=plugin.managesieve")
    webmail.select_rule(f"Rule & <{day.mark}>")
    webmail.run("rcmail.managesieve_act()")
    webmail.settle()
    assert b"require" in browser.saved_by("rcmail.managesieve_setget()")
    webmail.run("rcmail.managesieve_seteditraw()")
    webmail.settle()
    webmail.framed_command("plugin.managesieve-save")
    webmail.open("?_task=settings&_action=plugin.managesieve")
    webmail.select_rule(f"Rule & <{day.mark}>")
    webmail.run("rcmail.managesieve_del()")
    webmail.answer()


WHOLE_DAY = [arrange_folders, search, read, look_inside, answer, tidy_up, carry_over, keep_contacts, find_contacts, set_up,
             filter_mail]
HALF_DAY = [search, read, keep_contacts]
PREFIXED = {"extends": "roundcube", "prefix": "/webmail"}


@pytest.mark.parametrize("application, scenes, size", [
    pytest.param("roundcube", WHOLE_DAY, 17 * MEGABYTE, id="root"),
    pytest.param(PREFIXED, HALF_DAY, MEGABYTE, id="prefix"),
])
def test_a_day_with_webmail_passes_and_nothing_is_refused(application, scenes, size, browser, publish, folder):
    proxy = publish(application)
    prefix = "" if application == "roundcube" else application["prefix"]
    day = Day(browser, f"https://{PUBLIC_NAME}:{proxy.port()}{prefix}/", folder, f"m{proxy.port()}")
    log_in(day)
    for scene in scenes:
        scene(day)
    write(day, size)
    day.webmail.log_out()

    day.webmail.log_in("bob", os.environ["MAIL_BOB_PASSWORD"])
    day.webmail.wait_for_inbox()
    if day.webmail.run("return $('#newuserdialog:visible').length"):
        day.webmail.introduce("Bob")
    assert ".. and dots" in day.webmail.read(f"Written {day.mark}")
    browser.picture("4-arrived")
    day.webmail.log_out()

    # That nothing was refused, passes_everything() looks at.
    assert browser.complaints() == []
    assert os.environ["MAIL_ALICE_PASSWORD"] not in proxy.everything_logged()
    proxy.expect_event("request-forwarded", status=200)
