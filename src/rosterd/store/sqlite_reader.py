"""``Reader`` over SQLite: each method one statement, or one transaction, and so one snapshot.

The methods do not know where they run. ``run`` gives the work a connection: at once if it is quick
(its cost is bounded by what it gives back), else in a thread.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson

from rosterd.scim.membership import Member
from rosterd.service.ports import (
    Event,
    Membership,
    Page,
    Position,
    Query,
    Stored,
    StoredEvent,
)
from rosterd.store.listing import Listing, listing
from rosterd.store.queries import SQLITE

T = TypeVar("T")

_QUICK_ROWS: Final = 200
_QUICK_IDS: Final = 10


class Run(Protocol):
    """Runs work with a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> Awaitable[T]: ...


class SqliteReader:
    """See ``rosterd.service.ports.Reader``."""

    __slots__ = ("_directory", "_run")

    def __init__(self, run: Run, directory: int) -> None:
        self._run = run
        self._directory = directory

    async def get(self, kind: str, id: str) -> Stored | None:
        return await self._run(lambda c: _stored(c, "get_resource", (self._directory, id, kind)), quick=True)

    async def find_deleted(self, kind: str, id: str) -> Stored | None:
        return await self._run(lambda c: _stored(c, "find_deleted", (self._directory, id, kind)), quick=True)

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        parameters = (self._directory, kind, connection, external_id)
        rows = await self._rows("retained", parameters)
        return tuple(Stored(*row) for row in rows)

    async def search(self, query: Query) -> Page:
        compiled = listing(query, self._directory)
        if compiled is None:
            return Page((), (), False, 0 if query.total else None)
        return await self._run(lambda c: _page(c, compiled, query), quick=compiled.quick)

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        parameters = (self._directory, _json(ids))
        return await self._run(lambda c: _memberships(c, parameters), quick=len(ids) <= _QUICK_IDS)

    async def members(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        parameters = (self._directory, group, after or "", -1 if limit is None else limit)
        quick = limit is not None and limit <= _QUICK_ROWS
        return await self._run(lambda c: _members(c, "members", parameters), quick=quick)

    async def exceeds(self, group: str, limit: int) -> bool:
        rows = await self._rows("members_beyond", (self._directory, group, limit))
        return bool(rows)

    async def pending(self, group: str) -> tuple[Member, ...]:
        return await self._run(lambda c: _members(c, "pending_members", (self._directory, group)), quick=True)

    async def owner_of(self, kind: str, attribute: str, value: str) -> str | None:
        rows = await self._rows("owner_of", (self._directory, kind, attribute, value))
        return str(rows[0][0]) if rows else None

    async def count(self, kind: str) -> int:
        rows = await self._rows("count_live", (self._directory, kind))
        return int(rows[0][0]) if rows else 0

    async def events(self, after: int, limit: int) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, after, limit)
        return await self._run(lambda c: _events(c, "events", parameters), quick=limit <= _QUICK_ROWS)

    async def history(self, kind: str, id: str, limit: int) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, id, kind, limit)
        return await self._run(lambda c: _events(c, "history", parameters), quick=limit <= _QUICK_ROWS)

    async def _rows(self, name: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=True)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _stored(connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]) -> Stored | None:
    row = connection.execute(SQLITE[name], parameters).fetchone()
    return Stored(*row) if row else None


def _members(connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]) -> tuple[Member, ...]:
    return tuple(Member(*row) for row in connection.execute(SQLITE[name], parameters))


def _memberships(
    connection: sqlite3.Connection, parameters: tuple[Any, ...]
) -> Mapping[str, tuple[Membership, ...]]:
    found: dict[str, list[Membership]] = {}
    for start, group, display, direct in connection.execute(SQLITE["memberships"], parameters):
        found.setdefault(start, []).append(Membership(group, display, bool(direct)))
    return {start: tuple(groups) for start, groups in found.items()}


def _events(
    connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]
) -> tuple[StoredEvent, ...]:
    rows = connection.execute(SQLITE[name], parameters)
    return tuple(
        StoredEvent(seq, Event(type_, kind, resource, at, by, request_id, orjson.loads(data)))
        for seq, type_, kind, resource, at, by, request_id, data in rows
    )


def _page(connection: sqlite3.Connection, compiled: Listing, query: Query) -> Page:
    """The page and its total, of one snapshot."""
    alone = query.total and not connection.in_transaction
    if alone:
        connection.execute("BEGIN")
    try:
        rows = connection.execute(compiled.page.text, compiled.page.params).fetchall()
        more = len(rows) > query.limit
        del rows[query.limit :]
        total = None
        if query.total:
            if query.after is None and not more and (rows or not query.offset):
                total = query.offset + len(rows)
            else:
                total = connection.execute(compiled.total.text, compiled.total.params).fetchone()[0]
    finally:
        if alone:
            connection.execute("ROLLBACK")
    return Page(
        rows=tuple(Stored(*row[:-1]) for row in rows),
        positions=tuple(Position(row[4], row[-1]) for row in rows),
        more=more,
        total=total,
    )
