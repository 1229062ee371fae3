"""Webhooks of processes that are killed: server and receiver die again and again under load, nothing is lost.

``ROSTERD_TEST_KILLS=300`` kills as often as that.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import httpx
from judges.harness import COMMAND, environment, free_port, user

from rosterd.service.feed import Want
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

KILLS = int(os.environ.get("ROSTERD_TEST_KILLS", "6"))
DIRECTORIES = ("one", "two", "three")
SETTINGS = {"ROSTERD_EGRESS_ALLOW": "127.0.0.0/8", "ROSTERD_DELIVERY_LEASE_SECONDS": "1"}
CHILD = Path(__file__).with_name("receiving_child.py")


class Process:
    """A process that is started again after it was killed; what it complains of is in the file ``said``."""

    def __init__(self, url: str, said: Path, *command: str) -> None:
        self.url = url
        self.said = said
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self.process is None or self.process.poll() is not None:
            with self.said.open("wb") as file:
                self.process = subprocess.Popen(
                    self.command,
                    stdout=subprocess.DEVNULL,
                    stderr=file,
                    env={**environment(), **SETTINGS},
                )

    async def up(self) -> None:
        """Started, and again if it ended by itself: while it was dead, its port may have been another's."""
        try:
            async with httpx.AsyncClient(timeout=10) as client, asyncio.timeout(60):
                while True:
                    self.start()
                    with contextlib.suppress(httpx.HTTPError):
                        await client.get(self.url)
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise AssertionError(f"{self.command} does not come up: {self.said.read_text()}") from error

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


async def prepared(data: Path, url: str) -> tuple[dict[str, str], str, str]:
    """A token for each directory, the id of the webhook, a key."""
    async with open_service(Settings(data=data, egress_allow="127.0.0.0/8")) as service:
        tokens = {}
        for name in DIRECTORIES:
            home = await service.directories.create(name, by=BY)
            line = await service.connections.create(home, "okta", by=BY)
            _, tokens[name] = await service.tokens.issue(home.id, line.id, by=BY)
        single, _ = await service.webhooks.create(url, by=BY)
        _, key = await service.keys.create(by=BY)
        return tokens, single.id, key


async def committed(data: Path) -> dict[int, list[str]]:
    """The ids of the messages that all events make, by directory."""
    async with open_service(Settings(data=data)) as service:
        found = {}
        for directory in await service.control.directories():
            page, _ = await service.feed.page(directory, 0, Want(limit=1_000_000))
            found[directory.id] = [f"msg_{event['id']}" for event in page.events]
        return found


async def load(origin: str, tokens: dict[str, str], turn: int, seconds: float) -> None:
    """POST users to every directory for a while, or until nobody answers."""
    end = time.monotonic() + seconds

    async def client(name: str, number: int) -> None:
        headers = {"Authorization": f"Bearer {tokens[name]}"}
        async with httpx.AsyncClient(base_url=origin, headers=headers, timeout=10) as http:
            for n in range(10_000):
                if time.monotonic() > end:
                    return
                try:
                    await http.post("/scim/v2/Users", json=user(f"{turn}-{number}-{n}"))
                except httpx.HTTPError:
                    return

    await asyncio.gather(*(client(name, number) for name in tokens for number in range(2)))


def lines_of(taken: Path) -> list[str]:
    return taken.read_text().splitlines()


async def complete(taken: Path, wanted: dict[int, list[str]]) -> None:
    """Wait until everything has come, or nothing more can be hoped for."""
    for _ in range(600):
        if len(set(lines_of(taken))) >= sum(map(len, wanted.values())):
            return
        await asyncio.sleep(0.1)


def first_times(lines: list[str]) -> list[str]:
    """The ids in order, each once; what comes again must be the same message."""
    seen: dict[str, str] = {}
    for line in lines:
        id, digest = line.split()
        assert seen.setdefault(id, digest) == digest, f"{id} came with another body"
    return list(seen)


def test_server_and_receiver_are_killed_under_load_and_every_change_comes_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        data, taken = tmp_path / "data", tmp_path / "taken"
        taken.touch()
        ports = free_port(), free_port()
        origin, url = (f"http://127.0.0.1:{port}" for port in ports)
        tokens, webhook, key = await prepared(data, f"{url}/")
        serve = (*COMMAND, "serve", "--data", str(data), "--port", str(ports[0]))
        server = Process(f"{origin}/healthz", tmp_path / "server", *serve)
        hook = Process(url, tmp_path / "hook", sys.executable, str(CHILD), str(ports[1]), str(taken))
        chance = random.Random(KILLS)
        headers = {"Authorization": f"Bearer {key}"}

        async def go_on() -> None:
            """What waits for a retry is sent at once, as an administrator would have it."""
            async with httpx.AsyncClient(base_url=origin, headers=headers, timeout=30) as api:
                response = await api.post(f"/api/v1/webhooks/{webhook}/state", json={"move": "enable"})
                assert response.status_code == 200, response.text

        killed = 0
        try:
            while killed < KILLS:
                await asyncio.gather(server.up(), hook.up())
                await go_on()
                busy = asyncio.create_task(load(origin, tokens, killed, 2))
                await asyncio.sleep(chance.uniform(0.05, 0.9))
                for victim in chance.choice([(server,), (server,), (hook,), (server, hook)]):
                    victim.kill()
                    killed += 1
                await busy
            await asyncio.gather(server.up(), hook.up())
            await go_on()
            wanted = await committed(data)
            await complete(taken, wanted)
        finally:
            server.kill()
            hook.kill()
        lines = lines_of(taken)
        told = first_times(lines)
        for directory, ids in wanted.items():
            assert [id for id in told if id.startswith(f"msg_{directory}-")] == ids
        assert sum(map(len, wanted.values())) == len(told) >= killed
        print(f"{killed} kills, {len(told)} changes, {len(lines) - len(told)} came again")

    asyncio.run(main())


def test_two_servers_on_one_database_share_the_work(tmp_path: Path) -> None:
    """Both run all the time: no message comes twice, and none is missing."""

    async def main() -> None:
        data, taken = tmp_path / "data", tmp_path / "taken"
        taken.touch()
        ports = free_port(), free_port(), free_port()
        first, second, url = (f"http://127.0.0.1:{port}" for port in ports)
        tokens, _, _ = await prepared(data, f"{url}/")
        serve = (*COMMAND, "serve", "--data", str(data), "--port")
        servers = [
            Process(f"{origin}/healthz", tmp_path / str(port), *serve, str(port))
            for origin, port in zip((first, second), ports, strict=False)
        ]
        hook = Process(url, tmp_path / "hook", sys.executable, str(CHILD), str(ports[2]), str(taken))
        try:
            await asyncio.gather(hook.up(), *(server.up() for server in servers))
            await asyncio.gather(load(first, tokens, 1, 1.5), load(second, tokens, 2, 1.5))
            wanted = await committed(data)
            await complete(taken, wanted)
        finally:
            hook.kill()
            for server in servers:
                server.kill()
        told = [line.split()[0] for line in lines_of(taken)]
        for directory, ids in wanted.items():
            assert [id for id in told if id.startswith(f"msg_{directory}-")] == ids
        assert len(told) == len(set(told))

    asyncio.run(main())
