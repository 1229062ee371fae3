"""Undo: what a connection changed since a moment is given back, where it is still as the connection left it.

First a preview, then the run. The run walks over the resources that the connection changed, by id, four times
(``inverse.PHASES``), a portion to a transaction; what is in memory is one portion and the sum of each of its
resources. A sum is made of events up to the beginning of the run and without any undo's own; what is done
follows from it and from what is there at that moment. So a run that was broken off is simply run again.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.scim.schema import Model
from rosterd.service.audit import Actor, Entry
from rosterd.service.connections import RETRY_AFTER, Outdated
from rosterd.service.control import Connection, Directory
from rosterd.service.inverse import MEMBER_PORTION, MEMBERS, PHASES, Inverse, Outcome
from rosterd.service.net import REVIVE, Net
from rosterd.service.ports import Reader, Store, Writer
from rosterd.service.standing import ACTIVE

PORTION: Final = 100
"""Resources to a transaction."""
SHOWN: Final = 100
"""Of the changes, conflicts and losses so many are told by name; all are counted."""

VERBS: Final = ("deleted", "revived", "updated", "activated", "deactivated")
COUNTS: Final = (*VERBS, "membersAdded", "membersRemoved", "conflicts", "lost")

Work = Callable[[Writer], Awaitable[list[Outcome]]]


@dataclass(slots=True)
class Plan:
    """What an undo does, or would do."""

    since: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    changes: list[Outcome] = field(default_factory=list)
    conflicts: list[Outcome] = field(default_factory=list)
    lost: list[Outcome] = field(default_factory=list)
    _kept: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome, and keep it if it is one of the first."""
        self.counts["membersAdded"] += outcome.added
        self.counts["membersRemoved"] += outcome.removed
        if outcome.verb in self.counts:
            self.counts[outcome.verb] += 1
        if outcome.verb:
            self._kept[outcome.verb] += 1
            if self._kept[outcome.verb] <= SHOWN:
                self.changes.append(outcome)
        self.counts["conflicts"] += len(outcome.step.conflicts)
        if outcome.step.conflicts:
            _keep(self.conflicts, outcome)
        if outcome.step.lost:
            self.counts["lost"] += 1
            _keep(self.lost, outcome)


