"""Several servers: each in its turn, or each user on his own."""

import re

import pytest
from wire import reply

COOKIE = "__Host-postern-server"


def repr_short(text):
    return text[:8] or "empty"


@pytest.fixture
def servers(make_upstream):
    def say(name):
        return lambda request: reply(200, name)

    first, second = make_upstream(), make_upstream()
    first.handler, second.handler = say(b"first"), say(b"second")
    return first, second


@pytest.fixture
def balanced(servers, make_proxy):
    return make_proxy(*servers)


@pytest.fixture
def sticky(balanced):
    balanced.upstream["balance"] = "cookie"
    return balanced


def tag_of(response):
    cookies = [c for c in response.all("Set-Cookie") if c.startswith(COOKIE + "=")]
    assert len(cookies) <= 1
    return cookies[0].partition(";")[0].partition("=")[2] if cookies else None


def ask(client, tag=None, **more):
    return client.ask("GET", "/", [("Cookie", f"{COOKIE}={tag}")] if tag else [], **more)


def test_servers_are_asked_in_turn(balanced, make_client):
    client = make_client(balanced)
    said = [client.ask().body for _ in range(6)]
    assert said in ([b"first", b"second"] * 3, [b"second", b"first"] * 3)


def test_the_log_tells_which_server_answered(servers, balanced, make_client):
    client = make_client(balanced)
    for number in range(2):
        name = client.ask("GET", f"/{number}").body
        event = balanced.expect_event("request-forwarded", path=f"/{number}")
        assert event["destination.port"] == servers[[b"first", b"second"].index(name)].port


def test_without_stickiness_no_cookie_is_set(balanced, make_client):
    assert make_client(balanced).ask().all("Set-Cookie") == []


def test_the_first_answer_sets_a_cookie_that_keeps_the_user_there(sticky, make_client):
    client = make_client(sticky)
    response = ask(client)
    tag = tag_of(response)
    assert re.fullmatch(r"[0-9a-f]{32}", tag), "nothing of the inside can be read from it"
    for _ in range(5):
        again = ask(make_client(sticky), tag)
        assert again.body == response.body
        assert tag_of(again) is None, "it is set once"


def test_the_cookie_is_out_of_reach_of_scripts_clear_text_and_neighbours(sticky, make_client):
    response = ask(make_client(sticky))
    attributes = {a.strip().lower() for a in response.get("Set-Cookie").split(";")[1:]}
    assert {"secure", "httponly", "path=/"} <= attributes
    assert not any(a.startswith("domain") for a in attributes)


def test_cookies_of_the_application_stay_beside_it(servers, sticky, make_client):
    for server in servers:
        server.handler = lambda request: reply(200, b"", [("Set-Cookie", "session=1"), ("Set-Cookie", "theme=2")])
    names = [value.partition("=")[0] for value in ask(make_client(sticky)).all("Set-Cookie")]
    assert sorted(names) == [COOKIE, "session", "theme"]


@pytest.mark.parametrize("forged", ["0" * 32, "f" * 31, "", "x" * 4000, "../../etc", '"quoted"'], ids=repr_short)
def test_a_forged_cookie_is_ignored_and_replaced(forged, sticky, make_client):
    response = make_client(sticky).ask("GET", "/", [("Cookie", f"{COOKIE}={forged}")])
    assert response.status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", tag_of(response))


def test_a_cookie_of_another_postern_is_worth_nothing(sticky, servers, make_proxy, make_client):
    """The key is made anew at each start, and never leaves the processes."""
    tag = tag_of(ask(make_client(sticky)))
    other = make_proxy(*servers)
    other.upstream["balance"] = "cookie"
    assert tag_of(ask(make_client(other), tag)) is not None


@pytest.mark.parametrize(
    "sent, arrives",
    [
        ("{0}", []),
        ("a=1; {0}; b=2", ["a=1; b=2"]),
        ("{0}; a=1", ["a=1"]),
        ("a=1;{0}", ["a=1"]),
        ("a=1; {0}; {0}", ["a=1"]),
        ("x{0}; a=1", ["x{0}; a=1"]),
    ],
)
def test_the_server_never_sees_the_cookie(sent, arrives, servers, sticky, make_client):
    crumb = f"{COOKIE}={'ab' * 16}"
    make_client(sticky).ask("GET", "/", [("Cookie", sent.format(crumb))])
    request = [*servers[0].requests, *servers[1].requests][0]
    assert request.all("Cookie") == [value.format(crumb) for value in arrives]


@pytest.mark.parametrize("separator", [";", "; ", ";;  ;"])
def test_our_cookie_among_many_short_ones(separator, upstream, make_client):
    """It goes although no cookie of ours was asked for here, and the head grows on its way."""
    cookies = ["a"] * 4000
    sent = separator.join([*cookies, f"{COOKIE}=x", *cookies])
    assert make_client().ask("GET", "/", [("Cookie", sent)]).status == 200
    received = upstream.requests[0].get("Cookie")
    assert [crumb.strip() for crumb in received.split(";") if crumb.strip()] == cookies + cookies


def test_a_user_whose_server_is_down_is_moved_and_stays_there(servers, sticky, make_client):
    response = ask(make_client(sticky))
    home = [b"first", b"second"].index(response.body)
    servers[home].go_deaf()
    servers[home].hang_up()
    client = make_client(sticky)
    moved = ask(client, tag_of(response))
    assert (moved.status, moved.body) == (200, [b"second", b"first"][home])
    assert tag_of(moved) not in (None, tag_of(response))
    for _ in range(3):
        assert ask(client, tag_of(moved)).body == moved.body


def test_workers_agree_on_what_a_cookie_means(sticky, make_client):
    """Sixteen connections meet both workers; the tag names the same server in each."""
    sticky.config["workers"] = 2
    response = ask(make_client(sticky))
    for _ in range(16):
        assert ask(make_client(sticky), tag_of(response)).body == response.body
    workers = {event["process.name"] for event in sticky.events("request-forwarded")}
    assert workers == {"worker-0", "worker-1"}
