"""A directory with its use cases over a real store file, driven without HTTP."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from rosterd.scim import urns
from rosterd.scim.listing import ListRequest, from_query
from rosterd.scim.render import DEFAULT
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.bulk import Bulk
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands, Unit
from rosterd.service.connections import commit
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.queries import Listing, Queries
from rosterd.service.view import View, full_document
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.scenario import ENTRY

T = TypeVar("T")
USER, GROUP = CORE_MODEL.types["User"], CORE_MODEL.types["Group"]
START = 1_800_000_000_000


def user(name: str, external_id: str | None = None, **attributes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"schemas": [urns.USER], "userName": name, **attributes}
    return body if external_id is None else {**body, "externalId": external_id}


def group(name: str, *members: str) -> dict[str, Any]:
    return {"schemas": [urns.GROUP], "displayName": name, "members": [{"value": m} for m in members]}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


@dataclass
class World:
    """``caller`` is the default connection; every call may name another one."""

    store: SqliteStore
    commands: Commands
    queries: Queries
    bulk_runner: Bulk
    caller: Caller
    time: list[int]

    def other(self, id: int = 2, **policy: str) -> Caller:
        connection = Connection(id, 1, f"connection-{id}", START, policy=Policy(**policy))
        return replace(self.caller, connection=connection)

    def with_policy(self, **policy: Any) -> Caller:
        return replace(self.caller, connection=replace(self.caller.connection, policy=Policy(**policy)))

    def with_profile(self, profile: str) -> Caller:
        return replace(self.caller, connection=replace(self.caller.connection, profile=profile))

    async def create(self, body: Any, caller: Caller | None = None) -> View:
        type = GROUP if urns.GROUP in body["schemas"] else USER
        return await self.commit(self.commands.create(caller or self.caller, type, body), caller)

    async def replace(self, view: View, body: Any, caller: Caller | None = None) -> View:
        unit = self.commands.replace(caller or self.caller, view.type, view.row.id, body)
        return await self.commit(unit, caller)

    async def patch(self, view: View, *operations: dict[str, Any], caller: Caller | None = None) -> View:
        unit = self.commands.patch(caller or self.caller, view.type, view.row.id, patch(*operations))
        return await self.commit(unit, caller)

    async def delete(self, view: View, caller: Caller | None = None) -> None:
        await self.commit(self.commands.delete(caller or self.caller, view.type, view.row.id), caller)

    async def commit(self, unit: Unit, caller: Caller | None = None) -> View:
        return await commit(self.store, caller or self.caller, unit)

    async def read(self, view: View, caller: Caller | None = None) -> dict[str, Any]:
        caller = caller or self.caller
        return full_document(
            await self.queries.get(caller, view.type, view.row.id, DEFAULT), CORE_MODEL, "http://x"
        )

    async def page(self, caller: Caller | None = None, type: Any = USER, **query: str) -> Listing:
        request: ListRequest = from_query(query.items())
        return await self.queries.list(caller or self.caller, (type,), request)

    async def bulk(self, *operations: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        body = {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **more}
        return await self.bulk_runner.run(self.caller, body, _renewed)  # type: ignore[return-value]

    async def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(type, resource, data) of the whole feed."""
        feed = await self.store.reader(1).events(0, 10_000)
        assert [e.seq for e in feed] == list(range(1, len(feed) + 1)), "the feed has a gap"
        return [(e.event.type, e.event.resource, dict(e.event.data)) for e in feed]


async def _renewed(caller: Caller) -> Caller:
    raise AssertionError("nobody changes the schemas here")


def run(path: Path, test: Callable[[World], Coroutine[Any, Any, T]]) -> T:
    """Run a test on a fresh database file."""

    async def main() -> T:
        store = await open_sqlite(path / "test.db")
        time, numbers = [START], itertools.count(1)
        directory: Directory = await store.create_directory("default", START, ENTRY)
        connection = await store.create_connection(directory.id, "default", "auto", Policy(), START, ENTRY)
        await store.create_connection(directory.id, "second", "auto", Policy(), START, ENTRY)

        def now() -> int:
            time[0] += 1
            return time[0]

        def new_id() -> str:
            return f"id-{next(numbers):04}"

        commands = Commands(now, new_id)
        caller = Caller(directory, connection, ("scim.read", "scim.write"), CORE_MODEL, "http://x", "req")
        world = World(
            store, commands, Queries(store, now, b"s" * 32), Bulk(store, commands, new_id), caller, time
        )
        try:
            return await test(world)
        finally:
            await store.close()

    return asyncio.run(main())


def stored(view: View) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(view.row.document)
    return document
