"""/.postern/csp: browsers tell of violations of a policy, and each becomes an event."""

import json

import pytest
from wire import chunked

PATH = "/.postern/csp"
CSP_TYPE = ("Content-Type", "application/csp-report")
API_TYPE = ("Content-Type", "application/reports+json")
BURST = 20  # reports of one source at once
PER_REQUEST = 8
BYTES_MAX = 16 << 10

REPORT = {
    "document-uri": "https://mail.example.test/?_task=mail&_token=s3cret",
    "effective-directive": "script-src-elem",
    "violated-directive": "script-src-elem",
    "blocked-uri": "https://evil.example/x.js",
    "source-file": "https://mail.example.test/program/js/app.min.js",
    "line-number": 17,
    "disposition": "report",
    "script-sample": "the text of a mail",
}


def old_form(**more):
    return json.dumps({"csp-report": {**REPORT, **more}}).encode()


def new_form(count=1, kind="csp-violation", **more):
    body = {
        "documentURL": "https://mail.example.test/SOGo/",
        "effectiveDirective": "img-src",
        "blockedURL": "inline",
        "lineNumber": 3,
        "disposition": "enforce",
        **more,
    }
    return json.dumps([{"type": kind, "age": 1, "url": "https://mail.example.test/", "body": body}] * count).encode()


_sources = (f"127.1.{n // 250}.{n % 250 + 1}" for n in range(1000))


@pytest.fixture
def browser(stage):
    """A client from an address that has not reported yet."""
    return stage.client(source=next(_sources))


def test_a_report_becomes_an_event_and_the_upstream_knows_nothing(stage, browser):
    answer = browser.ask("POST", PATH, [CSP_TYPE, ("User-Agent", "Browser/1")], old_form())
    assert (answer.status, answer.body, answer.all("Content-Length")) == (204, b"", [])
    event = stage.event_of(browser, "csp-violation")
    assert event["postern.csp.document"] == "https://mail.example.test/?_task=mail&_token=***"
    assert event["postern.csp.directive"] == "script-src-elem"
    assert event["postern.csp.blocked"] == "https://evil.example/x.js"
    assert event["postern.csp.source"] == "https://mail.example.test/program/js/app.min.js"
    assert event["postern.csp.line"] == 17
    assert event["postern.csp.disposition"] == "report"
    assert event["user_agent.original"] == "Browser/1"
    ending = stage.event_of(browser, "request-answered", status=204)
    assert ending["event.id"] == event["event.id"]
    assert stage.upstream.requests == []
    assert "the text of a mail" not in stage.proxy.everything_logged()


def test_the_reporting_api_brings_several_at_once(stage, browser):
    assert browser.ask("POST", PATH, [API_TYPE], new_form(count=2)).status == 204
    event = stage.event_of(browser, "csp-violation")
    assert (event["postern.csp.directive"], event["postern.csp.line"]) == ("img-src", 3)
    stage.event_of(browser, "request-answered")
    assert len(told(stage, browser)) == 2


def told(stage, client):
    return stage.proxy.events("csp-violation", **{"source.port": client.address[1]})


def test_no_request_becomes_more_events_than_are_worth_reading(stage, browser):
    assert browser.ask("POST", PATH, [API_TYPE], new_form(count=40)).status == 204
    stage.event_of(browser, "request-answered")
    assert len(told(stage, browser)) == PER_REQUEST


@pytest.mark.parametrize("way", ["one byte at a time", "chunked", "expect"])
def test_however_it_comes(way, stage, browser):
    fields, body = [CSP_TYPE], old_form()
    if way == "chunked":
        answer = browser.ask("POST", PATH, [*fields, ("Transfer-Encoding", "chunked")], chunked(body[:7], body[7:]))
    elif way == "expect":
        browser.send_request("POST", PATH, [*fields, ("Expect", "100-continue"), ("Content-Length", str(len(body)))])
        assert browser.read_head().status == 100
        browser.send(body)
        answer = browser.read_response()
    else:
        browser.send_request("POST", PATH, [*fields, ("Content-Length", str(len(body)))])
        for at in range(len(body)):
            browser.send(body[at : at + 1])
        answer = browser.read_response()
    assert answer.status == 204
    stage.event_of(browser, "csp-violation")


