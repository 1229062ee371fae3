"""The contract in plain dictionaries: for tests, and the measure for the other engines.

A transaction works on a copy of its directory's state, which takes the place of the former one at
the end; readers hold on to the state they began with.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from typing import TypeVar

from rosterd.scim.index import Indexed
from rosterd.scim.membership import Member
from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.audit import Entry
from rosterd.service.events import WINDOW, Event, FeedPage, StoredEvent
from rosterd.service.ports import (
    Awaiting,
    Membership,
    Named,
    Page,
    Query,
    Reader,
    Stored,
    UniqueViolation,
    Writer,
)
from rosterd.store.entries import deleted
from rosterd.store.memory_accounts import accounts, awaiting, named, newest
from rosterd.store.memory_members import MemoryMemberWriter
from rosterd.store.memory_past import MemoryPastReader, MemoryPastWriter
from rosterd.store.memory_projections import (
    MemoryAdoptionWriter,
    MemoryProjectionReader,
    MemoryProjectionWriter,
)
from rosterd.store.memory_removal import MemoryRemoval
from rosterd.store.memory_search import State, listed_groups, listed_members, memberships, search
from rosterd.store.memory_standing import MemoryStandingWriter
from rosterd.store.unit import perform
from rosterd.store.wake import Wake

T = TypeVar("T")


class MemoryStore(MemoryRemoval):
    """See ``rosterd.service.ports.Store`` and ``Control``, and ``rosterd.service.clients.ClientControl``."""

    def __init__(self) -> None:
        super().__init__()
        self._wake = Wake()

    def reader(self, directory: int) -> Reader:
        return MemoryReader(lambda: self._states.get(directory, State()))

    async def write(
        self, directory: int, work: Callable[[Writer], Awaitable[T]], ahead: Ahead = UNKNOWN
    ) -> T:
        own = frozenset(c.id for c in await self.connections(directory))
        state = self._states.get(directory, State()).copy()
        state.directory = self._directories.get(directory)
        writer = MemoryWriter(state, own)
        value = perform(work, writer)
        if any(entry.directory in self._removed for entry in writer.state.audit):
            raise deleted()
        self.audit += writer.state.audit
        writer.state.audit.clear()
        self._states[directory] = writer.state
        self._stand(writer.state.standings)
        self._drop(writer.state.removed)
        if writer.state.directory is not None:
            self._directories[directory] = writer.state.directory
        self._wake.ring(directory)
        return value

    @asynccontextmanager
    async def snapshot(self, directory: int) -> AsyncIterator[Reader]:
        state = self._states.get(directory, State())
        yield MemoryReader(lambda: state)

    async def changed(self, directory: int, after: int, seconds: float) -> bool:
        async def newer() -> bool:
            return self._states.get(directory, State()).seq > after

        return await self._wake.changed(directory, newer, seconds)

    async def purge(self, directory: int) -> None:
        """Nothing is derived."""

    async def close(self) -> None:
        """Nothing to close; there for whoever closes stores."""


class MemoryReader(MemoryPastReader, MemoryProjectionReader):
    """See ``rosterd.service.ports.Reader``."""

    def __init__(self, state: Callable[[], State]) -> None:
        super().__init__(state)

    async def get(self, kind: str, id: str) -> Stored | None:
        row = self._state().rows.get(id)
        return row if row and row.kind == kind and row.deleted is None else None

    async def get_with_groups(self, kind: str, id: str) -> tuple[Stored, tuple[Membership, ...]] | None:
        row = await self.get(kind, id)
        return None if row is None else (row, tuple(listed_groups(self._state(), id)))

    async def find_deleted(self, kind: str, id: str) -> Stored | None:
        row = self._state().rows.get(id)
        return row if row and row.kind == kind and row.deleted is not None else None

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        wanted = (kind, connection, external_id)
        found = [
            (row.deleted, row.seq, row)
            for row in self._state().rows.values()
            if row.deleted is not None and (row.kind, row.connection, row.external_id) == wanted
        ]
        return tuple(row for *_, row in sorted(found, key=lambda entry: entry[:2], reverse=True))

    async def search(self, query: Query) -> Page:
        return search(self._state(), query)

    async def last(self) -> int:
        return self._state().seq

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        return memberships(self._state(), ids)

    async def group_counts(self, ids: Sequence[str]) -> Mapping[str, int]:
        listed = ((id, sum(m.direct for m in listed_groups(self._state(), id))) for id in ids)
        return {id: count for id, count in listed if count}

    async def members(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        listed = [m for m in listed_members(self._state(), group) if after is None or m.value > after]
        return tuple(listed[:limit])

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        listed = listed_members(self._state(), group)
        return None if len(listed) > most else tuple(listed)

    async def member_count(self, group: str, most: int) -> int:
        return min(len(listed_members(self._state(), group)), most)

    async def pending(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        waiting = sorted(self._state().pending.get(group, {}).items())
        listed = [Member(value, None, display) for value, display in waiting if value > (after or "")]
        return tuple(listed[:limit])

    async def awaiting(self, values: Sequence[str], limit: int) -> tuple[Awaiting, ...]:
        return awaiting(self._state(), values)[:limit]

    async def accounts(self, kind: str, state: str, after: int, limit: int) -> tuple[Stored, ...]:
        return accounts(self._state(), kind, state, after)[:limit]

    async def newest(
        self, kind: str, state: str, connection: int | None, before: int | None, limit: int
    ) -> tuple[Stored, ...]:
        return newest(self._state(), kind, state, connection, before)[:limit]

    async def named(
        self,
        kind: str,
        prefix: str,
        state: str | None,
        after: tuple[str, str] | None,
        limit: int,
        attribute: str | None = None,
    ) -> tuple[Named, ...]:
        return named(self._state(), kind, prefix, state, after or ("", ""), attribute)[:limit]

    async def owner_of(self, kind: str, attribute: str, value: str) -> str | None:
        return self._state().unique.get((kind, attribute, value))

    async def count(self, kind: str, connection: int | None = None) -> int:
        return sum(connection in (None, row.connection) for row in self._state().live(kind))

    async def events(self, after: int, limit: int) -> tuple[StoredEvent, ...]:
        return tuple([event for event in self._state().events if event.seq > after][:limit])

    async def feed(self, after: int, limit: int, types: Sequence[str] = ()) -> FeedPage:
        state = self._state()
        start = max(after, state.forgotten)
        through = max(start, min(start + WINDOW, state.seq))
        page = [
            each
            for each in state.events
            if start < each.seq <= through and (not types or any(_is_of(each.event.type, t) for t in types))
        ][:limit]
        if page and len(page) == limit:
            through = page[-1].seq
        return FeedPage(tuple(page), through, state.forgotten, state.seq)

    async def feed_back(self, before: int | None, limit: int, types: Sequence[str] = ()) -> FeedPage:
        state = self._state()
        start = state.seq + 1 if before is None else min(before, state.seq + 1)
        through = max(start - WINDOW, state.forgotten + 1)
        page = [
            each
            for each in state.events[::-1]
            if through <= each.seq < start and (not types or any(_is_of(each.event.type, t) for t in types))
        ][:limit]
        if page and len(page) == limit:
            through = page[-1].seq
        return FeedPage(tuple(page), through, state.forgotten, state.seq)

    async def history(
        self, kind: str, id: str, limit: int, before: int | None = None
    ) -> tuple[StoredEvent, ...]:
        own = [e for e in self._state().events if (e.event.kind, e.event.resource) == (kind, id)]
        return tuple([e for e in own[::-1] if before is None or e.seq < before][:limit])


class MemoryWriter(
    MemoryReader,
    MemoryMemberWriter,
    MemoryPastWriter,
    MemoryProjectionWriter,
    MemoryAdoptionWriter,
    MemoryStandingWriter,
):
    """See ``rosterd.service.ports.Writer``."""

    def __init__(self, state: State, connections: frozenset[int]) -> None:
        super().__init__(lambda: self.state)
        self.state = state
        self._connections = connections

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        before = self.state.copy()
        try:
            yield
        except BaseException:
            self.state = before
            raise

    async def audit(self, entry: Entry) -> None:
        self.state.audit.append(entry)

    async def next_seq(self) -> int:
        self.state.seq += 1
        return self.state.seq

    async def insert(self, row: Stored, indexed: Indexed) -> None:
        self._take(row, indexed)
        if row.id in self.state.rows:
            self._free(row, indexed)
            raise UniqueViolation("id", row.id)
        self.state.rows[row.id] = row

    async def update(self, row: Stored, before: Indexed, after: Indexed) -> None:
        now = self._expect(row, live=True)
        self._take(row, after)
        self._free(row, before)
        self._take(row, after)
        self.state.rows[row.id] = row._replace(seq=now.seq, created=now.created, deleted=None)

    async def touch(self, kind: str, id: str, modified: int) -> int | None:
        row = await self.get(kind, id)
        if row is None:
            return None
        self.state.rows[id] = row._replace(version=row.version + 1, modified=modified)
        return row.version + 1

    async def touch_all(self, kind: str, ids: Sequence[str], modified: int) -> None:
        for id in ids:
            await self.touch(kind, id, modified)

    async def retain(self, row: Stored, indexed: Indexed, deleted: int) -> None:
        now = self._expect(row, live=True)
        self._free(row, indexed)
        self._leave(row.id)
        self.state.rows[row.id] = row._replace(seq=now.seq, created=now.created, deleted=deleted)

    async def revive(self, row: Stored, indexed: Indexed) -> None:
        self._expect(row, live=False)
        self._take(row, indexed)
        self.state.rows[row.id] = row._replace(deleted=None)

    async def erase(self, kind: str, id: str) -> bool:
        row = self.state.rows.get(id)
        if row is None or row.kind != kind:
            return False
        del self.state.rows[id]
        self.state.unique = {key: owner for key, owner in self.state.unique.items() if owner != id}
        self.state.projections.pop(id, None)
        self._leave(id)
        return True

    async def append(self, event: Event) -> int:
        seq = await self.next_seq()
        self.state.events.append(StoredEvent(seq, event))
        return seq

    async def forget_events(self, before: int, limit: int) -> int:
        oldest = self.state.events[:limit]
        old = list(takewhile(lambda each: each.event.at < before, oldest))
        if old:
            self.state.forgotten = old[-1].seq
            del self.state.events[: len(old)]
        return len(old)

    def _expect(self, row: Stored, *, live: bool) -> Stored:
        now = self.state.rows.get(row.id)
        if now is None or now.kind != row.kind or (now.deleted is None) is not live:
            raise LookupError(f"there is no {'live' if live else 'retained'} {row.kind} {row.id}")
        return now

    def _take(self, row: Stored, indexed: Indexed) -> None:
        keys = {(row.kind, *pair): row.id for pair in indexed.unique}
        for key in keys:
            if self.state.unique.get(key, row.id) != row.id:
                raise UniqueViolation(key[1], key[2])
        self.state.unique.update(keys)

    def _free(self, row: Stored, indexed: Indexed) -> None:
        for pair in indexed.unique:
            self.state.unique.pop((row.kind, *pair), None)


def _is_of(type: str, pattern: str) -> bool:
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern
