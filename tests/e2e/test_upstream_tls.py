"""Inside as outside: whoever stands behind postern has to prove who it is, and how well it encrypts."""

import base64
import hashlib
import os
import signal
import ssl
import subprocess
from datetime import datetime, timedelta, timezone

import pytest
from actors import INTERNAL_NAME, Client, until
from mint import SERVER, mint
from wire import reply

SECOND_NAME = "webmail.second.test"

# certificate: the reason it is refused for
NO_PROOF = {
    "internal-expired": "upstream-certificate-expired",
    "internal-notyet": "upstream-certificate-early",
    "internal-wrongname": "upstream-certificate-name",
    "internal-selfsigned": "upstream-certificate-chain",
    "internal-nochain": "upstream-certificate-chain",
    "rogue-server": "upstream-certificate-chain",
    "internal-clienteku": "upstream-certificate-purpose",
    "internal-rsa1024": "upstream-certificate-weak",
}


def publish_each(proxy, pki, upstreams):
    """/NAME leads to the upstream NAME, so that one postern meets them all."""
    ca = str(pki / "internal-ca.crt")
    for name, upstream in upstreams.items():
        proxy.config["upstreams"][name] = {
            "servers": upstream.url,
            "verify": {"ca": ca, "name": INTERNAL_NAME},
        }
    proxy.published["routes"] = {f"/{name}": {"upstream": name} for name in upstreams}
    del proxy.config["upstreams"]["webmail"]
    proxy.published["upstream"] = next(iter(upstreams))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls1.2", "tls1.3"])
def test_a_server_that_cannot_prove_itself_never_sees_a_request(
    version, folder, pki, make_upstream, make_proxy, make_client
):
    """Each kind of bad certificate has its own reason, and its handshake is never finished."""
    cn_only, _ = mint(pki, folder, "cn-only", extensions=SERVER)
    kinds = {**NO_PROOF, cn_only: "upstream-certificate-name"}
    upstreams = {}
    for certificate in kinds:
        name = certificate.rpartition("/")[2]
        upstreams[name] = make_upstream(certificate=certificate)
        upstreams[name].context.maximum_version = version
    proxy = make_proxy()
    publish_each(proxy, pki, upstreams)
    client = make_client(proxy)
    for certificate, reason in kinds.items():
        name = certificate.rpartition("/")[2]
        response = client.ask("GET", f"/{name}", [("Authorization", "Basic c2VjcmV0")])
        if response.get("Connection") == "close":
            client = make_client(proxy)
        assert response.status == 502
        event = proxy.expect_event("upstream-certificate-rejected", reason=reason)
        assert event["postern.upstream.name"] == name
        event = proxy.expect_event(None, path=f"/{name}")
        assert (event["event.reason"], event["postern.ended_by"]) == (reason, "upstream")
        assert event["postern.phase"] == "dial"
        assert upstreams[name].connection_count >= 1
        assert (upstreams[name].met_count, upstreams[name].requests) == (0, [])


def test_the_reason_stands_in_words_beside_the_code(make_upstream, make_proxy, make_client):
    proxy = make_proxy(make_upstream(certificate="internal-expired"))
    make_client(proxy).ask()
    assert "expired" in proxy.expect_event("upstream-certificate-rejected")["error.message"]


@pytest.mark.parametrize("certificate", ["internal-rsa", "internal-viaint"])
def test_an_rsa_key_and_a_chain_over_an_intermediate_are_as_good(
    certificate, make_upstream, make_proxy, make_client
):
    proxy = make_proxy(make_upstream(certificate=certificate))
    assert make_client(proxy).ask().status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_not_spoken_inside_either(upstream, proxy, make_client):
    upstream.context.set_ciphers("ALL@SECLEVEL=0")
    upstream.context.minimum_version = ssl.TLSVersion.TLSv1
    upstream.context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert make_client().ask().status == 502
    proxy.expect_event(None, path="/", reason="upstream-tls-weak")
    assert upstream.met_count == 0


@pytest.mark.parametrize("cipher", ["AES256-GCM-SHA384", "NULL-SHA256", "AES128-SHA"])
def test_a_cipher_without_forward_secrecy_or_without_key_is_not_spoken_inside(
    cipher, make_upstream, make_proxy, make_client
):
    upstream = make_upstream(certificate="internal-rsa")
    upstream.context.maximum_version = ssl.TLSVersion.TLSv1_2
    upstream.context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    proxy = make_proxy(upstream)
    assert make_client(proxy).ask().status == 502
    event = proxy.expect_event(None, path="/")
    assert event["event.reason"] in ("upstream-tls", "upstream-tls-weak")
    assert upstream.met_count == 0


