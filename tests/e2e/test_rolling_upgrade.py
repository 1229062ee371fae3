"""From the release before to this one under load, and back: nobody is refused, and nothing is lost.

The servers of both releases work on one database, beside each other and each alone, while the migrations are
applied and after them. A stage lasts a twentieth of ``FAULT_SECONDS`` (``make faults``).
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from contract.postgres_server import namespace
from e2e.releases import Release, Serving, source_of_before
from e2e.test_administrator_commands import Browser, log_in
from judges.harness import NO_TLS, free_port, group, patch, user

SECONDS = float(os.environ.get("FAULT_SECONDS", "8")) / 20
CLIENTS = 2
PAUSE = 0.03
PASSWORD = "correct horse battery"
SETTINGS = {"ROSTERD_EGRESS_ALLOW": "127.0.0.0/8", "ROSTERD_DELIVERY_LEASE_SECONDS": "1"}


@contextmanager
def database(engine: str) -> Iterator[dict[str, str]]:
    if engine == "sqlite":
        yield {}
        return
    with namespace() as url:
        yield {"ROSTERD_DATABASE_URL": url}


@dataclass
class Load:
    """Identity providers that work on the servers in turn, and remember what they were answered."""

    tokens: dict[str, str]
    servers: list[Serving] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    """Display names by id, by directory."""
    members: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    over: bool = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(name, n) for name in self.tokens for n in range(CLIENTS)))

    async def _client(self, directory: str, number: int) -> None:
        chance = random.Random(f"{directory}{number}")
        users = self.users.setdefault(directory, {})
        mine: list[str] = []
        async with httpx.AsyncClient(verify=NO_TLS, timeout=30) as http:
            crew = (await self._ask(http, directory, "POST", "/Groups", group(f"crew-{number}")))["id"]
            crews = self.members.setdefault(directory, {})
            crews[crew] = set()
            while not self.over:
                name = f"{number}-{len(mine)}"
                made = await self._ask(http, directory, "POST", "/Users", user(name, displayName=name))
                mine.append(made["id"])
                users[made["id"]] = name
                some = chance.choice(mine)
                new = {"op": "replace", "path": "displayName", "value": f"{users[some]}+"}
                await self._ask(http, directory, "PATCH", f"/Users/{some}", patch(new))
                users[some] += "+"
                add = {"op": "add", "path": "members", "value": [{"value": some}]}
                await self._ask(http, directory, "PATCH", f"/Groups/{crew}", patch(add))
                crews[crew].add(some)
                read = await self._ask(http, directory, "GET", f"/Users/{some}")
                assert read["displayName"] == users[some]
                await asyncio.sleep(PAUSE)

    async def _ask(
        self, http: httpx.AsyncClient, directory: str, method: str, path: str, body: Any = None
    ) -> Any:
        server = random.choice(self.servers)
        task = object()
        server.busy.add(task)
        try:
            headers = {"Authorization": f"Bearer {self.tokens[directory]}"}
            reply = await http.request(method, f"{server.origin}/scim/v2{path}", json=body, headers=headers)
        finally:
            server.busy.discard(task)
        if reply.status_code >= 300:
            self.refused.append(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else None


@asynccontextmanager
async def receiver(taken: list[str]) -> AsyncIterator[str]:
    """The URL of a receiver of webhooks; ``taken`` gets the ids of what it accepts."""

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        taken.append(request.headers["webhook-id"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def feed(origin: str, key: str, directory: str) -> list[dict[str, Any]]:
    """All events of a directory, in order."""
    events: list[dict[str, Any]] = []
    headers, query = {"Authorization": f"Bearer {key}"}, {"directory": directory, "limit": "1000"}
    async with httpx.AsyncClient(base_url=origin, headers=headers, verify=NO_TLS, timeout=30) as http:
        while True:
            page = (await http.get("/api/v1/events", params=query)).json()
            events += page["events"]
            query["after"] = page["next"]
            if not page["more"]:
                return events


def check_feed(events: list[dict[str, Any]], users: dict[str, str], members: dict[str, set[str]]) -> None:
    """The feed tells of everything that was acknowledged, each change after the one before, without a gap."""
    numbers = [int(event["id"].partition("-")[2]) for event in events]
    assert numbers == list(range(1, len(numbers) + 1))
    names: dict[str, str] = {}
    crews: dict[str, set[str]] = {}
    for event in events:
        id, data = event["resource"]["id"], event["data"]
        if event["type"] == "user.created":
            names[id] = data["after"]["displayName"]
        elif event["type"] == "user.updated":
            assert data["before"]["displayName"] == names[id]
            names[id] = data["after"]["displayName"]
        elif event["type"] == "group.created":
            crews[id] = set()
        elif event["type"] == "group.member_added":
            crews[id] |= set(data["members"])
        else:
            raise AssertionError(event)
    assert names == users
    assert crews == members


async def check_credentials(old: Serving, new: Serving, key: str) -> None:
    """What one release has given out or taken back, the other one knows."""
    tokens = "/api/v1/directories/one/connections/one/tokens"
    async with httpx.AsyncClient(verify=NO_TLS, headers={"Authorization": f"Bearer {key}"}) as api:
        for here, there in ((old, new), (new, old)):
            made = (await api.post(f"{here.origin}{tokens}", json={"label": "mixed"})).json()
            credential = {"Authorization": f"Bearer {made['token']}"}
            users = [f"{server.origin}/scim/v2/Users?count=1" for server in (here, there)]

            async def answers(urls: list[str], credential: dict[str, str]) -> set[int]:
                return {(await api.get(url, headers=credential)).status_code for url in urls}

            assert await answers(users, credential) == {200}
            assert (await api.delete(f"{there.origin}{tokens}/{made['id']}")).status_code == 204
            async with asyncio.timeout(20):  # a server may know a token for a moment longer
                while await answers(users, credential) != {401}:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)


def inside(browser: Browser, *servers: Serving) -> bool:
    return all(Browser(server.origin, browser.cookies).inside for server in servers)


PREPARE = """
import asyncio, json, sys
from rosterd.service.audit import ITSELF
from rosterd.service.limits import Limits
from rosterd.service.control import Policy
from rosterd.wiring import Settings, open_service

