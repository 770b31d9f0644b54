"""A configuration is one sealed whole: text, chains, authorities and keys, as they were when they were checked."""

import hashlib
import shutil
import ssl

import pytest
from actors import until

def shown(client):
    return hashlib.sha256(client.tls.getpeercert(binary_form=True)).hexdigest()


def fingerprint(path):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()


@pytest.fixture
def files(pki, folder, proxy):
    """The files that the configuration names: copies, which scenes replace."""
    for name in ("public-ec.chain.pem", "public-ec.key", "internal-ca.crt"):
        shutil.copy(pki / name, folder / name)
    proxy.published.update(
        certificate=str(folder / "public-ec.chain.pem"), key=f"file:{folder / 'public-ec.key'}"
    )
    proxy.upstream["verify"]["ca"] = str(folder / "internal-ca.crt")
    return folder


def renew(pki, files):
    """As a renewal does it: other certificate and key under the names of the old ones."""
    for suffix in ("chain.pem", "key"):
        (files / f"new.{suffix}").write_bytes((pki / f"public-rsa.{suffix}").read_bytes())
        (files / f"new.{suffix}").rename(files / f"public-ec.{suffix}")


def remove(pki, files):
    for path in files.iterdir():
        path.unlink()


def write_half(pki, files):
    """A renewal, or an editor, that is in the middle of its work."""
    for path in files.iterdir():
        path.write_bytes(path.read_bytes()[:100])


def replace(proxy, roles):
    """Kills them all at once, and waits for those who take their places."""
    old = {role: proxy.children()[role] for role in roles}
    for pid in old.values():
        proxy.kill(pid)
    for role, pid in old.items():
        until(lambda role=role, pid=pid: proxy.children().get(role, pid) != pid, f"a new {role}")


def shake_hands(proxy, make_client):
    """The first handshake that succeeds, as there may be no keyd for a moment."""

    def attempt():
        client = make_client(handshake=False)
        try:
            client.stream.handshake()
        except OSError:
            return None
        return client

    return until(attempt, "a handshake")


@pytest.mark.parametrize("change", [renew, remove, write_half])
def test_what_became_of_the_files_is_of_no_matter_to_a_process_that_starts_again(
    change, pki, files, proxy, make_client
):
    """Each of them alone, then both: the pair that was checked is the pair that is served."""
    old = fingerprint(pki / "public-ec.crt")
    assert shown(make_client()) == old
    change(pki, files)
    for roles in (["worker"], ["keyd"], ["worker", "keyd"]):
        replace(proxy, roles)
        first = shake_hands(proxy, make_client)
        assert shown(first) == old
        assert first.ask("GET", f"/{len(roles)}").status == 200, "and the upstream is believed as before"
        for tls in ("1.2", "1.3"):
            assert shown(make_client(tls=tls)) == old
    proxy.clients.clear()  # some met a keyd or a worker that was dying


def test_after_a_restart_the_new_certificate_is_shown(pki, files, upstream, proxy, make_proxy, make_client):
    assert shown(make_client()) == fingerprint(pki / "public-ec.crt")
    renew(pki, files)
    proxy.finish()
    again = make_proxy(upstream)
    again.config = proxy.config
    assert shown(make_client(again)) == fingerprint(pki / "public-rsa.crt")


def test_the_configuration_itself_may_be_gone_too(files, proxy, make_client):
    assert make_client().ask().status == 200
    for path in list(proxy.folder.glob("*.yaml")):
        path.write_text("listeners: {")
    replace(proxy, ["worker", "keyd", "resolver"])
    client = shake_hands(proxy, make_client)
    assert client.ask().status == 200
    proxy.clients.clear()
