"""A real Chromium, driven over WebDriver (W3C) with nothing but Python's library.

It verifies certificates as a person's browser does: the test authority lies in an
NSS database of a HOME that belongs to this browser alone.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 60.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver, 12.1: how a reference is spelt
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,800",
    # Every name under .test is this machine; no other name is looked up.
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Browser:
    def __init__(self, authority, pictures):
        """`authority`: the root certificate to trust. `pictures`: a folder for screenshots."""
        self.pictures = Path(pictures)
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.home = Path(tempfile.mkdtemp(prefix="postern-browser-"))
        self.downloads = self.home / "downloads"
        self.downloads.mkdir()
        store = self.home / ".pki/nssdb"
        store.mkdir(parents=True)
        for arguments in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "test root", "-i", authority]):
            subprocess.run(["certutil", *arguments, "-d", f"sql:{store}"], check=True)
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            env={**os.environ, "HOME": str(self.home), "TMPDIR": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._session = None
        try:
            self._begin_session()
        except BaseException:
            self.close()
            raise

    def _begin_session(self):
        line = next(line for line in self._driver.stdout if "started successfully on port" in line)
        port = re.search(r"on port (\d+)", line)[1]
        self._base = f"http://127.0.0.1:{port}"
        options = {
            "binary": shutil.which("chromium"),
            "args": ARGUMENTS,
            "prefs": {
                "download.default_directory": str(self.downloads),
                "credentials_enable_service": False,
                # Or a page's second download waits for a person's leave.
                "profile.default_content_setting_values.automatic_downloads": 1,
            },
        }
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{answer['sessionId']}"
        self._call("POST", "/timeouts", {"implicit": int(DEADLINE * 1000), "pageLoad": int(DEADLINE * 1000)})

    def close(self):
        if self._session:
            self._call("DELETE", "")
        self._driver.send_signal(signal.SIGTERM)
        self._driver.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    # --- what a person does

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def click(self, selector):
        self._patiently(lambda: self._call("POST", f"/element/{self._find(selector)}/click", {}))

    def type(self, selector, text):
        self._patiently(lambda: self._call("POST", f"/element/{self._find(selector)}/value", {"text": text}))

    def choose_file(self, selector, path):
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": str(path)})

    def wait_for(self, selector):
        self._find(selector)

    def text(self, selector):
        return self._call("GET", f"/element/{self._find(selector)}/text")

    def title(self):
        return self._call("GET", "/title")

    def run(self, script, *arguments):
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    @contextmanager
    def inside(self, selector):
        """A frame of the page; what is done meanwhile is done in there."""
        self._call("POST", "/frame", {"id": {ELEMENT: self._find(selector)}})
        try:
            yield
        finally:
            self._call("POST", "/frame", {"id": None})

    def wait_until(self, script, *arguments):
        """Until the script, run in the page, gives something true; gives that back."""
        return self._patiently(lambda: self.run(script, *arguments) or self._not_yet(script))

    def picture(self, name):
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def download(self, url):
        """Saves it to disk, as the browser does, and returns the bytes."""
        return self.saved_by("window.location.href = arguments[0];", url)

    def saved_by(self, script, *arguments):
        """The bytes of the one file that the script makes the browser save."""
        for old in self.downloads.iterdir():
            old.unlink()
        self.run(script, *arguments)

        def saved():
            files = [f for f in self.downloads.iterdir() if f.suffix != ".crdownload" and not f.name.startswith(".")]
            return files[0] if files else self._not_yet("a finished download")

        return self._patiently(saved).read_bytes()

    def complaints(self):
        """Failed loads, answers from 400 on and script errors since the last call."""
        found = []
        for entry in self._call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            what = message["params"]
            if message["method"] == "Network.responseReceived" and what["response"]["status"] >= 400:
                found.append(f"{what['response']['status']} {what['response']['url']}")
            elif message["method"] == "Network.loadingFailed" and what["errorText"] != "net::ERR_ABORTED":
                found.append(what["errorText"])
        for entry in self._call("POST", "/se/log", {"type": "browser"}):
            if entry["source"] == "javascript":
                found.append(entry["message"])
        return found

    # --- WebDriver

    def _find(self, selector):
        return self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    @staticmethod
    def _not_yet(what):
        raise NotYet(what)

    @staticmethod
    def _patiently(attempt):
        """Again, until the page has settled enough for it to work."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return attempt()
            except NotYet:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            self._base + (self._session or "") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=2 * DEADLINE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            passing = ("element not interactable", "element click intercepted", "stale element reference")
            kind = NotYet if value["error"] in passing else AssertionError
            raise kind(f"{value['error']}: {value['message'].splitlines()[0]}") from None


class NotYet(Exception):
    """Something that time may mend."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()
