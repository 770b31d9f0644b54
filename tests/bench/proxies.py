"""The four proxies, each configured to do the same work.

TLS 1.3 toward clients and toward the internal server, whose certificate is
verified; HTTP/1.1 with connections kept on both sides; one line of log per
request; one worker. Where they differ, equality() in `run` says so.
"""

import os
import re
import shutil
import subprocess

from pki import NAME, UPSTREAM_NAME
from process import IS_ROOT, Process, connections_limit, free_ports
from upstream import nginx_temporary


LISTENERS = ("ecdsa", "rsa", "rsa4096")  # by the kind of their certificate


class Proxy:
    """How to configure and start one of them. `start()` gives a fresh Process."""

    name = ""
    program = ""
    package = ""
    version_option = ""
    talks = False  # whether it says on standard output that it is ready

    def path(self):
        return shutil.which(self.program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")

    def version(self):
        said = subprocess.run(
            [self.path(), self.version_option],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ).stdout
        found = re.search(r"\d+\.\d+[-.\w+]*", said)
        return found[0] if found else "unknown"

    def start(self, folder, pki, upstream, processors):
        os.makedirs(f"{folder}/log")
        os.chmod(folder, 0o755)
        os.chmod(f"{folder}/log", 0o777)  # whoever writes the log may not be root
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        with open(f"{folder}/config", "w") as config:
            config.write(self.config(folder, pki, upstream, ports))
        process = Process(
            self.name,
            self.command(folder),
            f"{folder}/out",
            processors,
            ports=ports,
            talks=self.talks,
        )
        try:
            self.wait_ready(process)
        except BaseException:
            process.__exit__()
            raise
        return process

    def wait_ready(self, process):
        for port in process.ports.values():
            process.wait_listening(port)

    def command(self, folder):
        raise NotImplementedError

    def config(self, folder, pki, upstream, ports):
        raise NotImplementedError


class Postern(Proxy):
    name = "postern"
    application = "any"
    version_option = "--version"
    talks = True

    def __init__(self, program):
        self.program = program

    def path(self):
        return self.program if os.access(self.program, os.X_OK) else None

    def wait_ready(self, process):
        line = process.read_line(15, "line `postern ready`")
        if line != "postern ready":
            process.fail(f"said {line!r} instead of `postern ready`")

    def command(self, folder):
        return [self.program, "run", "--config", f"{folder}/config"]

    def config(self, folder, pki, upstream, ports):
        listeners = "".join(
            f"""\
  {kind}:
    address: "127.0.0.1:{ports[kind]}"
    connections: {connections_limit()}
    publish:
      {NAME}:
        certificate: {getattr(pki, kind).chain}
        key: file:{getattr(pki, kind).key}
        application: {self.application}
        upstream: inside
"""
            for kind in ports
        )
        return f"""\
version: 1
workers: 1
{"user: nobody" if IS_ROOT else ""}
listeners:
{listeners}
upstreams:
  inside:
    servers: ["https://127.0.0.1:{upstream.port}"]
    verify:
      ca: {pki.ca}
      name: {UPSTREAM_NAME}
log:
  to: "file:{folder}/log/access.log"
"""


class Gated(Postern):
    """All checks and mitigations of an application; one more rule lets the bench's files in."""

    name = "gated"
    application = (
        "{extends: roundcube, paths: {BE010: {path: /**, methods: [GET, HEAD, POST], "
        "types: [application/octet-stream], body: 64MiB, source: the bench}}}"
    )


class Nginx(Proxy):
    name = "nginx"
    program = "nginx"
    package = "nginx-light"
    version_option = "-v"

    def command(self, folder):
        return [self.path(), "-c", f"{folder}/config", "-e", "stderr"]

    def config(self, folder, pki, upstream, ports):
        servers = "".join(
            f"""
    server {{
        listen 127.0.0.1:{ports[kind]} ssl backlog=4096;
        server_name {NAME};
        ssl_certificate {getattr(pki, kind).chain};
        ssl_certificate_key {getattr(pki, kind).key};
        location / {{
            proxy_pass https://inside;
        }}
    }}"""
            for kind in ports
        )
        return f"""\
daemon off;
{"user nobody nogroup;" if IS_ROOT else ""}
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{
    worker_connections {2 * connections_limit()};
}}
http {{
    {nginx_temporary(folder)}
    # Lines are written in batches, as postern's are.
    access_log {folder}/log/access.log combined buffer=64k flush=1s;
    keepalive_timeout 600s;
    keepalive_requests 100000000;
    ssl_protocols TLSv1.2 TLSv1.3;

    # Streams both ways, as the others do, and never to the disk.
    client_max_body_size 128m;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    proxy_buffer_size 16k;
    proxy_buffers 8 16k;

    upstream inside {{
        server 127.0.0.1:{upstream.port};
        keepalive 64;
        keepalive_timeout 600s;
        keepalive_requests 100000000;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate {pki.ca};
    proxy_ssl_name {UPSTREAM_NAME};
    proxy_ssl_server_name on;
    proxy_ssl_session_reuse on;
{servers}
}}
"""


class Haproxy(Proxy):
    name = "haproxy"
    program = "haproxy"
    package = "haproxy"
    version_option = "-v"

    def command(self, folder):
        # It cannot write to a file itself. Its output is one (see Process).
        return [self.path(), "-db", "-f", f"{folder}/config"]

    def config(self, folder, pki, upstream, ports):
        binds = "\n    ".join(
            f"bind 127.0.0.1:{ports[kind]} backlog 4096 ssl crt {getattr(pki, kind).both}"
            " alpn http/1.1"
            for kind in ports
        )
        return f"""\
global
    nbthread 1
    maxconn {connections_limit() - 300}
    log stdout format raw local0 info
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-server-options ssl-min-ver TLSv1.2
    {"user nobody" if IS_ROOT else ""}
    {"group nogroup" if IS_ROOT else ""}

defaults
    mode http
    log global
    option httplog
    option forwardfor
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s

frontend public
    {binds}
    http-request set-header X-Forwarded-Proto https
    default_backend inside

backend inside
    # As nginx and H2O do. The default, safe, would dial anew for each connection's
    # first request.
    http-reuse always
    server inside 127.0.0.1:{upstream.port} ssl verify required ca-file {pki.ca} \
sni str({UPSTREAM_NAME}) verifyhost {UPSTREAM_NAME}
"""


class H2o(Proxy):
    name = "h2o"
    program = "h2o"
    package = "h2o"
    version_option = "-v"

    def command(self, folder):
        return [self.path(), "-c", f"{folder}/config"]

    def config(self, folder, pki, upstream, ports):
        listens = "".join(
            f"""\
listen:
  host: 127.0.0.1
  port: {ports[kind]}
  ssl:
    certificate-file: {getattr(pki, kind).chain}
    key-file: {getattr(pki, kind).key}
    minimum-version: TLSv1.2
    ocsp-update-interval: 0
"""
            for kind in ports
        )
        return f"""\
num-threads: 1
max-connections: {connections_limit()}
{"user: nobody" if IS_ROOT else ""}
http1-request-timeout: 600
access-log: {folder}/log/access.log
{listens}
hosts:
  "*":
    paths:
      "/":
        proxy.reverse.url: "https://localhost:{upstream.port}/"
        proxy.preserve-host: ON
        proxy.timeout.keepalive: 600000
        proxy.timeout.io: 600000
        proxy.ssl.cafile: {pki.ca}
        proxy.ssl.verify-peer: ON
"""
