"""How a contract's tests are written: coroutines over an open store, run without any plugin.

Rows and their index entries are made from documents here, as the use cases make them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from rosterd.scim.bind import bind
from rosterd.scim.filter import Bound, parse_filter
from rosterd.scim.index import Indexed, index
from rosterd.scim.schema import ResourceType
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.audit import COMMAND_LINE, Actor, Entry
from rosterd.service.events import Event
from rosterd.service.ports import Position, Query, Reader, Store, Stored, Writer

T = TypeVar("T")
S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)

USER: Final = CORE_MODEL.types["User"]
GROUP: Final = CORE_MODEL.types["Group"]
DIRECTORY: Final = 1
CONNECTION: Final = 7
AT: Final = 1_795_000_000_000
BY: Final = Actor(COMMAND_LINE, "a test")
"""Who does what a test does."""
ENTRY: Final = Entry(BY, AT, "thing.changed", "a thing")
"""For writes of the control plane whose entry is not looked at."""


Work = Callable[[Writer], Awaitable[T]]


class Opens(Protocol[S_co]):
    """A contract: it opens what it tests, in a folder of the test's own."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[S_co]:
        """Open it, with what is kept there."""


def scenario(test: Callable[[Any, S], Awaitable[None]]) -> Callable[[Opens[S], Path], None]:
    """Make ``async def test_x(self, store)`` a test that is called as ``test_x(self, tmp_path)``."""

    def run(self: Opens[S], tmp_path: Path) -> None:
        async def opened() -> None:
            async with self.open_store(tmp_path) as store:
                await test(self, store)

        asyncio.run(opened())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def refused(error: type[T], attempt: Awaitable[object]) -> T:
    """The error of the class that the attempt must raise."""
    try:
        await attempt
    except BaseException as raised:
        if isinstance(raised, error):
            return raised
        raise
    raise AssertionError(f"{error.__name__} was not raised")


def row(document: Mapping[str, Any], id: str, kind: str = "User", seq: int = 0, **fields: Any) -> Stored:
    """A resource as the use cases would store it; ``fields`` are those of ``Stored``."""
    values: dict[str, Any] = {
        "connection": CONNECTION,
        "external_id": None,
        "version": 1,
        "created": AT,
        "modified": AT,
        "deleted": None,
    }
    return Stored(id=id, kind=kind, seq=seq, document=dump(document), **(values | fields))


def dump(document: Mapping[str, Any]) -> bytes:
    """The document as it is stored."""
    return json.dumps(document, ensure_ascii=False).encode()


def indexed(stored: Stored) -> Indexed:
    """What is indexed of a row of one of the two core types."""
    return index(json.loads(stored.document), CORE_MODEL.types[stored.kind])


def event(resource: str = "u", kind: str = "User", **data: Any) -> Event:
    """An event of some kind."""
    return Event("user.updated", kind, resource, AT, CONNECTION, "request", data)


async def add(tx: Writer, document: Mapping[str, Any], id: str, kind: str = "User", **fields: Any) -> Stored:
    """Insert a resource under the next number."""
    stored = row(document, id, kind, await tx.next_seq(), **fields)
    await tx.insert(stored, indexed(stored))
    return stored


def put(document: Mapping[str, Any], id: str, kind: str = "User", **fields: Any) -> Work[Stored]:
    """The unit of work that is ``add`` alone."""
    return lambda tx: add(tx, document, id, kind, **fields)


def retain(stored: Stored, at: int = AT) -> Work[None]:
    """The unit of work that retains a resource."""
    return lambda tx: tx.retain(stored, indexed(stored), at)


async def users(store: Store, names: Iterable[str], **fields: Any) -> list[Stored]:
    """Users whose id is their userName, in one transaction."""

    async def work(tx: Writer) -> list[Stored]:
        return [await add(tx, {"userName": name}, name, **fields) for name in names]

    return await store.write(DIRECTORY, work)


async def group(store: Store, id: str, display: str | None = None) -> Stored:
    """A group without members."""
    return await store.write(DIRECTORY, put({"displayName": display or id}, id, "Group"))


def where(text: str, resource_type: ResourceType = USER) -> Bound:
    """A filter bound to a type."""
    return bind(parse_filter(text), resource_type)


def listed(filter: str | None = None, type: ResourceType = USER, **fields: Any) -> Query:
    """A query for one type; ``fields`` are those of ``Query``."""
    targets = {type: where(filter, type) if filter else None}
    values: dict[str, Any] = {"targets": targets, "connection": CONNECTION, "limit": 100}
    return Query(**(values | fields))


async def found(store: Store, query: Query) -> list[str]:
    """The ids on a page."""
    return [stored.id for stored in (await store.reader(DIRECTORY).search(query)).rows]


async def walk(reader: Reader, query: Query, step: Callable[[], Awaitable[None]] | None = None) -> list[str]:
    """The ids of a whole walk by position; ``step`` happens between two pages."""
    ids: list[str] = []
    after: Position | None = query.after
    while True:
        page = await reader.search(query._replace(after=after))
        ids += [stored.id for stored in page.rows]
        if not page.more:
            return ids
        after = page.positions[-1]
        if step:
            await step()
