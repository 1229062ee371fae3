"""``Reader`` over SQLite: each method one statement, or one transaction, and so one snapshot.

The methods do not know where they run. ``run`` gives the work a connection: at once if it is quick
(its cost is bounded by what it gives back), else in a thread.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar

import orjson

from rosterd.scim.membership import Member
from rosterd.service.events import PAGE_BYTES, WINDOW, Event, FeedPage, StoredEvent
from rosterd.service.past import Owed
from rosterd.service.ports import Awaiting, Membership, Named, Page, Position, Query, Stored
from rosterd.store.listing import Found, Listing, grouped, listing
from rosterd.store.parts import PROBED
from rosterd.store.queries import SQLITE
from rosterd.store.rows import as_json, few_members, memberships_of
from rosterd.store.sqlite_projections import SqliteProjectionReader
from rosterd.store.sqlite_run import Run

T = TypeVar("T")

_QUICK_ROWS: Final = 200
_QUICK_IDS: Final = 10
_QUICK_COUNT: Final = 2000
_MOST: Final = 2**63 - 1
_GET_MEMBER: Final = SQLITE["get_member"]
_FIND_MEMBER: Final = SQLITE["find_member"]
_LAST: Final = "\U0010ffff"  # no name goes on behind this character
_NAMES: Final = {"User": ("named_unique", "userName"), "Group": ("named_value", "displayName")}
"""By which statement and attribute a kind is looked up by name."""


class SqliteReader(SqliteProjectionReader):
    """See ``rosterd.service.ports.Reader``."""

    __slots__ = ("_directory", "_run")

    def __init__(self, run: Run, directory: int) -> None:
        self._run = run
        self._directory = directory

    async def get(self, kind: str, id: str) -> Stored | None:
        return await self._run(lambda c: _stored(c, "get_resource", (self._directory, id, kind)), quick=True)

    async def get_with_groups(self, kind: str, id: str) -> Found | None:
        return await self._run(lambda c: with_groups(c, self._directory, kind, id), quick=True)

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
        return await self._run(lambda c: _page(c, compiled, query, self._directory), quick=compiled.quick)

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        parameters = (self._directory, as_json(ids))
        return await self._run(lambda c: _memberships(c, parameters), quick=len(ids) <= _QUICK_IDS)

    async def group_counts(self, ids: Sequence[str]) -> Mapping[str, int]:
        rows = await self._rows("group_counts", (self._directory, as_json(list(ids))))
        return {id: int(count) for id, count in rows}

    async def members(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        parameters = (self._directory, group, after or "", -1 if limit is None else limit)
        quick = limit is not None and limit <= _QUICK_ROWS
        return await self._run(lambda c: _members(c, "members", parameters), quick=quick)

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        return few_members(await self._rows("few_members", (self._directory, group, most)))

    async def member_count(self, group: str, most: int) -> int:
        parameters = (self._directory, group, most)
        return await self._run(
            lambda c: int(c.execute(SQLITE["member_count"], parameters).fetchone()[0]),
            quick=most <= _QUICK_COUNT,
        )

    async def pending(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        parameters = (self._directory, group, after or "", -1 if limit is None else limit)
        return await self._run(lambda c: _members(c, "pending_members", parameters), quick=True)

    async def awaiting(self, values: Sequence[str], limit: int) -> tuple[Awaiting, ...]:
        rows = await self._rows("awaiting", (self._directory, as_json(list(values)), limit))
        return tuple(Awaiting(*row) for row in rows)

    async def accounts(self, kind: str, state: str, after: int, limit: int) -> tuple[Stored, ...]:
        rows = await self._rows("accounts", (self._directory, kind, state, after, limit))
        return tuple(Stored(*row) for row in rows)

    async def newest(
        self, kind: str, state: str, connection: int | None, before: int | None, limit: int
    ) -> tuple[Stored, ...]:
        parameters = (self._directory, kind, state, _MOST if before is None else before, limit, connection)
        rows = await self._run(
            lambda c: c.execute(SQLITE["newest"], parameters).fetchall(), quick=connection is None
        )
        return tuple(Stored(*row) for row in rows)

    async def named(
        self,
        kind: str,
        prefix: str,
        state: str | None,
        after: tuple[str, str] | None,
        limit: int,
        attribute: str | None = None,
    ) -> tuple[Named, ...]:
        name, attribute = _NAMES[kind] if attribute is None else ("named_value", attribute)
        behind = after or ("", "")
        first = max(
            prefix, behind[0]
        )  # where the index is entered, so that no page costs more for lying deeper
        parameters = (self._directory, kind, attribute, first, prefix + _LAST, *behind, limit, state)
        rows = await self._rows(name, parameters)
        return tuple(Named(row[0], row[1], Stored(*row[2:]) if row[2] else None) for row in rows)

    async def owner_of(self, kind: str, attribute: str, value: str) -> str | None:
        rows = await self._rows("owner_of", (self._directory, kind, attribute, value))
        return str(rows[0][0]) if rows else None

    async def count(self, kind: str, connection: int | None = None) -> int:
        name, owner = ("count_live", ()) if connection is None else ("count_owned", (connection,))
        rows = await self._rows(name, (self._directory, kind, *owner))
        return int(rows[0][0]) if rows else 0

    async def events(self, after: int, limit: int) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, after, limit)
        return await self._run(lambda c: _events(c, "events", parameters), quick=limit <= _QUICK_ROWS)

    async def feed(self, after: int, limit: int, types: Sequence[str] = ()) -> FeedPage:
        wanted = as_json(list(types)) if types else None
        quick = limit <= _QUICK_ROWS and not types
        return await self._run(lambda c: _feed(c, self._directory, after, limit, wanted), quick=quick)

    async def feed_back(self, before: int | None, limit: int, types: Sequence[str] = ()) -> FeedPage:
        wanted = as_json(list(types)) if types else None
        quick = limit <= _QUICK_ROWS and not types
        return await self._run(lambda c: _feed_back(c, self._directory, before, limit, wanted), quick=quick)

    async def undone(self, seq: int) -> bool:
        rows = await self._rows("undone", (self._directory, seq))
        return bool(rows[0][0])

    async def last(self) -> int:
        rows = await self._rows("feed_edges", (self._directory,))
        return int(rows[0][0])

    async def history(
        self, kind: str, id: str, limit: int, before: int | None = None
    ) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, id, kind, limit, _MOST if before is None else before)
        return await self._run(lambda c: _events(c, "history", parameters), quick=limit <= _QUICK_ROWS)

    async def changed_by(
        self, connection: int, since: int, through: int, behind: str, limit: int
    ) -> tuple[tuple[str, str], ...]:
        parameters = (self._directory, connection, since, through, behind, limit)
        rows = await self._run(lambda c: c.execute(SQLITE["changed_by"], parameters).fetchall(), quick=False)
        return tuple((str(kind), str(id)) for kind, id in rows)

    async def story(self, kind: str, id: str, since: int, after: int, limit: int) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, id, kind, since, after, limit)
        return await self._run(lambda c: _events(c, "story", parameters), quick=limit <= _QUICK_ROWS)

    async def mentioning(self, names: Sequence[str], after: int, through: int) -> tuple[StoredEvent, ...]:
        parameters = (self._directory, as_json(list(names)), after, through)
        return await self._run(lambda c: _events(c, "mentioning", parameters), quick=False)

    async def deleted_before(self, kind: str, before: int, limit: int) -> tuple[str, ...]:
        rows = await self._rows("deleted_before", (self._directory, kind, before, limit))
        return tuple(str(id) for (id,) in rows)

    async def owed(self, limit: int) -> tuple[Owed, ...]:
        rows = await self._rows("owed_erasures", (self._directory, limit))
        return tuple(
            Owed(k, id, by, request, tuple(orjson.loads(n)), seq) for k, id, by, request, n, seq in rows
        )

    async def _rows(self, name: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=True)


def _stored(connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]) -> Stored | None:
    row = connection.execute(SQLITE[name], parameters).fetchone()
    return Stored(*row) if row else None


def with_groups(connection: sqlite3.Connection, directory: int, kind: str, id: str) -> Found | None:
    """A live resource by id, with the groups it is in."""
    row = connection.execute(_GET_MEMBER, (directory, id, kind)).fetchone()
    if row is None:
        return None
    owner, external_id, seq, version, created, modified, document, belongs = row
    groups = _memberships(connection, (directory, as_json([id]))).get(id, ()) if belongs else ()
    # As one is made for each request: its own constructor is a frame more.
    stored = (id, kind, owner, external_id, seq, version, created, modified, None, document)
    return tuple.__new__(Stored, stored), groups


def with_value(
    connection: sqlite3.Connection, directory: int, kind: str, attribute: str, value: str
) -> tuple[Found, ...]:
    """The live resource that has a unique value, with the groups it is in."""
    row = connection.execute(_FIND_MEMBER, (directory, kind, attribute, value)).fetchone()
    if row is None:
        return ()
    id, belongs = row[0], row[-1]
    groups = _memberships(connection, (directory, as_json([id]))).get(id, ()) if belongs else ()
    return ((Stored(*row[:-1]), groups),)


def _members(connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]) -> tuple[Member, ...]:
    return tuple(map(Member._make, connection.execute(SQLITE[name], parameters)))


def _memberships(
    connection: sqlite3.Connection, parameters: tuple[Any, ...]
) -> Mapping[str, tuple[Membership, ...]]:
    return memberships_of(connection.execute(SQLITE["memberships"], parameters))


def _events(
    connection: sqlite3.Connection, name: str, parameters: tuple[Any, ...]
) -> tuple[StoredEvent, ...]:
    return tuple(map(_event, connection.execute(SQLITE[name], parameters)))


def _event(row: tuple[Any, ...]) -> StoredEvent:
    seq, type_, kind, resource, at, by, request_id, data = row
    return StoredEvent(seq, Event(type_, kind, resource, at, by, request_id, orjson.loads(data)))


def _feed(
    connection: sqlite3.Connection, directory: int, after: int, limit: int, types: str | None
) -> FeedPage:
    with _one_state(connection):
        last, forgotten = connection.execute(SQLITE["feed_edges"], (directory,)).fetchone()
        start = max(after, forgotten)
        base = start
        if last - start > WINDOW:  # a hole that a restore left is stepped over
            (first,) = connection.execute(SQLITE["next_event"], (directory, start)).fetchone()
            base = last if first is None else max(start, first - 1)
        through = max(start, min(base + WINDOW, last))
        if base + WINDOW < last:  # nobody goes on from within a hole
            (end,) = connection.execute(SQLITE["previous_event"], (directory, through + 1)).fetchone()
            through = max(start, end or start)
        events: list[StoredEvent] = []
        size = 0
        for row in connection.execute(SQLITE["feed"], (directory, start, through, types, limit)):
            events.append(_event(row))
            size += len(row[-1])
            if len(events) == limit or size > PAGE_BYTES:
                through = events[-1].seq
                break
    return FeedPage(tuple(events), through, forgotten, last)


def _feed_back(
    connection: sqlite3.Connection, directory: int, before: int | None, limit: int, types: str | None
) -> FeedPage:
    with _one_state(connection):
        last, forgotten = connection.execute(SQLITE["feed_edges"], (directory,)).fetchone()
        start = last + 1 if before is None else min(before, last + 1)
        base = start
        if start - forgotten > WINDOW:
            (first,) = connection.execute(SQLITE["previous_event"], (directory, start)).fetchone()
            base = forgotten + 1 if first is None else min(start, first + 1)
        through = max(base - WINDOW, forgotten + 1)
        events: list[StoredEvent] = []
        size = 0
        for row in connection.execute(SQLITE["feed_back"], (directory, start, through, types, limit)):
            events.append(_event(row))
            size += len(row[-1])
            if len(events) == limit or size > PAGE_BYTES:
                through = events[-1].seq
                break
    return FeedPage(tuple(events), through, forgotten, last)


@contextmanager
def _one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """Statements that see the same state, those of a transaction already begun anyway."""
    alone = not connection.in_transaction
    if alone:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if alone:
            connection.execute("ROLLBACK")


def _page(connection: sqlite3.Connection, compiled: Listing, query: Query, directory: int) -> Page:
    """The page and its total, of one snapshot."""
    if compiled.probe is not None:
        ((named,),) = connection.execute(compiled.probe.text, compiled.probe.params)
        if named >= PROBED:
            compiled = listing(query, directory, narrow=False) or compiled
    counts = query.total and compiled.total is not None
    with _one_state(connection) if counts or query.grouped else nullcontext():
        rows = connection.execute(compiled.page.text, compiled.page.params).fetchall()
        more = len(rows) > query.limit
        del rows[query.limit :]
        total = None
        if query.total:
            whole = query.after is None and not more and (rows or not query.offset)
            if compiled.total is None or whole:
                total = query.offset + len(rows)
            else:
                total = connection.execute(compiled.total.text, compiled.total.params).fetchone()[0]
        stored = tuple(Stored(*row[:-1]) for row in rows)
        wanted = grouped(query, stored)
        groups = _memberships(connection, (directory, as_json(wanted))) if wanted else {}
    return Page(
        rows=stored,
        positions=tuple(Position(row[4], row[-1]) for row in rows),
        more=more,
        total=total,
        groups=groups,
    )
