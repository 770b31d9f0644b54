"""Any of the processes may die at any moment; what it did is taken up again by another."""

import json
import os
import re
import resource
import signal
import subprocess

import pytest
from actors import Client, flatten, to_yaml, until
from wire import DEADLINE, reply


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def process(proxy):
    """The number of the process that plays this role now."""

    def find(role):
        proxy.port()
        return proxy.children()[role]

    return find


def replace(proxy, process, role):
    """Kills it and waits for the one that takes its place."""
    old = process(role)
    proxy.kill(old)
    event = proxy.expect_event("process-lost")
    until(lambda: proxy.children().get(role, old) != old, f"a new {role}")
    return event


def test_the_loss_of_a_process_is_told(proxy, process):
    pid = process("worker")
    event = replace(proxy, process, "worker")
    assert event["postern.process.name"] == "worker-0"
    assert event["postern.process.pid"] == pid
    assert "signal 9" in event["error.message"]


def test_connections_that_wait_for_a_dead_worker_are_served_by_the_next(proxy, process, make_client):
    """The parent holds the listening sockets, so the kernel's queue outlives the worker."""
    worker = process("worker")
    os.kill(worker, signal.SIGSTOP)
    waiting = [make_client(handshake=False) for _ in range(10)]
    proxy.kill(worker)
    for number, client in enumerate(waiting):
        client.stream.handshake()
        assert client.ask("GET", f"/{number}").status == 200


def test_a_worker_that_dies_under_load_takes_only_its_own_connections_along(
    make_upstream, make_proxy, make_client
):
    upstream = make_upstream(handler=None)
    proxy = make_proxy(upstream)
    under_way = [make_client(proxy) for _ in range(5)]
    for client in under_way:
        client.send_request()
        upstream.accept().expect_request()
    proxy.clients.clear()  # connections of a killed worker have no ending
    proxy.kill(proxy.children()["worker"])
    for client in under_way:
        client.expect_gone()
    client = make_client(proxy)
    client.send_request()
    connection = upstream.accept()
    connection.expect_request()
    connection.send(reply(204))
    assert client.read_response().status == 204


def test_a_new_worker_resumes_sessions_of_the_old_one(proxy, process, make_client):
    """Ticket keys come from the parent: no storm of full handshakes after a crash."""
    client = make_client(tls="1.2")
    client.ask()
    session = client.tls.session
    client.close()
    proxy.expect_event("connection-ended")
    replace(proxy, process, "worker")
    again = make_client(session=session, context=client.tls.context)
    assert again.tls.session_reused
    assert again.ask().status == 200


def test_requests_go_on_while_logd_is_away_and_events_flow_again(proxy, process, make_client):
    client = make_client()
    client.ask("GET", "/before")
    proxy.expect_event("request-forwarded", path="/before")
    logd = process("logd")
    proxy.kill(logd)
    for number in range(20):
        assert client.ask("GET", f"/{number}").status == 200
    proxy.expect_event("process-lost")
    assert client.ask("GET", "/after").status == 200
    proxy.expect_event("request-forwarded", path="/after")


def test_a_resolver_that_dies_is_missed_by_nobody(proxy, process, make_client):
    client = make_client()
    replace(proxy, process, "resolver")
    assert client.ask().status == 200
    assert make_client().ask().status == 200


def test_all_at_once(proxy, process, make_client):
    for role in ("resolver", "keyd", "logd", "worker"):
        proxy.kill(process(role))

    def answered():
        try:
            client = make_client(handshake=False)
            client.stream.handshake()
            return client.ask().status == 200
        except OSError:
            return False

    until(answered, "an answer")
    proxy.clients.clear()  # some of these connections met processes that were dying
    for _ in range(2):
        proxy.expect_event("process-lost")


def test_one_that_dies_again_and_again_is_started_again_and_again(proxy, process, make_client):
    for _ in range(3):
        replace(proxy, process, "worker")
    assert make_client().ask().status == 200


# --- who hangs


@pytest.mark.parametrize("role", ["worker 0", "keyd", "logd", "resolver"])
def test_a_process_that_does_not_answer_is_replaced(role, proxy, process, make_client):
    """Nobody else would notice: it holds its connections, and those that wait in its sockets."""
    proxy.config.update(watchdog="1s", workers=2)
    hung = process("worker" if role == "worker 0" else role)
    proxy.loses_processes = True
    os.kill(hung, signal.SIGSTOP)
    event = proxy.expect_event("process-hung")
    assert event["postern.process.name"] == role.replace(" ", "-")
    assert (event["postern.process.pid"], event["postern.process.state"]) == (hung, "stopped")
    assert event["postern.process.silent"] >= 1_000_000_000
    # It may have been stopped before it waited for the first time.
    assert event.get("postern.process.place") in (("waiting", "starting") if role == "worker 0" else (None,))
    until(lambda: hung not in proxy.children().values(), "its end")
    for number in range(8):
        until(lambda: is_answered(make_client, f"/{number}"), "an answer")
    assert len(proxy.events("process-hung")) == 1, "the others are left alone"
    assert proxy.events("process-lost") == [], "it is told of once"


def is_answered(make_client, path="/"):
    """Whether a new client gets an answer; a handshake may meet a keyd that is only coming."""
    client = make_client(handshake=False)
    try:
        client.stream.handshake()
        return client.ask("GET", path).status == 200
    except ssl.SSLError:
        return False


