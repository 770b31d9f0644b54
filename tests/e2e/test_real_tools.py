"""Programs that somebody else wrote: curl outside, nginx inside. (openssl s_client is in test_tls.py.)"""

import random
import subprocess

import pytest
from actors import PUBLIC_NAME
from wire import DEADLINE
from witness import NginxSite

MEGABYTE = 1 << 20


@pytest.fixture
def curl(proxy, pki):
    def run(path, *options):
        name_and_port = f"{PUBLIC_NAME}:{proxy.port()}"
        done = subprocess.run(
            ["curl", "-sS", "--max-time", str(DEADLINE), "--cacert", pki / "public-ca.crt",
             "--resolve", f"{name_and_port}:127.0.0.1", *options, f"https://{name_and_port}{path}"],
            capture_output=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def nginx(folder, pki):
    nginx = NginxSite(folder, pki)
    yield nginx
    nginx.stop()


@pytest.mark.parametrize("options", [["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.0"]])
def test_curl_gets_and_posts(curl, upstream, options):
    assert curl("/a?b=c", *options) == b"GET /a?b=c\n"
    assert curl("/", *options, "--data-binary", "x" * 100_000) == b"x" * 100_000


def test_curl_waits_for_the_interim_answer_before_a_large_body(curl, upstream, folder):
    """Expect: 100-continue, as curl sends it with every large upload."""
    body = random.Random(2).randbytes(2 * MEGABYTE)
    (folder / "body").write_bytes(body)
    assert curl("/up", "-H", "Expect: 100-continue", "-T", folder / "body") == body


def test_nginx_inside_serves_a_large_file_intact(make_proxy, nginx, make_client):
    """Its ranges, its chunking and its keep-alive are nginx's own, not our test server's."""
    data = random.Random(3).randbytes(3 * MEGABYTE)
    (nginx.site / "file.bin").write_bytes(data)
    proxy = make_proxy()
    proxy.keeps_connections = True
    proxy.upstream["servers"] = [f"https://127.0.0.1:{nginx.port}"]
    client = make_client(proxy)
    assert client.ask("GET", "/short").body == b"hello from nginx"
    assert client.ask("GET", "/file.bin").body == data
    part = client.ask("GET", "/file.bin", [("Range", "bytes=100-199")])
    assert (part.status, part.body) == (206, data[100:200])
    assert client.ask("GET", "/missing").status == 404
