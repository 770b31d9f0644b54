"""Many published hosts: found by name, and no descriptor and no process for each."""

import copy

import pytest

HOSTS = 99


@pytest.fixture
def many(pki, proxy):
    """Names below a wildcard that is published too, beside the host with a key of its own."""
    for number in range(HOSTS):
        proxy.listener["publish"][f"host{number}.wild.test"] = {
            **copy.deepcopy(proxy.published),
            "certificate": str(pki / "public-wildcard.chain.pem"),
            "key": f"file:{pki / 'public-wildcard.key'}",
            "application": ["any", "exchange", "roundcube"][number % 3],
        }
    proxy.listener["publish"]['"*.wild.test"'] = {
        **proxy.listener["publish"]["host0.wild.test"],
        "application": "any",
    }
    return proxy


def test_each_host_is_found_among_many(many, make_client):
    for name in ("host0.wild.test", "host48.wild.test", "host98.wild.test", "other.wild.test"):
        assert make_client(sni=name).ask("GET", "/owa/", host=name).status == (
            404 if name == "host98.wild.test" else 200
        ), name
    names = [name for _, name in make_client().tls.getpeercert()["subjectAltName"]]
    assert "mail.example.test" in names, "and beside them the one with a certificate of its own"
    make_client(sni="a.b.wild.test", handshake=False).expect_handshake_refused("UNRECOGNIZED_NAME")


def test_keys_and_certificates_take_no_descriptors(many, make_client):
    """As systemd and a login shell start it, with 1024; a quarter of that is enough."""
    many.listener["connections"] = 20
    wrapper = many.folder / "few-descriptors"
    wrapper.write_text(f'#!/bin/sh\nulimit -n 256\nexec {many.program} "$@"\n')
    wrapper.chmod(0o755)
    many.program = wrapper
    assert make_client(sni="host1.wild.test").ask("GET", "/owa/", host="host1.wild.test").status == 200
    many.kill(many.children()["keyd"])
    many.expect_event("process-lost")
    assert all(count < 100 for count in many.descriptors().values())
