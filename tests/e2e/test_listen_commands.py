"""``rosterd listen`` and ``rosterd events replay``: signed events on one's own machine, nothing is kept."""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import Got, Receiver, receiver
from judges.commands import invoke
from judges.harness import COMMAND, Server, created, environment, running, scim_client, user

from rosterd.client import webhook
from rosterd.service.control import Directory
from rosterd.service.webhooks import DeadLetter, Key, Progress
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

Test = Callable[[Server, Receiver], Awaitable[None]]


def run(path: Path, test: Test) -> None:
    """Run a test with a server that is a process, and a receiver."""

    async def main(server: Server) -> None:
        async with receiver() as hook:
            await test(server, hook)

    with running(path / "data") as server:
        asyncio.run(main(server))


async def start(*arguments: str | Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *COMMAND, *map(str, arguments), stdout=PIPE, stderr=PIPE, env=environment()
    )


async def done(*arguments: str | Path, code: int = 0) -> tuple[list[str], str]:
    """What a command that ends with the code writes to its outputs."""
    ended = await asyncio.to_thread(invoke, *arguments)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout.splitlines(), ended.stderr


async def line(process: Process) -> Any:
    assert process.stdout is not None
    text = await asyncio.wait_for(process.stdout.readline(), 20)
    return json.loads(text)


async def provision(server: Server, *names: str) -> list[str]:
    def work() -> list[str]:
        with scim_client(server.base_url, server.token()) as scim:
            return [created(scim, "/Users", user(name))["id"] for name in names]

    return await asyncio.to_thread(work)


async def service_of(server: Server, work: Callable[[Service, Directory], Awaitable[Any]]) -> Any:
    async with open_service(Settings(data=server.data)) as service:
        return await work(service, (await service.control.directories())[0])


def verified(got: Got, secret: str) -> Any:
    event = webhook.verify(got.body, got.headers, secret)
    assert isinstance(event, dict)
    assert got.id == f"msg_{event['id']}"
    return event


@pytest.mark.parametrize("remote", [False, True], ids=["data directory", "remote server"])
def test_live_events_come_signed_and_each_delivery_is_shown(remote: bool, tmp_path: Path) -> None:
    async def test(server: Server, hook: Receiver) -> None:
        await provision(server, "before")
        where: tuple[str | Path, ...] = ("--data", server.data)
        if remote:

            async def key(service: Service, home: Directory) -> str:
                return (await service.keys.create(scopes=("events.read",), by=BY))[1]

            where = ("--url", server.origin, "--key", await service_of(server, key))
        process = await start(
            "listen", *where, "--forward-to", hook.url, "--types", "user.*", "--limit", "3", "--json"
        )
        told = await line(process)
        assert told["forwardTo"] == hook.url
        hook.answer = 500
        (first,) = await provision(server, "first")
        await hook.until(1)
        refused = await line(process)
        assert (refused["type"], refused["status"]) == ("user.created", 500)
        assert "500" in refused["error"]
        hook.answer = 204
        rest = await provision(server, "second", "third")
        shown = [await line(process) for _ in rest]
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert [(each["status"], each["error"]) for each in shown] == [(204, ""), (204, "")]
        events = [verified(got, told["secret"]) for got in hook.got]
        assert [event["resource"]["id"] for event in events] == [first, *rest]
        assert [each["event"] for each in (refused, *shown)] == [event["id"] for event in events]
        assert (await done("webhook", "list", "--data", server.data))[0] == []

    run(tmp_path, test)


def test_it_ends_well_by_a_signal_and_says_what_is_wrong(tmp_path: Path) -> None:
    async def test(server: Server, hook: Receiver) -> None:
        secret = "whsec_" + "QUJD" * 8
        listen = ("listen", "--forward-to", hook.url)
        process = await start(*listen, "--data", server.data, "--json", "--secret", secret)
        assert (await line(process))["secret"] == secret
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) == 0
        nowhere = ("--url", "http://127.0.0.1:1", "--key", "rak_x")
        for arguments, code, part in (
            ((*listen, "--data", tmp_path / "none"), 3, "no rosterd data"),
            ((*listen, "--data", server.data, "--directory", "nobody"), 3, "nobody"),
            ((*listen, "--data", server.data, "--types", "user.creatd"), 2, "creatd"),
            ((*listen, "--data", server.data, "--secret", "x"), 2, "whsec_"),
            (("listen", "--forward-to", "hooks", "--data", server.data), 2, "url"),
            ((*listen, "--url", server.origin), 2, "--key"),
            ((*listen, "--url", server.origin, "--key", "rak_x"), 2, "API key"),
            ((*listen, *nowhere), 5, "does not answer"),
        ):
            _, err = await done(*arguments, code=code)
            assert part in err, arguments

    run(tmp_path, test)


def test_a_range_is_sent_once_more_under_the_ids_it_had(tmp_path: Path) -> None:
    async def test(server: Server, hook: Receiver) -> None:
        ids = await provision(server, *(f"u{n}" for n in range(5)))
        replay = ("events", "replay", "--data", server.data, "--json")
        out, _ = await done(*replay, "--forward-to", hook.url)
        secret = json.loads(out[0])["secret"]
        assert [verified(got, secret)["resource"]["id"] for got in hook.got] == ids
        assert [json.loads(each)["status"] for each in out[1:]] == [200] * 5
        hook.got.clear()
        await done(*replay, "--forward-to", hook.url, "--first", "1-2", "--last", "1-3")
        assert [got.id for got in hook.got] == ["msg_1-2", "msg_1-3"]
        hook.got.clear()
        hook.answer = 503
        _, err = await done(*replay, "--forward-to", hook.url, "--first", "1-5", code=1)
        assert "1 were not accepted" in err
        assert (await done(*replay, "--forward-to", hook.url, "--types", "group.*"))[0][1:] == []
        for arguments in (
            (),
            ("--forward-to", hook.url, "--failed"),
            ("--forward-to", hook.url, "--first", "9-1"),
        ):
            await done(*replay, *arguments, code=2)

    run(tmp_path, test)


def test_what_failed_for_a_webhook_is_sent_to_another_address_or_to_it(tmp_path: Path) -> None:
    async def test(server: Server, hook: Receiver) -> None:
        await provision(server, "u1", "u2", "u3")

        async def fail(service: Service, home: Directory) -> str:
            endpoint, _ = await service.webhooks.create("https://app.example/hooks", by=BY)
            key = Key(home.id, endpoint.id)
            await service.control.claim_lines([key], "w", 0, 2**50)
            dead = [DeadLetter(home.id, endpoint.id, n, n, f"msg_1-{n}", 1, 13, 500, "") for n in (1, 3)]
            await service.control.note_progress(Progress("w", 0, dead=dead, released=[key]))
            return endpoint.id

        id: str = await service_of(server, fail)
        replay = ("events", "replay", "--data", server.data, "--webhook", id, "--failed")
        await done(*replay, "--forward-to", hook.url)
        assert [got.id for got in hook.got] == ["msg_1-1", "msg_1-3"]
        out, _ = await done(*replay, "--json")
        begun = json.loads("\n".join(out))
        assert (begun["kind"], begun["lastEvent"]) == ("failed", "1-3")

    run(tmp_path, test)
