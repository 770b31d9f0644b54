"""Which header fields pass, which are ours, and what a client cannot talk postern into (RFC 9110, 7.6)."""

import re
import time
from email.utils import parsedate_to_datetime

import pytest
from actors import INTERNAL_NAME, PUBLIC_NAME, until
from wire import DEADLINE, lines, reply
from witness import LighttpdCgi

SPOOFED = [
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server",
    "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "Front-End-Https", "X-Original-URL",
    "X-Rewrite-URL", "X-Request-ID", "Proxy",
]  # fmt: skip
OURS = {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-ID"}


def ask(stage, *fields):
    """What the upstream gets when a client sends these fields."""
    assert stage.client().ask("GET", "/", fields).status == 200
    return stage.upstream.requests[0]


# --- requests


@pytest.mark.parametrize("name", SPOOFED)
def test_what_a_client_says_about_itself_is_dropped(stage, name):
    request = ask(stage, (name, "spoofed"), (name.lower(), "spoofed"))
    assert "spoofed" not in str(request.fields)
    assert len(request.all(name)) == (1 if name in OURS else 0)


def disguises(name):
    """CGI and its heirs read X_Real.IP and X-Real-IP as one variable: each character of a token counts."""
    letters = "_.!#$%&'*+^`|~"
    return [name.replace("-", other) for other in letters] + [name.upper().replace("-", "~", 1)]


@pytest.mark.parametrize("name", [name for name in SPOOFED if "-" in name])
def test_nor_can_it_be_said_with_other_characters(stage, name):
    request = ask(stage, *[(other, "spoofed") for other in disguises(name)])
    assert "spoofed" not in str(request.fields)


@pytest.mark.parametrize("name", ["my_own", "my.own", "X~Real", "X-Real-IPs", "X.Real.IP."])
def test_a_harmless_name_passes_however_it_is_spelled(stage, name):
    assert ask(stage, (name, "1")).get(name) == "1"


@pytest.fixture
def lighttpd(folder):
    lighttpd = LighttpdCgi(folder)
    yield lighttpd
    lighttpd.stop()


def test_no_cgi_program_gets_an_identity_from_a_client(make_proxy, make_client, lighttpd):
    """What an application strips and sets for itself, against a server that makes variables of all."""
    proxy = make_proxy()
    proxy.upstream.update(bridge="clear_text", servers=[f"http://127.0.0.1:{lighttpd.port}"])
    del proxy.upstream["verify"]
    proxy.published["application"] = {
        "extends": "any", "headers": {"strip": ["X-Auth-*", "My-User"], "set": {"X-Https": "1"}}}  # fmt: skip
    fields = [(other, "spoofed") for name in ["X-Remote-User", "X-Auth-User", "My-User", "X-Https"]
              for other in disguises(name)]  # fmt: skip
    answer = make_client(proxy).ask("GET", "/variables.sh", [*fields, ("My.Own", "1")])
    variables = dict(line.partition("=")[::2] for line in answer.body.decode().splitlines())
    assert variables["HTTP_MY_OWN"] == "1"
    assert variables["HTTP_X_HTTPS"] == "1"
    assert "spoofed" not in str(variables)


def test_the_upstream_is_told_who_asks_for_what(stage):
    client = stage.client(source="127.0.0.3")
    assert client.ask("GET", "/").status == 200
    request = stage.upstream.requests[0]
    assert request.get("Host") == PUBLIC_NAME
    assert request.get("X-Forwarded-For") == "127.0.0.3"
    assert request.get("X-Forwarded-Proto") == "https"
    assert request.get("X-Forwarded-Host") == PUBLIC_NAME
    assert request.get("Forwarded") == f'for=127.0.0.3;host="{PUBLIC_NAME}";proto=https'
    assert re.fullmatch(r"1\.1 postern-[0-9a-f]{8}", request.get("Via"))


@pytest.mark.parametrize(
    "host, told",
    [
        ("{name}:{port}", "{name}:{port}"),
        ("{name}:443", "{name}"),
        ("{NAME}", "{name}"),
        ("{name}.", "{name}"),
        ("{NAME}.:443", "{name}"),
    ],
)
def test_the_upstream_is_told_one_name_however_it_was_spelt(stage, host, told):
    names = {"name": PUBLIC_NAME, "NAME": PUBLIC_NAME.upper(), "port": stage.proxy.port()}
    assert stage.client().ask("GET", "/", host=host.format(**names)).status == 200
    request = stage.upstream.requests[0]
    assert (request.get("Host"), request.get("X-Forwarded-Host")) == (told.format(**names),) * 2
    assert f'host="{told.format(**names)}"' in request.get("Forwarded")


@pytest.mark.parametrize("port", [8080, 80, 1, 65535])
def test_a_port_on_which_nobody_meets_us_ends_here(stage, port):
    """It would stand in the links that the webmail makes, and in what caches keep for others."""
    client = stage.client()
    assert client.ask("GET", "/", host=f"{PUBLIC_NAME}:{port}").status == 421
    event = stage.event_of(client, "request-blocked", reason="http-host-port")
    assert (event["error.message"], stage.upstream.requests) == (f"port {port}", [])


@pytest.mark.parametrize("target", ["https://{name}:443/x", "https://{name}:{port}/x", "http://{name}:80/x"])
def test_an_absolute_form_may_write_the_port_out(stage, target):
    host = f"{PUBLIC_NAME}:{stage.proxy.port()}" if "{port}" in target else PUBLIC_NAME
    target = target.format(name=PUBLIC_NAME, port=stage.proxy.port())
    assert stage.client().ask("GET", target, host=host).status == 200
    assert stage.upstream.requests[0].target == "/x"


def test_behind_a_port_mapping_the_public_port_is_ours(upstream, proxy, make_client):
    proxy.listener["public_port"] = 4444
    proxy.listener["redirect_http"] = "127.0.0.2:0"
    upstream.handler = lambda request: reply(302, b"", [("Location", f"https://{INTERNAL_NAME}/owa/")])
    client = make_client()
    response = client.ask("GET", "/", host=f"{PUBLIC_NAME}:4444")
    assert response.get("Location") == f"https://{PUBLIC_NAME}:4444/owa/"
    assert upstream.requests[0].get("Host") == f"{PUBLIC_NAME}:4444"
    assert client.ask("GET", "/", host=f"{PUBLIC_NAME}:{proxy.port()}").status == 302
    for wrong in (PUBLIC_NAME, f"{PUBLIC_NAME}:443"):
        assert client.ask("GET", "/", host=wrong).status == 421
    clear = make_client(address="127.0.0.2", clear=True)
    for host in (PUBLIC_NAME, f"{PUBLIC_NAME}.:8080"):
        assert clear.ask("GET", "/a", host=host).get("Location") == f"https://{PUBLIC_NAME}:4444/a"


def test_the_request_id_is_the_one_in_the_log(stage):
    client = stage.client()
    client.ask("GET", "/")
    event = stage.event_of(client, "request-forwarded")
    assert stage.upstream.requests[0].get("X-Request-ID") == event["event.id"]


def test_each_request_has_an_id_of_its_own(stage):
    client = stage.client()
    for _ in range(3):
        client.ask("GET", "/")
    assert len({request.get("X-Request-ID") for request in stage.upstream.requests}) == 3


def test_hop_by_hop_fields_and_what_connection_names_end_here(stage):
    request = ask(
        stage,
        ("Connection", "keep-alive, X-Mine ,x-other"),
        ("X-Mine", "1"),
        ("X-Other", "2"),
        ("X-Kept", "3"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic c2VjcmV0"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
    )
    gone = {"connection", "x-mine", "x-other", "keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"}
    assert gone.isdisjoint(name.lower() for name in request.names)
    assert request.get("X-Kept") == "3"


@pytest.mark.parametrize(
    "name",
    ["Host", "Authorization", "Cookie", "Content-Length", "Content-Type", "Via", "X-Request-ID", "X-Forwarded-For",
     "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"],
)  # fmt: skip
def test_connection_cannot_name_away_what_the_upstream_relies_on(stage, name):
    """CVE-2022-31813: the upstream took a missing X-Forwarded-For for a local client."""
    client = stage.client()
    fields = [("Connection", name), ("Connection", f"close, {name}"), ("Authorization", "Basic YTpi"),
              ("Cookie", "a=b"), ("Content-Type", "text/plain")]  # fmt: skip
    assert client.ask("POST", "/", fields, b"body").body == b"body"
    assert stage.upstream.requests[0].get(name) is not None


def test_names_keep_their_spelling_and_fields_their_order(stage):
    """Old clients and servers compare names with case, and repeated fields have a meaning in their order."""
    fields = [("x-lower", "1"), ("X-UPPER", "2"), ("X-miXed", "3"), ("Accept", "a"), ("X-UPPER", "4"), ("aCCept", "b")]
    stage.upstream.handler = lambda request: reply(200, b"", fields)
    client = stage.client()
    response = client.ask("GET", "/", fields)
    assert [f for f in stage.upstream.requests[0].fields if f in fields] == fields
    assert [f for f in response.fields if f in fields] == fields


def test_values_pass_as_they_are_but_for_the_space_around(stage):
    values = [("X-High", "caf\xe9 \xa0"), ("X-Tab", "a\tb"), ("X-Empty", ""), ("X-Space", "  a  b  ")]
    request = ask(stage, *values)
    assert [request.get(name) for name, _ in values] == ["caf\xe9 \xa0", "a\tb", "", "a  b"]


def test_a_request_that_was_here_before_is_a_loop(stage):
    client = stage.client()
    client.ask("GET", "/")
    via = stage.upstream.requests[0].get("Via")
    assert client.ask("GET", "/", [("Via", f"1.0 other, {via}")]).status == 508
    stage.event_of(client, "request-blocked", reason="http-loop")
    assert len(stage.upstream.requests) == 1


class Ring:
    """Posterns one behind the other: the upstream of each passes what it gets to the next."""

    def __init__(self, make_upstream, make_proxy, make_client, vias):
        self.passed = []
        self.proxies, self._make_client = [], make_client
        for number, via in enumerate(vias):
            proxy = make_proxy(make_upstream(handler=lambda request, n=number: self._pass_on(request, n)))
            if not via:
                proxy.published["application"] = {"extends": "any", "headers": {"via": False}}
            self.proxies.append(proxy)

    def _pass_on(self, request, number):
        self.passed.append(request)
        assert len(self.passed) <= 2 * len(self.proxies), "it goes round and round"
        client = self._make_client(self.proxies[(number + 1) % len(self.proxies)])
        client.send(lines(request.start, *(f"{name}: {value}" for name, value in request.fields), "") + request.body)
        response = client.read_response(request.method)
        client.close()
        return response.raw

    def ask(self, *fields):
        return self._make_client(self.proxies[0]).ask("GET", "/", fields)


@pytest.mark.parametrize("vias", [[False], [False, False], [True, False], [False, True], [True, True]], ids=str)
def test_a_ring_is_found_whoever_of_it_sends_a_via(vias, make_upstream, make_proxy, make_client):
    """At the latest when the request comes round for the second time."""
    ring = Ring(make_upstream, make_proxy, make_client, vias)
    assert ring.ask().status == 508
    until(lambda: any(p.events("request-blocked", reason="http-loop") for p in ring.proxies), "the loop in the log")
    for number, request in enumerate(ring.passed):
        if not vias[number % len(vias)]:
            assert request.all("Via") == [], "what came with one is forwarded without"


def test_nobody_but_we_makes_such_a_mark(make_upstream, make_proxy, make_client):
    """Not a stranger with a mark of his own, nor one of another postern that he has seen."""
    upstreams = [make_upstream(), make_upstream()]
    proxies = [make_proxy(upstream) for upstream in upstreams]
    for proxy in proxies:
        proxy.published["application"] = {"extends": "any", "headers": {"via": False}}
    seen = []
    for proxy, upstream in zip(proxies, upstreams, strict=True):
        guesses = [("Postern-Loop", mark) for mark in ["", "postern", "0" * 32, *seen]]
        assert make_client(proxy).ask("GET", "/", [*guesses, ("Via", "1.0 office")]).status == 200
        marks = upstream.requests[0].all("Postern-Loop")
        assert marks[:-1] == [mark for _, mark in guesses]
        assert re.fullmatch("[0-9a-f]{32}", marks[-1])
        assert upstream.requests[0].all("Via") == []
        seen.append(marks[-1])
    assert seen[0] != seen[1]


def test_other_proxies_in_via_are_kept(stage):
    assert ask(stage, ("Via", "1.0 office")).all("Via")[0] == "1.0 office"


# --- responses


def answer_with(stage, *fields, status=200):
    stage.upstream.handler = lambda request: reply(status, b"", fields)
    return stage.client().ask("GET", "/")


def test_what_the_upstream_says_to_us_alone_ends_here(stage):
    response = answer_with(
        stage,
        ("Connection", "keep-alive, X-Inside"),
        ("X-Inside", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Authenticate", "Basic"),
        ("Upgrade", "h2c"),
        ("Trailer", "X-Late"),
        ("X-Kept", "2"),
    )
    gone = {"connection", "x-inside", "keep-alive", "proxy-authenticate", "upgrade", "trailer"}
    assert gone.isdisjoint(name.lower() for name in response.names)
    assert response.get("X-Kept") == "2"


@pytest.mark.parametrize(
    "location, rewritten",
    [
        ("https://{inside}/owa/?a=b#c", "https://{public}/owa/?a=b#c"),
        ("https://{inside}:{port}/owa/", "https://{public}/owa/"),
        ("https://127.0.0.1:{port}/owa/", "https://{public}/owa/"),
        ("http://{inside}", "https://{public}"),
        ("http://{public}/login", "https://{public}/login"),
        ("HTTPS://{INSIDE}/x", "https://{public}/x"),
        ("https://{public}/same", "https://{public}/same"),
        ("https://{public}:443/x", "https://{public}/x"),
        ("https://{public}./x", "https://{public}/x"),
        ("https://{public}:{port}/SOGo/", "https://{public}/SOGo/"),
        ("http://{public}:443/x", "https://{public}/x"),
        ("http://{public}:80/x", "https://{public}/x"),
        ("//{inside}/x", "https://{public}/x"),
        ("//{inside}:{port}/x?y", "https://{public}/x?y"),
        ("//{public}", "https://{public}"),
        ("https://{inside}.:{port}/x", "https://{public}/x"),
        ("https://{inside}:443/x", "https://{public}/x"),
        ("//elsewhere.example/", "//elsewhere.example/"),
        ("https://{public}:9/other-service", "https://{public}:9/other-service"),
        ("http://{public}:8080/other-service", "http://{public}:8080/other-service"),
        ("https://{public}:80/other-service", "https://{public}:80/other-service"),
        ("https://user@{inside}/x", "https://user@{inside}/x"),
        ("https:///x", "https:///x"),
        ("/relative", "/relative"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
        ("https://{inside}.elsewhere.example/", "https://{inside}.elsewhere.example/"),
        ("https://{inside}:9/other-service", "https://{inside}:9/other-service"),
        ("https://elsewhere.example/?next=https://{inside}/", "https://elsewhere.example/?next=https://{inside}/"),
    ],
)
def test_a_location_inside_becomes_the_public_one(stage, location, rewritten):
    names = {
        "inside": INTERNAL_NAME,
        "INSIDE": INTERNAL_NAME.upper(),
        "public": PUBLIC_NAME,
        "port": stage.upstream.port,
    }
    response = answer_with(stage, ("Location", location.format(**names)), status=302)
    assert response.get("Location") == rewritten.format(**names)


@pytest.mark.parametrize(
    "name, value, rewritten",
    [
        ("Content-Location", "https://{inside}:{port}/x", "https://{public}/x"),
        ("X-MS-Location", "https://{inside}/eas", "https://{public}/eas"),
        ("X-MS-Location", "https://eu.example/eas", "https://eu.example/eas"),
        ("Refresh", "5", "5"),
        ("Refresh", "0; url=/owa/", "0; url=/owa/"),
        ("Refresh", "0;URL=https://{inside}:{port}/a;b?c", "0;URL=https://{public}/a;b?c"),
        ("Refresh", "0; url='http://{public}/x'", "0; url='https://{public}/x'"),
        ("Refresh", "0; url=//elsewhere.example/", "0; url=//elsewhere.example/"),
        ("X-Location", "https://{inside}/x", "https://{inside}/x"),
    ],
)
def test_other_fields_that_lead_somewhere_lead_to_us(stage, name, value, rewritten):
    names = {"inside": INTERNAL_NAME, "public": PUBLIC_NAME, "port": stage.upstream.port}
    assert answer_with(stage, (name, value.format(**names))).get(name) == rewritten.format(**names)


@pytest.mark.parametrize(
    "value, seen",
    [
        ("https://{public}:{listens}/dav/b", "https://{public}:{listens}/dav/b"),
        ("HTTPS://{PUBLIC}.:{listens}/dav/b%20c?d", "https://{public}:{listens}/dav/b%20c?d"),
        ("http://{public}/dav/b", "https://{public}:{listens}/dav/b"),
        ("//{public}:{listens}/dav/b", "https://{public}:{listens}/dav/b"),
        ("/dav/b", "/dav/b"),
        ("https://{public}:9/dav/b", "https://{public}:9/dav/b"),
        ("https://elsewhere.example/dav/b", "https://elsewhere.example/dav/b"),
    ],
)
def test_a_destination_has_the_spelling_of_the_host(stage, value, seen):
    """RFC 4918, 10.3: the server compares it with its own name, which Host tells it."""
    listens = stage.proxy.port()
    names = {"public": PUBLIC_NAME, "PUBLIC": PUBLIC_NAME.upper(), "listens": listens}
    stage.client().ask("MOVE", "/dav/a", [("Destination", value.format(**names))], host=f"{PUBLIC_NAME}:{listens}")
    assert stage.upstream.requests[0].get("Host") == f"{PUBLIC_NAME}:{listens}"
    assert stage.upstream.requests[0].get("Destination") == seen.format(**names)


def test_an_answer_without_a_date_gets_the_one_of_its_arrival(stage):
    """RFC 9110, 6.6.1: caches and clients count its age from there."""
    dates = answer_with(stage).all("Date")
    assert len(dates) == 1
    assert abs(parsedate_to_datetime(dates[0]).timestamp() - time.time()) < DEADLINE
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert answer_with(stage, ("date", date)).all("Date") == [date], "the server's own is left alone"


def test_an_interim_answer_gets_no_date(play):
    client = play.client()
    client.send_request()
    upstream = play.upstream.accept()
    upstream.expect_request()
    upstream.send(lines("HTTP/1.1 103 Early Hints", "") + reply(200, b""))
    response = client.read_response()
    assert (response.interims[0].get("Date"), len(response.all("Date"))) == (None, 1)


@pytest.mark.parametrize(
    "cookie, kept",
    [
        ("sid=1", "sid=1; Secure"),
        ("sid=1; Path=/; HttpOnly", "sid=1; Path=/; HttpOnly; Secure"),
        ("sid=1; secure; Path=/", "sid=1; secure; Path=/"),
        ("sid=secure", "sid=secure; Secure"),
        ("secure=1; Path=/secure", "secure=1; Path=/secure; Secure"),
    ],
)
def test_a_cookie_gains_secure(stage, cookie, kept):
    assert answer_with(stage, ("Set-Cookie", cookie)).get("Set-Cookie") == kept


def test_several_cookies_stay_several(stage):
    response = answer_with(stage, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Expires=Thu, 01 Jan 2037 00:00:00 GMT"))
    assert response.all("Set-Cookie") == ["a=1; Secure", "b=2; Expires=Thu, 01 Jan 2037 00:00:00 GMT; Secure"]


def test_the_reason_phrase_passes_and_the_version_is_ours(stage):
    stage.upstream.handler = lambda request: lines("HTTP/1.0 299 As You Like It", "Content-Length: 0", "")
    assert stage.client().ask("GET", "/").start == "HTTP/1.1 299 As You Like It"
