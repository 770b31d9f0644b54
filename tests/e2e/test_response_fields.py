"""Fields that answers get on their way: `response: {set: ...}` of an application."""

import copy

import pytest
from actors import PUBLIC_NAME, echo
from wire import reply

HSTS = "max-age=86400"
OTHER_NAME = "autodiscover.example.test"
SET = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": HSTS,
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "object-src 'none'",
    "X-Off": "",
}


def configure(proxy):
    proxy.published["application"] = {
        "extends": "any",
        "response": {"set": SET, "remove": ["X-Frame-*"], "replace": {"Server": "webmail"}},
    }
    proxy.listener["redirect_http"] = "127.0.0.2:0"
    ruled = copy.deepcopy(proxy.published)
    ruled["application"].update(
        model=True,
        paths={
            "MY010": {
                "path": "/ruled",
                "response": {"set": {"X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": "script-src-attr 'none'"}},
                "source": "a scene",
            },
            "MY020": {"path": "/other", "source": "a scene"},
        },
    )
    listener = copy.deepcopy(proxy.listener)
    proxy.config["listeners"]["ruled"] = {**listener, "redirect_http": "127.0.0.4:0", "publish": {PUBLIC_NAME: ruled}}
    # Browsers that obey would go to port 443, where nobody is met.
    mapped = copy.deepcopy(proxy.listener)
    mapped["publish"] = {OTHER_NAME: copy.deepcopy(proxy.published)}
    proxy.config["listeners"]["mapped"] = {**mapped, "redirect_http": "127.0.0.3:0", "public_port": 8443}


def test_a_field_is_added_where_the_server_did_not_send_it(stage):
    answer = stage.client().ask("GET", "/")
    assert answer.all("X-Content-Type-Options") == ["nosniff"]
    assert answer.all("Referrer-Policy") == ["same-origin"]
    assert answer.all("Strict-Transport-Security") == [HSTS]
    assert answer.all("X-Off") == []


def test_what_the_server_said_counts(stage):
    fields = [("referrer-policy", "no-referrer"), ("STRICT-TRANSPORT-SECURITY", "max-age=1")]
    stage.upstream.handler = lambda request: reply(fields=fields)
    answer = stage.client().ask("GET", "/")
    assert answer.all("Referrer-Policy") == ["no-referrer"]
    assert answer.all("Strict-Transport-Security") == ["max-age=1"]


def test_what_is_removed_from_the_server_is_said_anew(stage):
    stage.upstream.handler = lambda request: reply(fields=[("X-Frame-Options", "ALLOWALL"), ("X-Frame-Else", "1")])
    answer = stage.client().ask("GET", "/")
    assert answer.all("X-Frame-Options") == ["DENY"]
    assert answer.all("X-Frame-Else") == []


def test_a_policy_of_content_stands_beside_that_of_the_server(stage):
    stage.upstream.handler = lambda request: reply(fields=[("Content-Security-Policy", "default-src 'self'")])
    answer = stage.client().ask("GET", "/")
    assert answer.all("Content-Security-Policy") == ["default-src 'self'", "object-src 'none'"]


def test_a_rule_adds_to_its_own_answers_and_counts_before_the_application(stage):
    client = stage.client(port=stage.proxy.port(listener="ruled"))
    answer = client.ask("GET", "/ruled")
    assert answer.all("X-Frame-Options") == ["SAMEORIGIN"]
    assert answer.all("Content-Security-Policy") == ["script-src-attr 'none'"]
    assert answer.all("X-Content-Type-Options") == ["nosniff"]
    answer = client.ask("GET", "/other")
    assert answer.all("X-Frame-Options") == ["DENY"]
    assert answer.all("Content-Security-Policy") == ["object-src 'none'"]


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_every_final_answer_has_it(status, stage):
    stage.upstream.handler = lambda request: reply(status=status)
    assert stage.client().ask("GET", "/").all("X-Content-Type-Options") == ["nosniff"]


def test_an_interim_answer_has_nothing_of_it(stage):
    stage.upstream.handler = lambda request: b"HTTP/1.1 103 Early Hints\r\n\r\n" + echo(request)
    client = stage.client()
    client.send_request("GET", "/")
    interim = client.read_head()
    assert interim.status == 103 and interim.all("X-Content-Type-Options") == []
    assert client.read_response().all("X-Content-Type-Options") == ["nosniff"]


def test_our_own_answers_say_that_the_name_speaks_tls_alone(stage):
    client = stage.client()
    answer = client.ask("TRACK", "/")
    assert answer.status == 405
    assert answer.all("Strict-Transport-Security") == [HSTS]
    stage.event_of(client, "request-blocked", status=405)


def test_in_clear_text_nothing_is_promised(stage):
    """RFC 6797, 7.2: the field must not stand in an answer over plain HTTP."""
    client = stage.client(address="127.0.0.2", clear=True)
    answer = client.ask("GET", "/", host=PUBLIC_NAME)
    assert answer.get("Location").startswith("https://")
    assert answer.all("Strict-Transport-Security") == []
    stage.event_of(client, "request-redirected")


def test_it_is_left_out_where_it_would_lead_browsers_astray(stage):
    client = stage.client(port=stage.proxy.port(listener="mapped"), sni=OTHER_NAME)
    answer = client.ask("GET", "/", host=f"{OTHER_NAME}:8443")
    assert answer.status == 200
    assert answer.all("Strict-Transport-Security") == []
    assert answer.all("X-Content-Type-Options") == ["nosniff"]
