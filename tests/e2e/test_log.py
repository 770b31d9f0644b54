"""What the log says of each request and connection, what it never says, and that nobody waits for it."""

import base64
import json
import re
import stat
import threading
import urllib.parse
from datetime import timedelta

import pytest
from actors import PUBLIC_NAME, until
from mint import SERVER, mint
from wire import lines, reply

SECRET = "k7#Grün/&=%Qz"


def field(event, name, kind):
    value = event.get(name)
    assert isinstance(value, kind), f"{name} is {value!r}"
    return value


def test_a_request_is_told_from_both_sides(upstream, proxy, make_client):
    upstream.handler = lambda request: reply(201, b"x" * 77, [("Content-Type", "image/png; a=b")])
    client = make_client(tls="1.3")
    client.ask(
        "POST",
        "/send/it?folder=in%20box",
        [("Content-Type", "text/plain; charset=utf-8"), ("User-Agent", "Scene/1.0"), ("Referer", "https://a.test/b")],
        b"y" * 55,
    )
    event = proxy.expect_event("request-forwarded")
    expected = {
        "event.outcome": "success",
        "event.kind": "event",
        "source.ip": "127.0.0.1",
        "source.port": client.address[1],
        "url.domain": PUBLIC_NAME,
        "url.path": "/send/it",
        "url.query": "folder=in%20box",
        "url.original": "/send/it?folder=in%20box",
        "http.version": "1.1",
        "http.request.method": "POST",
        "http.request.body.bytes": 55,
        "http.request.mime_type": "text/plain",
        "http.request.referrer": "https://a.test/b",
        "http.response.status_code": 201,
        "http.response.body.bytes": 77,
        "http.response.mime_type": "image/png",
        "user_agent.original": "Scene/1.0",
        "destination.ip": "127.0.0.1",
        "destination.port": upstream.port,
        "process.name": "worker-0",
        "postern.listener": "public",
        "postern.phase": "done",
        "postern.upstream.name": "webmail",
        "postern.upstream.tries": 1,
        "postern.upstream.reused": False,
        "postern.upstream.status": 201,
        "postern.upstream.tls.version": "1.3",
        "postern.upstream.tls.resumed": False,
    }
    assert {name: event.get(name) for name in expected} == expected
    assert "event.reason" not in event and "postern.ended_by" not in event
    duration = field(event, "event.duration", int)
    connect = field(event, "postern.upstream.connect", int)
    wait = field(event, "postern.upstream.wait", int)
    assert 0 < connect < duration and 0 < wait < duration
    assert field(event, "postern.upstream.bytes_sent", int) > 55
    assert field(event, "postern.upstream.bytes_received", int) > 77
    assert field(event, "postern.upstream.tls.cipher", str).startswith("TLS_")
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", event["event.id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["@timestamp"])


def test_a_connection_is_told_when_it_ends(mode, proxy, make_client):
    client = make_client(**mode)
    for number in range(3):
        client.ask("GET", f"/{number}")
    client.close()
    event = proxy.expect_event("connection-ended")
    requests = [proxy.expect_event("request-forwarded", path=f"/{number}") for number in range(3)]
    assert event["postern.requests"] == 3
    assert event["source.port"] == client.address[1]
    assert event["tls.version"] in ("1.2", "1.3")
    assert event["tls.version"] == mode.get("tls", event["tls.version"])
    assert event["tls.cipher"].startswith("TLS_")
    assert (event["tls.client.server_name"], event["tls.resumed"]) == (PUBLIC_NAME, False)
    assert field(event, "tls.curve", str)
    assert field(event, "source.bytes", int) > 500
    assert field(event, "destination.bytes", int) > 500
    assert field(event, "event.duration", int) >= max(e["event.duration"] for e in requests)
    assert {e["postern.connection"] for e in requests} == {event["postern.connection"]}
    assert len({e["event.id"] for e in requests}) == 3


