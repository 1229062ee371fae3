"""``Reader`` over PostgreSQL: each method one statement, and so one snapshot.

The methods do not know where they run: on any connection of the pool, inside a snapshot, or in a writer's
transaction. Long values stand in indexes by their beginning and a digest, as ``cut`` writes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from rosterd.scim.membership import Member
from rosterd.service.events import PAGE_BYTES, WINDOW, Event, FeedPage, StoredEvent
from rosterd.service.past import Owed
from rosterd.service.ports import Awaiting, Membership, Named, Page, Query, Stored
from rosterd.store.dialect_postgres import Postgres, clean, cleaned, short
from rosterd.store.listing import Found
from rosterd.store.postgres_arrays import numbers, texts
from rosterd.store.postgres_projections import PostgresProjectionReader
from rosterd.store.postgres_run import Reads, Row
from rosterd.store.postgres_search import search
from rosterd.store.rows import few_members, memberships_of

_MOST: Final = 2**63 - 1
_LAST: Final = "\U0010ffff"  # no name goes on behind this character
_NAMES: Final = {"User": ("named_unique", "userName"), "Group": ("named_value", "displayName")}
"""By which statement and attribute a kind is looked up by name."""
Key = tuple[str | None, str, int | None]
"""A unique attribute, its value as ``unique_value`` has it, and nothing; without an attribute, an id.

