"""What an application's model lets through, seen from both sides of the wire.

Each application that a scene needs is published on a listener of its own, of one
postern. The filter's own tables are in tests/unit/http and tests/corpora.
"""

import copy
import subprocess
from threading import Event

import pytest
from actors import PUBLIC_NAME, echo, to_yaml
from wire import chunked, lines, reply

URL = f"https://{PUBLIC_NAME}"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=XX")
OAUTH = "/index.php/login/oauth"  # of roundcube: forms of at most OAUTH_BODY bytes
OAUTH_BODY = 64 << 10
IDLE = "200ms"
IDLE_NS = 195_000_000  # timers count whole milliseconds
MIB = 1 << 20

# The head of a Windows program: "MZ", and where the PE header stands.
PROGRAM = b"MZ" + bytes(58) + (128).to_bytes(4, "little") + bytes(64) + b"PE\0\0" + b"secret" * 20_000


def rule(**settings):
    return {"source": "a scene", **settings}


INSTALLER = rule(path=["/installer", "/installer/**"], action="deny")

APPLICATIONS = {
    "roundcube": "roundcube",
    "exchange": "exchange",
    "reporting": {"extends": "roundcube", "report_only_until": "2099-12-31"},
    "rule-reporting": {
        "extends": "roundcube",
        "paths": {
            "RC010": {**INSTALLER, "report_only_until": "2099-12-31"},
            "MY010": rule(path="/installer/**"),
        },
    },
    "reported": {"extends": "roundcube", "report_only_until": "2020-01-01"},
    "headers": {
        "extends": "roundcube",
        "headers": {"strip": ["Remote-User", "X-Auth-Request-*"], "set": {"X-Https": "1"}},
        "response": {"remove": ["X-Powered-By", "X-Backend-*"], "replace": {"Server": "webmail"}},
    },
    "uploads": {"extends": "roundcube", "uploads": {"deny_extensions": [".exe", ".iso"]}},
    "no-programs": {"extends": "any", "response": {"refuse_executables": True}},
    "impatient": {"extends": "roundcube", "paths": {"MY020": rule(path="/slow", idle=IDLE)}},
}

# Listeners whose host says more: name: (application, settings of the published host)
OPERATORS = {
    "idle": ("roundcube", {"idle": IDLE, "routes": {"/skins": {"websocket": False}}}),
    "small": ("roundcube", {"body": "1KiB", "routes": {"/index.php": {"websocket": False}}}),
    "large": ("roundcube", {"body": "1MiB"}),
}


def configure(proxy):
    published = {name: (application, {}) for name, application in APPLICATIONS.items()} | OPERATORS
    for name, (application, settings) in published.items():
        listener = copy.deepcopy(proxy.listener)
        listener["publish"][PUBLIC_NAME].update(settings, application=application)
        proxy.config["listeners"][name] = listener


@pytest.fixture
def meet(stage):
    """Connects to a listener by its name."""
    return lambda name, **options: stage.client(port=stage.proxy.port(listener=name), **options)


def multipart(filename, content, declared="application/octet-stream"):
    return (
        lines(
            "--XX",
            f'Content-Disposition: form-data; name="_attachments[]"; filename="{filename}"',
            f"Content-Type: {declared}",
            "",
        )
        + content
        + b"\r\n--XX--\r\n"
    )


# --- paths, methods, types, sizes


@pytest.mark.parametrize(
    "application, request_line, fields, status, reason, rule_id, substatus",
    [
        ("roundcube", ("GET", "/phpmyadmin/"), [], 404, "path-not-published", "paths", None),
        ("roundcube", ("GET", "/installer/"), [], 404, "path-denied", "RC010", "404.8"),
        ("roundcube", ("GET", "/x/%69nstaller.exe"), [], 404, "extension-denied", "extensions.allow", "404.7"),
        ("roundcube", ("PUT", "/"), [FORM], 405, "method-not-used", "methods", "405.6"),
        ("roundcube", ("POST", "/"), [("Content-Type", "text/xml")], 415, "content-type-not-used", "RC100", None),
        ("exchange", ("GET", "/ecp/"), [], 404, "path-denied", "EX010", "404.8"),
        ("exchange", ("GET", "/ECP/x"), [], 404, "path-denied", "EX010", "404.8"),
        ("exchange", ("DELETE", "/owa/"), [], 405, "method-not-used", "EX110", "405.6"),
        ("exchange", ("POST", "/ews/exchange.asmx"), [FORM], 415, "content-type-not-used", "EX200", None),
    ],
)
def test_what_the_model_lacks_is_refused_and_the_page_does_not_say_why(
    application, request_line, fields, status, reason, rule_id, substatus, stage, meet
):
    client = meet(application)
    method, target = request_line
    response = client.ask(method, target, fields, body=b"a=b" if fields else None)
    event = stage.event_of(client, "request-blocked", status=status, reason=reason)
    assert response.status == status
    assert (event.get("rule.id"), event.get("postern.substatus")) == (rule_id, substatus)
    assert event["postern.gate"] == "filter"
    page = response.raw.decode()
    assert rule_id not in page and (target == "/" or target not in page)
    assert stage.upstream.requests == []