class Undo:
    """Preview and run. ``now`` gives milliseconds since the epoch, ``model_of`` a directory's schemas."""

    def __init__(self, store: Store, model_of: Callable[[Directory], Model], now: Callable[[], int]) -> None:
        self._store = store
        self._model_of = model_of
        self._now = now

    async def preview(self, directory: Directory, connection: Connection, since: int) -> Plan:
        """What ``run`` would do at present. Raises ``InvalidValue``, ``Gone``."""
        plan, reader = Plan(since), self._store.reader(directory.id)
        inverse, through = await self._begin(directory, connection, since, "")
        async for nets in _walk(reader, inverse, since, through):
            for net in nets:
                outcome = await inverse.foresee(reader, net)
                added, removed = 0, 0
                if outcome.step.action == REVIVE:
                    added = len(net.values(present=False))
                elif outcome.verb != "deleted" and _of_members(net):
                    added, removed = map(len, await inverse.due(reader, net))
                verb = outcome.verb or ("members" if added or removed else "")
                plan.add(Outcome(net.kind, net.id, outcome.name, outcome.step, verb, added, removed))
        return plan

    async def run(self, directory: Directory, connection: Connection, since: int, *, by: Actor) -> Plan:
        """Give everything back. The connection must be paused or disabled all the while.

        Raises ``Conflict`` if it is not, ``InvalidValue`` for a time to come, ``Gone`` if not all events
        since then are kept. What was done before an error stays; run it again to go on.
        """
        plan = Plan(since)
        inverse, through = await self._begin(directory, connection, since, by.request_id)
        held, begun = None, False
        async for work in self._works(directory, inverse, since, through):
            if held is not None:
                if not begun:
                    begun = True
                    told = self._begun(directory, connection, since, by)
                    await self._portion(directory, connection, plan, told, None)
                await self._portion(directory, connection, plan, held, None)
            held = work
        await self._portion(directory, connection, plan, held or _nothing, by)
        return plan

    async def _begin(
        self, directory: Directory, connection: Connection, since: int, request_id: str
    ) -> tuple[Inverse, int]:
        if since >= self._now():
            raise errors.InvalidValue(f"since: {format_time(since)} is still to come.")
        reader = self._store.reader(directory.id)
        edges = await reader.feed(0, 0)
        if edges.forgotten:
            oldest = await reader.events(edges.forgotten, 1)
            if not oldest or oldest[0].event.at > since:
                earliest = format_time(oldest[0].event.at) if oldest else "now"
                raise errors.Gone(
                    f"The events since {format_time(since)} are not all kept any more; undo can go back to "
                    f"{earliest}."
                )
        model = self._model_of(directory)
        return Inverse(connection, model, since, edges.last, request_id, self._now), edges.last

    async def _works(
        self, directory: Directory, inverse: Inverse, since: int, through: int
    ) -> AsyncIterator[Work]:
        """The portions of all phases, in order; none for what is done already."""
        reader = self._store.reader(directory.id)
        for phase in PHASES:
            async for nets in _walk(reader, inverse, since, through):
                if phase == MEMBERS:
                    for net in filter(_of_members, nets):
                        missing, away = await inverse.due(reader, net)
                        for work in _memberships(inverse, net, missing, away):
                            yield work
                elif wanted := [
                    net for net in nets if net.action == phase and await inverse.remains(reader, net)
                ]:
                    yield _resources(inverse, wanted)

    def _begun(self, directory: Directory, connection: Connection, since: int, by: Actor) -> Work:
        """Tells the audit log before anything is changed, as a run of many portions may be broken off."""
        target, after = f"connection '{connection.name}'", {"since": format_time(since)}

        async def work(tx: Writer) -> list[Outcome]:
            entry = Entry(by, self._now(), "connection.undo_begun", target, directory.id, after=after)
            await tx.audit(entry)
            return []

        return work

    async def _portion(
        self, directory: Directory, connection: Connection, plan: Plan, work: Work, last: Actor | None
    ) -> None:
        """One transaction; the last one writes the entry of the audit log."""

        async def unit(tx: Writer) -> list[Outcome]:
            if (await tx.standing(connection.id)).state == ACTIVE:
                raise errors.Conflict(
                    f"Connection '{connection.name}' is active and would change things meanwhile. Pause it "
                    f"with 'rosterd connection pause {connection.name} --directory {directory.name}' or the "
                    "move 'pause' of the API, then undo, then resume it."
                )
            if await tx.revision() != directory.revision:
                raise Outdated(retry_after=RETRY_AFTER)
            outcomes = await work(tx)
            if last is not None:
                whole = Plan(plan.since, dict(plan.counts))
                for outcome in outcomes:
                    whole.add(outcome)
                counts = {name: count for name, count in whole.counts.items() if count}
                after = {"since": format_time(plan.since), **counts}
                target = f"connection '{connection.name}'"
                await tx.audit(
                    Entry(last, self._now(), "connection.undone", target, directory.id, after=after)
                )
            return outcomes

        for outcome in await self._store.write(directory.id, unit):
            plan.add(outcome)


async def _walk(reader: Reader, inverse: Inverse, since: int, through: int) -> AsyncIterator[list[Net]]:
    """The sums of everything that the connection changed, a portion at a time."""
    behind = ""
    while True:
        found = await reader.changed_by(inverse.connection.id, since, through, behind, PORTION)
        if found:
            yield [await inverse.net(reader, kind, id) for kind, id in found]
        if len(found) < PORTION:
            return
        behind = found[-1][1]


def _resources(inverse: Inverse, nets: list[Net]) -> Work:
    async def work(tx: Writer) -> list[Outcome]:
        return [outcome for net in nets for outcome in await inverse.apply(tx, net)]

    return work


def _memberships(inverse: Inverse, net: Net, missing: list[str], away: list[str]) -> Iterator[Work]:
    """The portions of one group: whom it gets back, then whom it loses."""
    for values, back in ((missing, True), (away, False)):
        for start in range(0, len(values), MEMBER_PORTION):
            yield _values(inverse, net, values[start : start + MEMBER_PORTION], back)


def _values(inverse: Inverse, net: Net, values: list[str], back: bool) -> Work:
    async def work(tx: Writer) -> list[Outcome]:
        return await inverse.members(tx, net, values, back=back)

    return work


def _of_members(net: Net) -> bool:
    return bool(net.members or net.pending)


def _keep(kept: list[Outcome], outcome: Outcome) -> None:
    if len(kept) < SHOWN:
        kept.append(outcome)


async def _nothing(tx: Writer) -> list[Outcome]:
    return []