async def main():
    async with open_service(Settings.from_env()) as service:
        tokens = {}
        for name in ("one", "two"):
            home = await service.directories.create(name, by=ITSELF)
            policy = Policy(limits=Limits(read_rate=0, write_rate=0))
            line = await service.connections.create(home, name, by=ITSELF, policy=policy)
            _, tokens[name] = await service.tokens.issue(home.id, line.id, by=ITSELF)
        await service.webhooks.create(sys.argv[1], by=ITSELF)
        _, key = await service.keys.create(by=ITSELF)
        await service.access.administrators.create("olga", "owner", password=sys.argv[2], by=ITSELF)
        print(json.dumps({"tokens": tokens, "key": key}))

asyncio.run(main())
"""


async def upgrade(before: Release, after: Release, stack: AsyncExitStack) -> None:
    taken: list[str] = []
    url = await stack.enter_async_context(receiver(taken))

    async def started(release: Release) -> Serving:
        server = await release.serve()
        stack.callback(server.kill)
        return server

    prepared = json.loads(await before.script(PREPARE, url, PASSWORD))
    old = await started(before)
    early = await asyncio.to_thread(log_in, old.origin, "olga", PASSWORD)
    load = Load(prepared["tokens"], [old])
    busy = asyncio.create_task(load.run())
    stack.callback(busy.cancel)

    async def stage(*servers: Serving) -> None:
        load.servers = list(servers)
        await asyncio.sleep(SECONDS)
        assert load.refused == []
        assert not busy.done(), busy.exception()

    await stage(old)
    assert json.loads(await after.cli("migrate", "--json"))["done"]  # while the old one works
    await stage(old)
    new = await started(after)
    await stage(old, new)
    await check_credentials(old, new, prepared["key"])
    late = await asyncio.to_thread(log_in, new.origin, "olga", PASSWORD)
    assert await asyncio.to_thread(inside, early, old, new)
    assert await asyncio.to_thread(inside, late, old, new)
    await stage(old)  # rolled back: the new one is stopped, the old one goes on
    await new.stop()
    await stage(old)
    new = await started(after)
    await stage(old, new)
    await stage(new)
    await old.stop()
    await stage(new)
    load.over = True
    await busy
    assert load.refused == []
    for name, users in load.users.items():
        events = await feed(new.origin, prepared["key"], name)
        check_feed(events, users, load.members[name])
        ids = [f"msg_{event['id']}" for event in events]
        async with asyncio.timeout(60):
            while not set(ids) <= set(taken):  # noqa: ASYNC110 - the receiver fills it
                await asyncio.sleep(0.05)
        first = ids[0].partition("-")[0]
        assert list(dict.fromkeys(id for id in taken if id.partition("-")[0] == first)) == ids
    await new.stop()
    code, said = await before.run("serve", "--port", str(free_port()))
    assert (code != 0, "newer release" in said) == (True, True), said


@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
def test_old_and_new_servers_work_beside_each_other_while_the_database_is_migrated(
    engine: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = source_of_before(tmp_path_factory.getbasetemp() / "before")
    with database(engine) as where:
        settings = {**SETTINGS, **where}
        data = tmp_path / "data"

        async def main() -> None:
            async with AsyncExitStack() as stack:
                await upgrade(Release(data, settings, source), Release(data, settings), stack)

        asyncio.run(main())