def test_the_minimum_inside_can_be_raised(upstream, proxy, make_client):
    proxy.upstream["tls"] = {"minimum": "TLSv1.3"}
    upstream.context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert make_client().ask().status == 502
    proxy.expect_event(None, path="/", reason="upstream-tls-weak")


def test_the_name_to_verify_is_the_name_that_is_asked_for(make_client, make_upstream, make_proxy):
    """verify.name is sent as SNI, so that a front-end with many names presents that one."""
    upstream = make_upstream(handler=None)
    client = make_client(make_proxy(upstream))
    client.send_request()
    connection = upstream.accept()
    connection.expect_request()
    assert connection.server_name == INTERNAL_NAME
    connection.send(reply(204))
    assert client.read_response().status == 204


def test_without_a_name_to_verify_the_servers_own_address_must_be_in_the_certificate(
    make_upstream, make_proxy, make_client
):
    good, bad = make_upstream(), make_upstream(certificate="internal-wrongname")
    proxy = make_proxy(good)
    del proxy.upstream["verify"]["name"]
    assert make_client(proxy).ask().status == 200
    proxy = make_proxy(bad)
    del proxy.upstream["verify"]["name"]
    assert make_client(proxy).ask().status == 502
    proxy.expect_event("upstream-certificate-rejected", reason="upstream-certificate-name")


# --- pins


def pins(pki, name):
    """What an administrator would write: (of the certificate, of its key), in base64."""

    def openssl(*words, data=None):
        return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout

    certificate = openssl("x509", "-in", f"{pki / name}.crt", "-outform", "DER")
    key = openssl("pkey", "-in", f"{pki / name}.key", "-pubout", "-outform", "DER")
    return [f"sha256/{base64.b64encode(hashlib.sha256(der).digest()).decode()}" for der in (certificate, key)]


@pytest.mark.parametrize(
    "shown, pinned, reason",
    [
        ("internal-selfsigned", ["certificate"], None),
        ("internal-selfsigned", ["key"], None),
        ("internal-selfsigned-renewed", ["key"], None),
        ("internal-selfsigned-renewed", ["certificate"], "upstream-certificate-pin"),
        ("internal-selfsigned-expired", ["key"], "upstream-certificate-expired"),
        ("internal-ok", ["certificate", "key"], "upstream-certificate-pin"),
    ],
)
def test_a_server_that_signed_its_own_certificate_is_known_by_a_pin(
    shown, pinned, reason, pki, make_upstream, make_proxy, make_client
):
    """Exchange ships like this. A pin is for the certificate, or for a key that outlives it; never an excuse for its dates."""
    of_certificate, of_key = pins(pki, "internal-selfsigned")
    upstream = make_upstream(certificate=shown)
    proxy = make_proxy(upstream)
    proxy.upstream["verify"] = {
        "pin": [{"certificate": of_certificate, "key": of_key}[kind] for kind in pinned],
        "name": INTERNAL_NAME,
    }
    response = make_client(proxy).ask("GET", "/mail")
    if reason is None:
        assert response.status == 200
        return
    assert response.status == 502
    assert upstream.requests == []
    event = proxy.expect_event("upstream-certificate-rejected", reason=reason)
    if reason == "upstream-certificate-pin":
        for actual in pins(pki, shown):
            assert actual in event["error.message"], "so that an administrator can compare"


def test_a_pin_does_not_replace_the_name(pki, make_upstream, make_proxy, make_client):
    proxy = make_proxy(make_upstream(certificate="internal-selfsigned"))
    proxy.upstream["verify"] = {"pin": pins(pki, "internal-selfsigned")[0], "name": "other.internal.test"}
    assert make_client(proxy).ask().status == 502
    proxy.expect_event("upstream-certificate-rejected", reason="upstream-certificate-name")


def test_a_pin_beside_an_authority_asks_for_both(pki, make_upstream, make_proxy, make_client):
    right, wrong = make_upstream(certificate="internal-ok"), make_upstream(certificate="internal-rsa")
    proxy = make_proxy(right)
    publish_each(proxy, pki, {"right": right, "wrong": wrong})
    for name in ("right", "wrong"):
        proxy.config["upstreams"][name]["verify"]["pin"] = pins(pki, "internal-ok")[1]
    client = make_client(proxy)
    assert client.ask("GET", "/right").status == 200
    assert client.ask("GET", "/wrong").status == 502
    proxy.expect_event("upstream-certificate-rejected", reason="upstream-certificate-pin")


