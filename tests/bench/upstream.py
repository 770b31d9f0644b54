"""The internal server that all proxies publish: an nginx of its own."""

import os
import re
import resource
import socket

from process import IS_ROOT, Process, connections_limit, free_ports

UPLOAD_BYTES = 1024 * 1024
UPLOAD_ANSWER = "taken"
FILES = {"1k": 1024, "16k": 16 * 1024, "100k": 100 * 1024, "25m": 25 * 1024 * 1024}


class Upstream(Process):
    """nginx with the files; it takes an upload as a whole before it answers."""

    def __init__(self, folder, pki, processors):
        self.folder = folder
        os.makedirs(f"{folder}/files", 0o755)
        for name, size in FILES.items():
            with open(f"{folder}/files/{name}", "wb") as file:
                file.write(os.urandom(size))
        self.port, self.status_port = free_ports(2)
        with open(f"{folder}/nginx.conf", "w") as config:
            config.write(self._config(pki))
        super().__init__(
            "the upstream",
            ["nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr"],
            f"{folder}/out",
            processors,
        )
        self.wait_listening(self.port)

    def _config(self, pki):
        return f"""\
daemon off;
{"user nobody nogroup;" if IS_ROOT else ""}
worker_processes 1;
worker_rlimit_nofile {resource.getrlimit(resource.RLIMIT_NOFILE)[0]};
pid {self.folder}/pid;
error_log stderr warn;
events {{
    worker_connections {connections_limit()};
}}
http {{
    {nginx_temporary(self.folder)}
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 100000000;
    open_file_cache max=16;
    client_max_body_size 64m;
    server {{
        listen 127.0.0.1:{self.port} ssl backlog=4096;
        ssl_certificate {pki.upstream.chain};
        ssl_certificate_key {pki.upstream.key};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        ssl_ecdh_curve X25519;
        root {self.folder}/files;
        default_type application/octet-stream;
        location = /upload {{
            # Read whole, kept in memory, then a short 200.
            client_body_buffer_size 2m;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://unix:{self.folder}/sink.sock;
        }}
    }}
    server {{
        listen unix:{self.folder}/sink.sock;
        location / {{
            return 200 "{UPLOAD_ANSWER}";
        }}
    }}
    server {{
        listen 127.0.0.1:{self.status_port};
        location / {{
            stub_status;
        }}
    }}
}}
"""

    def connections(self):
        """How many connections it has accepted so far, but for those of this question."""
        with socket.create_connection(("127.0.0.1", self.status_port)) as status:
            status.sendall(b"GET / HTTP/1.0\r\n\r\n")
            page = b"".join(iter(lambda: status.recv(4096), b"")).decode()
        return int(re.search(r"requests\n +(\d+)", page)[1])


def nginx_temporary(folder):
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "\n    ".join(f"{kind}_temp_path {folder}/temp-{kind};" for kind in kinds)
