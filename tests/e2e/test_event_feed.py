"""The feed of a server that is a process: event streams, the command line beside it, and kills under load."""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from judges.commands import invoke, said
from judges.harness import COMMAND, Server, created, environment, free_port, running, scim_client, user

from rosterd.service.feed import Want
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

ROUNDS = 4
CLIENTS = 6
ENOUGH = 60


async def key(data: Path) -> str:
    async with open_service(Settings(data=data)) as service:
        _, text = await service.keys.create(scopes=("events.read",), by=BY)
        return text


def frame(lines: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines if not line.startswith(":"))


def test_an_event_stream_of_a_running_server_ends_cleanly_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with contextlib.ExitStack() as stack:
        server_up = stack.enter_context(contextlib.ExitStack())
        server: Server = server_up.enter_context(running(data))
        scim = stack.enter_context(scim_client(server.base_url, server.token()))
        headers = {"Authorization": f"Bearer {asyncio.run(key(data))}", "Accept": "text/event-stream"}
        client = stack.enter_context(httpx.Client(base_url=server.origin, headers=headers, timeout=20))
        query = {"directory": "default"}
        response = stack.enter_context(client.stream("GET", "/api/v1/events", params=query))
        assert response.status_code == 200
        lines = response.iter_lines()
        assert next(lines) == "retry: 3000"
        ids = [created(scim, "/Users", user(f"u{n}"))["id"] for n in range(3)]
        seen: list[dict[str, Any]] = []
        cursors: list[str] = []
        for line in lines:
            if line.startswith("id: "):
                cursors.append(line.removeprefix("id: "))
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
                if len(seen) == 3:
                    break
        assert [event["resource"]["id"] for event in seen] == ids
        resumed = client.get(
            "/api/v1/events", params={**query, "after": cursors[0]}, headers={"Accept": "*/*"}
        )
        assert [event["resource"]["id"] for event in resumed.json()["events"]] == ids[1:]
        began = time.monotonic()
        server_up.close()
        assert "".join(lines) == "", "the stream ended as a stream ends"
        assert time.monotonic() - began < 10


