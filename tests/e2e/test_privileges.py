"""What each process may do, and what it cannot even see."""

import array
import grp
import itertools
import os
import pwd
import re
import shutil
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from actors import to_yaml

ROLES = ("worker", "keyd", "logd", "resolver")
# capabilities(7): those that opening sockets and files, and spawning children as others, need.
PARENT_MAY = {
    "DAC_OVERRIDE": 1,
    "DAC_READ_SEARCH": 2,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
}
PAGE = os.sysconf("SC_PAGE_SIZE")
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up")


def status(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: value.split() for name, _, value in (line.partition(":") for line in text.splitlines())}


def family(proxy):
    proxy.port()
    return {"parent": proxy.process.pid, **proxy.children()}


@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_a_child_is_its_account_and_can_become_nobody_else(role, proxy):
    """Real, effective, saved and file system ids; and none of root's groups."""
    account = pwd.getpwnam("nobody")
    proxy.config.update({setting: "nobody" for setting in ("user", "key_user", "log_user", "resolver_user")})
    facts = status(family(proxy)[role])
    assert facts["Uid"] == [str(account.pw_uid)] * 4
    assert facts["Gid"] == [str(account.pw_gid)] * 4
    groups = {str(g.gr_gid) for g in grp.getgrall() if "nobody" in g.gr_mem} | {str(account.pw_gid)}
    assert set(facts["Groups"]) <= groups
    for name in CAPABILITY_SETS:
        assert int(facts[name][0], 16) == 0, name


@needs_root
def test_every_role_has_an_account_of_its_own_unasked(proxy):
    """With no account named, and none made for them: numbers that belong to nobody else."""
    proxy.config.pop("user")
    pids = family(proxy)
    facts = {role: status(pids[role]) for role in ROLES}
    for kind in ("Uid", "Gid"):
        assert len({facts[role][kind][0] for role in ROLES}) == len(ROLES)
    for role in ROLES:
        assert len(set(facts[role]["Uid"])) == 1 and facts[role]["Uid"][0] != "0", role
        named = role if role != "worker" else ""
        with suppress(KeyError):
            assert pwd.getpwuid(int(facts[role]["Uid"][0])).pw_name == f"postern-{named}".rstrip("-")
            continue
        assert 65520 <= int(facts[role]["Uid"][0]) <= 65533, role
        assert facts[role]["Groups"] == [], role


@needs_root
def test_accounts_can_be_named(proxy):
    proxy.config.update(user="nobody", key_user="daemon", log_user="sys", resolver_user="bin")
    pids = family(proxy)
    owners = {role: pwd.getpwuid(int(status(pids[role])["Uid"][0])).pw_name for role in ROLES}
    assert owners == {"worker": "nobody", "keyd": "daemon", "logd": "sys", "resolver": "bin"}


@needs_root
def test_an_account_for_two_roles_is_warned_of(proxy):
    proxy.config.update(user="nobody", log_user="daemon", key_user="nobody")
    file = proxy.folder / "shared.yaml"
    file.write_text(to_yaml(proxy.config) + "\n")
    done = subprocess.run([proxy.program, "check", "--config", file], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.count("[S006]") == 1
    assert "key_user: 'nobody' is the account of user, too [S006]" in done.stdout


@needs_root
@pytest.mark.parametrize("name,hint", [("root", "name another account"), ("no-such-user", "create it: adduser")])
def test_an_account_that_cannot_be_used_is_refused_with_what_helps(name, hint, proxy):
    """Nobody is told to create what is there."""
    proxy.config["user"] = name
    file = proxy.folder / "refused.yaml"
    file.write_text(to_yaml(proxy.config) + "\n")
    done = subprocess.run([proxy.program, "check", "--config", file], capture_output=True, text=True)
    assert done.returncode == 1
    assert "[C031]" in done.stdout and hint in done.stdout


@needs_root
def test_the_own_account_of_another_role_is_warned_of(proxy):
    """Named for logd, while keyd, for which nothing is written, takes it as its own."""
    proxy.config.pop("user")
    proxy.config.update(log_user="postern-keyd")
    file = proxy.folder / "own.yaml"
    file.write_text(to_yaml(proxy.config) + "\n")
    accounts = proxy.folder / "passwd"
    accounts.write_text(Path("/etc/passwd").read_text() + "postern-keyd:x:65533:65533::/nonexistent:/bin/false\n")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/passwd && shift && exec "$@"', "sh", accounts,
         proxy.program, "check", "--config", file], capture_output=True, text=True,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this root may not mount anything")
    assert "log_user: 'postern-keyd' is the account of key_user, too [S006]" in done.stdout