def test_an_issuing_authority_alone_can_be_trusted(pki, make_upstream, make_proxy, make_client):
    """Its root is nowhere in the file: that trusts less, not more."""
    inside, outside = make_upstream(certificate="internal-viaint"), make_upstream(certificate="internal-ok")
    proxy = make_proxy(inside)
    publish_each(proxy, pki, {"inside": inside, "outside": outside})
    for name in ("inside", "outside"):
        proxy.config["upstreams"][name]["verify"]["ca"] = str(pki / "internal-int.crt")
    client = make_client(proxy)
    assert client.ask("GET", "/inside").status == 200
    assert client.ask("GET", "/outside").status == 502
    proxy.expect_event("upstream-certificate-rejected", reason="upstream-certificate-chain")


# --- a certificate of our own


def ask_for_a_client_certificate(upstream, pki):
    upstream.context.verify_mode = ssl.CERT_REQUIRED
    upstream.context.load_verify_locations(pki / "internal-ca.crt")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls1.2", "tls1.3"])
def test_postern_shows_its_own_certificate_to_a_server_that_wants_one(
    version, pki, make_upstream, make_proxy, make_client
):
    upstream = make_upstream(handler=None)
    ask_for_a_client_certificate(upstream, pki)
    upstream.context.maximum_version = version
    proxy = make_proxy(upstream)
    proxy.upstream["client_certificate"] = str(pki / "client-proxy.chain.pem")
    proxy.upstream["client_key"] = f"file:{pki / 'client-proxy.key'}"
    client = make_client(proxy)
    client.send_request()
    connection = upstream.accept()
    connection.expect_request()
    subject = dict(pair for part in connection.stream.tls.getpeercert()["subject"] for pair in part)
    assert subject["commonName"] == "postern"
    connection.send(reply(204))
    assert client.read_response().status == 204


def test_a_signature_that_does_not_come_is_not_the_servers_fault(pki, upstream, proxy, make_client):
    """keyd stands still: a 503, and the server does not rest for it."""
    ask_for_a_client_certificate(upstream, pki)
    proxy.upstream["client_certificate"] = str(pki / "client-proxy.chain.pem")
    proxy.upstream["client_key"] = f"file:{pki / 'client-proxy.key'}"
    proxy.upstream.update(connect="300ms", health={"failures": 1, "rest": "1h"})
    client, other = make_client(), make_client()
    keyd = proxy.children()["keyd"]
    os.kill(keyd, signal.SIGSTOP)
    assert client.ask("POST", "/", body=b"once").status == 503
    proxy.expect_event("request-forwarded", reason="tls-key-unavailable", ended_by="proxy", phase="dial")
    os.kill(keyd, signal.SIGCONT)
    assert other.ask("POST", "/", body=b"once").status == 200
    assert proxy.events("upstream-down") == []


def test_a_server_that_wants_a_certificate_and_gets_none_ends_it(pki, upstream, proxy, make_client):
    ask_for_a_client_certificate(upstream, pki)
    assert make_client().ask("POST", "/", body=b"once").status == 502
    assert upstream.requests == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls1.2", "tls1.3"])
def test_the_next_connection_resumes_the_session_of_the_one_before(version, upstream, proxy, make_client):
    upstream.context.maximum_version = version
    upstream.handler = lambda request: reply(200, b"x", [("Connection", "close")])
    client = make_client()
    client.ask("GET", "/first")
    upstream.hang_up()
    client.ask("GET", "/second")
    assert upstream.connection_count == 2
    assert proxy.expect_event(None, path="/first")["postern.upstream.tls.resumed"] is False
    event = proxy.expect_event(None, path="/second")
    assert event["postern.upstream.tls.resumed"] is True
    assert event["postern.upstream.tls.version"] == ("1.2" if "1_2" in version.name else "1.3")


def test_nothing_outlives_the_certificate(pki, folder, make_upstream, make_proxy, make_client):
    """Neither a pooled connection, nor a user's own, nor a session: all were verified until then."""
    certificate, ends = mint(pki, folder, "short", lifetime=timedelta(seconds=5))
    upstream = make_upstream(certificate=certificate)
    proxy = make_proxy(upstream)
    anybody, alice = make_client(proxy), make_client(proxy)
    assert anybody.ask("GET", "/valid").status == 200
    assert alice.ask("GET", "/hers", [("Authorization", "Negotiate YWxpY2U=")]).status == 200
    assert anybody.ask("GET", "/pooled").status == 200
    assert upstream.met_count == 2
    until(lambda: datetime.now(timezone.utc) > ends + timedelta(seconds=1), "the certificate's end")
    assert anybody.ask("GET", "/late").status == 502
    assert alice.ask("GET", "/late").status == 502
    assert [request.target for request in upstream.requests] == ["/valid", "/hers", "/pooled"]
    proxy.expect_event("upstream-certificate-rejected", reason="upstream-certificate-expired")