def test_the_command_line_tells_what_the_running_server_does(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as server, scim_client(server.base_url, server.token()) as scim:
        ann = created(scim, "/Users", user("ann"))
        with subprocess.Popen(
            [*COMMAND, "events", "tail", "--data", str(data), "--types", "user.*", "--json", "--limit", "2"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as tail:
            try:
                assert tail.stdout
                for n in range(100):  # it begins with what happens once it is there
                    created(scim, "/Users", user(f"u{n}"))
                    if tail.poll() is not None:
                        break
                    time.sleep(0.1)
                told = [json.loads(line) for line in tail.stdout]
            finally:
                tail.kill()
        assert tail.returncode == 0
        assert [event["type"] for event in told] == ["user.created"] * 2
        assert int(told[1]["id"].split("-")[1]) == int(told[0]["id"].split("-")[1]) + 1
        listed = json.loads(server.cli("events", "list", "--limit", "1", "--json"))
        assert (listed["events"][0]["resource"]["id"], listed["more"]) == (ann["id"], True)
        line = server.cli("events", "list", "--limit", "1").strip()
        assert re.fullmatch(rf"\S+Z\tuser\.created\tUser/{ann['id']}\tdefault\t.*\buserName\b.*", line)
        assert "u0" in server.cli("events", "list", "--after", listed["next"], "--json")


def test_tail_ends_at_ctrl_c_and_a_wrong_type_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    said("token", "create", "--data", data, "-q")
    people = tmp_path / "people.csv"
    people.write_text("userName\nann\n")
    said("import", people, "--data", data)
    command = [*COMMAND, "events", "tail", "--data", str(data), "--after", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as tail:
        assert tail.stdout is not None
        assert b"user.created" in tail.stdout.readline(), "it follows now"
        tail.send_signal(signal.SIGINT)
        out, err = tail.communicate(timeout=30)
    assert (tail.returncode, out, err) == (0, b"", b"")
    done = invoke("events", "tail", "--data", data, "--types", "user.gone")
    assert (done.returncode, done.stdout) == (2, "")
    assert "user.gone" in done.stderr


class Follower:
    """An application that reads the event stream and, whenever it breaks off, goes on where it was."""

    def __init__(self, origin: str, key: str) -> None:
        self.origin = origin
        self.headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        self.events: list[dict[str, Any]] = []
        self.cursor = ""
        self.connections = 0
        self.connected = asyncio.Event()

    async def follow(self) -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    await self._read(client)
                await asyncio.sleep(0.05)

    async def _read(self, client: httpx.AsyncClient) -> None:
        headers = {**self.headers, **({"Last-Event-ID": self.cursor} if self.cursor else {})}
        query = {"directory": "default"}
        url = f"{self.origin}/api/v1/events"
        async with client.stream("GET", url, params=query, headers=headers) as response:
            assert response.status_code == 200
            self.connections += 1
            self.connected.set()
            lines: list[str] = []
            async for line in response.aiter_lines():
                if line:
                    lines.append(line)
                    continue
                found, lines = frame(lines), []
                if "data" in found:
                    self.events.append(json.loads(found["data"]))
                self.cursor = found.get("id", self.cursor)


async def load_and_kill(origin: str, token: str, process: "subprocess.Popen[bytes]", turn: int) -> set[str]:
    """POST users until the server, which is killed in the middle of it, answers no more."""
    acknowledged: set[str] = set()

    async def client(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=origin, headers=headers, timeout=10) as http:
            for n in range(10_000):
                body = user(f"user-{turn}-{number}-{n}")
                try:
                    response = await http.post("/scim/v2/Users", json=body)
                except httpx.HTTPError:
                    return
                assert response.status_code == 201
                acknowledged.add(response.json()["id"])
                if len(acknowledged) == ENOUGH:
                    process.kill()

    await asyncio.gather(*map(client, range(CLIENTS)))
    return acknowledged


def serving(data: Path, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*COMMAND, "serve", "--data", str(data), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )


async def answers(origin: str) -> None:
    async with httpx.AsyncClient(base_url=origin, timeout=10) as client:
        for _ in range(400):
            with contextlib.suppress(httpx.HTTPError):
                await client.get("/healthz")
                return
            await asyncio.sleep(0.05)
    raise AssertionError("the server does not answer")


def test_a_follower_of_a_server_that_is_killed_again_and_again_gets_every_change_once_in_order(
    tmp_path: Path,
) -> None:
    data, port = tmp_path / "data", free_port()
    origin = f"http://127.0.0.1:{port}"
    token = said("token", "create", "--data", data, "-q").strip()

    async def committed() -> list[str]:
        async with open_service(Settings(data=data)) as service:
            directory = (await service.control.directories())[0]
            page, _ = await service.feed.page(directory, 0, Want(limit=100_000))
            return [event["id"] for event in page.events]

    async def main() -> None:
        follower = Follower(origin, await key(data))
        acknowledged: set[str] = set()
        task = asyncio.create_task(follower.follow())
        try:
            for turn in range(ROUNDS):
                with serving(data, port) as process:
                    try:
                        await answers(origin)
                        await asyncio.wait_for(follower.connected.wait(), 20)
                        follower.connected.clear()
                        if turn == ROUNDS - 1:
                            feed = await committed()
                            for _ in range(100):
                                if len(follower.events) >= len(feed):
                                    break
                                await asyncio.sleep(0.1)
                        else:
                            acknowledged |= await load_and_kill(origin, token, process, turn)
                    finally:
                        process.kill()
        finally:
            task.cancel()
            await asyncio.wait((task,))
        told = [event["id"] for event in follower.events]
        assert told == feed == [f"1-{n}" for n in range(1, len(feed) + 1)]
        assert len(acknowledged) >= ENOUGH * (ROUNDS - 1)
        assert acknowledged <= {event["resource"]["id"] for event in follower.events}
        assert follower.connections == ROUNDS

    asyncio.run(main())
