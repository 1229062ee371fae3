"""Webhooks on a real store file and real receivers, with a clock that is moved by hand."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from rosterd.delivery.egress import Policy
from rosterd.delivery.sender import HttpSender
from rosterd.delivery.signing import Vault
from rosterd.delivery.worker import Bounds, Worker
from rosterd.service.control import Directory
from rosterd.service.events import Event
from rosterd.service.ports import Writer
from rosterd.service.webhook_admin import WebhookAdmin
from rosterd.service.webhooks import Endpoint
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing import FakeClock
from rosterd.testing.scenario import BY, ENTRY

LOCAL = Policy.parse("127.0.0.0/8")


@dataclass(frozen=True)
class Got:
    """A message as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed


Answer = Callable[[Got], Awaitable[web.StreamResponse | int]]


@dataclass
class Receiver:
    """A server that keeps what it gets and answers as it is told."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    accepted: list[Got] = field(default_factory=list)
    answer: Answer | int = 200
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        got = Got(request.path, request.headers.copy(), await request.read())
        self.got.append(got)
        self.came.set()
        answer = self.answer if isinstance(self.answer, int) else await self.answer(got)
        if not isinstance(answer, int):
            return answer
        if 200 <= answer < 300:
            self.accepted.append(got)
        return web.Response(status=answer, text="noted")

    @property
    def ids(self) -> list[str]:
        """Of what was accepted, in order."""
        return [got.id for got in self.accepted]

    async def until(self, count: int) -> None:
        """Wait until so many messages have come."""
        async with asyncio.timeout(20):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    made = Receiver()
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield made
    finally:
        await runner.cleanup()


@dataclass
class World:
    """A store with everything that delivers from it."""

    store: SqliteStore
    clock: FakeClock
    vault: Vault
    sender: HttpSender
    admin: WebhookAdmin
    worker: Worker
    path: Path

    async def directory(self, name: str) -> Directory:
        return await self.store.create_directory(name, self.clock(), ENTRY)

    async def webhook(self, url: str, **options: Any) -> tuple[Endpoint, str]:
        return await self.admin.create(url, **options, by=BY)

    async def happen(
        self, directory: Directory, count: int = 1, type: str = "user.created", connection: int = 1
    ) -> list[str]:
        """Commit events; the ids of the messages about them."""

        async def work(tx: Writer) -> list[int]:
            return [
                await tx.append(
                    Event(type, "User", f"u{n}", self.clock(), connection, "r", {"after": {"n": n}})
                )
                for n in range(count)
            ]

        return [f"msg_{directory.id}-{seq}" for seq in await self.store.write(directory.id, work)]

    async def endpoint(self, id: str) -> Endpoint:
        return await self.admin.find(id)

    def another(self, name: str, **bounds: Any) -> Worker:
        """Another worker on the same store."""
        return Worker(
            self.store,
            self.admin,
            self.sender,
            self.clock,
            lambda: 0.5,
            name,
            Bounds(**{"pause": 0.001, **bounds}),
        )


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[World]:
    clock = FakeClock()
    store = await open_sqlite(path / "rosterd.db")
    vault = Vault(await store.secret("webhooks"), os.urandom)
    policy = options.pop("policy", LOCAL)
    sender = HttpSender(vault, policy, clock, **options)
    admin = WebhookAdmin(store, store, vault, sender, policy.check_url, clock, os.urandom)
    worker = Worker(store, admin, sender, clock, lambda: 0.5, "first", Bounds(pause=0.001))
    try:
        yield World(store, clock, vault, sender, admin, worker, path)
    finally:
        await sender.close()
        await store.close()


def run(path: Path, test: Callable[[World, Receiver], Awaitable[None]], **options: Any) -> None:
    """Run a test with a world and one receiver."""

    async def main() -> None:
        async with opened(path, **options) as world, receiver() as hook:
            await test(world, hook)

    asyncio.run(main())
