"""``rosterd webhook`` as users and scripts see it: what is printed, exit codes, what is refused."""

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import receiver
from judges import commands

from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

URL = "https://app.example/hooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


LOCAL = {"ROSTERD_EGRESS_ALLOW": "127.0.0.0/8"}


def webhook(*arguments: str | Path, code: int = 0) -> str:
    """What a command of webhooks that ends with the code says."""
    return commands.said("webhook", *arguments, code=code, **LOCAL)


def result(*arguments: str | Path, code: int = 0) -> Any:
    return commands.result("webhook", *arguments, code=code, **LOCAL)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the default directory, in which nothing has happened."""

    async def make() -> None:
        async with open_service(Settings(data=tmp_path / "data")) as service:
            await service.setup()

    asyncio.run(make())
    return tmp_path / "data"


def test_create_prints_the_secret_first_and_only_it_with_quiet(data: Path) -> None:
    assert SECRET.fullmatch(webhook("create", URL, "--data", data, "-q").strip())
    first, *rest = webhook("create", URL, "--data", data, "--label", "app").splitlines()
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
    assert URL in webhook("list", "--data", data)


def test_an_endpoint_is_shown_changed_moved_and_removed(data: Path) -> None:
    id = result("create", URL, "--data", data)["id"]
    assert result("update", id, "--data", data, "--max-events", "5", "--label", "x")["maxEvents"] == 5
    assert "5 events" in webhook("show", id, "--data", data)
    assert result("show", id, "--data", data)["lines"][0]["directory"] == "default"
    moved = result("disable", id, "--data", data, "--reason", "moving")
    assert (moved["state"], moved["stateReason"]) == ("disabled", "moving")
    assert result("enable", id, "--data", data)["state"] == "enabled"
    rotated = result("rotate", id, "--data", data, "--overlap", "1h")
    assert SECRET.fullmatch(rotated["secret"])
    assert [bool(each["expires"]) for each in rotated["secrets"]] == [False, True]
    assert "is removed" in webhook("remove", id, "--data", data)
    assert id in webhook("show", id, "--data", data, code=3)


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
    assert webhook(*arguments, "--data", data, code=2)


def test_a_test_ends_with_1_if_it_was_not_accepted_and_the_log_has_it(data: Path) -> None:
    async def main() -> None:
        async with receiver() as hook:
            id = (await asyncio.to_thread(result, "create", hook.url, "--data", data))["id"]
            test = partial(commands.invoke, "webhook", "test", id, "--data", data, **LOCAL)
            told = await asyncio.to_thread(test, code=0)
            assert told.stdout.startswith("The receiver answered 200.")
            hook.answer = 500
            told = await asyncio.to_thread(test, code=1)
            assert told.stdout.startswith("The receiver answered 500.")
            log = await asyncio.to_thread(result, "deliveries", id, "--data", data)
            assert [each["status"] for each in log] == [500, 200]
            failed = await asyncio.to_thread(webhook, "deliveries", id, "--data", data, "--failed")
            assert len(failed.splitlines()) == 1

    asyncio.run(main())


def test_a_replay_is_asked_for_and_what_is_not_there_is_refused(data: Path) -> None:
    async def happen() -> None:
        async with open_service(Settings(data=data)) as service:
            _, line = await service.ensure_default()
            await service.connections.move(line, "pause", by=BY)

    id = result("create", URL, "--data", data)["id"]
    assert "There is no event" in webhook("replay", id, "-d", "default", "--data", data, code=2)
    asyncio.run(happen())
    told = result("replay", id, "-d", "default", "--data", data)
    assert (told["kind"], told["firstEvent"], told["lastEvent"]) == ("range", "1-1", "1-1")
    assert "--directory" in webhook("replay", id, "--data", data, code=2)
    for wrong in (("--event", "7-1"), ("--event", "x"), ("--since", "yesterday"), ("--first", "1-9")):
        assert webhook("replay", id, "-d", "default", *wrong, "--data", data, code=2)
    assert "will be sent" in webhook("replay", id, "-d", "default", "--data", data)
    assert result("dead-letters", id, "--data", data) == []
    assert "was given up" in webhook("replay", id, "-d", "default", "--failed", "--data", data, code=2)
