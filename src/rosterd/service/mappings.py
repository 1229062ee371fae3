"""What administrators do with a mapping: look at it, try rules on everybody, put them in force.

A preview changes nothing and counts exactly: it maps every account as of one moment. New rules are in force
at once for whatever changes, and the projector goes through everybody else.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.audit import Actor, Entry
from rosterd.service.control import Directory
from rosterd.service.mapping import (
    NOTHING,
    TURN_STEPS,
    Expressions,
    Fault,
    Mapper,
    Rules,
    Value,
    difference,
)
from rosterd.service.ports import Reader, Store, Stored, Writer
from rosterd.service.projections import Mapped
from rosterd.service.projector import mapped as work_out
from rosterd.service.reading import pages

PORTION: Final = 200
SAMPLES: Final = 20

_USER: Final = CORE_MODEL.types["User"]
_EMPTY: Final = Mapped(Rules(), 0, 0, None)


@dataclass(frozen=True, slots=True)
class Sample:
    """One account that would change; ``before`` and ``after`` hold what differs."""

    id: str
    name: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(slots=True)
class Preview:
    """What rules would change, counted over all accounts."""

    users: int = 0
    changed: int = 0
    roles_added: Counter[str] = field(default_factory=Counter)
    roles_removed: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """Field → how many accounts get another value of it."""
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rule and message → for how many accounts it could not be evaluated."""
    samples: list[Sample] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What an administrator reads, the roles first."""
        found = [_said("adds", "role", role, count, "to") for role, count in _ordered(self.roles_added)]
        found += [_said("takes", "role", role, count, "from") for role, count in _ordered(self.roles_removed)]
        found += [_said("changes", "field", name, count, "of") for name, count in _ordered(self.fields)]
        return found or ["This changes nothing."]

    def count(self, row: Stored, before: Value, after: Value) -> None:
        """Take one account into account."""
        self.users += 1
        changed = difference(before, after)
        if changed is None:
            return
        self.changed += 1
        self.roles_added.update(set(after["roles"]) - set(before["roles"]))
        self.roles_removed.update(set(before["roles"]) - set(after["roles"]))
        self.fields.update({*changed["before"], *changed["after"]} - {"roles"})
        if len(self.samples) < SAMPLES:
            name = str(orjson.loads(row.document).get("userName", row.id))
            self.samples.append(Sample(row.id, name, changed["before"], changed["after"]))


class Mappings:
    """The use cases. ``now`` gives milliseconds since the epoch."""

    def __init__(self, store: Store, expressions: Expressions, now: Callable[[], int]) -> None:
        self._store = store
        self._expressions = expressions
        self._now = now

    async def read(self, directory: Directory) -> Mapped:
        """The directory's mapping; an empty one if there never was any."""
        return await self._store.reader(directory.id).mapping() or _EMPTY

    async def of(self, directory: Directory, ids: Sequence[str]) -> Mapping[str, Value]:
        """What was made of users; of whom nothing was made, nothing."""
        found = await self._store.reader(directory.id).projections(ids)
        return {id: found.get(id, NOTHING) for id in ids}

    def check(self, rules: Rules) -> None:
        """Raise ``InvalidValue`` for rules that are not valid."""
        Mapper(rules, self._expressions).check_names()

    async def _mapper(self, directory: Directory, rules: Rules) -> Mapper:
        """Raises ``InvalidValue``; rules that an older release took may stay as they are."""
        present = (await self.read(directory)).rules
        rules.check_length(present)
        mapper = Mapper(rules, self._expressions)
        if rules != present:
            mapper.check_names()
        return mapper

    async def try_on(
        self, directory: Directory, rules: Rules, row: Stored
    ) -> tuple[Value, tuple[Fault, ...]]:
        """What rules would make of one user, and which of them fail. Raises ``InvalidValue``."""
        groups = await self._store.reader(directory.id).memberships([row.id])
        return work_out(await self._mapper(directory, rules), row, groups.get(row.id, ()))

    async def preview(self, directory: Directory, rules: Rules) -> Preview:
        """What these rules would change. Raises ``InvalidValue`` for rules that are not valid."""
        mapper = await self._mapper(directory, rules)
        preview = Preview()
        async with self._store.snapshot(directory.id) as reader:
            size = 1
            async for rows in pages(reader, (_USER,), PORTION):
                left = list(rows)
                while left:  # so few between two reads, which others use, as the rules allow
                    enough = mapper.steps + TURN_STEPS
                    await _count(reader, mapper, left[:size], preview)
                    del left[:size]
                    size = min(2 * size, PORTION) if mapper.steps < enough else max(size // 2, 1)
        return preview

    async def save(self, directory: Directory, rules: Rules, *, by: Actor) -> Mapped:
        """Put rules in force; empty ones end the mapping. Raises ``InvalidValue``.

        Nothing happens if they are the present ones.
        """
        await self._mapper(directory, rules)

        async def work(tx: Writer) -> Mapped:
            before = await tx.mapping() or _EMPTY
            if before.rules == rules:
                return before
            newest = (await tx.feed(0, 0)).last
            after = Mapped(rules, before.revision + 1, newest, 0)
            await tx.set_mapping(after)
            await tx.audit(
                Entry(
                    by, self._now(), "mapping.updated", f"mapping of directory '{directory.name}'",
                    directory.id, before.rules.to_json(), rules.to_json(),
                )
            )  # fmt: skip
            return after

        return await self._store.write(directory.id, work)


async def _count(reader: Reader, mapper: Mapper, rows: Sequence[Stored], preview: Preview) -> None:
    ids = [row.id for row in rows]
    old, groups = await reader.projections(ids), await reader.memberships(ids)
    for row in rows:
        value, faults = work_out(mapper, row, groups.get(row.id, ()))
        preview.count(row, old.get(row.id, NOTHING), value)
        preview.faults.update((fault.rule, fault.message) for fault in faults)


def _ordered(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _said(verb: str, kind: str, name: str, count: int, whom: str) -> str:
    return f"This {verb} {kind} {name} {whom} {count:,} user{'' if count == 1 else 's'}."
