"""Limits and states of connections, set on the command line beside a server that heeds them at once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges import commands
from judges.harness import Made, Server, created, environment, free_port, patch, running, scim_client, user

DEFAULTS = {
    "readRate": 25_000,
    "writeRate": 25_000,
    "burst": 5,
    "fuseCount": 0,
    "fusePercent": 0,
    "fuseWindow": 3600,
}


def rosterd(data: Path, *arguments: str, code: int = 0) -> str:
    """What a command over the data that ends with the code says."""
    return commands.said(*arguments, "--data", data, code=code)


def result(data: Path, *arguments: str) -> Any:
    return commands.result(*arguments, "--data", data)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rosterd(tmp_path / "data", "token", "create", "--quiet")
    return tmp_path / "data"


_names = iter(range(1000))


@pytest.fixture
def made(server: Server) -> Made:
    """A connection as a user makes one, with the limits of a fresh installation."""
    return server.connect(f"limited-{next(_names)}")


@pytest.fixture
def scim(made: Made) -> Iterator[httpx.Client]:
    with scim_client(made.base_url, made.token) as client:
        yield client


def at(made: Made) -> tuple[str, ...]:
    return (made.connection, "--directory", made.directory)


def test_limits_are_shown_changed_one_by_one_and_kept(data: Path) -> None:
    shown = result(data, "connection", "show", "default")
    assert shown["limits"] == DEFAULTS
    options = ("--write-rate", "50", "--burst", "4", "--fuse-count", "200", "--fuse-window", "1d")
    changed = result(data, "connection", "update", "default", *options)
    assert changed["limits"] == {
        **DEFAULTS, "writeRate": 50, "burst": 4, "fuseCount": 200, "fuseWindow": 86_400
    }  # fmt: skip
    assert {**changed, "limits": 0} == {**shown, "limits": 0}
    again = result(data, "connection", "update", "default", "--read-rate", "0", "--fuse-percent", "0")
    assert again["limits"] == {**changed["limits"], "readRate": 0, "fusePercent": 0}
    assert result(data, "connection", "show", "default") == again
    text = rosterd(data, "connection", "show", "default")
    for line in (
        "Read rate   no limit",
        "Write rate  50 a second, 200 at once",
        "Fuse        200 accounts in 86,400 seconds",
    ):
        assert line in text.splitlines()
    born = result(data, "connection", "create", "entra", *options)
    assert born["limits"] == changed["limits"]


@pytest.mark.parametrize(
    "options",
    [
        ("--read-rate", "-1"),
        ("--write-rate", "many"),
        ("--burst", "0"),
        ("--fuse-percent", "101"),
        ("--fuse-window", "5s"),
        ("--fuse-window", "soon"),
    ],
)
def test_limits_that_make_no_sense_are_wrong_usage(data: Path, options: tuple[str, str]) -> None:
    told = rosterd(data, "connection", "update", "default", *options, code=2)
    assert options[0].strip("-").replace("-", "_") in told.replace("-", "_")
    assert result(data, "connection", "show", "default")["limits"] == DEFAULTS


def test_states_are_shown_with_who_and_why(data: Path) -> None:
    assert result(data, "connection", "show", "default")["state"] == {
        "is": "active", "by": "", "reason": "", "since": None
    }  # fmt: skip
    paused = result(data, "connection", "pause", "default", "--reason", "moving house")["state"]
    assert (paused["is"], paused["reason"]) == ("paused", "moving house")
    assert paused["by"].startswith("an administrator")
    text = rosterd(data, "connection", "show", "default")
    assert f"State       paused, since {paused['since']} by {paused['by']}: moving house" in text
    assert rosterd(data, "connection", "list").startswith("default\tpaused\tauto\t")
    assert result(data, "connection", "pause", "default", "--reason", "again")["state"] == paused
    assert "resume it first" in rosterd(data, "connection", "enable", "default", code=4)
    steps = (("resume", "active"), ("disable", "disabled"), ("enable", "active"))
    for step, state in steps:
        assert result(data, "connection", step, "default")["state"]["is"] == state
    rosterd(data, "connection", "pause", "nobody", code=3)
    rosterd(data, "connection", "pause", "default", "--reason", "x" * 501, code=2)


def test_doctor_warns_of_a_connection_that_may_not_speak(data: Path) -> None:
    rosterd(data, "connection", "pause", "default")
    report = result(data, "doctor", "--port", str(free_port()))
    assert report["ok"] is True
    (warning,) = [c for c in report["checks"] if c["state"] == "warning"]
    assert "connection 'default' of directory 'default' was paused by an administrator" in warning["text"]


def test_pausing_and_disabling_hold_for_a_running_server_at_once(
    server: Server, made: Made, scim: httpx.Client
) -> None:
    kept = created(scim, "/Users", user("kept@x.example"))
    for step, status in (("pause", 503), ("resume", 200), ("disable", 403), ("enable", 200)):
        server.cli("connection", step, *at(made), "--reason", "moving house")
        for answer in (scim.get("/Users"), scim.get(f"/Users/{kept['id']}")):
            assert answer.status_code == status
            if status in (503, 403):
                assert "moving house" in answer.json()["detail"]
                assert ("retry-after" in answer.headers) == (status == 503)
        assert scim.delete("/Users/nobody").status_code == (status if status != 200 else 404)


def test_a_rate_holds_for_a_running_server_at_once(server: Server, made: Made, scim: httpx.Client) -> None:
    assert scim.get("/Users").headers["ratelimit-limit"] == "125000"
    server.cli("connection", "update", *at(made), "--read-rate", "1", "--burst", "2")
    statuses = [scim.get("/Users").status_code for _ in range(20)]
    assert statuses[0] == 200
    refused = scim.get("/Users")
    assert refused.status_code == 429
    assert refused.headers["retry-after"].isdecimal()
    server.cli("connection", "update", *at(made), "--read-rate", "0")
    assert "ratelimit-limit" not in scim.get("/Users").headers


def test_the_fuse_pauses_and_the_administrator_resumes(
    server: Server, made: Made, scim: httpx.Client
) -> None:
    server.cli("connection", "update", *at(made), "--fuse-count", "2")
    ids = [created(scim, "/Users", user(f"u{n}@x.example"))["id"] for n in range(5)]
    off = patch({"op": "replace", "path": "active", "value": False})
    answers = [scim.patch(f"/Users/{id}", json=off) for id in ids]
    assert [answer.status_code for answer in answers] == [200, 200, 503, 503, 503]
    shown = json.loads(server.cli("connection", "show", *at(made), "--json"))["state"]
    assert (shown["is"], shown["by"]) == ("paused", "the mass-change fuse")
    assert "2 of 5 accounts" in shown["reason"]
    server.cli("connection", "update", *at(made), "--fuse-count", "0")
    server.cli("connection", "resume", *at(made))
    assert [scim.patch(f"/Users/{id}", json=off).status_code for id in ids] == [200] * 5


def test_two_servers_on_one_directory_share_the_fuse_and_the_pause(tmp_path: Path) -> None:
    with running(tmp_path / "data") as one, running(tmp_path / "data") as two:
        token = one.token()
        one.cli("connection", "update", "default", "--fuse-count", "3")
        with scim_client(one.base_url, token) as first, scim_client(two.base_url, token) as second:
            ids = [created(first, "/Users", user(f"u{n}@x.example"))["id"] for n in range(8)]
            clients = (first, second) * 4
            answers = [scim.delete(f"/Users/{id}") for scim, id in zip(clients, ids, strict=True)]
            assert [answer.status_code for answer in answers] == [204] * 3 + [503] * 5
            assert {first.get("/Users").status_code, second.get("/Users").status_code} == {503}


def test_who_has_no_name_is_an_administrator_all_the_same(data: Path) -> None:
    program = "import getpass, sys; getpass.getuser = lambda: {}['x']; from rosterd.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "connection", "pause", "default", "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"]["by"] == "an administrator"
