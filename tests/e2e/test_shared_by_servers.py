"""Two processes on one database are one service: rates, walks, forms, settings and whatever was revoked.

On PostgreSQL two servers, on a file two workers of one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from console.pages import Visit
from e2e.engines import NAMES, database
from judges.harness import NO_TLS, SCIM_JSON, Server, running, user

from rosterd.console.cookies import SESSION
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import Limits
from rosterd.service.sessions import Place
from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

WITHIN = 20.0
"""Seconds in which what should take one must have happened, on a busy machine too."""


Shared = tuple[Settings, list[Server]]
"""Where the data is, and for each process that serves it where that is asked."""


@pytest.fixture(scope="module", params=NAMES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("shared")
    with database(request.param, folder) as settings, pytest.MonkeyPatch.context() as patched:
        if settings.database_url is None:
            with running(settings.data, "--workers", "2") as both:
                yield settings, [both, both]  # connections come to each of them in turn
            return
        patched.setenv("ROSTERD_DATABASE_URL", settings.database_url)
        with running(folder / "one") as one, running(folder / "two") as two:
            yield settings, [one, two]


@dataclass
class World:
    """A third process that administrates, and a connection with a client at each server."""

    service: Service
    servers: list[Server]
    directory: Directory
    connection: Connection
    token_id: str
    scim: list[httpx.AsyncClient]
    stack: AsyncExitStack

    async def clients(self, path: str, **options: Any) -> list[httpx.AsyncClient]:
        """One at each server, open until the test ends."""
        made = [
            httpx.AsyncClient(base_url=server.origin + path, verify=NO_TLS, timeout=30, **options)
            for server in self.servers
        ]
        return [await self.stack.enter_async_context(client) for client in made]

    async def limit(self, limits: Limits) -> None:
        policy = replace(self.connection.policy, limits=limits)
        self.connection = await self.service.connections.update(self.connection, by=BY, policy=policy)


@asynccontextmanager
async def world(shared: Shared, name: str) -> AsyncIterator[World]:
    settings, servers = shared
    async with open_service(settings) as service, AsyncExitStack() as stack:
        home = await service.directories.create(name, by=BY)
        policy = Policy(limits=Limits(read_rate=0, write_rate=0))
        okta = await service.connections.create(home, "okta", by=BY, policy=policy)
        token, text = await service.tokens.issue(home.id, okta.id, by=BY)
        made = World(service, servers, home, okta, token.id, [], stack)
        headers = {"Authorization": f"Bearer {text}", "Content-Type": SCIM_JSON}
        made.scim = await made.clients("/scim/v2", headers=headers)
        yield made


async def eventually(what: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + WITHIN
    while not await what():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


def test_a_connections_rate_is_that_of_both_together(shared: Shared) -> None:
    async def test() -> None:
        async with world(shared, "rates") as made:
            rate, burst = 2, 30
            await made.limit(Limits(read_rate=rate, burst=burst))
            began = time.monotonic()

            async def passed(client: httpx.AsyncClient, pause: float) -> tuple[int, httpx.Response]:
                """How many requests pass before the first that does not."""
                count = 0
                while (reply := await client.get("/Users?count=0")).status_code == 200:
                    count += 1
                    await asyncio.sleep(pause)
                return count, reply

            first, _ = await passed(made.scim[0], 0)
            assert first >= rate * burst
            second, refused = await passed(made.scim[1], 0.2)
            # Alone it would let pass a bucketful, and as many as come while that is taken so slowly.
            assert second < rate * burst / 2
            took = time.monotonic() - began
            assert first + second <= 2 * rate * burst + rate * took + 2 * rate
            assert refused.status_code == 429
            assert refused.headers["ratelimit-remaining"] == "0"
            wait = int(refused.headers["retry-after"])
            assert 1 <= wait <= burst
            assert refused.headers["ratelimit-reset"] == str(wait)

    asyncio.run(test())


def test_a_walk_that_goes_from_server_to_server_sees_everybody_once(shared: Shared) -> None:
    async def test() -> None:
        async with world(shared, "walks") as made:
            everyone = []
            for number in range(30):
                reply = await made.scim[0].post("/Users", json=user(f"user{number:02}"))
                everyone.append(reply.json()["id"])
            for query in ("", "&sortBy=userName", "&sortBy=userName&sortOrder=descending"):
                left = everyone[::-1] if "descending" in query else list(everyone)
                seen: list[str] = []
                start = total = 1
                while start <= total:
                    client = made.scim[start // 5 % 2]
                    page = (await client.get(f"/Users?startIndex={start}&count=5{query}")).json()
                    ids = [one["id"] for one in page["Resources"]]
                    seen += ids
                    total, start = page["totalResults"], start + 5
                    if ids:  # somebody who was seen goes, so that counting from the start would miss somebody
                        assert (await client.delete(f"/Users/{ids[1]}")).status_code == 204
                        everyone.remove(ids[1])
                assert seen == left, query
            assert len(everyone) < 20

    asyncio.run(test())


def test_a_form_sent_to_both_is_carried_out_once(shared: Shared) -> None:
    async def test() -> None:
        async with world(shared, "forms") as made:
            one, two = await visits(made)
            mark = (await one.get("/keys")).values("once")[0]
            form = {"once": mark, "label": "both", "lifetime": "2592000", "scope": ["users.read"]}
            shown = await asyncio.gather(*(visit.post("/keys", form) for visit in (one, two, one, two)))
            assert sorted(one.status for one in shown) == [200, 409, 409, 409], shown[0].words
            assert len([key for key in await made.service.control.keys() if key.label == "both"]) == 1

    asyncio.run(test())


async def visits(made: World) -> list[Visit]:
    """One session of an owner, at both servers."""
    sessions, place = made.service.access.sessions, Place("127.0.0.1", "a test", "")
    owner = await made.service.access.administrators.create(f"owner-{made.directory.id}", OWNER, by=BY)
    value = await sessions.open(owner, place, way="test")
    visitor = await sessions.visitor(value, place)
    assert visitor is not None
    return [Visit(client, visitor.csrf) for client in await made.clients("", cookies={SESSION: value})]


def test_what_one_server_is_told_holds_at_the_other(shared: Shared) -> None:
    """Each is seen to work at the second server before it is changed at the first, or beside both."""

    async def test() -> None:
        async with world(shared, "told") as made:
            service = made.service
            _, key = await service.keys.create(label="told", by=BY)
            headers = {"Authorization": f"Bearer {key}"}
            one, two = await made.clients("/api/v1", headers=headers)
            scim = made.scim[1]
            home = f"/directories/told/connections/{made.connection.name}"

            async def status(client: httpx.AsyncClient, path: str) -> int:
                return (await client.get(path)).status_code

            async def is_set() -> bool:
                return (await two.get("/settings")).json()["tokenWarningDays"] == 3

            assert not await is_set()
            assert (await one.patch("/settings", json={"tokenWarningDays": 3})).status_code == 200
            await eventually(is_set)

            assert "ratelimit-limit" not in (await scim.get("/Users")).headers
            assert (await one.patch(home, json={"limits": {"readRate": 100, "burst": 3}})).status_code == 200

            async def is_limited() -> bool:
                return (await scim.get("/Users")).headers.get("ratelimit-limit") == "300"

            await eventually(is_limited)

            for move, answer in (("pause", 503), ("resume", 200)):
                assert (await one.post(f"{home}/state", json={"move": move})).status_code == 200

                async def stands(answer: int = answer) -> bool:
                    return await status(scim, "/Users") == answer

                await eventually(stands)

            visit_one, visit_two = await visits(made)
            assert (await visit_two.get("/keys")).status == 200
            assert (await visit_one.post("/logout")).status == 303

            async def is_out() -> bool:
                return (await visit_two.get("/keys")).status == 303

            await eventually(is_out)

            assert await status(scim, "/Users") == 200
            assert (await one.delete(f"{home}/tokens/{made.token_id}")).status_code == 204

            async def is_revoked() -> bool:
                return await status(scim, "/Users") == 401

            await eventually(is_revoked)

            (mine,) = [each for each in await service.control.keys() if each.label == "told"]
            assert await status(two, "/settings") == 200
            await service.keys.revoke(mine.id, by=BY)

            async def is_refused() -> bool:
                return await status(two, "/settings") == 401

            await eventually(is_refused)

    asyncio.run(test())
