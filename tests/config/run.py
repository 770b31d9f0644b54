#!/usr/bin/env python3
"""Takes every configuration in bad/, good/ and config/examples through the verbs about it.

usage: run.py VERBS PKI ROOT [--accept]

VERBS is the program with the verbs, PKI makes the certificates that the files name,
ROOT is the source tree. --accept writes what is said now into the .expected files:
read the difference before it is committed.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import yaml

verbs, pki, root = (Path(a).resolve() for a in sys.argv[1:4])
accept = sys.argv[4:] == ["--accept"]
here = root / "tests" / "config"
results = []
DESCRIPTORS = 8192  # of the program, so that no message depends on the machine's limit


def result(good, name, detail=""):
    results.append(good)
    print(("ok" if good else "not ok"), len(results), "-", name)
    for line in detail.splitlines():
        print("#", line)


def run(*arguments, cwd, data=here / "data", descriptors=DESCRIPTORS):
    environment = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    environment["POSTERN_DATA"] = str(data)
    done = subprocess.run([verbs, *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def steady(text):
    """What differs from day to day: when the certificate that ends soon ends."""
    return re.sub(r"in \d days \(\d{4}-\d\d-\d\d\)", "in 5 days (DATE)", text)


class Loader(yaml.SafeLoader):
    """As YAML 1.2 and the editors have it: a date is text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rows if not tag.endswith(":timestamp")]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def load(file):
    """As other tools read it; None when it is no YAML at all."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None


def check_one(folder, work, name, schema):
    """One file: exit status, text, the same as JSON, and what the JSON Schema says."""
    usable = folder.name != "bad"
    expected = folder / (name + ".expected")
    status, text, errors = run("check", name + ".yaml", cwd=work)
    text = steady(text)
    if accept:
        expected.write_text(text)
    wanted = expected.read_text()
    result(status == (0 if usable else 1) and text == wanted and errors == "",
           f"{folder.name}/{name}: check", "" if text == wanted else f"found:\n{text}\nwanted:\n{wanted}{errors}")

    status, document, _ = run("check", "--format", "json", "--config", name + ".yaml", cwd=work)
    document = json.loads(document)
    verdict = wanted.rstrip().splitlines()[-1]
    result(document["usable"] == usable and
           sum(row["severity"] == "error" for row in document["diagnostics"]) == document["errors"] and
           all(f"[{row['code']}]" in wanted for row in document["diagnostics"]) and
           (usable or f"{document['errors']} error" in verdict),
           f"{folder.name}/{name}: check --format json")

    structural = (work / (name + ".yaml")).read_bytes().startswith(b"# structural")
    if usable or structural:
        refused = not schema.is_valid(load(work / (name + ".yaml")))
        result(refused == structural, f"{folder.name}/{name}: JSON Schema")


def check_folder(folder, schema):
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        shutil.copytree(folder, work, dirs_exist_ok=True)
        for copied in [work, *work.rglob("*")]:
            copied.chmod(0o755 if copied.is_dir() else 0o644)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        for file in sorted(folder.glob("*.yaml")):
            check_one(folder, work, file.stem, schema)


def check_examples(schema):
    """What ships is usable once its files are there."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        for file in sorted((root / "config" / "examples").glob("*.yaml")):
            text = file.read_text()
            for path, made in [("tls/mail.example.com/fullchain.pem", "fullchain.pem"),
                               ("tls/mail.example.com/privkey.pem", "privkey.pem"),
                               ("tls/webmail-ecdsa.pem", "ec.pem"), ("tls/webmail-ecdsa.key", "ec.pem"),
                               ("tls/webmail-rsa.pem", "rsa.pem"), ("tls/webmail-rsa.key", "rsa.pem"),
                               ("mail.pem", "mail.pem"), ("corp-ca.pem", "ca.pem")]:
                text = text.replace("/etc/postern/" + path, f"{work}/tls/{made}")
            text = text.replace("webmail.example.com", "mail.example.com").replace("/var/log/postern", str(work))
            (work / file.name).write_text(text)
            os.chmod(work / file.name, 0o644)
            status, said, _ = run("check", file.name, cwd=work, data=root / "config")
            warned = "S011" in said if file.stem == "clear-text" else ", 0 warnings" in said
            result(status == 0 and warned, f"examples/{file.name}: check", said)
            result(schema.is_valid(yaml.safe_load(text)), f"examples/{file.name}: JSON Schema")


