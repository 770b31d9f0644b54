"""Fixtures: what every scene gets: certificates, an upstream, postern, and clients.

The environment tells where things are: POSTERN (the program), POSTERN_PKI (a folder
for the certificates, made here when it is empty) and POSTERN_ARTIFACTS (optional).
"""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from actors import Client, Proxy, Upstream, echo

HERE = Path(__file__).resolve().parent
MODES = {
    "tls1.3": {"tls": "1.3"},
    "tls1.2": {"tls": "1.2"},
    "drip": {"drip": True},
}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Lets the fixtures know whether the scene itself went well."""
    outcome = yield
    setattr(item, f"report_{outcome.get_result().when}", outcome.get_result())


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("POSTERN")
    assert path and os.access(path, os.X_OK), f"POSTERN is not a program: {path!r}"
    return path


@pytest.fixture(scope="session")
def pki():
    folder = Path(os.environ.get("POSTERN_PKI") or Path(tempfile.gettempdir()) / f"postern-pki-{os.getuid()}")
    subprocess.run([HERE.parent / "pki/make-pki.sh", folder], check=True)
    return folder


@pytest.fixture
def folder():
    """A folder that processes can pass through after they gave up root."""
    with tempfile.TemporaryDirectory(prefix="postern-e2e-") as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture
def make_upstream(pki):
    made = []

    def make(**options):
        made.append(Upstream(pki, **options))
        return made[-1]

    yield make
    for upstream in made:
        upstream.close()


@pytest.fixture
def upstream(make_upstream):
    """Answers by itself; set its `handler` to change how, or to None to play it."""
    return make_upstream()


@pytest.fixture
def make_proxy(request, program, pki, make_upstream):
    """For scenes with several proxies, or with upstreams of their own."""
    made, folders = [], []

    def make(*upstreams):
        folders.append(tempfile.TemporaryDirectory(prefix="postern-e2e-"))
        os.chmod(folders[-1].name, 0o755)
        made.append(Proxy(program, folders[-1].name, pki, list(upstreams)))
        return made[-1]

    yield make
    try:
        went_well = getattr(request.node, "report_call", None)
        if went_well is not None and went_well.passed:
            for proxy in made:
                proxy.finish()
    finally:
        for proxy in made:
            proxy.abandon()
        for folder in folders:
            folder.cleanup()


@pytest.fixture
def proxy(make_proxy, upstream):
    """postern in front of `upstream`; starts when it is first used."""
    return make_proxy(upstream)


@pytest.fixture
def make_client(proxy, pki):
    """Connects to the proxy; options as Client has them."""

    def make(to=None, **options):
        to = to or proxy
        port = options.pop("port", None) or to.port(options.get("address", "127.0.0.1"))
        client = Client(port, pki, **options)
        to.clients.append(client)
        return client

    return make


@pytest.fixture(params=MODES)
def mode(request):
    return MODES[request.param]


@pytest.fixture
def client(make_client, mode):
    """A connected client; the scene runs once in each mode."""
    return make_client(**mode)


class Stage:
    """A proxy and an upstream that the scenes of one file share, because starting them
    costs more than most scenes. A scene leaves both as it found them."""

    def __init__(self, proxy, upstream, pki):
        self.proxy, self.upstream, self.pki = proxy, upstream, pki
        self._present = []

    def client(self, **options):
        port = options.pop("port", None) or self.proxy.port(options.get("address", "127.0.0.1"))
        client = Client(port, self.pki, **options)
        self.proxy.clients.append(client)
        self._present.append(client)
        return client

    def event_of(self, client, action, **fields):
        """The next event of this client's connection."""
        return self.proxy.expect_event(action, **{"source.port": client.address[1]}, **fields)

    def enter(self):
        self.upstream.requests.clear()

    def leave(self):
        for client in self._present:
            client.close()
        self._present.clear()


@pytest.fixture(scope="module")
def make_stage(request, program, pki):
    """Calls the file's own configure(proxy), if it has one."""
    made = []
    failed_before = request.session.testsfailed

    def make(handler):
        folder = tempfile.TemporaryDirectory(prefix="postern-e2e-")
        os.chmod(folder.name, 0o755)
        upstream = Upstream(pki, handler=handler)
        proxy = Proxy(program, folder.name, pki, [upstream])
        getattr(request.module, "configure", lambda proxy: None)(proxy)
        made.append((Stage(proxy, upstream, pki), folder))
        return made[-1][0]

    yield make
    try:
        for stage, _ in made:
            if request.session.testsfailed == failed_before:
                stage.proxy.finish()
    finally:
        for stage, folder in made:
            stage.proxy.abandon()
            stage.upstream.close()
            folder.cleanup()


@pytest.fixture(scope="module")
def answering_stage(make_stage):
    return make_stage(echo)


@pytest.fixture(scope="module")
def played_stage(make_stage):
    stage = make_stage(None)
    # Each request comes on a connection of its own, so no scene meets another's.
    stage.proxy.upstream["pool"] = {"size": 0}
    return stage


@pytest.fixture
def stage(answering_stage):
    """The shared scene whose upstream answers by itself: see its `upstream.handler`."""
    stage = answering_stage
    stage.enter()
    yield stage
    stage.leave()
    stage.upstream.handler = echo


@pytest.fixture
def play(played_stage):
    """The shared scene whose upstream is played: see `upstream.accept()`."""
    stage = played_stage
    stage.enter()
    yield stage
    stage.leave()
    stage.upstream.hang_up()
