"""``rosterd webhook`` as users and scripts see it: what is printed, exit codes, what is refused."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import receiver
from typer.testing import CliRunner

from rosterd.cli import app
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

URL = "https://app.example/hooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


def invoke(*arguments: str | Path, code: int = 0) -> tuple[str, str]:
    """What a command that ends with the code writes to its outputs."""
    environment = {"NO_COLOR": "1", "COLUMNS": "200", "ROSTERD_EGRESS_ALLOW": "127.0.0.0/8"}
    done = CliRunner().invoke(app, ["webhook", *map(str, arguments)], env=environment)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def result(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(invoke(*arguments, "--json", code=code)[0])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the default directory, in which nothing has happened."""

    async def make() -> None:
        async with open_service(Settings(data=tmp_path / "data")) as service:
            await service.setup()

    asyncio.run(make())
    return tmp_path / "data"


def test_create_prints_the_secret_first_and_only_it_with_quiet(data: Path) -> None:
    assert SECRET.fullmatch(invoke("create", URL, "--data", data, "-q")[0].strip())
    first, *rest = invoke("create", URL, "--data", data, "--label", "app")[0].splitlines()
    assert SECRET.fullmatch(first)
    assert any(URL in line for line in rest)
    made = result(
        "create", URL, "--data", data, "--directory", "default", "--scheme", "v1a", "--types", "user.*"
    )
    assert made["secret"] == made["secrets"][0]["publicKey"]
    assert (made["directory"], made["types"], made["state"]) == ("default", ["user.*"], "enabled")
    listed = result("list", "--data", data)
    assert made["id"] in [each["id"] for each in listed]
    assert len(listed) == 3
    assert not any("secret" in each for each in listed)
    assert URL in invoke("list", "--data", data)[0]


def test_an_endpoint_is_shown_changed_moved_and_removed(data: Path) -> None:
    id = result("create", URL, "--data", data)["id"]
    assert result("update", id, "--data", data, "--max-events", "5", "--label", "x")["maxEvents"] == 5
    assert "5 events" in invoke("show", id, "--data", data)[0]
    assert result("show", id, "--data", data)["lines"][0]["directory"] == "default"
    moved = result("disable", id, "--data", data, "--reason", "moving")
    assert (moved["state"], moved["stateReason"]) == ("disabled", "moving")
    assert result("enable", id, "--data", data)["state"] == "enabled"
    rotated = result("rotate", id, "--data", data, "--overlap", "1h")
    assert SECRET.fullmatch(rotated["secret"])
    assert [bool(each["expires"]) for each in rotated["secrets"]] == [False, True]
    assert "is removed" in invoke("remove", id, "--data", data)[0]
    assert id in invoke("show", id, "--data", data, code=3)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "http://app.example.com@127.0.0.1/"),
        ("create", "https://169.254.169.254/"),
        ("create", URL, "--types", "user.gone"),
        ("create", URL, "--scheme", "v2"),
    ],
)
def test_what_cannot_be_is_refused(data: Path, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments, "--data", data, code=2)[1]


def test_a_test_ends_with_1_if_it_was_not_accepted_and_the_log_has_it(data: Path) -> None:
    async def main() -> None:
        async with receiver() as hook:
            id = (await asyncio.to_thread(result, "create", hook.url, "--data", data))["id"]
            out, _ = await asyncio.to_thread(invoke, "test", id, "--data", data)
            assert out.startswith("The receiver answered 200.")
            hook.answer = 500
            out, _ = await asyncio.to_thread(invoke, "test", id, "--data", data, code=1)
            assert out.startswith("The receiver answered 500.")
            log = await asyncio.to_thread(result, "deliveries", id, "--data", data)
            assert [each["status"] for each in log] == [500, 200]
            failed = await asyncio.to_thread(invoke, "deliveries", id, "--data", data, "--failed")
            assert len(failed[0].splitlines()) == 1

    asyncio.run(main())


def test_a_replay_is_asked_for_and_what_is_not_there_is_refused(data: Path) -> None:
    async def happen() -> None:
        async with open_service(Settings(data=data)) as service:
            _, line = await service.ensure_default()
            await service.connections.move(line, "pause", by=BY)

    id = result("create", URL, "--data", data)["id"]
    assert "There is no event" in invoke("replay", id, "-d", "default", "--data", data, code=2)[1]
    asyncio.run(happen())
    told = result("replay", id, "-d", "default", "--data", data)
    assert (told["kind"], told["firstEvent"], told["lastEvent"]) == ("range", "1-1", "1-1")
    assert "--directory" in invoke("replay", id, "--data", data, code=2)[1]
    for wrong in (("--event", "7-1"), ("--event", "x"), ("--since", "yesterday"), ("--first", "1-9")):
        assert invoke("replay", id, "-d", "default", *wrong, "--data", data, code=2)[1]
    assert "will be sent" in invoke("replay", id, "-d", "default", "--failed", "--data", data)[0]
    assert result("dead-letters", id, "--data", data) == []