def check_show_config():
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        shutil.copytree(here / "good", work, dirs_exist_ok=True)
        status, text, _ = run("show-config", "--config", "included.yaml", cwd=work)
        lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
        result(status == 0 and ["upstreams.more.servers", "https://more", "included.d/more.yaml:3"] in lines and
               ["listeners.public.address", '"*:443"', "included.yaml:5"] in lines,
               "show-config: value and origin", text)
        status, text, _ = run("show-config", "--config", "included.yaml", "--defaults",
                              "listeners.public.timeouts", cwd=work)
        lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
        result(status == 0 and len(lines) == 6 and ["listeners.public.timeouts.head", "15s", "default"] in lines,
               "show-config: defaults under a path", text)
        status, text, _ = run("show-config", "--config", "applications.yaml", cwd=work)
        lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
        host = "listeners.public.publish.autodiscover.example.com.application"
        result(status == 0 and [host, "larger", "applications.yaml:13"] in lines and
               [host + ".limits.url", "3KiB", str(here / "data/applications/larger.yaml") + ":6"] in lines and
               [host + ".limits.fields", "{authorization: 8KiB, cookie: 5KiB}", "applications.yaml:18"] in lines and
               "paths" not in text, "show-config: what an application brings", text)
        result(run("show-config", "--config", "included.yaml", "nowhere", cwd=work)[0] == 1,
               "show-config: nothing there")
        status, text, errors = run("show-config", "--config", str(here / "bad" / "choice.yaml"), cwd=work)
        result(status == 1 and text == "" and "[C013]" in errors, "show-config: refuses what check refuses")


def check_show_application():
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        status, text, _ = run("show-application", cwd=work)
        result(status == 0 and [line.split()[0] for line in text.splitlines()] == ["larger", "paged", "small", "any"],
               "show-application: the list", text)
        for name in ["small", "paged"]:
            status, text, _ = run("show-application", name, cwd=work)
            (work / (name + ".yaml")).write_text(text)
            result(status == 0 and load(work / (name + ".yaml")) == load(here / f"data/applications/{name}.yaml"),
                   f"show-application: nothing of {name} is lost", text)
        status, text, _ = run("show-application", "larger", cwd=work)
        (work / "larger.yaml").write_text(text)
        shown = load(work / "larger.yaml")
        result("extends" not in shown and shown["limits"]["url"] == "3KiB" and shown["limits"]["query"] == "1KiB" and
               list(shown["paths"]) == ["LA010", "SM010", "SM020", "SM030", "SM040"],
               "show-application: with what it extends", text)
        for name in ["small", "larger", "paged"]:
            status, text, _ = run("show-application", name, "--from", ".", cwd=work)
            result(status == 0 and text == (work / (name + ".yaml")).read_text(),
                   f"show-application: {name} can be copied", text)
        status, text, errors = run("show-application", "smal", cwd=work)
        result(status == 1 and text == "" and "did you mean 'small'" in errors, "show-application: no such name", errors)
        status, text, errors = run("show-application", "other", "--from", str(here / "bad/presets.d"), cwd=work)
        result(status == 1 and text == "" and "[C013]" in errors, "show-application: a broken one", errors)