def test_the_id_of_a_request_is_the_same_inside_outside_and_in_the_log(upstream, proxy, make_client):
    make_client().ask("GET", "/inside")
    assert upstream.requests[0].get("X-Request-ID") == proxy.expect_event("request-forwarded")["event.id"]
    response = make_client().ask("TRACE", "/outside")
    assert proxy.expect_event("request-blocked")["event.id"].encode() in response.body


def test_what_a_gate_refused_is_an_alert_with_its_reason(proxy, make_client):
    make_client().ask("GET", "/a%00b")
    event = proxy.expect_event("request-blocked", reason="url-control", status=400)
    assert (event["event.kind"], event["event.outcome"]) == ("alert", "failure")
    assert (event["postern.ended_by"], event["postern.phase"]) == ("gate", "gate")
    assert "denied" in event["event.type"]


def test_each_request_has_exactly_one_ending_event(upstream, proxy, make_client):
    """Forwarded, refused by a gate, refused as malformed, given up by the client: one each."""
    answer, waits = upstream.handler, threading.Event()

    def wait_or_answer(request):
        if request.target == "/gone":
            waits.wait()
        return answer(request)

    upstream.handler = wait_or_answer
    client, broken, gone = make_client(), make_client(), make_client()
    client.ask("GET", "/good")
    client.ask("TRACE", "/refused")
    broken.send(b"GET /broken HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert broken.read_response().status == 400
    gone.send_request("GET", "/gone")
    until(lambda: any(r.target == "/gone" for r in upstream.requests), "the request to arrive")
    gone.reset()
    client.close()
    broken.close()
    for _ in range(3):
        proxy.expect_event("connection-ended")
    waits.set()
    ends = [e["event.action"] for e in proxy.events() if e["event.action"].startswith("request-")]
    assert sorted(ends) == ["request-blocked", "request-blocked", "request-forwarded", "request-forwarded"]
    assert proxy.expect_event("request-forwarded", path="/gone")["postern.ended_by"] == "client"


def test_a_refused_handshake_tells_which_name_was_asked_for(proxy, make_client):
    make_client(sni="Other.example.test", handshake=False).expect_handshake_refused("UNRECOGNIZED_NAME")
    assert proxy.expect_event("tls-rejected")["tls.client.server_name"].lower() == "other.example.test"


# --- what somebody outside would like to write into it

INJECTIONS = [
    '"}\n{"event":{"action":"forged"}}',
    '\\"},{"event":{"action":"forged"}',
    "\r\n2026-01-01T00:00:00 root logged in",
    "\x1b[2J\x1b]0;owned\x07",
    "\u2028\u2029\u202e\ufeff",
    "%0d%0a%22%7d",
    "${jndi:ldap://x/a}",
    "</script><img src=x>",
    "\x7f\x00\x01",
]


def visible(text):
    """What can stand in a field at all; the rest is refused, which is tested elsewhere."""
    return "".join(c for c in text if c == "\t" or c >= " " and c != "\x7f").encode()


@pytest.mark.parametrize("place", ["target", "query", "User-Agent", "Referer", "Content-Type"])
def test_nobody_outside_can_forge_a_line(place, proxy, make_client):
    """Every line is one JSON object, and there are as many request events as requests."""
    sent = 0
    for injection in INJECTIONS:
        client = make_client()
        raw = visible(injection)
        target = b"/"
        if place in ("target", "query"):
            target = (b"/x" if place == "target" else b"/?q=") + raw.replace(b" ", b"%20")
            raw = b"-"
        name = place.encode() if place not in ("target", "query") else b"X-Other"
        client.send(
            b"GET " + target + b" HTTP/1.1\r\nHost: " + PUBLIC_NAME.encode() + b"\r\n" + name + b": " + raw + b"\r\n\r\n"
        )
        client.read_response()
        sent += 1
        client.close()
    for _ in range(sent):
        proxy.expect_event("connection-ended")
    texts = [text for text in proxy.everything if text != "postern ready"]
    for text in texts:
        assert isinstance(json.loads(text), dict)
        assert all(" " <= c < "\x7f" or c > "\xa0" for c in text), "a control character reached the terminal"
        assert not re.search("[\u2028\u2029\u202e\ufeff]", text)
    actions = [e["event.action"] for e in proxy.events()]
    assert actions.count("request-forwarded") + actions.count("request-blocked") == sent
    assert "forged" not in actions


def test_a_host_and_a_server_name_cannot_forge_a_line_either(proxy, make_client):
    for host in ('a"b.test', "a\\b.test", "a\tb", "x" * 300, "a<b>.test"):
        client = make_client()
        client.send(lines("GET / HTTP/1.1", f"Host: {host}", ""))
        assert client.read_response().status in (400, 421)
    evil = make_client(handshake=False)
    name = PUBLIC_NAME.encode()
    send_raw = evil.stream._send_raw

    def spoil(hello):
        assert name in hello
        send_raw(hello.replace(name, b'"}\n{"a":"b\\\x00\x7f\xff'.ljust(len(name), b"!")))

    evil.stream._send_raw = spoil
    with pytest.raises(OSError):
        evil.stream.handshake()
    proxy.expect_event("tls-rejected")
    for text in proxy.everything:
        assert text == "postern ready" or isinstance(json.loads(text), dict)
        assert all(" " <= c < "\x7f" or c > "\xa0" for c in text)


# --- what must never be in it


def shapes(secret):
    raw = secret.encode()
    quoted = urllib.parse.quote(secret, safe="")
    found = {secret, quoted, quoted.lower(), urllib.parse.quote_plus(secret)}
    for text in (raw, b"alice:" + raw):
        for shift in range(3):  # where the secret stands in a base64 text depends on what is before it
            found.add(base64.b64encode(b"\0" * shift + text)[4 if shift else 0 : -4].decode())
    return {shape for shape in found if len(shape) > 6}


def test_no_password_reaches_the_log_on_any_way(upstream, proxy, make_client):
    quoted = urllib.parse.quote(SECRET, safe="")
    basic = base64.b64encode(f"alice:{SECRET}".encode()).decode()
    form = f"_user=alice&_pass={quoted}&x=1".encode()
    upstream.handler = lambda request: reply(200, SECRET.encode(), [("Set-Cookie", f"session={quoted}")])
    client = make_client()
    attempts = [
        ("GET", "/", [("Authorization", f"Basic {basic}")], None),
        ("GET", "/", [("Authorization", f"Bearer {quoted}")], None),
        ("GET", "/", [("Proxy-Authorization", f"Basic {basic}")], None),
        ("GET", "/", [("Cookie", f"session={quoted}; _pass={quoted}")], None),
        ("POST", "/login", [("Content-Type", "application/x-www-form-urlencoded")], form),
        ("GET", f"/?_pass={quoted}&a=1", [], None),
        ("GET", f"/?a=1&PassWord={quoted}", [], None),
        ("GET", f"/?p%61ssword={quoted}", [], None),
        ("GET", f"/login;password={quoted}?x", [], None),
        ("GET", "/", [("Referer", f"https://alice:{quoted}@{PUBLIC_NAME}/?token={quoted}")], None),
        ("TRACE", f"/?password={quoted}", [("Authorization", f"Basic {basic}")], None),
        ("GET", f"/a%00?password={quoted}", [], None),
    ]
    for method, target, fields, body in attempts:
        if client is None:
            client = make_client()
        response = client.ask(method, target, fields, body)
        if response.get("Connection") == "close":
            client = None
    until(
        lambda: len(proxy.events("request-forwarded") + proxy.events("request-blocked")) == len(attempts),
        "an event for each attempt",
    )
    log = proxy.everything_logged()
    for shape in shapes(SECRET):
        assert shape not in log, f"{shape} is in the log"
    assert "_pass=***" in log, "the parameter's name may be known"


def test_a_password_in_clear_text_is_not_kept_but_that_it_came_is(proxy, make_client):
    client = make_client(clear=True)
    client.send(lines("GET / HTTP/1.1", "Host: x", f"Authorization: Basic {base64.b64encode(SECRET.encode()).decode()}", ""))
    client.expect_gone()
    assert proxy.expect_event("clear-text")["postern.clear_text_credentials"] is True
    for shape in shapes(SECRET):
        assert shape not in proxy.everything_logged()


# --- where it goes


def long_request(client, number):
    """About 8 KiB of log each: the path, the query and both together."""
    assert client.ask("GET", f"/{number}/{'p' * 2000}?{'q' * 2000}", [("User-Agent", "u" * 500)]).status == 200


def test_a_log_that_nobody_reads_holds_up_no_request_and_is_told_of(proxy, make_client):
    client = make_client()
    client.ask()
    proxy.expect_event("request-forwarded")
    proxy.log_is_read.clear()
    for number in range(300):  # 2.4 MB; a pipe holds 64 KiB, and logd 1 MiB
        long_request(client, number)
    proxy.log_is_read.set()
    lost = proxy.expect_event("log-dropped")["postern.dropped"]
    assert lost > 0
    client.ask("GET", "/after")
    proxy.expect_event("request-forwarded", path="/after")
    seen = len(proxy.events("request-forwarded")) - 2
    lost = sum(event["postern.dropped"] for event in proxy.events("log-dropped"))
    assert seen + lost == 300, "what was lost is counted to the last one"


@pytest.fixture
def file(proxy):
    proxy.config["log"]["to"] = ["stdout", f"file:{proxy.folder}/postern.log"]
    return proxy.folder / "postern.log"


def test_a_file_is_for_its_owner_and_group_and_is_appended_to(file, proxy, make_client):
    file.write_text("an older line\n")
    file.chmod(0o640)
    client = make_client()
    client.ask("GET", "/one")
    client.close()
    until(lambda: "connection-ended" in file.read_text(), "the events in the file")
    text = file.read_text()
    assert text.startswith("an older line\n{")
    logged = [json.loads(line) for line in text.splitlines()[1:]]
    assert [e["event"]["action"] for e in logged][-2:] == ["request-forwarded", "connection-ended"]


def test_a_new_file_has_the_mode_0640_whatever_the_umask_allows(file, proxy):
    wrapper = proxy.folder / "careless"
    wrapper.write_text(f'#!/bin/sh\numask 0\nexec {proxy.program} "$@"\n')
    wrapper.chmod(0o755)
    proxy.program = wrapper
    proxy.start()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_file_and_standard_output_say_the_same(file, proxy, make_client):
    make_client().ask("GET", "/one")
    assert proxy.stop() == 0
    assert file.read_text().splitlines() == [text for text in proxy.everything if text.startswith("{")]


def test_events_of_the_start_and_the_end_frame_the_others(proxy, make_client):
    client = make_client()
    client.ask()
    client.close()
    proxy.expect_event("connection-ended")
    assert proxy.stop() == 0
    actions = [e["event.action"] for e in proxy.events()]
    assert actions[:2] == ["listening", "started"]
    assert [a for a in actions if a != "keys-asked"][-2:] == ["stopping", "stopped"]
    assert actions[-1] == "stopped"


def test_a_certificate_that_ends_soon_is_told_of_at_the_start(pki, proxy):
    """In the last third of its life: whatever renews it should have done so."""
    names = (*SERVER, f"subjectAltName = DNS:{PUBLIC_NAME}")
    certificate, ends = mint(pki, proxy.folder, "ending", names, timedelta(days=30))
    proxy.published.update(certificate=f"{certificate}.chain.pem", key=f"file:{certificate}.key")
    proxy.start()
    event = proxy.expect_event("certificate-expiring")
    assert event["url.domain"] == PUBLIC_NAME
    assert event["tls.server.not_after"].startswith(ends.strftime("%Y-%m-%d"))
    assert event["postern.certificate_renewed"] is False
