"""Storms of random connections: nothing that anybody sends, or fails to send, ends, hangs or starves a process.

POSTERN_STORM says how many connections they have in all (20000 is the full dose, and takes minutes),
POSTERN_STORM_SEED which storms they are: a failure prints it.
"""

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress

import pytest
from actors import ENDINGS, Upstream, until
from fickle import Fickle
from gusts import CALM, OPENSSL, TUNNELLED
from weather import REDIRECTS, Storm, lightning

DOSE = int(os.environ.get("POSTERN_STORM", "800"))
SEED = os.environ.get("POSTERN_STORM_SEED") or str(random.randrange(10**9))
REQUEST_ENDINGS = ("request-forwarded", "request-answered", "request-blocked", "request-redirected")
SHORT = {"handshake": "10s", "head": "10s", "keep_alive": "1s", "body": "1s", "reply": "1s", "linger": "500ms"}


@pytest.fixture
def servers(pki):
    """Two with moods, and one that clients reach through a tunnel."""
    certificates = ["internal-ok", "internal-ok", "public-second"]
    return [Fickle(f"{SEED} {n}", Upstream.server_context(pki, name)) for n, name in enumerate(certificates)]


@pytest.fixture
def proxy(make_proxy, servers, upstream):
    print(f"POSTERN_STORM={DOSE} POSTERN_STORM_SEED={SEED}")
    proxy = make_proxy(upstream)
    proxy.config["workers"] = 2
    proxy.listener.update(redirect_http=f"{REDIRECTS}:0", timeouts=SHORT)
    proxy.published.update(idle="2s", websocket=True, limits={"head": "256KiB", "field_value": "256KiB"})
    proxy.upstream.update(servers=[server.url for server in servers[:2]], connect="2s", health={"rest": "200ms"})
    proxy.config["upstreams"]["through"] = {"servers": [servers[2].url], "bridge": "tunnel"}
    proxy.listener["publish"][TUNNELLED] = {"upstream": "through", "idle": "2s"}
    # Beside those with moods, one that always answers, for those who ask nothing strange.
    proxy.config["upstreams"]["calm"] = {**proxy.upstream, "servers": [upstream.url], "connect": "30s"}
    proxy.published["routes"] = {CALM: {"upstream": "calm", "idle": "30s"}}
    return proxy


@pytest.fixture
def blow(proxy, servers, pki):
    """A storm of so many connections; afterwards the servers have let go of theirs."""

    def blow(count, kills=(), pauses=(), **options):
        storm = Storm(SEED, pki, proxy)

        async def all_of_it():
            for server in servers:
                server.open()
            strikes = asyncio.ensure_future(lightning(proxy, storm, kills, pauses))
            await storm.blow(count, **options)
            strikes.cancel()
            with suppress(asyncio.CancelledError):
                await strikes
            for server in servers:
                await server.hang_up()

        asyncio.run(all_of_it())
        proxy.expect_no_complaint()
        assert storm.hung == [], "these clients waited in vain for the end of their connection"
        assert storm.wrong == [], "these answers were not for those who read them"
        assert [error for server in servers for error in server.errors] == []
        return storm

    return blow


def expect_an_ending_each(proxy, storm):
    """One for each connection, and on each as many requests ended as it says that it had."""

    def endings():
        return [event for event in proxy.events() if event["event.action"] in ENDINGS]

    def dropped():
        return sum(event["postern.dropped"] for event in proxy.events("log-dropped"))

    def lacking():
        told = Counter((event.get("source.ip"), event.get("source.port")) for event in endings())
        return set(storm.connected - told) - storm.at_risk - {OPENSSL}

    with suppress(AssertionError):
        until(lambda: len(lacking()) <= dropped(), "the endings")
    assert len(lacking()) <= dropped(), f"{lacking()} have no ending, and {dropped()} events were dropped"
    assert len(endings()) <= storm.connected.total()
    requests = [event for event in proxy.events() if event["event.action"] in REQUEST_ENDINGS]
    ids = Counter(e["postern.connection"] for e in endings()) + Counter(e["event.id"] for e in requests)
    assert [id for id, count in ids.items() if count > 1] == [], "these ended twice"
    if dropped() == 0 and not storm.at_risk:
        assert len(endings()) == storm.connected.total()
        count = Counter(event["postern.connection"] for event in requests)
        wrong = [e for e in endings() if count[e["postern.connection"]] != e["postern.requests"]]
        assert wrong == [], "their requests were not all told, or too often"


def expect_nobody_unserved(proxy, storm):
    """Those who asked nothing strange of a server that answers."""
    told = [e for a, _ in storm.unserved for e in proxy.events() if (e.get("source.ip"), e.get("source.port")) == a]
    assert storm.unserved == [], "\n".join(map(str, told))


def expect_served(make_client, count=20):
    for number in range(count):
        client = make_client()
        assert client.ask("GET", f"{CALM}/{number}").status == 200
        client.close()


def test_clients_and_servers_without_manners(proxy, blow, make_client):
    """Who is needed for no request in flight dies now and then, and all are at times too slow to answer."""
    storm = blow(DOSE * 6 // 10, kills=["keyd", "resolver"], pauses=["worker", "keyd", "logd", "resolver"])
    expect_nobody_unserved(proxy, storm)
    expect_an_ending_each(proxy, storm)
    expect_served(make_client)


def test_everybody_may_die(proxy, blow, make_client):
    """What a killed worker had not told is lost with it; nothing is told twice."""
    storm = blow(DOSE * 2 // 10, kills=["worker", "keyd", "logd", "resolver"], pauses=["worker"])
    expect_an_ending_each(proxy, storm)
    expect_served(make_client)


def test_no_descriptor_is_left(proxy, blow, make_client):
    """More clients than the workers have descriptors: some wait, and all are served at last."""
    proxy.descriptor_limit = 100
    storm = blow(DOSE * 2 // 10, at_once=300)
    proxy.expect_event("capacity-reached")
    expect_an_ending_each(proxy, storm)
    expect_served(make_client)
