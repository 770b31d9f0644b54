"""Closed places stay closed, however they are written: generated spellings, and the servers that read them.

Each spelling is sent through postern. What reaches the upstream is then given to the servers that such a
webmail has, as it reached it: none of them may find a place that is closed. The same spellings sent to them
without postern show that the disguises are good ones.
"""

import copy
import http.server
import os
import threading

import pytest
from actors import PUBLIC_NAME
from disguises import disguises
from resolving import iis_finds, sogo_finds
from webservers import CLOSED, ApachePhp, ApacheProxy, Jetty, Lighttpd, LighttpdProxy, NginxPhp, NginxProxy

COUNT = int(os.environ.get("POSTERN_DISGUISES", "2000"))
SEED = int(os.environ.get("POSTERN_SEED", "20261126"))
# Without postern, so many of 2,000 spellings at least find their way.
REACHED_LEAST = 40

ROUNDCUBE_CLOSED = """
    /installer/index.php /installer.php /SQL/mysql.initial.sql /bin/update.sh /config/config.inc.php /config/defaults.inc.php
    /logs/errors.log /temp/upload.tmp /tests/index.php /vendor/autoload.php /program/include/iniset.php /program/lib/Roundcube/bootstrap.php
    /program/localization/en_US/labels.inc /program/actions/mail/index.php /program/steps/mail/func.inc /.htaccess /.git/config
    /skins/elastic/templates/login.html /skins/elastic/meta.json /plugins/archive/archive.php /plugins/archive/config.inc.php
    /plugins/archive/composer.json /plugins/archive/localization/en_US.inc /plugins/managesieve/lib/Roundcube/rcube_sieve.php
    /skins/elastic/images/shell.php /skins/elastic/images/deep/er/shell.phtml /program/js/shell.php /program/resources/shell.phar
    /plugins/archive/skins/elastic/shell.php /composer.json /README.md /CHANGELOG.md
""".split()
ROUNDCUBE_OPEN = """
    /index.php /skins/elastic/styles/styles.css /skins/elastic/images/logo.svg /plugins/archive/archive.js /program/js/app.js
    /program/resources/blank.gif
""".split()
ZIMBRA_CLOSED = """
    /zimbraAdmin/index.jsp /service/admin/soap/index.txt /service/extension/backup/mboximport /service/extension/network-admin/x
    /service/collectconfig/x /zimbra/public/jsp/ZimbraCore.jsp /zimbra/img/shell.jsp /zimbra/skins/deep/er/shell.jspx
    /zimbra/js/shell.jsp /service/proxy/x
""".split()
ZIMBRA_OPEN = ["/zimbra/img/logo.png", "/zimbra/css/skin.css", "/zimbra/js/Startup.js", "/service/home/kim/inbox", "/zimbra/help/en.html"]
EXCHANGE_CLOSED = """
    /ecp/default.aspx /ecp/y.js /ecp/proxyLogon.ecp /powershell /PowerShell-LiveID/x /api/v2.0/me /rpc/rpcproxy.dll /aspnet_client/shell.aspx
    /owa/healthcheck.htm /ews/mrsproxy.svc /owa/calendar/x/calendar.html /owa/integrated/x /owa/auth/shell.aspx
    /owa/auth/15.1.2507/themes/resources/shell.aspx /owa/prem/15.1.2507/scripts/shell.ashx /ews/exchange.asmx/wssecurity /pushnotifications/x
""".split()
EXCHANGE_OPEN = ["/owa/", "/owa/auth/logon.aspx", "/owa/auth/15.1.2507/scripts/premium/flogon.js", "/ews/exchange.asmx", "/oab/x/oab.xml"]
SOGO_CLOSED = """
    /SOGo/so/kim/Administration /SOGo/so/kim/Administration/ACL/folders /SOGo/SOGoAPI/folders /SOGo/public /SOGo/so/public/kim
    /SOGo/dav/public/kim/Calendar /SOGo/dav/kim/Administration /SOGo/so/kim?Administration:method=1 /SOGo/so/kim?:method=Administration
    /SOGo/so/kim?Cmd=Administration /SOGo/so/kim/_range0/Administration /SOGo/_range/public/kim
""".split()
SOGO_OPEN = ["/SOGo/so/kim/Mail/view", "/SOGo.woa/WebServerResources/js/SOGo.js", "/SOGo/dav/kim/Calendar/personal", "/SOGo/so/kim/Contacts"]