@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_a_body_over_the_bound_of_its_rule_is_refused(way, stage, meet):
    client = meet("roundcube")
    body = b"a=" + b"x" * (OAUTH_BODY - 1)
    if way == "declared":
        response = client.ask("POST", OAUTH, [FORM, ("Content-Length", str(len(body)))])
    else:
        response = client.ask("POST", OAUTH, [FORM, ("Transfer-Encoding", "chunked")], chunked(body))
    assert response.status == 413
    stage.event_of(client, "request-blocked", status=413, reason="http-body-large")
    assert stage.upstream.requests == []


@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_a_body_as_large_as_its_rule_allows_passes(way, stage, meet):
    body = b"a=" + b"x" * (OAUTH_BODY - 2)
    fields, sent = [FORM], body
    if way == "chunked":
        fields, sent = [FORM, ("Transfer-Encoding", "chunked")], chunked(body[:9], body[9:])
    assert meet("roundcube").ask("POST", OAUTH, fields, sent).status == 200
    assert stage.upstream.requests[0].body == body


# --- report-only


@pytest.mark.parametrize(
    "application, target, would_block",
    [
        ("rule-reporting", "/installer/", "RC010"),
        ("reporting", "/installer/", "RC010"),
    ],
)
def test_a_rule_that_only_reports_lets_pass_and_says_so(application, target, would_block, stage, meet):
    client = meet(application)
    assert client.ask("GET", target).status == 200
    event = stage.event_of(client, "request-forwarded", status=200)
    assert would_block in event["postern.would_block"].split(",")
    assert len(stage.upstream.requests) == 1


def test_a_rule_refuses_once_its_time_to_report_is_over(stage, meet):
    client = meet("reported")
    assert client.ask("GET", "/installer/").status == 404
    event = stage.event_of(client, "request-blocked", reason="path-denied")
    assert event["rule.id"] == "RC010" and "postern.would_block" not in event
    assert stage.upstream.requests == []


# --- header fields


def test_the_upstream_believes_no_identity_that_a_client_wrote(stage, meet):
    """Neither in the spelling of the list, nor in one that CGI takes for the same."""
    forged = [(name, "admin") for name in ("Remote-User", "remote-user", "X-Auth-Request-Email", "X-Https")]
    assert meet("headers").ask("GET", "/", [*forged, ("X-Other", "admin")]).status == 200
    request = stage.upstream.requests[0]
    assert request.get("X-Https") == "1"
    assert [name for name, value in request.fields if value == "admin"] == ["X-Other"]


def test_the_client_does_not_learn_what_the_servers_inside_are(stage, meet):
    inside = [("Server", "Apache/2.4.1"), ("X-Powered-By", "PHP/5"), ("X-Backend-Node", "n7"), ("X-Own", "kept")]
    stage.upstream.handler = lambda request: reply(200, b"hello", inside)
    client = meet("headers")
    response = client.ask()
    assert (response.get("Server"), response.get("X-Own")) == ("webmail", "kept")
    assert response.get("X-Powered-By") is None and response.get("X-Backend-Node") is None
    removed = stage.event_of(client, "request-forwarded", status=200)["postern.upstream.removed"]
    assert "X-Powered-By: PHP/5" in removed and "X-Backend-Node: n7" in removed


# --- uploads


