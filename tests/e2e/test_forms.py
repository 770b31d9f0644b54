"""The fields of a form in the body, which an application takes as it takes the query's.

What is refused never comes to the upstream whole, in whatever pieces it is sent.
"""

import pytest
from wire import chunked, lines, reply

FORM = ("Content-Type", "application/x-www-form-urlencoded")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=XX")
URL = "/form?_task=mail"
GOOD = b"_token=geheim&_task=mail&_uid=7"
BAD = b"_token=geheim&_task=geheimnis&_uid=7"
MIB = 1 << 20

RULE = {
    "path": "/form",
    "methods": ["GET", "POST"],
    "types": ["application/x-www-form-urlencoded", "multipart/form-data"],
    "body": "64MiB",
    "form": "read",
    "parameters": {"_task": {"one_of": "mail", "required": True}},
    "source": "a scene",
}


def configure(proxy):
    rules = {"MY100": RULE, "MY110": {**RULE, "path": "/loose", "form": "loose"}}
    rules["MY050"] = {"action": "deny", "path": "/form", "when": {"_do": "geheim"}, "source": "a scene"}
    proxy.published["application"] = {"extends": "roundcube", "paths": rules}


def part(name, value):
    return lines("--XX", f'Content-Disposition: form-data; name="{name}"', "") + value + b"\r\n"


MULTIPART_GOOD = part("_task", b"mail") + part("_token", b"geheim") + b"--XX--\r\n"
MULTIPART_BAD = part("_token", b"geheim") + part("_task", b"geheimnis") + b"--XX--\r\n"


def expect_refused(stage, client, reason="parameter-not-used", rule="MY100", name="_task", status=403):
    event = stage.event_of(client, "request-blocked", status=status, reason=reason)
    assert (event["rule.id"], event["postern.part"]) == (rule, name)
    assert "geheim" not in str(event), "a value has come into the log"
    assert stage.upstream.requests == [], "the upstream got the whole form"


@pytest.mark.parametrize("type_, body", [(FORM, GOOD), (MULTIPART, MULTIPART_GOOD)], ids=["urlencoded", "multipart"])
@pytest.mark.parametrize("way", ["whole", "chunked", "bytewise"])
def test_a_form_that_the_rule_allows_arrives_as_it_was_sent(type_, body, way, stage):
    client = stage.client()
    stage.upstream.handler = lambda request: reply(200, b"done")
    send(client, type_, body, way)
    assert client.read_response().body == b"done"
    assert stage.upstream.requests[0].body == body


def send(client, type_, body, way):
    if way == "chunked":
        client.send_request("POST", URL, [type_, ("Transfer-Encoding", "chunked")], chunked(body[:20], body[20:]))
    elif way == "whole":
        client.send_request("POST", URL, [type_], body)
    else:
        client.send_request("POST", URL, [type_, ("Content-Length", str(len(body)))])
        for i in range(len(body)):
            client.send(body[i : i + 1])


@pytest.mark.parametrize("type_, body", [(FORM, BAD), (MULTIPART, MULTIPART_BAD)], ids=["urlencoded", "multipart"])
@pytest.mark.parametrize("way", ["whole", "chunked"])
def test_what_is_closed_in_the_query_is_closed_in_the_body(type_, body, way, stage):
    client = stage.client()
    send(client, type_, body, way)
    assert client.read_response().status == 403
    expect_refused(stage, client)


@pytest.mark.parametrize(
    "body, name",
    [(b"a=b&+_task[]=x", " _task[]"), (b".task=x", ".task"), (b"%5ftask=x&", "_task"), (b"_task=mail&_task=x", "_task")],
)
def test_names_are_read_as_the_server_reads_them(body, name, stage):
    client = stage.client()
    assert client.ask("POST", URL, [FORM], body).status == 403
    expect_refused(stage, client, name=name)


