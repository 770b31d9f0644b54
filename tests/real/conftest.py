"""The end-to-end actors, in front of real programs that with.sh has started."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from scene import *  # noqa: E402,F401,F403

# Whoever closes a page or ends a poll before its answer is there is no fault of ours.
GONE = ("client-closed", "client-reset")


@pytest.fixture
def artifacts():
    return Path(os.environ["POSTERN_ARTIFACTS"])


def refusals(proxy):
    """Each request that postern refused, or cut short, or would refuse; as lines for people."""
    found = []
    for event in proxy.events():
        if event.get("event.action") not in ("request-blocked", "request-forwarded", "request-redirected"):
            continue
        reason = event.get("event.reason")
        passed = event["event.action"] == "request-forwarded" and (reason is None or reason in GONE)
        if not passed or event.get("postern.would_block"):
            found.append(
                f"{event.get('http.request.method')} {event.get('url.original')}: {reason}"
                f" {event.get('rule.id') or event.get('postern.would_block') or ''} {event.get('error.message') or ''}"
            )
    return found


@pytest.fixture
def passes_everything(make_proxy):
    """Publishes a real application with its preset; not one request of the scene may be refused."""
    made = []

    def make(application, server, ca, name):
        """`server` is a URL, or a list of them; `application` a name, or a block of the configuration."""
        proxy = make_proxy()
        proxy.published["application"] = application
        proxy.upstream["servers"] = [server] if isinstance(server, str) else server
        proxy.upstream["verify"] = {"ca": ca, "name": name}
        # The pool keeps connections to a server that does not hang up with us.
        proxy.keeps_connections = True
        made.append(proxy)
        return proxy

    yield make
    for proxy in made:
        if proxy.process is not None:
            # What it has still to log stands in its output when it has ended.
            assert proxy.stop() == 0
            assert proxy.events("request-forwarded"), "nothing went through postern"
            assert refusals(proxy) == []
            told = [{k: v for k, v in event.items() if ".csp." in k} for event in proxy.events("csp-violation")]
            assert told == [], "the preset's Content-Security-Policy does not fit the application"


@pytest.fixture
def sogo(passes_everything):
    """postern in front of the SOGo that sogo/start.sh began."""
    if "SOGO_HTTPS_PORT" not in os.environ:
        pytest.skip("no SOGo: only root and its group may read /etc/sogo/sogo.conf")
    server = f"https://127.0.0.1:{os.environ['SOGO_HTTPS_PORT']}"
    return passes_everything("sogo", server, os.environ["SOGO_CA"], os.environ["SOGO_NAME"])
