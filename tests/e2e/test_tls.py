"""What a client must speak before it may ask anything, and whom it then speaks to."""

import socket
import ssl
import subprocess
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME, Client
from wire import DEADLINE, Truncated, lines

SECOND_NAME = "webmail.second.test"
UNEXPECTED_MESSAGE = b"\x15\x03\x03\x00\x02\x02\x0a"
PASSWORD = "correct-horse-battery"


def configure(proxy):
    def certificate(name):
        return {"certificate": str(proxy.pki / f"{name}.chain.pem"), "key": f"file:{proxy.pki / name}.key"}

    proxy.config["workers"] = 2
    proxy.listener["default"] = PUBLIC_NAME
    del proxy.published["key"]
    proxy.published["certificate"] = [certificate("public-ec"), certificate("public-rsa")]
    proxy.listener["publish"][SECOND_NAME] = {
        **certificate("public-second"),
        "application": "any",
        "upstream": "webmail",
    }


@pytest.fixture
def s_client(stage):
    """openssl s_client with the weakest settings it has; returns all that it said."""

    def run(*options, typed=b""):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{stage.proxy.port()}", "-servername", PUBLIC_NAME,
             "-CAfile", stage.pki / "public-ca.crt", "-verify_return_error", *options],
            input=typed,
            capture_output=True,
            check=False,
            timeout=DEADLINE,
        )  # fmt: skip
        return (done.stdout + done.stderr).decode(errors="replace")

    return run


def context_for(pki, ciphers):
    context = Client.context(pki, "1.2")
    context.set_ciphers(ciphers)
    return context


def resumable(stage, **options):
    """A client with one answered request, and the session it may resume."""
    client = stage.client(**options)
    assert client.ask("GET", "/").status == 200
    return client, client.tls.session


# --- strength


@pytest.mark.parametrize(
    "options",
    [
        ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "NULL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
        ["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "DHE:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "AES128-CCM8:ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"],
        ["-tls1_2", "-cipher", "PSK:@SECLEVEL=0", "-psk", "00"],
        ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256", "-cipher", "DEFAULT:@SECLEVEL=0"],
        ["-curves", "secp521r1", "-cipher", "DEFAULT:@SECLEVEL=0"],
        ["-sigalgs", "RSA+SHA1:ECDSA+SHA1", "-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0"],
        ["-alpn", "h2"],
    ],
    ids=lambda options: " ".join(options),
)
def test_what_is_weak_or_foreign_is_not_agreed_on(stage, s_client, options):
    said = s_client(*options)
    assert "Cipher is (NONE)" in said or "no cipher match" in said, said
    if "no cipher match" not in said:
        stage.proxy.expect_event("tls-rejected")


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
def test_openssl_is_served_and_trusts_the_chain(s_client, version):
    said = s_client(version, "-brief")
    assert "CONNECTION ESTABLISHED" in said, said
    assert "Verification: OK" in said


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_neither_compression_nor_renegotiation_nor_early_data_is_offered(s_client, tls):
    said = s_client(f"-tls{tls.replace('.', '_')}", "-cipher", "DEFAULT:@SECLEVEL=0")
    assert "Compression: NONE" in said
    assert "Verify return code: 0 (ok)" in said
    if tls == "1.3":
        assert "Max Early Data: 0" in said or "Early data was not sent" in said


def test_a_client_that_renegotiates_is_refused_and_nothing_else_happens(stage, s_client):
    said = s_client("-tls1_2", typed=b"R\n")
    assert "no renegotiation" in said or "RENEGOTIATING" in said and "BEGIN CERTIFICATE" in said, said
    assert stage.upstream.requests == []