@pytest.mark.parametrize(
    "type_, body",
    [(FORM, b"_task=mail&_do=list&_do=geheim&a=b"), (MULTIPART, part("_do", b"geheim") + MULTIPART_GOOD)],
    ids=["urlencoded", "multipart"],
)
def test_a_rule_that_denies_by_the_query_denies_by_a_field(type_, body, stage):
    client = stage.client()
    assert client.ask("POST", URL, [type_], body).status == 404
    expect_refused(stage, client, reason="path-denied", rule="MY050", name="_do", status=404)
    client = stage.client()
    assert client.ask("POST", URL, [type_], body.replace(b"_do", b"_be")).status == 200


def test_the_last_byte_of_a_form_does_not_leave_before_it_was_judged(play):
    """All but the last byte has come to the upstream when the last one is refused."""
    client = play.client()
    body = b"_task=mail&_task=mai"
    client.send_request("POST", URL, [FORM, ("Content-Length", str(len(body)))])
    upstream = play.upstream.accept()
    upstream.read_head()
    for i in range(len(body) - 1):
        client.send(body[i : i + 1])
        assert upstream.read_bytes(1) == body[i : i + 1]
    client.send(body[-1:])
    assert client.read_response().status == 403
    play.event_of(client, "request-blocked", status=403, reason="parameter-not-used")
    assert upstream.read_some() == b""


@pytest.mark.parametrize("body, status", [(GOOD, 200), (BAD, 403)])
def test_a_client_that_waits_for_100_continue_is_judged_alike(body, status, play):
    client = play.client()
    client.send_request("POST", URL, [FORM, ("Content-Length", str(len(body))), ("Expect", "100-continue")])
    upstream = play.upstream.accept()
    upstream.read_head()
    upstream.send(lines("HTTP/1.1 100 Continue", ""))
    assert client.read_head().status == 100
    client.send(body)
    if status == 200:
        assert upstream.read_bytes(len(body)) == body
        upstream.send(reply(200))
    assert client.read_response().status == status
    if status == 403:
        assert upstream.read_some() == b""


@pytest.mark.parametrize("last, status", [(b"&_task=mail", 200), (b"&_task=geheim", 403)])
def test_a_huge_value_streams_past_and_what_follows_it_is_judged(last, status, stage):
    client = stage.client()
    stage.upstream.handler = lambda request: reply(200, b"done")
    body = b"_message=" + b"%41+" * (2 * MIB) + last
    assert client.ask("POST", URL, [FORM], body).status == status
    if status == 200:
        assert stage.upstream.requests[0].body == body
    else:
        expect_refused(stage, client)


def test_a_form_without_a_body_has_no_fields(stage):
    assert stage.client().ask("POST", URL, [FORM, ("Content-Length", "0")]).status == 200
    stage.upstream.requests.clear()
    client = stage.client()
    assert client.ask("POST", "/form", [FORM, ("Content-Length", "0")]).status == 403
    expect_refused(stage, client)


def test_a_required_field_may_stand_in_the_body(stage):
    assert stage.client().ask("POST", "/form", [FORM], GOOD).status == 200
    stage.upstream.requests.clear()
    client = stage.client()
    assert client.ask("POST", "/form", [FORM], b"a=geheim").status == 403
    expect_refused(stage, client)


def test_a_published_attack_is_seen_in_the_body(stage):
    client = stage.client()
    fields = b"_user=%5C%27geheim&_task=mail"
    assert client.ask("POST", URL, [FORM], fields).status == 403
    event = stage.event_of(client, "request-blocked", status=403, reason="mitigation")
    assert event["postern.part"] == "_user" and "geheim" not in str(event)
    assert stage.upstream.requests == []


def test_what_only_calls_itself_a_form_passes_where_the_rule_says_so(stage):
    body = b'<?xml version="1.0"?>\n<text a="1%">b\0 &amp; c</text>'
    client = stage.client()
    assert client.ask("POST", "/loose?_task=mail", [FORM], body).status == 200
    assert stage.upstream.requests[0].body == body
    stage.upstream.requests.clear()
    assert client.ask("POST", "/loose?_task=mail", [FORM], body + b"&_task=geheim").status == 403
    expect_refused(stage, client, rule="MY110")