@pytest.mark.parametrize("filename", ["report.exe", "REPORT.EXE", "disk.pdf.iso", "report.exe."])
def test_a_file_whose_name_is_denied_is_refused_while_it_is_sent(filename, stage, meet):
    """The answer comes although most of the body is still to be sent."""
    client = meet("uploads")
    begun = multipart(filename, b"x" * 1000)[:-20]
    client.send_request("POST", "/?_task=mail&_action=upload", [MULTIPART, ("Content-Length", str(MIB))], begun)
    assert client.read_response().status == 403
    event = stage.event_of(client, "request-blocked", status=403, reason="upload-name")
    assert (event["rule.id"], event["file.name"]) == ("uploads.deny_extensions", filename)
    client.expect_gone()
    assert stage.upstream.requests == [], "the upstream took half a file for a whole one"


def test_a_picture_that_is_a_program_is_refused(stage, meet):
    client = meet("uploads")
    body = multipart("kitten.png", PROGRAM, "image/png")
    response = client.ask("POST", "/?_task=mail&_action=upload", [MULTIPART], body)
    assert response.status == 415
    event = stage.event_of(client, "request-blocked", status=415, reason="upload-type")
    assert (event["rule.id"], event["file.name"]) == ("uploads", "kitten.png")
    assert stage.upstream.requests == []