# --- the other bridges


@pytest.fixture
def bridges(pki, upstream, proxy, make_upstream):
    """Beside the host that is ended here, one whose TLS passes through to its own server."""
    inner = make_upstream(certificate="public-second")
    proxy.listener["publish"][SECOND_NAME] = {"upstream": "inner"}
    proxy.config["upstreams"]["inner"] = {"servers": inner.url, "bridge": "tunnel"}
    return inner


def test_a_tunnelled_host_shows_the_servers_own_certificate(bridges, upstream, proxy, make_client):
    """postern has no key for that name, so only the server itself can have answered."""
    client = make_client(sni=SECOND_NAME)
    names = [name for _, name in client.tls.getpeercert(binary_form=False)["subjectAltName"]]
    assert names == [SECOND_NAME]
    assert client.ask("GET", "/through").body == b"GET /through\n"
    assert [request.target for request in bridges.requests] == ["/through"]
    assert bridges.requests[0].get("X-Forwarded-For") is None, "nothing inside is touched"
    beside = make_client()
    assert beside.ask("GET", "/ended").body == b"GET /ended\n"
    assert [request.target for request in upstream.requests] == ["/ended"]
    client.close()
    event = proxy.expect_event("connection-ended", **{"source.port": client.address[1]})
    assert "tls.cipher" not in event, "what passes through is not seen"
    assert proxy.events("request-forwarded", path="/through") == []


def test_a_tunnelled_host_is_found_in_a_hello_that_comes_in_pieces(bridges, make_client):
    client = make_client(sni=SECOND_NAME, drip=True)
    assert client.ask("GET", "/bytes").body == b"GET /bytes\n"


@pytest.mark.parametrize("name", [SECOND_NAME, "mail.example.test"])
def test_a_hello_that_is_cut_into_several_records_finds_its_host(name, bridges, make_client):
    """RFC 8446, 5.1 lets a handshake message span records; some clients do it on purpose."""
    client = make_client(sni=name, handshake=False)
    send_raw = client.stream._send_raw

    def cut(record):
        client.stream._send_raw = send_raw
        head, body = record[:3], record[5:]
        parts = [body[i : i + 60] for i in range(0, len(body), 60)]
        send_raw(b"".join(head + len(part).to_bytes(2, "big") + part for part in parts))

    client.stream._send_raw = cut
    client.stream.handshake()
    assert client.ask("GET", "/records").body == b"GET /records\n"


def test_a_large_body_passes_the_tunnel_in_both_directions(bridges, make_client):
    body = bytes(range(256)) * 8192
    assert make_client(sni=SECOND_NAME).ask("POST", "/", body=body).body == body


def test_a_tunnel_whose_server_is_away_ends_without_a_word(bridges, proxy, make_client):
    """There is no TLS of ours to send an alert in, and clear text is never an answer."""
    bridges.go_deaf()
    client = make_client(sni=SECOND_NAME, handshake=False)
    with pytest.raises(OSError):
        client.stream.handshake()
    assert client.stream._in.pending == 0
    event = proxy.expect_event("connection-ended", reason="upstream-connect")
    assert (event["tls.client.server_name"], event["postern.upstream.name"]) == (SECOND_NAME, "inner")


def test_an_unknown_name_is_refused_beside_a_tunnel(bridges, make_client, proxy):
    make_client(sni="other.example.test", handshake=False).expect_handshake_refused("UNRECOGNIZED_NAME")
    proxy.expect_event("tls-rejected", reason="tls-name-unknown")


def test_clear_text_inside_works_and_is_announced(make_upstream, make_proxy, make_client):
    upstream = make_upstream(clear=True)
    proxy = make_proxy(upstream)
    proxy.upstream.update(bridge="clear_text")
    del proxy.upstream["verify"]
    assert make_client(proxy).ask("GET", "/plain").body == b"GET /plain\n"
    assert proxy.expect_event("upstream-unprotected")["postern.upstream.name"] == "webmail"
    assert "postern.upstream.tls.version" not in proxy.expect_event("request-forwarded")
    assert upstream.requests[0].get("X-Forwarded-Proto") == "https"
