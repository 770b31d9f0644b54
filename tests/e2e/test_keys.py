"""The process that signs may be slow, stopped or dead: handshakes wait for it, nobody else does.

A stopped keyd (SIGSTOP) is the slowest there is. What a scene asks while it stands still
is served by a worker whose loop does not stand still.
"""

import os
import signal
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from actors import PUBLIC_NAME, Client, until
from wire import DEADLINE, Truncated

CROWD = 40  # more than the turns that a worker has (tls/key_wire.h)


@pytest.fixture
def keyd(proxy):
    """The number of the keyd that works now; whatever a scene does, none stays stopped."""

    def find():
        proxy.port()
        return proxy.children()["keyd"]

    yield find
    with suppress(KeyError, ProcessLookupError):
        os.kill(find(), signal.SIGCONT)


@pytest.fixture
def stopped(keyd):
    """keyd, stopped by the call: stopped() -> its number."""

    def stop():
        pid = keyd()
        os.kill(pid, signal.SIGSTOP)
        return pid

    return stop


@pytest.fixture
def shake(make_client):
    """Handshakes that go on beside the scene: shake(...) -> a future with the client,
    whose hello has left."""
    with ThreadPoolExecutor(CROWD) as threads:

        def shake(**options):
            client = make_client(handshake=False, **options)
            say_hello(client)

            def run():
                client.stream.handshake()
                return client

            return threads.submit(run)

        yield shake


def say_hello(client):
    with suppress(ssl.SSLWantReadError):
        client.tls.do_handshake()
    client.stream._flush()


def expect_no_key(proxy, waiting):
    with pytest.raises(ssl.SSLError) as refusal:
        waiting.result()
    assert "INTERNAL_ERROR" in refusal.value.reason
    proxy.expect_event("tls-rejected", reason="tls-key-unavailable")


def test_who_is_there_already_does_not_notice(make_client, stopped, shake):
    """Even while handshakes wait: their signatures are no trouble of the loop's."""
    client = make_client()
    client.ask()
    keyd = stopped()
    waiting = [shake() for _ in range(CROWD)]
    for number in range(20):
        assert client.ask("GET", f"/{number}").status == 200
    assert not any(handshake.done() for handshake in waiting)
    os.kill(keyd, signal.SIGCONT)
    for handshake in waiting:
        assert handshake.result().ask().status == 200


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_resumed_session_needs_no_signature(make_client, stopped, tls):
    client = make_client(tls=tls)
    client.ask()
    session, context = client.tls.session, client.tls.context
    client.close()
    stopped()
    again = make_client(session=session, context=context)
    assert again.tls.session_reused
    assert again.ask().status == 200


def test_a_second_hello_waits_like_the_first(proxy, pki, make_client, stopped):
    """A client that guessed the wrong curve says hello twice (HelloRetryRequest)."""
    client = make_client()
    keyd = stopped()
    said = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port()}", "-servername", PUBLIC_NAME,
         "-CAfile", pki / "public-ca.crt", "-groups", "P-521:X25519", "-msg"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert client.ask().status == 200
    os.kill(keyd, signal.SIGCONT)
    words, _ = said.communicate(timeout=DEADLINE)
    assert words.count(", ClientHello") == 2, words
    assert "Verify return code: 0 (ok)" in words


def test_a_handshake_that_nobody_signs_ends_with_its_deadline(proxy, keyd, make_client, shake):
    proxy.listener["timeouts"] = {"handshake": "1s"}
    client = make_client()
    os.kill(keyd(), signal.SIGSTOP)
    waiting = [shake() for _ in range(CROWD)]
    for handshake in waiting:
        expect_no_key(proxy, handshake)
    assert client.ask().status == 200
    os.kill(keyd(), signal.SIGCONT)
    assert make_client().ask().status == 200