REACH = """
import os, sys
own, targets = int(sys.argv[1]), list(map(int, sys.argv[2:]))
os.setgroups([]), os.setresgid(own, own, own), os.setresuid(own, own, own)
for pid in targets:
    try:
        os.kill(pid, 0)
        print("signalled", pid)
    except PermissionError:
        pass
    for name in ("mem", "environ", "maps"):
        try:
            os.read(os.open(f"/proc/{pid}/{name}", os.O_RDONLY), 1)
            print("read", name, pid)
        except PermissionError:
            pass
"""


@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_the_account_of_one_role_reaches_no_process_of_another(role, proxy):
    """What the kernel says to whoever has this account, without the jail that comes on top."""
    proxy.config.pop("user")
    pids = family(proxy)
    uid = status(pids[role])["Uid"][0]
    others = [str(pid) for name, pid in pids.items() if name != role]
    done = subprocess.run([sys.executable, "-c", REACH, uid, *others], capture_output=True, text=True, check=True)
    assert done.stdout == ""


@needs_root
def test_a_log_file_belongs_to_root_whoever_writes_it(proxy, make_client):
    """logd can append to it, and has no name under which it could empty or replace it."""
    log = proxy.folder / "postern.log"
    proxy.config["log"]["to"] = ["stdout", f"file:{log}"]
    make_client().ask()
    proxy.expect_event("request-forwarded")
    assert (log.stat().st_uid, log.stat().st_mode & 0o777) == (0, 0o640)


@needs_root
def test_the_parent_keeps_what_opening_and_spawning_need_and_no_more(proxy):
    facts = status(family(proxy)["parent"])
    allowed = sum(1 << number for number in PARENT_MAY.values())
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(facts[name][0], 16) & ~allowed == 0, name
    for name in ("CapInh", "CapAmb"):
        assert int(facts[name][0], 16) == 0, name


@pytest.mark.parametrize("role", ("parent", *ROLES))
def test_every_process_is_in_its_jail(role, proxy):
    """No new privileges through an exec, a list of system calls, and no core to find secrets in."""
    pid = family(proxy)[role]
    facts = status(pid)
    assert facts["NoNewPrivs"] == ["1"]
    assert facts["Seccomp"] == ["2"]
    core = re.search(r"Max core file size\s+(\d+)\s+(\d+)", Path(f"/proc/{pid}/limits").read_text())
    assert core.groups() == ("0", "0")


@needs_root
@pytest.mark.parametrize("role", ROLES)
def test_nobody_of_the_same_account_may_look_into_it(role, proxy):
    """A process that may not be dumped belongs to root in /proc, whatever its user is."""
    assert Path(f"/proc/{family(proxy)[role]}/mem").stat().st_uid == 0


@needs_root
def test_a_worker_holds_sockets_and_no_file(proxy, make_client):
    make_client().ask()
    kinds = set()
    for link in Path(f"/proc/{family(proxy)['worker']}/fd").iterdir():
        target = os.readlink(link)
        kinds.add(target if target.startswith("/") else target.split(":")[0])
    assert kinds - {"socket", "pipe", "anon_inode"} <= {"/dev/null"}


@needs_root
def test_only_logd_holds_the_log(proxy):
    """Standard output is the log's target: whoever holds it can forge what happened."""
    pids = family(proxy)
    log = os.readlink(f"/proc/{pids['parent']}/fd/1")
    for role in ROLES:
        held = {os.readlink(file) for file in Path(f"/proc/{pids[role]}/fd").iterdir()}
        assert (log in held) == (role == "logd"), role


@needs_root
def test_only_keyd_ever_gets_a_descriptor_of_the_keys(proxy):
    """And it closes it again when it has read it. The parent holds it, sealed, for the next keyd."""
    pids = family(proxy)

    def opened(role):
        return [os.readlink(link) for link in Path(f"/proc/{pids[role]}/fd").iterdir()]

    assert [target for target in opened("parent") if "postern-keys" in target]
    for role in ROLES:
        assert not [target for target in opened(role) if "keys" in target or target.endswith(".key")], role


def test_the_environment_of_the_administrator_is_nobodys_business(proxy):
    """Passwords come as environment variables, too, and a worker has no use for them."""
    proxy.environment = {"DATABASE_PASSWORD": "s3cret"}
    pids = family(proxy)
    for role in ("worker", "keyd", "resolver"):
        if os.access(f"/proc/{pids[role]}/environ", os.R_OK):
            assert b"s3cret" not in Path(f"/proc/{pids[role]}/environ").read_bytes(), role