def test_who_answers_is_left_alone(proxy, process, make_client):
    """Looks that come as fast as may be end nobody that works."""
    proxy.config.update(watchdog="100ms", workers=2)
    family = {process("keyd"), *proxy.children().values()}
    for number in range(40):
        assert make_client().ask("GET", f"/{number}").status == 200
    assert set(proxy.children().values()) == family
    assert proxy.events("process-hung") == []


# --- a parent that has not what it needs


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a limit back")
def test_a_parent_without_descriptors_replaces_a_process_when_it_has_some(proxy, process, make_client):
    client = make_client()
    assert client.ask().status == 200
    worker, parent = process("worker"), proxy.process.pid
    before = resource.prlimit(parent, resource.RLIMIT_NOFILE)
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, before[1]))
    proxy.kill(worker)
    proxy.clients.clear()  # connections of a killed worker have no ending
    client.expect_gone()
    until(lambda: "cannot make a channel" in proxy.stderr, "the parent to run out of descriptors")
    resource.prlimit(parent, resource.RLIMIT_NOFILE, before)
    until(lambda: proxy.children().get("worker", worker) != worker, "a new worker")
    assert make_client().ask().status == 200


def test_a_stop_at_any_moment_of_the_start_is_clean(proxy):
    """Whatever has been started ends; status 0, and nobody is left."""
    file = proxy.folder / "postern.yaml"
    file.write_text(to_yaml(proxy.config) + "\n")
    for roles in range(5):
        command = [proxy.program, "run", "--config", file]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as parent:
            proxy.process = parent
            try:
                until(lambda: is_catching_sigterm(parent.pid), "a parent that may be told to stop")
                until(lambda count=roles: len(proxy.children()) >= count, "so many children")
                family = list(proxy.children().values())
                parent.terminate()
                assert parent.wait(DEADLINE) == 0
                assert not re.search("^postern: ", parent.stderr.read(), re.MULTILINE), "a complaint"
            finally:
                proxy.process = None
                parent.kill()
        until(lambda pids=family: not any(map(is_alive, pids)), "the children to end")


def is_catching_sigterm(pid):
    with open(f"/proc/{pid}/status") as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1


def test_told_twice_to_stop_it_does_not_wait(upstream, proxy, make_client):
    upstream.handler = None
    proxy.config["drain"] = "1h"
    client = make_client()
    client.send_request()
    upstream.accept().expect_request()
    proxy.process.terminate()
    proxy.expect_event("stopping")
    proxy.clients.clear()  # connections of a killed worker have no ending
    proxy.process.terminate()
    assert proxy.wait_end() == 0
    proxy.was_cut_short()


def test_when_the_parent_is_killed_its_children_end_by_themselves(proxy, process, make_client):
    """Nobody is left to watch over them, so nobody goes on."""
    client = make_client()
    client.ask()
    family = proxy.children().values()
    proxy.process.kill()
    until(lambda: not any(map(is_alive, family)), "the children to end")
    client.expect_gone()
    proxy.was_cut_short()


def test_stopping_in_the_middle_of_a_restart_is_clean(proxy, process):
    proxy.kill(process("worker"))
    proxy.expect_event("process-lost")
    assert proxy.stop() == 0


def test_what_cannot_start_ends_all_with_a_reason(proxy):
    """A first start that fails would fail again: better an error than a loop."""
    proxy.config["listeners"]["again"] = {**proxy.listener, "address": "203.0.113.1:0"}
    with pytest.raises(AssertionError) as error:
        proxy.start()
    assert "203.0.113.1:0" in str(error.value)
    assert proxy.wait_end() == 1
    proxy.was_cut_short()


def test_a_name_that_is_too_long_is_refused_in_the_words_of_check(proxy):
    name = "/" + "long/" * 1000
    for verb in ("check", "run"):
        done = subprocess.run([proxy.program, verb, "--config", name], capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 1
        assert "File name too long" in done.stdout + done.stderr


# --- what it is started with


def open_as(pid, number):
    """What a descriptor of the process is; None when that is hidden from us."""
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}")
    except PermissionError:
        return None


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"])
def test_a_standard_descriptor_that_is_closed_at_the_start_is_nothing_else(closed, proxy):
    """Else a channel, a listening socket or the sealed configuration has its number, and what
    is meant for a terminal goes there."""
    log = proxy.folder / "postern.log"
    proxy.config["log"]["to"] = f"file:{log}"
    file = proxy.folder / "postern.yaml"
    file.write_text(to_yaml(proxy.config) + "\n")
    command = f'exec "$0" run --config "$1" {closed}'
    with subprocess.Popen(["sh", "-c", command, proxy.program, file], stdout=subprocess.DEVNULL) as parent:
        try:
            until(lambda: log.exists() and '"started"' in log.read_text(), "the start in the log")
            proxy.process = parent
            family = [parent.pid, *proxy.children().values()]
            proxy.process = None
            for pid in family:
                for number in closed.split():
                    assert open_as(pid, number[0]) in ("/dev/null", None)
            first = flatten(json.loads(log.read_text().splitlines()[0]))
            client = Client(first["server.port"], proxy.pki)
            assert client.ask().status == 200
            client.close()
        finally:
            parent.send_signal(signal.SIGTERM)
        assert parent.wait(DEADLINE) == 0