def test_a_successor_signs_what_the_dead_one_was_asked(proxy, make_client, stopped, shake):
    client = make_client()
    keyd = stopped()
    waiting = [shake() for _ in range(CROWD)]
    client.ask()
    proxy.kill(keyd)
    proxy.expect_event("keys-unavailable")
    for handshake in waiting:
        assert handshake.result().ask().status == 200


def test_a_handshake_right_after_keyd_died_waits_for_the_next(proxy, keyd, make_client):
    proxy.kill(keyd())
    assert make_client().ask().status == 200
    proxy.expect_event("keys-unavailable")


def half_close(client):
    client.stream.sock.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [Client.reset, half_close])
def test_clients_that_leave_while_they_wait_leave_nothing_behind(proxy, make_client, stopped, leave):
    """Their jobs, their questions and their descriptors go with them."""
    client = make_client()
    keyd = stopped()
    gone = [make_client(handshake=False) for _ in range(CROWD)]
    for other in gone:
        say_hello(other)
    client.ask()
    for other in gone:
        leave(other)
    for _ in gone:
        proxy.expect_event("tls-rejected", outcome="failure")
    os.kill(keyd, signal.SIGCONT)
    for number in range(CROWD):
        assert make_client().ask("GET", f"/{number}").status == 200


def test_stopping_while_handshakes_wait_is_clean(proxy, make_client, stopped, shake):
    proxy.config["drain"] = "1s"
    client = make_client()
    keyd = stopped()
    waiting = [shake() for _ in range(3)]
    client.ask()
    client.close()
    proxy.process.send_signal(signal.SIGTERM)
    for handshake in waiting:
        with pytest.raises((ssl.SSLError, Truncated, ConnectionError)):
            handshake.result()
    os.kill(keyd, signal.SIGCONT)
    assert proxy.wait_end() == 0
    assert proxy.stop() == 0


def test_a_worker_that_dies_takes_its_questions_along(proxy, make_client, stopped, shake):
    client = make_client()
    keyd = stopped()
    waiting = [shake() for _ in range(CROWD)]
    client.ask()
    proxy.clients.clear()  # connections of a killed worker have no ending
    proxy.kill(proxy.children()["worker"])
    for handshake in waiting:
        with pytest.raises((Truncated, ConnectionError)):
            handshake.result()
    os.kill(keyd, signal.SIGCONT)
    assert make_client().ask().status == 200


# --- what is told of it


def test_the_log_says_how_many_signatures_each_worker_asked_for(proxy, make_client):
    """At the end at the latest; a resumed session is none of them."""
    clients = [make_client() for _ in range(3)]
    clients[0].ask()
    make_client(session=clients[0].tls.session, context=clients[0].tls.context).ask()
    for client in proxy.clients:
        client.close()
    assert proxy.stop() == 0
    event = proxy.expect_event("keys-asked")
    assert event["postern.process.name"] == "worker-0"
    assert event["postern.keys.signatures"] == 3
    assert event["postern.keys.refused"] == 0
    assert not proxy.events("keys-asked-oddly")


# --- toward the upstream


@pytest.fixture
def strict_upstream(upstream, proxy, pki):
    """Asks for the certificate that postern has for it."""
    upstream.context.verify_mode = ssl.CERT_REQUIRED
    upstream.context.load_verify_locations(pki / "internal-ca.crt")
    proxy.upstream["client_certificate"] = str(pki / "client-proxy.chain.pem")
    proxy.upstream["client_key"] = f"file:{pki / 'client-proxy.key'}"
    return upstream


def test_a_request_waits_for_the_signature_toward_its_upstream(strict_upstream, make_client, keyd):
    client, other = make_client(), make_client()
    os.kill(keyd(), signal.SIGSTOP)
    client.send_request("GET", "/waits")
    other.send_request("GET", "/waits-too")
    until(lambda: strict_upstream.connection_count == 2, "both connections")
    os.kill(keyd(), signal.SIGCONT)
    assert client.read_response().status == 200
    assert other.read_response().status == 200