def test_the_servers_order_of_ciphers_counts(stage):
    ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
    client = stage.client(context=context_for(stage.pki, ciphers))
    assert client.tls.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_a_client_that_wants_chacha20_most_gets_it(stage):
    """Phones without AES in hardware put it first."""
    ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"
    client = stage.client(context=context_for(stage.pki, ciphers))
    assert client.tls.cipher()[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"


@pytest.mark.parametrize("tls", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("curve", ["P-256", "P-384", "X25519"])
def test_sane_curves_are_spoken(s_client, curve, tls):
    assert "Verify return code: 0 (ok)" in s_client(tls, "-curves", curve)


@pytest.mark.parametrize("kind", ["ECDSA", "RSA"])
def test_rsa_and_ecdsa_stand_side_by_side_for_one_host(stage, kind):
    client = stage.client(context=context_for(stage.pki, f"ECDHE-{kind}-AES128-GCM-SHA256"))
    assert client.tls.cipher()[0] == f"ECDHE-{kind}-AES128-GCM-SHA256"
    assert client.ask("GET", "/").status == 200


def test_the_log_tells_what_was_agreed_on(stage):
    client = stage.client(tls="1.3")
    client.ask("GET", "/")
    client.close()
    event = stage.event_of(client, "connection-ended")
    assert (event["tls.version"], event["tls.client.server_name"]) == ("1.3", PUBLIC_NAME)
    assert event["tls.cipher"].startswith("TLS_")
    assert event["tls.resumed"] is False


# --- names


def test_each_host_has_its_own_certificate(stage):
    """The client verifies name and chain: a wrong certificate would fail the handshake."""
    for name in [PUBLIC_NAME, SECOND_NAME]:
        assert stage.client(sni=name).ask("GET", "/", host=name).status == 200


def test_the_case_of_a_name_does_not_matter(stage):
    assert stage.client(sni=PUBLIC_NAME.upper()).ask("GET", "/").status == 200


def test_a_client_without_a_name_gets_the_default_host(stage):
    client = stage.client(sni=None)
    assert client.ask("GET", "/", host=PUBLIC_NAME).status == 200
    assert client.ask("GET", "/", host=SECOND_NAME).status == 421


@pytest.mark.parametrize("sni", ["other.example.test", "second.test", "a." + SECOND_NAME, "localhost"])
def test_a_name_that_is_not_published_is_an_alert(stage, sni):
    client = stage.client(sni=sni, handshake=False)
    client.expect_handshake_refused("UNRECOGNIZED_NAME")
    event = stage.event_of(client, "tls-rejected", reason="tls-name-unknown")
    assert event["tls.client.server_name"] == sni


@pytest.mark.parametrize("host", [SECOND_NAME, "other.example.test", "127.0.0.1"])
def test_a_host_other_than_the_tls_name_is_misdirected(stage, host):
    """Else a client could reach what another name's rules protect (domain fronting)."""
    client = stage.client(sni=PUBLIC_NAME)
    assert client.ask("GET", "/", host=host).status == 421
    stage.event_of(client, "request-blocked", status=421)
    assert stage.upstream.requests == []


# --- resumption


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_every_worker_resumes_what_any_worker_began(stage, tls):
    context = Client.context(stage.pki, tls)
    first, session = resumable(stage, context=context)
    assert first.tls.session_reused is False
    for _ in range(40):  # the kernel spreads them over both workers
        client = stage.client(context=context, session=session)
        assert client.tls.session_reused is True
        assert client.ask("GET", "/").status == 200
        client.close()
        stage.event_of(client, "connection-ended", **{"tls.resumed": True})


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_session_of_one_host_is_none_for_another(stage, tls):
    """CVE-2025-23419: what was agreed with one host says nothing about the next."""
    context = Client.context(stage.pki, tls)
    context.check_hostname = False
    _, session = resumable(stage, context=context, sni=SECOND_NAME)
    client = stage.client(context=context, session=session, sni=PUBLIC_NAME)
    assert client.tls.session_reused is False
    client = stage.client(context=context, session=session, sni=SECOND_NAME)
    assert client.tls.session_reused is True


# --- clear text


CLEAR = {
    "http": lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", f"Authorization: Basic {PASSWORD}", ""),
    "form": lines("POST / HTTP/1.1", f"Host: {PUBLIC_NAME}", "") + f"user=a&password={PASSWORD}".encode(),
    "roundcube": lines("POST / HTTP/1.1", f"Host: {PUBLIC_NAME}", "") + f"_user=a&_pass={PASSWORD}".encode(),
    "cookie": lines("GET / HTTP/1.1", f"Host: {PUBLIC_NAME}", f"Cookie: sid={PASSWORD}", ""),
}


@pytest.mark.parametrize("name", CLEAR)
def test_clear_text_gets_an_alert_and_its_password_is_kept_nowhere(stage, name):
    client = stage.client(clear=True)
    client.send(CLEAR[name])
    assert client.read_some() == UNEXPECTED_MESSAGE
    client.expect_end()
    event = stage.event_of(client, "clear-text", reason="tls-clear-text")
    assert event["postern.clear_text_credentials"] is True
    assert PASSWORD not in stage.proxy.everything_logged()
    assert stage.upstream.requests == []


@pytest.mark.parametrize(
    "raw", [b"GET / HTTP/1.0\r\n\r\n", b"EHLO x\r\n", b"\x80\x2e\x01\x00\x02", b"\0", b"SSH-2.0-x\r\n"]
)
def test_anything_but_a_handshake_gets_an_alert(stage, raw):
    client = stage.client(clear=True)
    client.send(raw)
    assert client.read_some() == UNEXPECTED_MESSAGE
    client.expect_end()
    event = stage.event_of(client, "clear-text")
    assert "postern.clear_text_credentials" not in event


def test_much_clear_text_does_not_push_the_alert_aside(stage):
    """What still comes is thrown away: a reset would overtake the alert."""
    client = stage.client(clear=True)
    client.send(CLEAR["form"] + b"x" * 300_000)
    assert client.read_some() == UNEXPECTED_MESSAGE
    client.expect_end()
    stage.event_of(client, "clear-text")


def test_the_alert_arrives_before_the_end_and_what_follows_does_not_reset_it(stage):
    """Closing with bytes unread would reset the connection, and the reason would be lost."""
    client = stage.client(clear=True)
    client.send(lines("POST / HTTP/1.1", "Host: mail.example.test", "") + bytes(256 * 1024))
    assert client.read_bytes(7) == UNEXPECTED_MESSAGE
    client.expect_end()
    client.stream.sock.sendall(bytes(4 * 1024 * 1024))  # fails when the connection was reset


# --- what is no TLS, or only nearly


def hello_of(client):
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    return client.stream._out.read()


@pytest.mark.parametrize("at", [5, 11, 43, 60])
@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_a_broken_hello_is_refused_and_nothing_else_happens(stage, at, byte):
    client = stage.client(handshake=False)
    hello = bytearray(hello_of(client))
    hello[at : at + 2] = bytes([byte, byte])
    client.stream.sock.sendall(hello)
    client.stream.sock.shutdown(socket.SHUT_WR)
    client.expect_gone()
    stage.event_of(client, "tls-rejected")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_broken_record_gets_an_alert_and_ends_the_connection(stage, tls):
    """RFC 8446, 6.2 and RFC 5246, 7.2.2: the client learns why, whatever the connection had carried."""
    client = stage.client(tls=tls)
    client.ask("GET", "/")
    client.tls.write(b"GET / HTTP/1.1\r\n")
    record = bytearray(client.stream._out.read())
    record[-1] ^= 1
    client.stream.sock.sendall(record)
    with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
        client.read_response()
    stage.event_of(client, "connection-ended", reason="tls-record")


def test_clear_text_behind_the_handshake_ends_the_connection(stage):
    """STARTTLS-like injection: bytes outside the records never become a request."""
    client = stage.client()
    client.stream.sock.sendall(CLEAR["http"])
    with pytest.raises(ssl.SSLError, match="ALERT"):
        client.read_response()
    stage.event_of(client, "connection-ended", reason="tls-record")
    assert stage.upstream.requests == []


def test_http_sent_together_with_the_end_of_the_handshake_is_answered(stage):
    """The client's Finished and its first request may share a packet."""
    client = stage.client(handshake=False, tls="1.3")
    client.stream.sock.sendall(hello_of(client))
    while True:
        client.stream._in.write(client.stream.sock.recv(65536))
        with suppress(ssl.SSLWantReadError):
            client.tls.do_handshake()
            break
    client.send_request()
    assert client.read_response().status == 200