GROMMUNIO_CLOSED = """
    /admin/index.html /api/v1/users /antispam/x /web/server/includes/core/class.mapisession.php /web/tools/x.sh /web/config.php /web/debug.php
    /web/plugins/files/php/vendor/autoload.php /web/plugins/files/config.php /web/client/third-party/shell.php /web/client/resources/deep/shell.php
    /dav/vendor/autoload.php /dav/lib/App.php /auth/realms/x /files/index.php /rpc/rpcproxy.dll
""".split()
GROMMUNIO_OPEN = ["/web/index.php", "/web/client/resources/css/x.css", "/web/client/grommunio.js", "/dav/calendars/kim/x"]
SNAPPYMAIL_CLOSED = """
    /data/_data_/_default_/configs/application.ini /data/_data_/_default_/storage/x /snappymail/v/2.38.2/app/libraries/snappymail/http/request.php
    /snappymail/v/2.38.2/app/templates/Views/Admin/AdminLogin.html /_data_/x /.htaccess /snappymail/v/2.38.2/static/js/shell.php
    /snappymail/v/2.38.2/themes/Nature/deep/shell.phtml /snappymail/v/2.38.2/include.php
""".split()
SNAPPYMAIL_OPEN = ["/index.php", "/snappymail/v/2.38.2/static/js/app.js", "/snappymail/v/2.38.2/themes/Nature/styles.css"]


class Model:
    """A server that cannot run here: it finds a place, or not."""

    def __init__(self, finds):
        self.gives_away = finds

    def stop(self):
        pass


def make_site(folder, closed, open_paths):
    site = folder / "site"
    site.mkdir(exist_ok=True)
    os.chmod(site, 0o755)
    for path in [*closed, *open_paths]:
        file = site / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(CLOSED + path.encode() if path in closed else b"open")
    return site


@pytest.fixture
def sogod():
    """sogod's own reading of a target, behind the web servers that publish it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer = CLOSED if sogo_finds(self.path) else b"open"
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


APPLICATIONS = {
    "roundcube": (ROUNDCUBE_CLOSED, ROUNDCUBE_OPEN),
    "zimbra": (ZIMBRA_CLOSED, ZIMBRA_OPEN),
    "exchange": (EXCHANGE_CLOSED, EXCHANGE_OPEN),
    "grommunio": (GROMMUNIO_CLOSED, GROMMUNIO_OPEN),
    "snappymail": (SNAPPYMAIL_CLOSED, SNAPPYMAIL_OPEN),
    "sogo": (SOGO_CLOSED, SOGO_OPEN),
}


@pytest.fixture
def make_servers(folder, request):
    made = []

    def make(application):
        closed, open_paths = APPLICATIONS[application]
        if application == "exchange":
            made.append(Model(lambda target: iis_finds(target, closed)))
        elif application == "sogo":
            port = request.getfixturevalue("sogod")
            made.extend(kind(folder, port) for kind in (NginxProxy, LighttpdProxy, ApacheProxy))
            made.append(Model(sogo_finds))
        elif application == "zimbra":
            made.append(Jetty(folder, make_site(folder, closed, open_paths)))
        else:
            site = make_site(folder, closed, open_paths)
            made.extend(kind(folder, site) for kind in (NginxPhp, Lighttpd, ApachePhp))
        return made

    yield make
    for server in made:
        server.stop()


def configure(proxy):
    for name in APPLICATIONS:
        listener = copy.deepcopy(proxy.listener)
        listener["publish"][PUBLIC_NAME]["application"] = name
        proxy.config["listeners"][name] = listener


def through(stage, application, targets):
    """What reaches the upstream of these: the target as sent, and as it arrived there."""
    port = stage.proxy.port(listener=application)
    client, passed = None, {}
    for target in targets:
        client = client or stage.client(port=port)
        stage.upstream.requests.clear()
        answer = client.ask("GET", target)
        if stage.upstream.requests:
            passed[target] = stage.upstream.requests[0].target
        if answer.get("Connection") == "close":
            client.close()
            client = None
    return passed


@pytest.mark.parametrize("application", APPLICATIONS)
def test_no_spelling_leads_to_a_closed_place(application, stage, make_servers):
    closed, open_paths = APPLICATIONS[application]
    spellings = disguises(closed, open_paths, COUNT, SEED)
    passed = through(stage, application, spellings)
    servers = make_servers(application)
    for server in servers:
        name = type(server).__name__
        found = [(sent, arrived) for sent, arrived in passed.items() if server.gives_away(arrived)]
        assert found == [], f"{name}, {len(found)} of {len(passed)} that passed, such as {found[:5]}"
    reached = sum(any(server.gives_away(target) for server in servers) for target in spellings if target not in closed)
    assert reached >= REACHED_LEAST * COUNT // 2000, f"only {reached} of the spellings are any good"


def test_what_is_open_passes(stage):
    """Else nothing could be learned from what does not."""
    for application, (_, open_paths) in APPLICATIONS.items():
        passed = through(stage, application, open_paths)
        assert len(passed) >= len(open_paths) // 2, (application, passed)