@pytest.mark.parametrize(
    "body, type_",
    [
        (b"", CSP_TYPE),
        (b"{", CSP_TYPE),
        (b"[" * 9000, CSP_TYPE),
        (b'{"csp-report": 1}', CSP_TYPE),
        (b'{"csp-report": {"document-uri": "x"}}', CSP_TYPE),
        (b'{"csp-report": {"document-uri": "\xff", "effective-directive": "x"}}', CSP_TYPE),
        (b'{"csp-report": {"document-uri": "a\\u0000b", "effective-directive": "x"}}', CSP_TYPE),
        (b'{"a": 1, "a": 2}', CSP_TYPE),
        (new_form(kind="deprecation"), API_TYPE),
        (b"[]", API_TYPE),
        (b'[1, null, {"type": 7}, {"type": "csp-violation"}]', API_TYPE),
    ],
)
def test_what_is_no_report_is_refused(body, type_, stage, browser):
    assert browser.ask("POST", PATH, [type_, ("Content-Length", str(len(body)))], body).status == 400
    stage.event_of(browser, "request-blocked", status=400, reason="csp-report")
    assert told(stage, browser) == []


@pytest.mark.parametrize(
    "method, path, fields, status, reason",
    [
        ("GET", PATH, [], 405, "http-method-refused"),
        ("POST", PATH, [("Content-Type", "text/plain")], 415, "content-type-not-used"),
        ("POST", PATH + "/", [CSP_TYPE], 404, "path-not-published"),
        ("GET", "/.postern", [], 404, "path-not-published"),
        ("GET", "/.POSTERN/x", [], 404, "path-not-published"),
        ("GET", "/%2epostern/x", [], 404, "path-not-published"),
        ("GET", "//.postern/csp", [], 404, "path-not-published"),
        ("POST", "/.postern;x/csp", [CSP_TYPE], 404, "path-not-published"),
    ],
)
def test_nothing_else_lies_there_and_nothing_goes_inside(method, path, fields, status, reason, stage, browser):
    answer = browser.ask(method, path, fields, body=b"{}" if fields else None)
    assert answer.status == status
    if status == 405:
        assert answer.get("Allow") == "POST"
    event = stage.event_of(browser, "request-blocked", status=status, reason=reason)
    assert event["postern.gate"] == "own-page"
    assert stage.upstream.requests == []


@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_a_long_report_is_refused(way, stage, browser):
    body = old_form(referrer="x" * BYTES_MAX)
    if way == "declared":
        answer = browser.ask("POST", PATH, [CSP_TYPE, ("Content-Length", str(len(body)))])
    else:
        answer = browser.ask("POST", PATH, [CSP_TYPE, ("Transfer-Encoding", "chunked")], chunked(body))
    assert answer.status == 413
    stage.event_of(browser, "request-blocked", status=413, reason="http-body-large")


def test_a_source_that_sends_too_many_is_told_so_and_others_are_heard(stage, browser):
    answers = [browser.ask("POST", PATH, [CSP_TYPE], old_form()).status for _ in range(BURST + 3)]
    assert answers[:BURST] == [204] * BURST
    assert 429 in answers  # within a second; one more may have been granted meanwhile
    stage.event_of(browser, "request-blocked", status=429, reason="rate-limited")
    other = stage.client(source=next(_sources))
    assert other.ask("POST", PATH, [CSP_TYPE], old_form()).status == 204


def test_a_report_that_never_ends_is_ended(stage):
    client = stage.client(port=stage.proxy.port(listener="impatient"), source=next(_sources))
    client.send_request("POST", PATH, [CSP_TYPE, ("Content-Length", "100")])
    client.send(b"{")
    assert client.read_response().status == 408
    stage.event_of(client, "request-blocked", status=408, reason="client-slow-body")


def configure(proxy):
    proxy.config["listeners"]["impatient"] = {**proxy.listener, "timeouts": {"body": "200ms"}}