def check_shipped():
    """What ships is without a mistake, and every preset can be published."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        names = sorted(file.stem for file in (root / "config/applications").glob("*.yaml"))
        for name in names:
            (work / "main.yaml").write_text(
                'version: 1\nlisteners: {public: {address: "*:443", publish: {mail.example.com: '
                f"{{certificate: tls/mail.pem, upstream: inner, application: {name}}}}}}}}}\n"
                "upstreams: {inner: {servers: https://inner}}\n")
            status, text, _ = run("check", "main.yaml", cwd=work, data=root / "config")
            result(status == 0 and ", 0 warnings" in text, f"applications/{name}.yaml: check", text)


def check_usage():
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        shutil.copytree(here / "good", work, dirs_exist_ok=True)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        for file in work.glob("*.yaml"):
            file.chmod(0o644)
        for arguments, wanted in [(["check", "bom.yaml", "--quiet"], 0),
                                  (["check", "warnings.yaml"], 0),
                                  (["check", "warnings.yaml", "--strict"], 1),
                                  (["check", "nowhere.yaml"], 1),
                                  (["check", "--format", "xml", "bom.yaml"], 2),
                                  (["check", "--wrong"], 2),
                                  (["check", "bom.yaml", "crlf.yaml"], 2),
                                  (["schema", "--wrong"], 2),
                                  (["show-config", "a", "b"], 2),
                                  (["show-application", "a", "b"], 2),
                                  (["show-application", "--help"], 0),
                                  (["check", "--help"], 0)]:
            status, text, _ = run(*arguments, cwd=work)
            result(status == wanted and ("--quiet" not in arguments or text == ""),
                   f"exit {wanted}: {' '.join(arguments)}", text)
        (work / "bom.yaml").chmod(0o666)
        status, text, _ = run("check", "bom.yaml", cwd=work)
        result(status == 1 and "bom.yaml: error: every user of this machine can write to this file [F002]" in text,
               "a file that everybody may write to", text)
        result("\033" not in text, "no colour without a terminal")


def check_descriptors():
    """A default is no promise; a limit that leaves next to nothing of it is told all the same."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        (work / "main.yaml").write_text(
            'version: 1\nworkers: 2\nlisteners: {public: {address: "*:443", publish: {mail.example.com: '
            "{certificate: tls/mail.pem, upstream: inner, application: any}}}}\n"
            "upstreams: {inner: {servers: https://inner}}\n")
        for descriptors, warned in [(DESCRIPTORS, False), (512, True)]:
            status, text, _ = run("check", "main.yaml", cwd=work, descriptors=descriptors)
            result(status == 0 and warned == ("main.yaml:3:13: warning: 20000 connections are allowed; with a limit of "
                                              "512 descriptors about 448 fit into 2 workers [M001]" in text) and
                   warned == ("1 warning" in text), f"with {descriptors} descriptors", text)


def check_hidden_characters():
    """What a terminal obeys is escaped; what show-config prints is YAML of the same meaning."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "tls").mkdir()
        subprocess.run([pki, work / "tls"], check=True)
        (work / "main.yaml").write_text(
            'version: 1\nlisteners: {public: {address: "*:443", publish: {mail.example.com: '
            "{certificate: tls/mail.pem, upstream: inner, application: any}}}}\n"
            "upstreams: {inner: {servers: https://inner}}\n"
            f"log: {{to: \"file:{work}/a\u202eb\"}}\n")
        status, text, errors = run("show-config", "--config", "main.yaml", "log.to", cwd=work)
        shown = text.split("  ")[1] if status == 0 else ""
        result("\u202e" not in text and yaml.safe_load(shown or "''") == f"file:{work}/a\u202eb",
               "show-config: hidden characters", text + errors)


def check_secrets_stay_in():
    """What the bad files call hunter2 is in no message, in no form."""
    said = "".join(file.read_text() for file in (here / "bad").glob("*.expected"))
    written = "".join(file.read_text(errors="replace") for file in (here / "bad").glob("*.yaml"))
    result("hunter2" in written and "hunter2" not in said and "c2VjcmV0" not in said, "secrets stay in")


def main():
    _, text, _ = run("schema", cwd=root)
    document = json.loads(text)
    jsonschema.Draft7Validator.check_schema(document)
    schema = jsonschema.Draft7Validator(document)
    check_folder(here / "bad", schema)
    check_folder(here / "good", schema)
    check_examples(schema)
    check_show_config()
    check_show_application()
    check_shipped()
    check_usage()
    check_descriptors()
    check_hidden_characters()
    check_secrets_stay_in()
    _, page, _ = run("schema", "--markdown", cwd=root)
    result(page == (root / "docs" / "configuration.md").read_text(), "docs/configuration.md is up to date",
           "postern schema --markdown > docs/configuration.md")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
