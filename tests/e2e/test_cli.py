"""The command line, as processes: what it prints where, exit codes, and what it does to a running server."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from contract.postgres_server import namespace
from judges.commands import Done, invoke, result
from judges.harness import COMMAND, Server, environment, free_port

from rosterd.store.database import connect_writer
from rosterd.store.migrate import bring_up, known

TOKEN = re.compile(r"rst_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")
SUB_COMMANDS = {
    "": (
        "serve",
        "demo",
        "simulate",
        "directory",
        "connection",
        "token",
        "client",
        "key",
        "migrate",
        "doctor",
    ),
    "simulate": ("okta", "entra"),
    "directory": ("create", "list", "show", "define"),
    "events": ("list", "tail"),
    "connection": ("create", "list", "show", "update", "pause", "resume", "disable", "enable"),
    "token": ("create", "list", "show", "rotate", "revoke"),
    "client": ("create", "list", "show", "rotate", "revoke"),
    "key": ("create", "list", "revoke"),
}


def process(*arguments: str | Path, **more: str) -> Done:
    """Run the installed command."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**environment(), "COLUMNS": "200", **more},
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Serving:
    """``rosterd serve`` with its output at hand."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--data", str(data), "--port", str(self.port), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, self.process.communicate()
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def end(self) -> str:
        """Stop it as a service manager does; standard output."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        return out


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that the first token has made."""
    done = invoke("token", "create", "--data", tmp_path / "data", "--quiet")
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def test_the_first_run_prints_the_token_and_what_to_paste_and_later_runs_do_not(tmp_path: Path) -> None:
    first = Serving(tmp_path / "data")
    first.wait()
    text = first.end()
    tokens = TOKEN.findall(text)
    assert len(set(tokens)) == 1
    base_url = f"http://127.0.0.1:{first.port}/scim/v2"
    assert base_url in text
    for words in ("SCIM 2.0 connector base URL", "userName", "HTTP Header", "Bearer", "Push Groups"):
        assert words in text
    assert first.process.returncode == 0

    second = Serving(tmp_path / "data")
    second.wait()
    answer = httpx.get(
        f"http://127.0.0.1:{second.port}/scim/v2/Users", headers={"Authorization": f"Bearer {tokens[0]}"}
    )
    assert answer.status_code == 200
    assert answer.json()["totalResults"] == 0
    text = second.end()
    assert not TOKEN.search(text)
    assert f"http://127.0.0.1:{second.port}/scim/v2" in text


def test_sighup_is_told_and_ends_no_single_process(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "data", "--quiet")
    serving.wait()
    serving.process.send_signal(signal.SIGHUP)
    for _ in range(3):
        assert httpx.get(f"http://127.0.0.1:{serving.port}/healthz").status_code == 200
    serving.process.send_signal(signal.SIGTERM)
    out, err = serving.process.communicate(timeout=20)
    assert serving.process.returncode == 0
    assert "SIGHUP is ignored" in out + err


def test_the_data_directory_is_for_its_owner_only(data: Path) -> None:
    assert data.stat().st_mode & 0o077 == 0


def test_serve_adds_definitions_on_the_first_run_and_still_prints_the_token(tmp_path: Path) -> None:
    schemas, types = definitions(tmp_path)
    serving = Serving(tmp_path / "data", "--schemas", str(schemas), "--resource-types", str(types), "--json")
    serving.wait()
    text = serving.end()
    ready = json.loads(text)
    assert TOKEN.fullmatch(ready["token"])
    assert ready["firstRun"] is True
    shown = result("directory", "show", "default", "--data", tmp_path / "data")
    assert shown["resourceTypes"] == ["Device"]


def test_token_create_quiet_prints_nothing_but_a_token_that_works_at_once(server: Server) -> None:
    done = process("token", "create", "--data", server.data, "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    assert TOKEN.fullmatch(done.stdout.strip())
    assert done.stdout.count("\n") == 1
    answer = httpx.get(
        f"{server.base_url}/Users?count=0", headers={"Authorization": f"Bearer {done.stdout.strip()}"}
    )
    assert answer.status_code == 200


def test_a_revoked_token_stops_and_a_rotated_one_goes_on_for_the_overlap(server: Server) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{server.base_url}/Users?count=0", headers=headers).status_code

    made = result("token", "create", "--data", server.data, "--label", "Okta", "--lifetime", "90d")
    assert made["label"] == "Okta"
    assert status(made["token"]) == 200
    later = result("token", "rotate", made["id"], "--data", server.data)
    assert later["label"] == "Okta"
    assert [status(made["token"]), status(later["token"])] == [200, 200]
    at_once = result("token", "rotate", later["id"], "--overlap", "0", "--data", server.data)
    assert [status(later["token"]), status(at_once["token"])] == [401, 200]
    assert result("token", "revoke", at_once["id"], "--data", server.data)["state"] == "revoked"
    assert status(at_once["token"]) == 401


def test_a_token_with_the_read_scope_only_cannot_write(server: Server) -> None:
    made = result("token", "create", "--data", server.data, "--scope", "scim.read")
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert httpx.get(f"{server.base_url}/Users?count=0", headers=headers).status_code == 200
    answer = httpx.post(f"{server.base_url}/Users", headers=headers, json={"userName": "x@x.example"})
    assert answer.status_code == 403


def test_no_listing_shows_a_secret(data: Path) -> None:
    made = invoke("token", "create", "--data", data, "--quiet").stdout.strip()
    for arguments in (("token", "list"), ("token", "show", made[4:16]), ("doctor",)):
        for form in ((), ("--json",)):
            done = invoke(*arguments, "--data", data, *form)
            assert made not in done.stdout + done.stderr
            assert not TOKEN.search(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [("60s", 60), ("90d", 7_776_000), ("10y", 315_360_000), ("3600", 3600)]
)
def test_a_token_lives_as_long_as_asked(data: Path, lifetime: str, seconds: int) -> None:
    made = result("token", "create", "--data", data, "--lifetime", lifetime)
    stamps = [time.mktime(time.strptime(made[key], "%Y-%m-%dT%H:%M:%SZ")) for key in ("created", "expires")]
    assert stamps[1] - stamps[0] == pytest.approx(seconds, abs=1)


@pytest.mark.parametrize("lifetime", ["59s", "11y", "soon", "", "-5", "1.5d", "99999999999999d"])
def test_a_lifetime_that_makes_no_sense_is_wrong_usage(data: Path, lifetime: str) -> None:
    assert invoke("token", "create", "--data", data, f"--lifetime={lifetime}").returncode == 2


def test_directories_and_connections_are_made_shown_and_changed(data: Path) -> None:
    assert result("directory", "create", "acme", "--data", data)["path"] == "/scim/v2/d/acme"
    names = {item["name"] for item in result("directory", "list", "--data", data)}
    assert names == {"acme", "default"}
    at = ("--directory", "acme", "--data", data)
    made = result("connection", "create", "entra", "--profile", "entra", "--on-delete", "erase", *at)
    assert (made["profile"], made["reach"], made["onDelete"]) == ("entra", "own", "erase")
    changed = result("connection", "update", "entra", "--reach", "directory", *at)
    assert changed == {**made, "reach": "directory"}
    assert result("connection", "show", "entra", *at) == changed
    renamed = result("connection", "update", "entra", "--name", "azure", *at)
    assert renamed == {**changed, "name": "azure"}
    assert result("connection", "update", "azure", "--name", "entra", *at) == changed
    token = result("token", "create", "--connection", "entra", *at)
    assert token["connection"] == "entra"
    listed = result("token", "list", "--connection", "entra", *at)
    assert [item["id"] for item in listed] == [token["id"]]
    assert result("connection", "list", *at) == [{**changed, "tokens": 1}]


def definitions(folder: Path) -> tuple[Path, Path]:
    urn = "urn:example:params:scim:schemas:Device"
    schema = {"id": urn, "name": "Device", "attributes": [{"name": "serial", "type": "string"}]}
    kind = {"name": "Device", "endpoint": "/Devices", "schema": urn}
    (folder / "schemas.json").write_text(json.dumps(schema))
    (folder / "types.json").write_text(json.dumps([kind]))
    return folder / "schemas.json", folder / "types.json"


def test_definitions_reach_a_running_server(server: Server, tmp_path: Path) -> None:
    schemas, types = definitions(tmp_path)
    server.cli("directory", "create", "with-devices")
    server.cli("connection", "create", "only", "--directory", "with-devices")
    token = server.token("--directory", "with-devices", "--connection", "only")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.base_url}/Devices", headers=headers).status_code == 404
    files = ("--schemas", str(schemas), "--resource-types", str(types))
    server.cli("directory", "define", "with-devices", *files)
    assert httpx.get(f"{server.base_url}/Devices", headers=headers).status_code == 200


def test_no_connection_is_made_beside_one_that_was_called_default(data: Path) -> None:
    at = ("--data", data)
    assert invoke("connection", "update", "default", "--name", "okta", *at).returncode == 0
    for kind in ("token", "client"):
        refused = invoke(kind, "create", *at)
        assert refused.returncode == 3
        assert "has no connection 'default' (there is: okta)" in refused.stderr
    listed = json.loads(invoke("connection", "list", "--json", *at).stdout)
    assert [(line["name"], line["tokens"]) for line in listed] == [("okta", 1)]


FAILURES = [
    (2, ("token", "create", "--scope", "everything")),
    (2, ("token", "create", "--unknown-option")),
    (2, ("connection", "create", "x", "--profile", "unheard-of")),
    (2, ("connection", "update", "default", "--name", "a/b")),
    (2, ("directory", "create", "no/slash")),
    (2, ("directory", "define", "default")),
    (2, ("serve", "--base-url", "scim.example.com")),
    (3, ("directory", "show", "nowhere")),
    (3, ("connection", "show", "nobody")),
    (3, ("connection", "list", "--directory", "nowhere")),
    (3, ("token", "show", "000000000000")),
    (3, ("token", "revoke", "000000000000")),
    (3, ("token", "rotate", "000000000000")),
    (3, ("token", "create", "--directory", "nowhere")),
    (4, ("directory", "create", "default")),
    (4, ("connection", "create", "default")),
]


@pytest.mark.parametrize(("code", "arguments"), FAILURES, ids=[" ".join(a) for _, a in FAILURES])
def test_exit_codes(data: Path, code: int, arguments: tuple[str, ...]) -> None:
    done = invoke(*arguments, "--data", data)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ("token", "list")),
        (2, ("token", "bake")),
        (3, ("token", "show", "x")),
        (4, ("directory", "create", "default")),
    ],
)
def test_exit_codes_of_the_process(data: Path, code: int, arguments: tuple[str, ...]) -> None:
    done = process(*arguments, "--data", data)
    assert done.returncode == code
    assert bool(done.stderr) is bool(code)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"fields": [], "role": []}', "/roles is missing"),
        ('{"fields": [], "roles": [], "rules": []}', "/rules is not known here"),
        ('{"fields": [{"name": "a"}], "roles": []}', "/fields/0/value is missing"),
        ('{"fields": "a", "roles": []}', "/fields must be an array"),
        ("[]", "must be an object"),
        ("fields", "mapping.json is no JSON"),
        ('{"fields": [{"name": "a", "value": "usr.title"}], "roles": []}', "there is no variable 'usr'"),
    ],
)
@pytest.mark.parametrize("command", ["preview", "set"])
def test_rules_with_a_slip_are_no_empty_mapping(
    data: Path, tmp_path: Path, command: str, text: str, word: str
) -> None:
    file = tmp_path / "mapping.json"
    file.write_text(text)
    done = invoke("mapping", command, file, "--data", data)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert '"fields": []' in invoke("mapping", "show", "--data", data).stdout


@pytest.mark.parametrize("arguments", [("token", "list"), ("directory", "list"), ("token", "rotate", "x")])
def test_looking_makes_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments, "--data", tmp_path / "none").returncode == 3
    assert not (tmp_path / "none").exists()


def test_a_port_that_is_taken_is_a_conflict(server: Server, tmp_path: Path) -> None:
    port = server.origin.rpartition(":")[2]
    done = process("serve", "--data", tmp_path / "data", "--port", port)
    assert done.returncode == 4
    assert "--port" in done.stderr


def test_a_store_that_cannot_be_used_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "rosterd.db").mkdir()
    done = invoke("directory", "list", "--data", tmp_path)
    assert done.returncode == 5
    assert "cannot be used" in done.stderr


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "rosterd.db").write_bytes(b"this is no database " * 500)
    done = invoke("directory", "list", "--data", tmp_path)
    assert done.returncode == 5
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("schemas", "words"),
    [("{", "JSON"), ('"text"', "object"), ('{"id": "no urn", "attributes": []}', "URN"), ("[1]", "object")],
)
def test_definitions_that_are_not_valid_are_refused_with_the_place(
    data: Path, tmp_path: Path, schemas: str, words: str
) -> None:
    (tmp_path / "s.json").write_text(schemas)
    done = invoke("directory", "define", "default", "--schemas", tmp_path / "s.json", "--data", data)
    assert done.returncode == 2
    assert words in done.stderr
    assert result("directory", "show", "default", "--data", data)["schemas"] == []


@pytest.mark.parametrize("group", SUB_COMMANDS)
def test_help_lists_every_command_with_a_sentence(group: str) -> None:
    done = invoke(*group.split(), "--help")
    assert done.returncode == 0
    for name in SUB_COMMANDS[group]:
        assert re.search(rf"^\W*{name}\s+\w.*\w", done.stdout, re.M), name


@pytest.mark.parametrize("path", [f"{g} {c}".strip() for g in SUB_COMMANDS for c in SUB_COMMANDS[g]])
def test_every_command_has_help(path: str) -> None:
    done = invoke(*path.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert path in SUB_COMMANDS or "Examples" in done.stdout


def test_the_exit_codes_are_in_the_help() -> None:
    text = invoke("--help").stdout
    for words in ("0 done", "3 not found", "4 conflict", "5 store"):
        assert words in text


def test_the_shell_completes_commands() -> None:
    done = process(_ROSTERD_COMPLETE="complete_bash", COMP_WORDS="rosterd co", COMP_CWORD="1")
    assert done.stdout.split() == ["connection", "copy"]
    script = process(_ROSTERD_COMPLETE="source_zsh").stdout
    assert "rosterd" in script


def test_the_data_directory_can_come_from_the_environment(data: Path) -> None:
    done = invoke("directory", "list", "--json", ROSTERD_DATA=str(data))
    assert [item["name"] for item in json.loads(done.stdout)] == ["default"]


def test_migrate_says_that_there_is_nothing_to_do(data: Path) -> None:
    found = result("migrate", "--dry-run", "--data", data)
    assert found["pending"] == []
    assert result("migrate", "--data", data)["pending"] == []


def test_migrate_says_what_a_step_means_for_servers_that_run_before_it_is_done(tmp_path: Path) -> None:
    connection = connect_writer(tmp_path / "rosterd.db", 1000)
    bring_up(connection, known()[:17], None)
    connection.close()
    found = result("migrate", "--dry-run", "--data", tmp_path)
    assert found["pending"] == [known()[17].title, *(step.title for step in known()[18:])]
    assert [found["steps"][0][name] for name in ("beside", "since")] == [True, 16]
    shown = invoke("migrate", "--dry-run", "--data", tmp_path).stdout
    assert "running servers: go on" in shown
    assert "locks: changes until it is done" in shown
    assert found["pending"] == result("migrate", "--data", tmp_path)["done"]
    assert "up to date" in invoke("migrate", "--dry-run", "--data", tmp_path).stdout


def test_migrate_wants_servers_stopped_that_would_not_survive_a_step(tmp_path: Path) -> None:
    connection = connect_writer(tmp_path / "rosterd.db", 1000)
    bring_up(connection, known()[:15], None)
    connection.close()
    shown = invoke("migrate", "--dry-run", "--data", tmp_path).stdout
    assert "running servers: stop those that do not know migration 0016 first" in shown
    refused = invoke("migrate", "--data", tmp_path)
    assert (refused.returncode != 0, "--stopped" in refused.stderr) == (True, True)
    assert known()[15].title in result("migrate", "--dry-run", "--data", tmp_path)["pending"]
    assert result("migrate", "--stopped", "--data", tmp_path)["pending"] == []


def test_doctor_finds_a_fresh_directory_healthy_and_an_open_one_not(data: Path) -> None:
    port = ("--port", str(free_port()))
    report = result("doctor", "--data", data, *port)
    assert report["ok"] is True
    assert {check["state"] for check in report["checks"]} == {"ok"}
    data.chmod(0o755)
    done = invoke("doctor", "--data", data, *port)
    assert done.returncode == 1
    assert f"chmod 700 {data}" in done.stdout


def test_doctor_names_variables_and_addresses_that_cannot_be_meant(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERD_WORKER", "3")
    report = result("doctor", "--data", data, "--port", str(free_port()))
    assert report["ok"] is True
    assert "ROSTERD_WORKER (is ROSTERD_WORKERS meant?)" in report["checks"][0]["text"]
    monkeypatch.setenv("ROSTERD_HOST", "nowhere.invalid")
    done = invoke("doctor", "--data", data, "--port", str(free_port()))
    assert done.returncode == 1
    assert "that is no address of this machine" in " ".join(done.stdout.split())
    monkeypatch.setenv("ROSTERD_TRUSTED_PROXIES", "nginx.internal")
    assert "trusted_proxies must be addresses" in invoke("doctor", "--data", data).stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_doctor_finds_a_file_that_is_not_of_who_serves_it(data: Path) -> None:
    os.chown(data, 65534, 65534)
    done = invoke("doctor", "--data", data, "--port", str(free_port()))
    assert done.returncode == 1
    assert f"chown --reference={data}" in " ".join(done.stdout.split())


def test_doctor_warns_of_tokens_that_end_soon(data: Path) -> None:
    invoke("token", "create", "--data", data, "--lifetime", "5d", "--label", "short")
    report = result("doctor", "--data", data, "--port", str(free_port()))
    assert report["ok"] is True
    assert [c["name"] for c in report["checks"] if c["state"] == "warning"] == ["Tokens"]


def test_doctor_tells_the_size_of_the_database_with_its_log(data: Path) -> None:
    with closing(connect_writer(data / "rosterd.db", 1000)) as connection:
        for _ in range(800):
            connection.execute("UPDATE directory SET created = created + 1")
        report = result("doctor", "--data", data, "--port", str(free_port()))
    (size,) = [float(found[1]) for c in report["checks"] if (found := re.search(r"([0-9.]+) MiB", c["text"]))]
    assert size > 3


def test_doctor_finds_a_damaged_database(data: Path) -> None:
    path = data / "rosterd.db"
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    done = invoke("doctor", "--data", data, "--port", str(free_port()))
    assert done.returncode == 1
    assert "damaged" in done.stdout
    done = invoke("token", "list", "--data", data)
    assert done.returncode == 5
    assert "rosterd doctor" in done.stderr


def test_doctor_says_what_is_missing_where_there_is_nothing(tmp_path: Path) -> None:
    done = invoke("doctor", "--data", tmp_path / "none", "--port", str(free_port()))
    assert done.returncode == 1
    assert "rosterd serve" in done.stdout
    assert not (tmp_path / "none").exists()


def test_doctor_makes_nothing_in_postgresql_and_names_no_data_directory() -> None:
    with namespace() as url:
        done = invoke("doctor", "--port", str(free_port()), ROSTERD_DATABASE_URL=url)
        again = invoke("doctor", "--port", str(free_port()), ROSTERD_DATABASE_URL=url)
    assert done.returncode == again.returncode == 1
    for told in (done.stdout, again.stdout):
        assert "there is no rosterd data in PostgreSQL" in told
    assert "and run: rosterd migrate\n" in done.stdout
    assert "rosterd-data" not in done.stdout


def test_doctor_finds_a_database_that_takes_no_changes() -> None:
    with namespace() as url:
        invoke("token", "create", code=0, ROSTERD_DATABASE_URL=url)
        of_one = f"{url}&default_transaction_read_only=on"
        taken = invoke("doctor", "--port", str(free_port()), code=0, ROSTERD_DATABASE_URL=url)
        refused = invoke("doctor", "--port", str(free_port()), code=1, ROSTERD_DATABASE_URL=of_one)
    assert "they are taken" in taken.stdout
    assert "read-only transaction" in refused.stdout


MAKERS = (
    ("token", "create"),
    ("client", "create"),
    ("key", "create"),
    ("directory", "create", "acme"),
    ("webhook", "create", "https://app.example/"),
)


@pytest.mark.parametrize("arguments", MAKERS, ids=" ".join)
def test_who_makes_an_installation_on_the_way_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    first = invoke(*arguments, "--json", "--data", tmp_path / "typo", code=0)
    assert f"There was no installation in {tmp_path / 'typo'}; a new one was made there." in first.stderr
    assert json.loads(first.stdout)
    assert invoke("token", "create", "--data", tmp_path / "typo", code=0).stderr == ""


@pytest.mark.parametrize("arguments", MAKERS, ids=" ".join)
def test_who_makes_an_installation_in_postgresql_is_told(arguments: tuple[str, ...]) -> None:
    with namespace() as url:
        first = invoke(*arguments, "--json", code=0, ROSTERD_DATABASE_URL=url)
        again = invoke("token", "create", code=0, ROSTERD_DATABASE_URL=url)
    assert "There was no installation in the database; a new one was made there." in first.stderr
    assert json.loads(first.stdout)
    assert again.stderr == ""


def test_demo_provisions_a_company_and_ends() -> None:
    done = process("demo", "--exit", "--people", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("People created", "30", "Checks passed", "curl", "Errors"):
        assert words in done.stdout
    assert "Traceback" not in done.stderr


def test_demo_json_tells_the_numbers() -> None:
    done = process("demo", "--exit", "--people", "12", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["ok"] is True
    assert summary["created"] == 12
    assert summary["errors"] == []
    assert all(check["ok"] for check in summary["checks"])


@pytest.fixture
def staying() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [*COMMAND, "demo", "--people", "3", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_demo_stays_up_until_it_is_stopped(staying: "subprocess.Popen[str]", stop: signal.Signals) -> None:
    assert staying.stdout is not None
    text = ""
    while not text.endswith("}\n") or not text.startswith("{") or text.count("{") != text.count("}"):
        text += staying.stdout.readline()
    ready = json.loads(text)
    headers = {"Authorization": f"Bearer {ready['token']}"}
    answer = httpx.get(f"{ready['baseUrl']}/Users", headers=headers)
    assert answer.json()["totalResults"] == 3
    staying.send_signal(stop)
    _, errors = staying.communicate(timeout=20)
    assert staying.returncode == 0, errors
    assert "Traceback" not in errors


def test_the_version_is_told() -> None:
    assert process("--version").stdout.startswith("rosterd ")


@pytest.mark.parametrize("command", [("doctor",), ("migrate",), ("token", "list"), ("mark-restored",)])
def test_a_password_that_makes_a_url_unreadable_is_not_shown(command: tuple[str, ...]) -> None:
    done = invoke(*command, ROSTERD_DATABASE_URL="postgres://rosterd:se/cret@db.example.com/rosterd")
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert "%2F" in said
    assert "se/" not in said and "'se'" not in said and "cret" not in said
