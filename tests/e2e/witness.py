"""Servers that somebody else wrote, each of which tells what it believes to have been asked.

They stand behind postern in clear text on loopback, so that nothing but HTTP is between
the two, and are as generous in what they read as their settings allow.
"""

import os
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from typing import NamedTuple

import h11
from actors import INTERNAL_NAME, until
from wire import DEADLINE


class Asked(NamedTuple):
    """A request as a server understood it; the id is None when it read none."""

    id: str | None
    method: str
    path: str


class Witness:
    """A server that somebody else wrote, and what it believes to have been asked."""

    def __init__(self, folder):
        self.root = folder / type(self).__name__
        self.root.mkdir()
        os.chmod(self.root, 0o777)
        self.log = self.root / "seen"
        (self.root / "0").write_text("hello")
        self.start()

    def requests(self):
        seen = []
        for line in self.log.read_text(errors="replace").splitlines():
            request_id, _, request = line.partition(" ")
            method, _, rest = request.partition(" ")
            path = rest.partition(" ")[0].partition("?")[0]
            seen.append(Asked(None if request_id == "-" else request_id, method, path))
        return seen

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(DEADLINE)


class Nginx(Witness):
    def start(self):
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        user = "user nobody nogroup;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{kind}_temp_path {self.root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.root / "conf").write_text(f"""
            daemon off; worker_processes 1; pid {self.root}/pid; error_log {self.root}/error; {user}
            events {{ worker_connections 128; }}
            http {{
                {temporary}
                map $http_x_request_id $id {{ "" "-"; default $http_x_request_id; }}
                log_format seen '$id $request';
                access_log {self.log} seen;
                large_client_header_buffers 4 64k;
                ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;
                server {{ {self.server()} }}
            }}""")
        # nginx takes over the sockets that this variable names: no port is guessed.
        self.process = subprocess.Popen(
            ["nginx", "-c", self.root / "conf", "-e", self.root / "error"],
            env={**os.environ, "NGINX": f"{listening.fileno()};"},
            pass_fds=[listening.fileno()],
        )
        listening.close()
        until(lambda: (self.root / "pid").exists() or self.process.poll() is not None, "nginx")


    def server(self):
        return f"listen 127.0.0.1:{self.port}; return 200 hello;"


class NginxSite(Nginx):
    """An internal front-end as many have it: over TLS, with files in `site`."""

    def __init__(self, folder, pki):
        self.pki = pki
        super().__init__(folder)

    def server(self):
        self.site = self.root / "site"
        self.site.mkdir()
        return f"""
            listen 127.0.0.1:{self.port} ssl;
            ssl_certificate {self.pki}/internal-ok.chain.pem;
            ssl_certificate_key {self.pki}/internal-ok.key;
            root {self.site};
            location /short {{ return 200 "hello from nginx"; }}"""


class Apache(Witness):
    """Told to be as generous as it once was: HttpProtocolOptions Unsafe."""

    def start(self):
        modules = "/usr/lib/apache2/modules"
        user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
        while True:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
            (self.root / "conf").write_text(f"""
                LoadModule mpm_event_module {modules}/mod_mpm_event.so
                LoadModule authz_core_module {modules}/mod_authz_core.so
                ServerName {INTERNAL_NAME}
                ServerRoot {self.root}
                DefaultRuntimeDir {self.root}
                DocumentRoot {self.root}
                PidFile {self.root}/pid
                ErrorLog {self.root}/error
                Listen 127.0.0.1:{self.port}
                {user}
                StartServers 1
                ServerLimit 1
                MaxRequestWorkers 25
                HttpProtocolOptions Unsafe LenientMethods Allow0.9
                LimitRequestFieldSize 65536
                LimitRequestLine 32768
                MergeSlashes Off
                LogFormat "%{{X-Request-ID}}i %r" seen
                CustomLog {self.log} seen
                """)
            self.process = subprocess.Popen(["apache2", "-X", "-f", self.root / "conf"])
            until(lambda: (self.root / "pid").exists() or self.process.poll() is not None, "Apache")
            if self.process.poll() is None:
                return
            # It cannot take over a socket: somebody may have been quicker with the port.
            error = (self.root / "error").read_text()
            assert "could not bind" in error or "no listening sockets" in error.lower(), error


class LighttpdCgi(Witness):
    """Answers with the variables that it hands to CGI programs, one a line."""

    def start(self):
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        (self.root / "variables.sh").write_text("printf 'Content-Type: text/plain\\r\\n\\r\\n'; env\n")
        (self.root / "conf").write_text(f"""
            server.document-root = "{self.root}"
            server.modules = ("mod_cgi")
            server.systemd-socket-activation = "enable"
            server.bind = "127.0.0.1"
            server.port = {self.port}
            server.pid-file = "{self.root}/pid"
            server.errorlog = "{self.root}/error"
            cgi.assign = (".sh" => "/bin/sh")
            """)
        # The way of systemd: the socket is descriptor 3 of the process of this number.
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&"$1" && LISTEN_PID=$$ LISTEN_FDS=1 exec lighttpd -D -f "$2"', "bash",
             str(listening.fileno()), self.root / "conf"],
            pass_fds=[listening.fileno()],
            env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"},
        )  # fmt: skip
        listening.close()
        until(lambda: (self.root / "pid").exists() or self.process.poll() is not None, "lighttpd")


class PythonH11(Witness):
    """A reader that refuses whatever is not exactly HTTP/1.1."""

    def start(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._serving = []
        self._accepting = threading.Thread(target=self._accept_all, daemon=True)
        self._accepting.start()

    def stop(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in [self._accepting, *self._serving]:
            thread.join(DEADLINE)

    def _accept_all(self):
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self._serving.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._serving[-1].start()

    def _serve(self, sock):
        connection = h11.Connection(h11.SERVER)
        with sock, suppress(OSError):
            try:
                while self._take(connection, sock):
                    pass
            except h11.RemoteProtocolError as error:
                # A message that ends in the middle is one that postern gave up.
                if "incomplete" not in str(error) and "without sending complete" not in str(error):
                    self._write(f"- GARBAGE {error}")

    def _take(self, connection, sock):
        """One step; False at the end of the connection."""
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                sock.sendall(connection.send(h11.InformationalResponse(status_code=100, headers=[])))
            connection.receive_data(sock.recv(65536))
        elif isinstance(event, h11.Request):
            request_id = dict(event.headers).get(b"x-request-id", b"-").decode()
            self._write(f"{request_id} {event.method.decode()} {event.target.decode()} HTTP/1.1")
        elif isinstance(event, h11.EndOfMessage):
            for part in (h11.Response(status_code=200, headers=[("Content-Length", "0")]), h11.EndOfMessage()):
                sock.sendall(connection.send(part))
            if connection.our_state is h11.MUST_CLOSE:
                return False
            connection.start_next_cycle()
        return not isinstance(event, h11.ConnectionClosed)

    def _write(self, line):
        with self.log.open("a") as seen:
            seen.write(line + "\n")
