"""Who brings projections up to date: a follower of the feed, and after a change of rules a walk.

It works out anew whoever an event concerns. What differs is told by an event ``user.mapped``, in one
transaction with the new projection and the projector's place, so that every change is told once, whichever
process does it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import orjson

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.events import Cause, StoredEvent
from rosterd.service.mapping import NOTHING, TURN_STEPS, Expressions, Fault, Mapper, Value, difference
from rosterd.service.ports import Membership, Position, Query, Reader, Store, Stored, Writer
from rosterd.service.projections import Mapped

PORTION: Final = 50
"""Accounts worked out in one transaction, at most."""
EVENTS: Final = 200
"""Events looked at for one turn."""

_USER: Final = CORE_MODEL.types["User"]
_TYPES: Final = ("user.*", "group.*")
_OURS: Final = frozenset(("user.mapped", "user.erased"))


class Projector:
    """Carries mappings out. ``now`` gives milliseconds since the epoch."""

    def __init__(self, store: Store, expressions: Expressions, now: Callable[[], int]) -> None:
        self._store = store
        self._expressions = expressions
        self._now = now
        self._mappers: dict[int, tuple[int, Mapper]] = {}

    async def advance(self, directory: int) -> bool:
        """Carry a directory's mapping out a little further; whether there is more to do."""
        reader = self._store.reader(directory)
        mapped = await reader.mapping()
        if mapped is None:
            return False
        if mapped.walk is not None:
            return await self._walk(directory, reader, mapped)
        page = await reader.feed(mapped.place, EVENTS, _TYPES)
        if page.forgotten > mapped.place:  # what was forgotten may concern anybody
            await self._apply(directory, mapped, replace(mapped, place=page.last, walk=0), {})
            return True
        causes: dict[str, Cause] = {}
        for stored in page.events:
            if stored.event.type in _OURS:
                continue
            async for ids in _concerned(reader, stored):
                causes.update(dict.fromkeys(ids, Cause(stored.event.connection, stored.event.request_id)))
                if len(causes) >= PORTION and not await self._some(directory, mapped, causes):
                    return True  # somebody else was quicker
        if not await self._some(directory, mapped, causes):
            return True
        done = await self._apply(directory, mapped, replace(mapped, place=page.through), {})
        return not done or page.through < page.last

    async def _walk(self, directory: int, reader: Reader, mapped: Mapped) -> bool:
        after = mapped.walk or 0
        page = await reader.search(Query({_USER: None}, None, PORTION, after=Position(after), total=False))
        # What was made of users who are deleted goes, too: the events that said so may be forgotten.
        deleted = await reader.accounts(_USER.name, "deleted", after, PORTION)
        rows = sorted((*page.rows, *deleted), key=lambda row: row.seq)[:PORTION]
        more = page.more or len(page.rows) + len(deleted) > PORTION or len(deleted) == PORTION
        walk = rows[-1].seq if more else None
        cause = Cause(0, f"mapping {mapped.revision}")
        await self._apply(
            directory, mapped, replace(mapped, walk=walk), dict.fromkeys((r.id for r in rows), cause)
        )
        return True

    async def _some(self, directory: int, mapped: Mapped, causes: dict[str, Cause]) -> bool:
        """Work these out, portion by portion, without moving on; forgets who is done."""
        while causes:
            portion = {id: causes.pop(id) for id in list(causes)[:PORTION]}
            if not await self._apply(directory, mapped, mapped, portion):
                return False
        return True

    async def _apply(
        self, directory: int, before: Mapped, after: Mapped, causes: Mapping[str, Cause]
    ) -> bool:
        """Work these users out and move on; ``False`` if another process has moved on already.

        It takes several transactions where the rules go through much, the last of which moves on.
        """
        mapper, ids = self._mapper(directory, before), list(causes)

        async def work(tx: Writer) -> int | None:
            if await tx.mapping() != before:
                return None
            done = await self._work_out(tx, mapper, ids, causes) if ids else 0
            if done == len(ids) and after != before:
                await tx.set_mapping(after)
            return done

        while True:
            done = await self._store.write(directory, work)
            if done is None:
                return False
            if done == len(ids):
                return True
            del ids[:done]

    async def _work_out(
        self, tx: Writer, mapper: Mapper, ids: Sequence[str], causes: Mapping[str, Cause]
    ) -> int:
        """Work out one after the other; how many, as it ends early if much was gone through."""
        enough = mapper.steps + TURN_STEPS
        old, groups = await tx.projections(ids), await tx.memberships(ids)
        for done, id in enumerate(ids):
            if mapper.steps >= enough:
                return done
            row = await tx.get(_USER.name, id)
            value: Value = NOTHING
            if row is not None:
                value, _ = mapped(mapper, row, groups.get(id, ()))
            changed = difference(old.get(id, NOTHING), value)
            if changed is None:
                continue
            await tx.project(id, None if value == NOTHING else value)
            await tx.append(causes[id].event("user.mapped", _USER.name, id, self._now(), changed))
        return len(ids)

    def _mapper(self, directory: int, mapped: Mapped) -> Mapper:
        known = self._mappers.get(directory)
        if known is not None and known[0] == mapped.revision:
            return known[1]
        if len(self._mappers) > PORTION:
            self._mappers.clear()
        mapper = Mapper(mapped.rules, self._expressions)
        self._mappers[directory] = (mapped.revision, mapper)
        return mapper


def mapped(mapper: Mapper, row: Stored, memberships: Sequence[Membership]) -> tuple[Value, tuple[Fault, ...]]:
    """What the rules make of a stored account."""
    groups = [(m.group, m.display) for m in memberships]
    return mapper.map(row.id, row.external_id, orjson.loads(row.document), groups)


async def _concerned(reader: Reader, stored: StoredEvent) -> AsyncIterator[Sequence[str]]:
    """The users an event concerns, a bounded number at a time: a group's event all its members do."""
    event = stored.event
    if event.kind != "Group":
        if event.kind == _USER.name:
            yield (event.resource,)
        return
    if event.type in ("group.member_added", "group.member_removed"):
        members = event.data.get("members", ())
        yield members
        for member in members:
            async for ids in _below(reader, member, {event.resource}):
                yield ids
    elif event.type == "group.updated":
        async for ids in _below(reader, event.resource, set()):
            yield ids


async def _below(reader: Reader, group: str, seen: set[str]) -> AsyncIterator[Sequence[str]]:
    """The users in a group and in the groups within it; nothing for what is no group."""
    waiting = [group]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        after: str | None = None
        while True:
            some = await reader.members(one, after, EVENTS)
            users = [member.value for member in some if member.type == _USER.name]
            waiting += [member.value for member in some if member.type == "Group"]
            if users:
                yield users
            if len(some) < EVENTS:
                break
            after = some[-1].value