@needs_root
def test_an_ordinary_user_runs_the_same_processes_in_the_same_jail(pki, proxy, make_client):
    """For demonstrations and tests; there is nothing to drop, and everything else holds."""
    account = pwd.getpwnam("nobody")
    keys = proxy.folder / "pki"
    shutil.copytree(pki, keys, ignore=shutil.ignore_patterns(".*"))
    # The tree may lie where nobody else may look, as below /root.
    program = shutil.copy(proxy.program, proxy.folder / "postern")
    shutil.copytree(Path(proxy.program).parent / "share", proxy.folder / "share")
    for path in (proxy.folder, keys, *keys.iterdir()):
        os.chown(path, account.pw_uid, account.pw_gid)
    wrapper = proxy.folder / "as-nobody"
    wrapper.write_text(
        f"#!/bin/sh\nexec setpriv --reuid={account.pw_uid} --regid={account.pw_gid} --clear-groups "
        f'{program} "$@"\n'
    )
    wrapper.chmod(0o755)
    proxy.program = wrapper
    proxy.published.update(
        certificate=str(keys / "public-ec.chain.pem"), key=f"file:{keys / 'public-ec.key'}"
    )
    proxy.upstream["verify"]["ca"] = str(keys / "internal-ca.crt")
    del proxy.config["user"]
    assert make_client().ask().status == 200
    for role, pid in family(proxy).items():
        facts = status(pid)
        assert facts["Uid"] == [str(account.pw_uid)] * 4, role
        assert (facts["NoNewPrivs"], facts["Seccomp"]) == (["1"], ["2"]), role
        assert int(facts["CapEff"][0], 16) == 0, role


# --- where the private keys are


def numbers_of(key):
    """The secret numbers of a private key, as they may stand in memory: either end first."""
    text = subprocess.run(
        ["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, capture_output=True, text=True
    ).stdout
    found = set()
    for name in ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2"):
        if match := re.search(rf"^{name}:\n((?:    .*\n)+)", text, re.MULTILINE):
            number = bytes.fromhex(re.sub(r"[\s:]", "", match[1])).lstrip(b"\0")
            found |= {number, number[::-1]}
    assert found
    return found


def text_of(key):
    """The key's file itself, in case it lies around: lines of its text, and what they stand for."""
    der = subprocess.run(["openssl", "pkey", "-in", key, "-outform", "DER"], check=True, capture_output=True).stdout
    lines = {line for line in key.read_bytes().splitlines() if len(line) == 64}
    assert lines and der
    return lines | {der}


def memory_of(pid):
    """What is resident of each of its mappings. The sanitizer's shadow alone is terabytes of nothing."""
    with (
        open(f"/proc/{pid}/maps") as maps,
        open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
        open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap,
    ):
        for line in maps:
            start, end = (int(number, 16) // PAGE for number in line.split()[0].split("-"))
            if end - start > (1 << 30) // PAGE:
                continue
            pagemap.seek(start * 8)
            entries = array.array("Q", pagemap.read((end - start) * 8))
            present = [start + number for number, entry in enumerate(entries) if entry >> 63]
            for _, run in itertools.groupby(enumerate(present), lambda item: item[1] - item[0]):
                pages = [page for _, page in run]
                memory.seek(pages[0] * PAGE)
                with suppress(OSError):  # the kernel's own pages
                    yield memory.read(len(pages) * PAGE)


def secrets_in_memory(pid, secrets):
    """Those of `secrets` that stand anywhere in the process."""
    found = set()
    for content in memory_of(pid):
        found |= {secret for secret in secrets if secret in content}
    return found


@needs_root
@pytest.mark.parametrize("place", ["its own file", "the certificate's file"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_private_key_is_in_keyd_and_in_no_other_process(kind, place, pki, proxy, make_client):
    """Not even in the parent, which only holds a descriptor of what the notary sealed."""
    key = pki / f"public-{kind}.key"
    proxy.published.update(certificate=str(pki / f"public-{kind}.chain.pem"), key=f"file:{key}")
    if place == "the certificate's file":
        proxy.published["certificate"] = str(pki / f"public-{kind}.pem")
        del proxy.published["key"]
    for tls in ("1.2", "1.3"):
        for _ in range(3):
            assert make_client(tls=tls).ask().status == 200
    pids = family(proxy)
    numbers = numbers_of(key)
    assert secrets_in_memory(pids["keyd"], numbers), "the search finds what is there"
    for role in ("parent", "worker", "logd", "resolver"):
        assert not secrets_in_memory(pids[role], numbers | text_of(key)), role


@needs_root
def test_the_key_of_the_client_certificate_is_in_keyd_alone_too(pki, upstream, proxy, make_client):
    key = pki / "client-proxy.key"
    upstream.context.verify_mode = ssl.CERT_REQUIRED
    upstream.context.load_verify_locations(pki / "internal-ca.crt")
    proxy.upstream.update(client_certificate=str(pki / "client-proxy.chain.pem"), client_key=f"file:{key}")
    assert make_client().ask().status == 200
    pids = family(proxy)
    assert secrets_in_memory(pids["keyd"], numbers_of(key))
    for role in ("parent", "worker"):
        assert not secrets_in_memory(pids[role], numbers_of(key) | text_of(key)), role
