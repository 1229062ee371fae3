"""What undo and erasure need, in the memory store: it looks at every event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rosterd.service.events import StoredEvent
from rosterd.service.past import Owed
from rosterd.store.memory_search import State


class MemoryPastReader:
    """See ``rosterd.service.past.PastReader``."""

    def __init__(self, state: Callable[[], State]) -> None:
        self._state = state

    async def changed_by(
        self, connection: int, since: int, through: int, behind: str, limit: int
    ) -> tuple[tuple[str, str], ...]:
        found = {
            (e.event.resource, e.event.kind)
            for e in self._state().events
            if e.event.connection == connection and e.event.at >= since and e.seq <= through
        }
        wanted = sorted(one for one in found if one[0] > behind and one[1] != "Connection")
        return tuple((kind, id) for id, kind in wanted[:limit])

    async def story(self, kind: str, id: str, since: int, after: int, limit: int) -> tuple[StoredEvent, ...]:
        own = [e for e in self._state().events if (e.event.kind, e.event.resource) == (kind, id)]
        return tuple([e for e in own if e.event.at >= since and e.seq > after][:limit])

    async def undone(self, seq: int) -> bool:
        return False  # there is no backup of it to go back to

    async def mentioning(self, names: Sequence[str], after: int, through: int) -> tuple[StoredEvent, ...]:
        wanted = set(names)
        return tuple(
            each
            for each in self._state().events
            if after < each.seq <= through
            and each.event.kind == "Group"
            and wanted.intersection(
                (*each.event.data.get("pending", ()), *each.event.data.get("resolved", ()))
            )
        )

    async def deleted_before(self, kind: str, before: int, limit: int) -> tuple[str, ...]:
        rows = [
            (row.deleted, row.id)
            for row in self._state().rows.values()
            if row.kind == kind and row.deleted is not None and row.deleted < before
        ]
        return tuple(id for _, id in sorted(rows)[:limit])

    async def owed(self, limit: int) -> tuple[Owed, ...]:
        return tuple(sorted(self._state().owed.values(), key=lambda one: one.id)[:limit])


class MemoryPastWriter:
    """See ``rosterd.service.past.PastWriter``."""

    state: State

    async def owe(self, owed: Owed) -> None:
        self.state.owed[owed.kind, owed.id] = owed

    async def paid(self, owed: Owed) -> bool:
        return self.state.owed.pop((owed.kind, owed.id), None) is not None

    async def rewrite(self, seq: int, data: Mapping[str, Any]) -> None:
        self.state.events = [
            replace(each, event=each.event._replace(data=data)) if each.seq == seq else each
            for each in self.state.events
        ]

    async def drop_pending(self, values: Sequence[str], connection: int | None = None) -> None:
        for group, waiting in self.state.pending.items():
            if connection in (None, self.state.rows[group].connection):
                for value in values:
                    waiting.pop(value, None)
