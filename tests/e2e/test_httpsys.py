"""The presets of Exchange in front of a server with the habits of HTTP.sys (httpsys.py)."""

import gzip

import pytest
from httpsys import HttpSys, leg
from wire import chunked

SOAP = b"<soap/>"
EWS = [("Content-Type", "text/xml; charset=utf-8")]
PRESETS = pytest.mark.parametrize("preset", ["exchange", "exchange-activesync-only"])
SCHEMES = pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])


@pytest.fixture
def make_scene(pki, make_proxy):
    """(windows, proxy): postern with this preset before such a server."""
    made = []

    def make(preset="exchange", **habits):
        windows = HttpSys(pki, **habits)
        made.append(windows)
        proxy = make_proxy(windows)
        proxy.published["application"] = preset
        return windows, proxy

    yield make
    for windows in made:
        windows.close()


def post(client, *fields, body=SOAP, target="/ews/exchange.asmx"):
    response = client.ask("POST", target, [*EWS, *fields], body)
    return response.status, response.body.decode()


def log_in(client, user, scheme="NTLM", body=SOAP):
    assert post(client, body=body) == (401, "401.2")
    assert post(client, leg(scheme, "hello"), body=body) == (401, "401.1")
    assert post(client, leg(scheme, f"I am {user}"), body=body) == (200, f"mailbox of {user}, {len(body)}")


@SCHEMES
@pytest.mark.parametrize("preset, again", [("exchange", 200), ("any", 401)])
def test_one_log_in_lasts_where_the_server_sees_no_via(preset, again, scheme, make_scene, make_client):
    """With a Via it does not: HTTP.sys caches nothing of what a proxy sends."""
    windows, proxy = make_scene(preset)
    client = make_client(proxy)
    log_in(client, "kim", scheme)
    for _ in range(3):
        assert post(client)[0] == again
    assert windows.statuses == [401, 401, 200] + 3 * [again]
    assert len({entry.connection for entry in windows.log}) == 1, "each challenge is to her connection"


@PRESETS
def test_no_preset_of_exchange_shows_iis_a_proxy(preset, make_scene, make_client):
    windows, proxy = make_scene(preset)
    client = make_client(proxy)
    client.ask("OPTIONS", "/Microsoft-Server-ActiveSync", [("Via", "1.1 office")])
    assert windows.log[0].head.all("Via") == []


@pytest.mark.parametrize("preset, encoding", [("exchange", "gzip"), ("any", None)])
def test_answers_are_compressed_where_the_server_sees_no_via(preset, encoding, make_scene, make_client):
    _, proxy = make_scene(preset)
    client = make_client(proxy)
    log_in(client, "kim")
    fields = [*EWS, leg("Negotiate", "ticket of kim"), ("Accept-Encoding", "gzip")]
    response = client.ask("POST", "/ews/exchange.asmx", fields, SOAP)
    assert response.get("Content-Encoding") == encoding
    body = gzip.decompress(response.body) if encoding else response.body
    assert body == b"mailbox of kim, 7"


@pytest.mark.parametrize("persists", [False, True])
def test_a_kerberos_ticket_lasts_as_the_server_has_it(persists, make_scene, make_client):
    """authPersistNonNTLM; Persistent-Auth tells the client (MS-N2HT 3.2.5)."""
    _, proxy = make_scene(persist_kerberos=persists)
    client, other = make_client(proxy), make_client(proxy)
    response = client.ask("POST", "/ews/exchange.asmx", [*EWS, leg("Negotiate", "ticket of kim")], SOAP)
    assert (response.status, response.get("Persistent-Auth")) == (200, str(persists).lower())
    assert post(client)[0] == (200 if persists else 401)
    assert post(other)[0] == 401


@SCHEMES
def test_a_large_mail_on_each_leg(scheme, make_scene, make_client):
    """The server answers at the head, and drains what comes."""
    windows, proxy = make_scene()
    client = make_client(proxy)
    log_in(client, "kim", scheme, body=b"m" * 700_000)
    assert post(client) == (200, "mailbox of kim, 7")
    assert len({entry.connection for entry in windows.log}) == 1


@SCHEMES
@pytest.mark.parametrize("sends", [True, False])
def test_expect_as_dotnet_does_it(sends, scheme, make_scene, make_client):
    """HttpWebRequest sends the body after the 401 nevertheless, then a leg without one (dotnet/corefx
    issue 30760); who does not send it has to come again on another connection."""
    windows, proxy = make_scene()
    client = make_client(proxy)
    wants = [*EWS, ("Expect", "100-continue"), ("Content-Length", str(len(SOAP)))]
    response = client.ask("POST", "/ews/exchange.asmx", wants)
    assert (response.status, response.interims) == (401, [])
    if sends:
        client.send(SOAP)
    else:
        client.finish()
        client.expect_end()
        client = make_client(proxy)
    assert post(client, leg(scheme, "hello"), body=b"")[0] == 401
    client.send_request("POST", "/ews/exchange.asmx", [*wants, leg(scheme, "I am kim")])
    assert client.read_head().status == 100
    client.send(SOAP)
    assert client.read_response("POST").body == b"mailbox of kim, 7"
    assert windows.statuses == [401, 401, 200]


def test_chunked_legs(make_scene, make_client):
    windows, proxy = make_scene()
    client = make_client(proxy)
    for said, status in (("hello", 401), ("I am kim", 200)):
        fields = [*EWS, leg("NTLM", said), ("Transfer-Encoding", "chunked")]
        assert client.ask("POST", "/ews/exchange.asmx", fields, chunked(SOAP, SOAP)).status == status
    assert windows.statuses == [401, 200]


def test_a_body_that_the_server_will_not_have(make_scene, make_client):
    """It says close and means it; so do we, and her log-in is over."""
    _, proxy = make_scene(largest=1000)
    client = make_client(proxy)
    log_in(client, "kim")
    response = client.ask("POST", "/ews/exchange.asmx", EWS, b"x" * 2000)
    assert (response.status, response.get("Connection")) == (404, "close")
    client.expect_end()


def test_the_servers_idle_time_ends_her_connection_too(make_scene, make_client):
    """She comes again and begins honestly, instead of being asked in the middle of her work."""
    _, proxy = make_scene(idle=0.5)
    client = make_client(proxy)
    log_in(client, "kim")
    client.expect_end()
    log_in(make_client(proxy), "kim")


def test_nobody_is_let_onto_her_connection(make_scene, make_client):
    windows, proxy = make_scene()
    kim, lee = make_client(proxy), make_client(proxy)
    log_in(kim, "kim")
    assert post(lee)[0] == 401
    log_in(lee, "lee", "Negotiate")
    assert post(kim) == (200, "mailbox of kim, 7")
    kim.close()
    assert post(make_client(proxy))[0] == 401
    assert {entry.user for entry in windows.log} == {None, "kim", "lee"}