@pytest.mark.parametrize("way", ["declared", "chunked"])
def test_an_ordinary_upload_arrives_as_it_was_sent(way, stage, meet):
    client = meet("uploads")
    stage.upstream.handler = lambda request: reply(200, b"done")
    content = bytes(range(256)) * (2 * MIB // 256)
    body = multipart("photo.raw", content)
    fields, sent = [MULTIPART], body
    if way == "chunked":
        fields, sent = [MULTIPART, ("Transfer-Encoding", "chunked")], chunked(body[:7], body[7:99_999], body[99_999:])
    assert client.ask("POST", "/?_task=mail&_action=upload", fields, sent).body == b"done"
    assert stage.upstream.requests[0].body == body
    event = stage.event_of(client, "request-forwarded", status=200)
    assert (event["file.name"], event["file.size"]) == ("photo.raw", len(content))


# --- programs in answers


@pytest.mark.parametrize("way", ["declared", "chunked", "in pieces", "until the end"])
def test_of_an_answer_that_is_a_program_the_client_gets_no_byte(way, stage, meet):
    def answer(request):
        if way == "declared":
            return reply(200, PROGRAM)
        if way == "until the end":
            request.fields.append(("Connection", "close"))
            return lines("HTTP/1.1 200 OK", "Connection: close", "") + PROGRAM
        parts = [PROGRAM[:1], PROGRAM[1:40], PROGRAM[40:]] if way == "in pieces" else [PROGRAM]
        return reply(200, chunked(*parts), [("Transfer-Encoding", "chunked"), ("X-Inside", "yes")])

    stage.upstream.handler = answer
    client = meet("no-programs")
    response = client.ask("GET", "/tool")
    assert response.status == 502 and response.get("X-Inside") is None
    assert PROGRAM[:64] not in response.raw and b"secret" not in response.raw
    stage.event_of(client, "request-blocked", status=502, reason="response-executable")


ORDINARY = {
    "text": (reply(200, b"hello " * 9_000), b"hello " * 9_000),
    "shorter than a program's head": (reply(200, b"MZ: short"), b"MZ: short"),
    "chunked": (reply(200, chunked(b"M", b"Z: mine"), [("Transfer-Encoding", "chunked")]), b"MZ: mine"),
    "begins like one": (reply(200, b"MZ" + b"\xff" * 200), b"MZ" + b"\xff" * 200),
    "empty": (reply(200), b""),
    "no content": (reply(204), b""),
    "not modified": (reply(304, fields=[("ETag", '"a"')]), b""),
}


@pytest.mark.parametrize("answer", ORDINARY)
def test_an_answer_that_is_no_program_passes_where_they_are_refused(answer, stage, meet):
    sent, body = ORDINARY[answer]
    stage.upstream.handler = lambda request: sent
    client = meet("no-programs")
    for _ in range(2):
        response = client.ask("GET", "/file")
        assert (response.status, response.body) == (int(sent.split()[1]), body)
        stage.event_of(client, "request-forwarded", outcome="success")


def test_the_head_of_a_program_is_no_program(stage, meet):
    """An answer to HEAD has no body to wait for."""
    stage.upstream.handler = lambda request: reply(200, fields=[("Content-Length", str(len(PROGRAM)))])
    response = meet("no-programs").ask("HEAD", "/tool")
    assert (response.status, response.get("Content-Length")) == (200, str(len(PROGRAM)))


def test_a_stream_that_begins_with_a_few_bytes_is_not_held_back(make_upstream, make_proxy, make_client):
    """64 bytes would tell a program for certain; two tell that this is none."""
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    proxy.published["application"] = APPLICATIONS["no-programs"]
    client = make_client(proxy)
    client.send_request("GET", "/events")
    connection = upstream.accept()
    connection.expect_request()
    connection.send(lines("HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", ""))
    connection.send(b"9\r\ndata: 1\n\n\r\n")
    client.read_head()
    assert client.read_bytes(14) == b"9\r\ndata: 1\n\n\r\n"
    connection.send(b"0\r\n\r\n")
    client.read_bytes(5)


# --- the operator and the rules


@pytest.fixture
def silence(stage):
    """The upstream takes requests and says nothing until the scene is over."""
    over = Event()

    def wait(request):
        over.wait()
        return reply(204)

    stage.upstream.handler = wait
    yield
    over.set()


@pytest.mark.parametrize(
    "listener, target",
    [
        pytest.param("impatient", "/slow", id="a rule's own"),
        pytest.param("idle", "/", id="the operator's before the rule's five minutes"),
        pytest.param("idle", "/skins/a.css", id="a route inherits the operator's"),
    ],
)
def test_an_upstream_is_waited_for_as_long_as_the_operator_or_the_rule_says(listener, target, silence, stage, meet):
    client = meet(listener)
    assert client.ask("GET", target).status == 504
    event = stage.event_of(client, "request-forwarded", status=504, reason="upstream-timeout")
    assert event["event.duration"] >= IDLE_NS


@pytest.mark.parametrize(
    "listener, target, bound",
    [
        pytest.param("small", "/", 1024, id="lowered by the operator"),
        pytest.param("small", "/index.php", 1024, id="a route inherits it"),
        pytest.param("large", OAUTH, OAUTH_BODY, id="not raised by the operator"),
    ],
)
def test_the_operator_lowers_the_bound_of_a_body_and_does_not_raise_it(listener, target, bound, stage, meet):
    client = meet(listener)
    body = b"a=" + b"x" * (bound - 2)
    assert client.ask("POST", target, [FORM], body).status == 200
    assert client.ask("POST", target, [FORM], body + b"x").status == 413
    stage.event_of(client, "request-blocked", status=413, reason="http-body-large")
    assert len(stage.upstream.requests) == 1


# --- postern explain


def explain(program, *words):
    return subprocess.run([program, "explain", *map(str, words)], capture_output=True, text=True, timeout=30)


def test_explain_finds_the_request_that_was_refused_by_the_id_on_its_page(program, folder, stage, meet):
    client = meet("roundcube")
    page = client.ask("GET", "/installer/").body.decode()
    event = stage.event_of(client, "request-blocked", reason="path-denied")
    log = folder / "postern.log"
    log.write_text("\n".join(line for line in stage.proxy.everything if line.startswith("{")) + "\n")
    assert event["event.id"] in page
    config = stage.proxy.folder / "postern.yaml"
    found = explain(program, event["event.id"], "--config", config, "--log", log)
    assert found.returncode == 1, found.stderr  # it would be refused again
    for word in ("path-denied", "RC010", "/installer/"):
        assert word in found.stdout


def test_explain_names_the_rule_that_lets_a_request_pass(program, folder, make_proxy, upstream):
    config = make_proxy(upstream).default_config()
    config["listeners"]["public"]["publish"][PUBLIC_NAME]["application"] = "roundcube"
    (folder / "postern.yaml").write_text(to_yaml(config) + "\n")
    words = ["--config", folder / "postern.yaml", "--url"]
    assert "RC100, one of " in explain(program, *words, f"{URL}/?_task=mail").stdout
    assert "RC100, one of " not in explain(program, *words, f"{URL}/installer/").stdout


def test_explain_tells_a_foreign_server_name_from_a_foreign_host(program, folder, make_proxy, upstream):
    (folder / "postern.yaml").write_text(to_yaml(make_proxy(upstream).default_config()) + "\n")
    words = ("--config", folder / "postern.yaml", "--url", "https://other.example.test/")
    assert "tls-name-unknown" in explain(program, *words).stdout
    assert "http-host-unknown" in explain(program, *words, "--sni", PUBLIC_NAME).stdout


def test_explain_escapes_what_a_terminal_obeys(program, folder, make_proxy, upstream):
    (folder / "postern.yaml").write_text(to_yaml(make_proxy(upstream).default_config()) + "\n")
    found = explain(program, "--config", folder / "postern.yaml", "--url", f"{URL}/\u202e")
    assert "\u202e" not in found.stdout and "\\u{202E}" in found.stdout


def test_explain_tells_when_the_log_does_not_have_the_id(program, folder):
    (folder / "postern.log").write_text("")
    assert explain(program, "0" * 26, "--log", folder / "postern.log").returncode != 0


@pytest.mark.parametrize(
    "expected, status",
    [
        ([f"pass GET {URL}/?_task=mail", f"path-denied GET {URL}/installer/", "", "# a remark"], 0),
        ([f"pass GET {URL}/?_task=mail", f"pass GET {URL}/installer/"], 1),
        ([f"path-not-published GET {URL}/installer/"], 1),
        ([f"pass GET {URL}/", "pass"], 2),
    ],
)
def test_explain_compares_a_file_of_expectations_with_what_would_happen(
    expected, status, program, folder, make_proxy, upstream
):
    config = make_proxy(upstream).default_config()
    config["listeners"]["public"]["publish"][PUBLIC_NAME]["application"] = "roundcube"
    (folder / "postern.yaml").write_text(to_yaml(config) + "\n")
    (folder / "expected").write_text("\n".join(expected) + "\n")
    result = explain(program, "--config", folder / "postern.yaml", "--expect", folder / "expected")
    assert result.returncode == status, result.stdout + result.stderr
    assert ("/installer/" in result.stdout) == (status == 1)


def test_explain_knows_the_ports_on_which_clients_meet_us(program, folder, make_proxy, upstream):
    """Nothing listens here: the ports are those of the configuration."""
    config = make_proxy(upstream).default_config()
    config["listeners"]["public"].update(address="127.0.0.1:8443", redirect_http="127.0.0.1:8080", public_port=4444)
    (folder / "postern.yaml").write_text(to_yaml(config) + "\n")
    expected = [
        f"pass GET https://{PUBLIC_NAME}:4444/",
        f"pass GET https://{PUBLIC_NAME}.:8443/",
        f"http-host-port GET https://{PUBLIC_NAME}/",
        f"http-host-port GET https://{PUBLIC_NAME}:8080/",
        f"pass GET http://{PUBLIC_NAME}:8080/",
        "http-host-unknown GET http://other.example.test:8080/",
    ]
    (folder / "expected").write_text("\n".join(expected) + "\n")
    result = explain(program, "--config", folder / "postern.yaml", "--expect", folder / "expected")
    assert result.returncode == 0, result.stdout + result.stderr
    result = explain(program, "--config", folder / "postern.yaml", "--url", f"https://{PUBLIC_NAME}/")
    assert "no listener has port 443; behind a port mapping it needs public_port" in result.stdout
    result = explain(program, "--config", folder / "postern.yaml", "--url", f"http://{PUBLIC_NAME}:8080/owa/?a=b")
    assert f"302, to https://{PUBLIC_NAME}:4444/owa/?a=b" in result.stdout


def test_explain_takes_port_443_as_mapped_where_no_public_port_is_named(program, folder, make_proxy, upstream):
    """So does the gate itself; nobody has to write `public_port` to be asked about."""
    config = make_proxy(upstream).default_config()
    config["listeners"]["public"]["address"] = "127.0.0.1:8443"
    (folder / "postern.yaml").write_text(to_yaml(config) + "\n")
    for port, status in (("", 0), (":8443", 0), (":444", 1)):
        url = f"https://{PUBLIC_NAME}{port}/"
        result = explain(program, "--config", folder / "postern.yaml", "--url", url)
        assert result.returncode == status, result.stdout + result.stderr
        assert ("when something in front maps this port" in result.stdout) == (port == "")