Or no attribute, an externalId, and the connection whose it is.
"""
_ESCAPED: Final = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class PostgresReader(PostgresProjectionReader):
    """See ``rosterd.service.ports.Reader``."""

    __slots__ = ("_directory", "_reads", "_words")

    def __init__(self, reads: Reads, directory: int, words: Postgres) -> None:
        self._reads = reads
        self._directory = directory
        self._words = words

    async def get(self, kind: str, id: str) -> Stored | None:
        row = await self._reads.row("get_resource", self._directory, clean(id), kind)
        return Stored(*row) if row else None

    async def get_with_groups(self, kind: str, id: str) -> Found | None:
        (found,) = (await with_groups(self._reads, self._directory, kind, ((None, id, None),))).values()
        return found[0] if found else None

    async def find_deleted(self, kind: str, id: str) -> Stored | None:
        row = await self._reads.row("find_deleted", self._directory, clean(id), kind)
        return Stored(*row) if row else None

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        return await self._stored("retained", kind, connection, clean(external_id))

    async def search(self, query: Query) -> Page:
        return await search(self._reads, self._directory, query, self._words)

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        return memberships_of(await self._rows("memberships", cleaned(ids), len(ids)))

    async def group_counts(self, ids: Sequence[str]) -> Mapping[str, int]:
        rows = await self._rows("group_counts", cleaned(ids))
        return {id: int(count) for id, count in rows}

    async def members(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        rows = await self._rows("members", clean(group), clean(after or ""), limit)
        return tuple(map(Member._make, rows))

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        return few_members(await self._rows("few_members", clean(group), most))

    async def member_count(self, group: str, most: int) -> int:
        rows = await self._rows("member_count", clean(group), most)
        return int(rows[0][0])

    async def pending(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        rows = await self._rows("pending_members", clean(group), clean(after or ""), limit)
        return tuple(map(Member._make, rows))

    async def awaiting(self, values: Sequence[str], limit: int) -> tuple[Awaiting, ...]:
        return tuple(Awaiting(*row) for row in await self._rows("awaiting", cleaned(values), limit))

    async def accounts(self, kind: str, state: str, after: int, limit: int) -> tuple[Stored, ...]:
        return await self._stored("accounts", kind, state, after, limit)

    async def newest(
        self, kind: str, state: str, connection: int | None, before: int | None, limit: int
    ) -> tuple[Stored, ...]:
        start = _MOST if before is None else before
        return await self._stored("newest", kind, state, start, limit, connection)

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
        if "\0" in prefix:
            return ()  # no name has one
        behind = after or ("", "")
        first = max(
            prefix, behind[0]
        )  # where the index is entered, so that no page costs more for lying deeper
        rows = await self._rows(name, kind, attribute, first, prefix + _LAST, *behind, limit, state)
        return tuple(Named(row[0], row[1], Stored(*row[2:]) if row[2] else None) for row in rows)

    async def owner_of(self, kind: str, attribute: str, value: str) -> str | None:
        rows = await self._rows("owner_of", kind, attribute, short(clean(value)))
        return str(rows[0][0]) if rows else None

    async def count(self, kind: str, connection: int | None = None) -> int:
        rows = await self._rows("counter", counted(kind, connection))
        return int(rows[0][0]) if rows else 0

    async def events(self, after: int, limit: int) -> tuple[StoredEvent, ...]:
        return await self._events("events", after, limit)

    async def feed(self, after: int, limit: int, types: Sequence[str] = ()) -> FeedPage:
        return _page(await self._rows("feed", after, _patterns(types), limit, WINDOW), limit)

    async def feed_back(self, before: int | None, limit: int, types: Sequence[str] = ()) -> FeedPage:
        return _page(await self._rows("feed_back", before, _patterns(types), limit, WINDOW), limit)

    async def undone(self, seq: int) -> bool:
        return bool((await self._rows("undone", seq))[0][0])

    async def last(self) -> int:
        return int((await self._rows("feed_edges"))[0][0])

    async def history(
        self, kind: str, id: str, limit: int, before: int | None = None
    ) -> tuple[StoredEvent, ...]:
        return await self._events("history", clean(id), kind, limit, _MOST if before is None else before)

    async def changed_by(
        self, connection: int, since: int, through: int, behind: str, limit: int
    ) -> tuple[tuple[str, str], ...]:
        rows = await self._rows("changed_by", connection, since, through, behind, limit)
        return tuple((str(kind), str(id)) for kind, id in rows)

    async def story(self, kind: str, id: str, since: int, after: int, limit: int) -> tuple[StoredEvent, ...]:
        return await self._events("story", clean(id), kind, since, after, limit)

    async def mentioning(self, names: Sequence[str], after: int, through: int) -> tuple[StoredEvent, ...]:
        return await self._events("mentioning", cleaned(names), after, through)

    async def deleted_before(self, kind: str, before: int, limit: int) -> tuple[str, ...]:
        return tuple(str(id) for (id,) in await self._rows("deleted_before", kind, before, limit))

    async def owed(self, limit: int) -> tuple[Owed, ...]:
        rows = await self._rows("owed_erasures", limit)
        return tuple(
            Owed(k, id, by, request, tuple(orjson.loads(n)), seq) for k, id, by, request, n, seq in rows
        )

    async def _rows(self, name: str, *parameters: Any) -> list[Row]:
        return await self._reads.rows(name, self._directory, *parameters)

    async def _stored(self, name: str, *parameters: Any) -> tuple[Stored, ...]:
        return tuple(Stored(*row) for row in await self._rows(name, *parameters))

    async def _events(self, name: str, *parameters: Any) -> tuple[StoredEvent, ...]:
        return tuple(map(_event, await self._rows(name, *parameters)))


async def with_groups(
    reads: Reads, directory: int, kind: str, keys: Iterable[Key]
) -> Mapping[Key, list[Found]]:
    """What is live under each key; of those with one externalId, two at most."""
    found: dict[Key, list[Found]] = {key: [] for key in keys}
    own = [key for key in found if key[2] is None]
    external = [key for key in found if key[2] is not None] if len(own) < len(found) else []
    rows = await reads.rows(
        "get_with_groups", directory, kind,
        texts([key[0] for key in own]), texts([clean(key[1]) for key in own]),
        numbers([by for *_, by in external if by is not None]), texts([clean(key[1]) for key in external]),
        len(own),
    )  # fmt: skip
    asked = own + external
    for row in rows:
        groups = _named(row[1]) if row[1] else ()
        found[asked[row[0] - 1]].append((Stored(*row[2:]), groups))
    return found


def _named(groups: str) -> tuple[Membership, ...]:
    return tuple([Membership(id, name, bool(direct)) for id, name, direct in orjson.loads(groups)])


def counted(kind: str, connection: int | None) -> str:
    """The name of the counter of live resources, all or a connection's."""
    return f"live:{kind}" if connection is None else f"owned:{connection}:{kind}"


def _patterns(types: Sequence[str]) -> list[str] | None:
    """The types as patterns of LIKE; ``None`` for all."""
    return [clean(name).translate(_ESCAPED).replace("*", "%") for name in types] or None


def _event(row: Row) -> StoredEvent:
    seq, type_, kind, resource, at, by, request_id, data = row
    return StoredEvent(seq, Event(type_, kind, resource, at, by, request_id, orjson.loads(data)))


def _page(rows: Sequence[Row], limit: int) -> FeedPage:
    """A page of the feed; its edges are in every row, and the only row of an empty page has no event."""
    last, forgotten, through = rows[0][:3]
    events: list[StoredEvent] = []
    size = 0
    for row in rows if rows[0][3] is not None else ():
        events.append(_event(row[3:]))
        size += len(row[-1])
        if len(events) == limit or size > PAGE_BYTES:
            through = events[-1].seq
            break
    return FeedPage(tuple(events), through, forgotten, last)
