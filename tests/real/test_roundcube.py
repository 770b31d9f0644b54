"""A person's day with webmail: Roundcube and Dovecot inside, Chromium outside, postern between."""

import os
import random

import pytest
from actors import INTERNAL_NAME, PUBLIC_NAME
from browser import Browser, sha256

MEGABYTE = 1 << 20


@pytest.fixture
def browser(pki, artifacts):
    browser = Browser(pki / "public-ca.crt", artifacts)
    yield browser
    browser.close()


@pytest.fixture
def webmail(browser, proxy):
    return Webmail(browser, f"https://{PUBLIC_NAME}:{proxy.port()}/")


@pytest.fixture
def proxy(make_proxy):
    proxy = make_proxy()
    proxy.upstream["servers"] = [f"https://127.0.0.1:{os.environ['RC_HTTPS_PORT']}"]
    proxy.upstream["verify"] = {"ca": os.environ["RC_CA"], "name": INTERNAL_NAME}
    proxy.keeps_connections = True
    return proxy


class Webmail:
    """Roundcube's pages, as far as this scene walks through them."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def log_in(self, user, password):
        self.browser.open(self.url)
        self.browser.type("#rcmloginuser", user)
        self.browser.type("#rcmloginpwd", password)
        self.browser.click("#rcmloginsubmit")

    def log_out(self):
        self.browser.click("a.logout")
        self.browser.wait_for("#rcmloginuser")

    def wait_for_inbox(self):
        self.browser.wait_for("#messagelist tbody tr")

    def read(self, subject):
        self.browser.open(f"{self.url}?_task=mail&_mbox=INBOX")
        uid = self.browser.wait_until(
            """const rows = Object.values(window.rcmail?.message_list?.rows ?? {});
            return rows.find((row) => row.obj.innerText.includes(arguments[0]))?.uid;""",
            subject,
        )
        self.browser.open(f"{self.url}?_task=mail&_mbox=INBOX&_uid={uid}&_action=show")
        return self.browser.text("#messagebody")

    def attachment(self):
        self.browser.wait_for("#attachment-list a.filename")
        link = self.browser.run("return document.querySelector('#attachment-list a.filename').href")
        return self.browser.download(f"{link}&_download=1")

    def send(self, to, subject, text, file):
        self.browser.open(f"{self.url}?_task=mail&_action=compose")
        self.browser.type("#compose_to input", to)
        self.browser.type("#compose-subject", subject)
        self.browser.type("#composebody", text)
        self.browser.choose_file("#uploadform input[type=file], input[name='_attachments[]']", file)
        self.browser.wait_for("#attachment-list li:not(.uploading) .attachment-name")
        self.browser.picture("3-compose")
        self.browser.click("button.send, a.send")
        self.wait_for_inbox()


def test_mail_is_read_downloaded_and_sent_through_the_proxy(browser, webmail, proxy, folder):
    """Wrong password, login, reading, 1 MB down, 5 MB up, logout; bob has it, intact."""
    webmail.log_in("alice", "not-the-password")
    browser.wait_until("return !!document.querySelector('#messagestack .ui.alert, #messagestack div')")
    # Roundcube answers with its login page and 401; postern must not take it for its own.
    assert [c for c in browser.complaints() if not c.startswith("401 ")] == []

    webmail.log_in("alice", os.environ["MAIL_ALICE_PASSWORD"])
    webmail.wait_for_inbox()
    browser.picture("1-inbox")
    text = webmail.read("Grüße und €")
    assert "umlauts äöü" in text
    assert browser.title() != "script ran"
    browser.picture("2-message")

    webmail.read("With attachment")
    data = webmail.attachment()
    assert len(data) == MEGABYTE
    assert sha256(data) == os.environ["MAIL_ATTACHMENT_SHA256"]

    large = folder / "large.bin"
    large.write_bytes(random.Random(1).randbytes(5 * MEGABYTE))
    webmail.send("bob@example.test", "From outside", "A line\n.\n.. and dots\n", large)
    webmail.log_out()

    webmail.log_in("bob", os.environ["MAIL_BOB_PASSWORD"])
    webmail.wait_for_inbox()
    assert ".. and dots" in webmail.read("From outside")
    assert sha256(webmail.attachment()) == sha256(large.read_bytes())
    browser.picture("4-arrived")
    webmail.log_out()

    assert browser.complaints() == []
    assert os.environ["MAIL_ALICE_PASSWORD"] not in proxy.everything_logged()
    proxy.expect_event("request-forwarded", status=200)
