"""Web servers as webmails have them, over a folder of files, and as generous as they get.

A file that is closed from outside says so: whoever is answered with CLOSED has met one.
Each server is asked with raw request targets, byte by byte as postern would send them.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import suppress

from actors import until
from wire import DEADLINE

CLOSED = b"CLOSED:"


def as_nobody(text):
    return text if os.geteuid() == 0 else ""


class WebServer:
    """Listens on loopback, or on a socket in its folder."""

    def __init__(self, folder, site):
        self.root, self.site = folder / type(self).__name__, site
        self.root.mkdir()
        os.chmod(self.root, 0o777)
        self.processes = []
        self.start()

    def spawn(self, *words, **options):
        output = (self.root / "output").open("ab")
        self.processes.append(subprocess.Popen([str(w) for w in words], stdout=output, stderr=output, **options))
        output.close()
        return self.processes[-1]

    def said(self):
        return (self.root / "output").read_text(errors="replace")

    def wait_for(self, ready, what):
        until(lambda: ready() or any(p.poll() is not None for p in self.processes), what)
        assert all(p.poll() is None for p in self.processes), f"{what} ended:\n{self.said()}"

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(DEADLINE)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def ask(self, target):
        """All that it answers to GET with this target."""
        with self.connect() as sock:
            with suppress(OSError):  # who refuses a request need not read it
                sock.sendall(b"GET " + target.encode("latin-1") + b" HTTP/1.1\r\nHost: inside\r\nConnection: close\r\n\r\n")
            answer = b""
            with suppress(OSError):
                while piece := sock.recv(65536):
                    answer += piece
        return answer

    def gives_away(self, target):
        return CLOSED in self.ask(target)


class UnixServer(WebServer):
    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE)
        sock.connect(str(self.root / "http"))
        return sock

    def start_php(self):
        """The interpreter that all three have behind them."""
        program = next(p for p in sorted(os.listdir("/usr/sbin"), reverse=True) if p.startswith("php-fpm"))
        user = as_nobody("user = nobody\ngroup = nogroup\n")
        (self.root / "fpm").write_text(
            f"[global]\nerror_log = {self.root}/fpm.log\ndaemonize = no\n[site]\n{user}listen = {self.root}/php\nlisten.mode = 0666\n"
            "pm = static\npm.max_children = 2\nphp_admin_value[opcache.enable] = 0\n"
        )
        self.spawn(f"/usr/sbin/{program}", "-F", "-y", self.root / "fpm", "-n", "-R" if os.geteuid() == 0 else "-F")
        self.wait_for((self.root / "php").exists, "php-fpm")


class NginxPhp(UnixServer):
    """roundcubemail's wiki and many others pass every *.php, and what follows it, on."""

    def start(self):
        self.start_php()
        temporary = "".join(f"{k}_temp_path {self.root}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.root / "conf").write_text(f"""
            daemon off; worker_processes 1; pid {self.root}/pid; error_log {self.root}/error; {as_nobody("user nobody nogroup;")}
            events {{ worker_connections 64; }}
            http {{
                {temporary} access_log off; default_type text/plain;
                server {{
                    listen unix:{self.root}/http; root {self.site}; index index.php;
                    location ~ \\.php(/|$) {{
                        fastcgi_split_path_info ^(.+\\.php)(/.*)$;
                        include /etc/nginx/fastcgi_params;
                        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
                        fastcgi_param PATH_INFO $fastcgi_path_info;
                        fastcgi_pass unix:{self.root}/php;
                    }}
                }}
            }}""")
        self.spawn("nginx", "-c", self.root / "conf", "-e", self.root / "error")
        self.wait_for((self.root / "http").exists, "nginx")


class Lighttpd(UnixServer):
    def start(self):
        self.start_php()
        (self.root / "conf").write_text(f"""
            server.modules = ("mod_access", "mod_fastcgi", "mod_staticfile")
            server.document-root = "{self.site}"
            server.bind = "{self.root}/http"
            {as_nobody('server.username = "nobody"')}
            {as_nobody('server.groupname = "nogroup"')}
            index-file.names = ("index.php")
            mimetype.assign = ("" => "text/plain")
            fastcgi.server = (".php" => (("socket" => "{self.root}/php", "broken-scriptfilename" => "enable")))
            """)
        self.spawn("lighttpd", "-D", "-f", self.root / "conf")
        self.wait_for((self.root / "http").exists, "lighttpd")


class ApachePhp(UnixServer):
    """Apache has no socket in a folder: the port is tried until it is a free one."""

    def start(self):
        self.start_php()
        modules = "/usr/lib/apache2/modules"
        names = ["mpm_event", "authz_core", "mime", "dir", "proxy", "proxy_fcgi", "proxy_http"]
        user = as_nobody("User nobody\nGroup nogroup")
        while True:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
            (self.root / "conf").write_text(
                "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names)
                + f"""ServerName inside
                ServerRoot {self.root}
                DefaultRuntimeDir {self.root}
                PidFile {self.root}/pid
                ErrorLog {self.root}/error
                {user}
                Listen 127.0.0.1:{self.port}
                TypesConfig /dev/null
                {self.configuration()}
                """
            )
            process = self.spawn("/usr/sbin/apache2", "-D", "FOREGROUND", "-f", self.root / "conf")
            until(lambda process=process: self.is_heard() or process.poll() is not None, "apache2")
            if process.poll() is None:
                return
            assert "could not bind" in self.said(), self.said()
            self.processes.remove(process)

    def configuration(self):
        return f"""
                DocumentRoot {self.site}
                DirectoryIndex index.php
                AllowEncodedSlashes On
                <FilesMatch "\\.php">
                    SetHandler "proxy:unix:{self.root}/php|fcgi://localhost"
                </FilesMatch>
                """

    def connect(self):
        return WebServer.connect(self)

    def is_heard(self):
        """It answers; that it listens is said before its settings are read to the end."""
        with suppress(OSError):
            return self.ask("/") != b""
        return False


class Jetty(WebServer):
    """Zimbra's own kind of server; each folder of the site is an application of its own."""

    HOME = "/usr/share/jetty9"

    def start(self):
        shutil.copytree(self.site, self.root / "webapps")
        for folder in (self.root / "webapps").iterdir():
            (folder / "WEB-INF").mkdir(exist_ok=True)
            (folder / "WEB-INF" / "web.xml").write_text('<web-app xmlns="http://xmlns.jcp.org/xml/ns/javaee" version="3.1"/>')
            (folder / "WEB-INF" / "secret.xml").write_text("CLOSED:WEB-INF")
        (self.root / "tmp").mkdir()
        self.spawn(
            "java", "-Xmx128m", f"-Djava.io.tmpdir={self.root}/tmp", f"-Djetty.base={self.root}", f"-Djetty.home={self.HOME}", "-jar",
            f"{self.HOME}/start.jar", "--module=http,deploy", "jetty.http.host=127.0.0.1", "jetty.http.port=0", "jetty.deploy.scanInterval=0",
            cwd=self.root,
        )  # fmt: skip
        started = re.compile(r"Started ServerConnector.*\{127\.0\.0\.1:(\d+)\}")
        self.wait_for(lambda: started.search(self.said()), "jetty")
        self.port = int(started.search(self.said())[1])


class Proxying:
    """In front of sogod as SOGo's guide has them: what begins with /SOGo is passed on."""

    def __init__(self, folder, port):
        self.inside = port
        super().__init__(folder, None)


class NginxProxy(Proxying, UnixServer):
    def start(self):
        temporary = "".join(f"{k}_temp_path {self.root}/{k};" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.root / "conf").write_text(f"""
            daemon off; worker_processes 1; pid {self.root}/pid; error_log {self.root}/error; {as_nobody("user nobody nogroup;")}
            events {{ worker_connections 64; }}
            http {{ {temporary} access_log off; server {{
                listen unix:{self.root}/http;
                location ^~ /SOGo {{ proxy_pass http://127.0.0.1:{self.inside}; }}
            }} }}""")
        self.spawn("nginx", "-c", self.root / "conf", "-e", self.root / "error")
        self.wait_for((self.root / "http").exists, "nginx")


class LighttpdProxy(Proxying, UnixServer):
    def start(self):
        (self.root / "conf").write_text(f"""
            server.modules = ("mod_proxy")
            server.document-root = "{self.root}"
            server.bind = "{self.root}/http"
            $HTTP["url"] =~ "^/SOGo" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {self.inside}))) }}
            """)
        self.spawn("lighttpd", "-D", "-f", self.root / "conf")
        self.wait_for((self.root / "http").exists, "lighttpd")


class ApacheProxy(Proxying, ApachePhp):
    def start_php(self):
        pass

    def configuration(self):
        return f"""
                ProxyRequests Off
                AllowEncodedSlashes NoDecode
                ProxyPass /SOGo http://127.0.0.1:{self.inside}/SOGo retry=0 nocanon
                """
