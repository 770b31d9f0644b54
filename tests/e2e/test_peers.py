"""Peers that somebody else wrote: curl and openssl outside, nginx inside."""

import os
import random
import signal
import socket
import subprocess

import pytest
from actors import PUBLIC_NAME, until
from wire import DEADLINE

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
def s_client(proxy, pki):
    """openssl s_client: (it got through, what it said)."""

    def run(*options):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.port()}", "-servername", PUBLIC_NAME,
             "-CAfile", pki / "public-ca.crt", "-verify_return_error", "-brief", *options],
            input=b"",
            capture_output=True,
            check=False,
            timeout=DEADLINE,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode(errors="replace")
        return "CONNECTION ESTABLISHED" in said, said

    return run


class Nginx:
    """An internal front-end as many have it, on a socket that is bound before it starts."""

    def __init__(self, folder, pki):
        self.root = folder / "nginx"
        (self.root / "site").mkdir(parents=True)
        os.chmod(self.root, 0o755)
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        user = "user nobody nogroup;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{kind}_temp_path {self.root}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.root / "nginx.conf").write_text(f"""
            daemon off; worker_processes 1; pid {self.root}/pid; error_log {self.root}/error.log; {user}
            events {{ worker_connections 64; }}
            http {{
                access_log off; {temporary}
                server {{
                    listen 127.0.0.1:{self.port} ssl;
                    ssl_certificate {pki}/internal-ok.chain.pem;
                    ssl_certificate_key {pki}/internal-ok.key;
                    root {self.root}/site;
                    location /short {{ return 200 "hello from nginx"; }}
                }}
            }}""")
        # nginx takes over the sockets that this variable names: no port is guessed.
        self.process = subprocess.Popen(
            ["nginx", "-c", self.root / "nginx.conf", "-e", self.root / "error.log"],
            env={**os.environ, "NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
        )
        listening.close()
        until(lambda: (self.root / "pid").exists() or self.process.poll() is not None, "nginx")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)


@pytest.fixture
def nginx(folder, pki):
    nginx = Nginx(folder, pki)
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


@pytest.mark.parametrize(
    "options",
    [
        ["-tls1"],
        ["-tls1_1"],
        ["-tls1_2", "-cipher", "AES256-GCM-SHA384"],
        ["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"],
    ],
    ids=["tls1.0", "tls1.1", "no-forward-secrecy", "under-128-bits"],
)
def test_openssl_offers_what_is_too_weak(s_client, proxy, options):
    established, said = s_client(*options, *([] if "-cipher" in options else ["-cipher", "ALL:@SECLEVEL=0"]))
    assert not established, said
    proxy.expect_event("tls-rejected")


@pytest.mark.parametrize("options", [["-tls1_3"], ["-tls1_2"]], ids=["tls1.3", "tls1.2"])
def test_openssl_is_served_and_trusts_the_chain(s_client, options):
    established, said = s_client(*options)
    assert established, said
    assert "Verification: OK" in said


def test_nginx_inside_serves_a_large_file_intact(make_proxy, nginx, pki, make_client):
    """Its ranges, its chunking and its keep-alive are nginx's own, not our test server's."""
    data = random.Random(3).randbytes(3 * MEGABYTE)
    (nginx.root / "site/file.bin").write_bytes(data)
    proxy = make_proxy()
    proxy.keeps_connections = True
    proxy.upstream["servers"] = [f"https://127.0.0.1:{nginx.port}"]
    client = make_client(proxy)
    assert client.ask("GET", "/short").body == b"hello from nginx"
    assert client.ask("GET", "/file.bin").body == data
    part = client.ask("GET", "/file.bin", [("Range", "bytes=100-199")])
    assert (part.status, part.body) == (206, data[100:200])
    assert client.ask("GET", "/missing").status == 404
