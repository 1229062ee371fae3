"""One step of an undo inside a transaction: decided by what is there now, so that it can be repeated.

A name that a restored resource needs may be held by another one that is still to be restored: that one goes
first. In a circle of names one steps aside for the length of the transaction. If anybody else holds a name,
nothing of the resource is changed, and that is reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from rosterd.scim.amount import excess
from rosterd.scim.index import index, scalars, unique_attributes
from rosterd.scim.membership import Member
from rosterd.scim.render import format_time
from rosterd.scim.schema import Model, ResourceType
from rosterd.service import changes
from rosterd.service.control import Connection
from rosterd.service.drafts import Draft, draft
from rosterd.service.events import Cause
from rosterd.service.groups import Groups, Names
from rosterd.service.lifecycle import retire
from rosterd.service.net import DELETE, NOTHING, REVIVE, UNDO, UPDATE, Net, Step, step, visible
from rosterd.service.ports import Reader, Stored, UniqueViolation, Writer
from rosterd.service.view import has_groups

MEMBERS: Final = "members"
PHASES: Final = (DELETE, UPDATE, REVIVE, MEMBERS)
"""In this order: names become free before they are needed, and everybody is there before the memberships."""

STORY_PAGE: Final = 200
MEMBER_PORTION: Final = 1000
_MOST_IN_A_ROW: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, or would be, to one resource."""

    kind: str
    id: str
    name: str
    step: Step
    verb: str = ""
    """``deleted``, ``revived``, ``updated``, ``activated``, ``deactivated``, ``members``; ``""``: nothing."""
    added: int = 0
    removed: int = 0
    """Members and pending values of a group put back and taken away."""


class Kept(Exception):
    """A resource must stay as it is, for the sake of an attribute or (``None``) as a whole."""

    def __init__(self, attribute: str | None, reason: str) -> None:
        super().__init__(reason)
        self.attribute = attribute
        self.reason = reason


class Taken(Kept):
    """A name is held by somebody who keeps it."""

    def __init__(self, attribute: str, value: str, owner: str | None) -> None:
        super().__init__(attribute, f"'{value}' is used by {owner or 'another resource'} now")


class Inverse:
    """The way back of one connection since a moment. ``now`` gives ms."""

    def __init__(
        self,
        connection: Connection,
        model: Model,
        since: int,
        through: int,
        request_id: str,
        now: Callable[[], int],
    ) -> None:
        self.connection = connection
        self._model = model
        self._since = since
        self._through = through
        self._now = now
        self._cause = Cause(connection.id, request_id, {UNDO: {"since": format_time(since)}})
        self._groups = Groups()

    async def net(self, reader: Reader, kind: str, id: str) -> Net:
        """What the connection's changes of a resource come to."""
        net, after = Net(kind, id), 0
        while True:
            page = await reader.story(kind, id, self._since, after, STORY_PAGE)
            for each in page:
                own = each.event.connection == self.connection.id and each.seq <= self._through
                net.add(each.event, own=own)
            if len(page) < STORY_PAGE:
                return net
            after = page[-1].seq

    async def look(self, reader: Reader, net: Net) -> tuple[Step, Stored | None]:
        """The way back of the resource as it is now, and its row."""
        resource_type = self._model.types.get(net.kind)
        if resource_type is None:
            lost = f"the resource type {net.kind} is not defined any more"
            return (Step(lost=lost) if net.origin else NOTHING), None
        row = await reader.get(net.kind, net.id) or await reader.find_deleted(net.kind, net.id)
        return step(net, resource_type, row, self.connection.id), row

    async def remains(self, reader: Reader, net: Net) -> bool:
        """Whether there is anything to do or to tell of the resource itself."""
        return (await self.look(reader, net))[0] != NOTHING

    async def foresee(self, reader: Reader, net: Net) -> Outcome:
        """What would happen to the resource itself, its memberships aside."""
        found, row = await self.look(reader, net)
        if row is not None and found.action in (UPDATE, REVIVE) and found.document is not None:
            resource_type = self._model.types[net.kind]
            try:
                new = self._draft(net, row, found.document)
            except Kept as kept:
                return self._outcome(net, row, _blocked(found, kept))
            for attribute, value in new.indexed.unique:
                owner = await reader.owner_of(net.kind, attribute, value)
                if owner in (None, net.id) or await self._gives_way(
                    reader, net.kind, owner, (attribute, value)
                ):
                    continue
                shown = _shown(new, resource_type, attribute, value)
                found = _blocked(found, Taken(attribute, shown, owner))
                break
        return self._outcome(net, row, found)

    async def apply(self, tx: Writer, net: Net) -> list[Outcome]:
        """Do what is to be done for the resource itself, and for those whose names it needs."""
        found, row = await self.look(tx, net)
        if row is None or found.action is None:
            return [self._outcome(net, row, found)] if found != NOTHING else []
        if found.action == DELETE:
            await self._retire(tx, self._model.types[net.kind], row, found)
            return [self._outcome(net, row, found)]
        done: list[Outcome] = []
        try:
            async with tx.savepoint():
                await self._restore(tx, net, (), done)
        except Kept as kept:
            return [self._outcome(net, row, _blocked(found, kept))]
        return done

    async def members(self, tx: Writer, net: Net, values: list[str], *, back: bool) -> list[Outcome]:
        """Give memberships and pending values back to a group, or take them away."""
        row = await tx.get(net.kind, net.id)
        if row is None:
            return []
        if back:
            possible = [Member(value) for value in values if await self._possible(tx, net, value)]
            change = await tx.add_members(net.id, possible, named=False)
        else:
            change = await tx.remove_members(net.id, values, named=False)
        await self._groups.told(tx, self._cause, row, change, max(self._now(), row.modified))
        added = len(change.added) + len(change.pending_added)
        removed = len(change.removed) + (0 if back else len(change.pending_removed))
        done = self._outcome(net, row, NOTHING)
        return [replace(done, verb=MEMBERS, added=added, removed=removed)] if change else []

    async def due(self, reader: Reader, net: Net) -> tuple[list[str], list[str]]:
        """The members and pending values that a group does not have as it had them, and those to take away.

        Whoever is to be put back may not live, so the first are so many at the most.
        """
        away, taken = set(net.values(present=True)), set[str]()
        missing = dict.fromkeys(net.values(present=False))
        for facts, listing in ((net.members, reader.members), (net.pending, reader.pending)):
            after: str | None = None
            while (missing or away) and (page := await listing(net.id, after, MEMBER_PORTION)):
                after = page[-1].value
                for value in (member.value for member in page):
                    if value in away:
                        taken.add(value)
                    if (fact := facts.get(value)) and fact.before and not fact.after:
                        missing.pop(value, None)
        return list(missing), sorted(taken)

    async def _possible(self, tx: Writer, net: Net, value: str) -> bool:
        """Whether a value can be put back: it was pending, or names who lives."""
        fact = net.pending.get(value)
        if fact is not None and fact.before and not fact.after:
            return True
        return bool(await tx.get("User", value) or await tx.get("Group", value))

    async def _retire(self, tx: Writer, resource_type: ResourceType, row: Stored, found: Step) -> None:
        former = draft(dict(found.document or {}), resource_type)
        external_id = former.external_id if row.connection == self.connection.id else row.external_id
        at = max(self._now(), row.modified)
        as_it_was = row._replace(document=former.document, external_id=external_id, version=row.version + 1)
        await retire(tx, self._cause, resource_type, row, at, as_it_was)

    async def _restore(self, tx: Writer, net: Net, above: tuple[str, ...], done: list[Outcome]) -> None:
        """Update or revive, after those who hold its names. Raises ``Kept``."""
        found, row = await self.look(tx, net)
        if row is None or found.document is None or found.action not in (UPDATE, REVIVE):
            return
        resource_type = self._model.types[net.kind]
        new = self._draft(net, row, found.document)
        while True:
            try:
                await self._write(tx, resource_type, row, new)
            except UniqueViolation as violation:
                await self._make_way(tx, resource_type, new, violation, (*above, net.id), done)
            else:
                done.append(self._outcome(net, row, found))
                return

    def _draft(self, net: Net, row: Stored, document: Mapping[str, Any]) -> Draft:
        """What is to be written. Raises ``Kept`` if that is more than a resource can have.

        What it had it gets back, also what an older release took. But together with what was changed
        meanwhile it might come to the sum of two states, which nobody could have made.
        """
        new = draft(dict(document), self._model.types[net.kind])
        if net.mixed:
            current = visible(row, self.connection.id)
            found = excess(new.visible, len(new.document), current, len(row.document))
            if found is not None:
                raise Kept(None, f"with what was changed by others since, {found.what}")
        return new

    async def _make_way(
        self,
        tx: Writer,
        resource_type: ResourceType,
        new: Draft,
        violation: UniqueViolation,
        above: tuple[str, ...],
        done: list[Outcome],
    ) -> None:
        kind, pair = resource_type.name, (violation.attribute, violation.value)
        owner = await tx.owner_of(kind, *pair)
        taken = Taken(pair[0], _shown(new, resource_type, *pair), owner)
        if owner is None or len(above) > _MOST_IN_A_ROW or not await self._gives_way(tx, kind, owner, pair):
            raise taken from violation
        if owner in above:
            await self._step_aside(tx, resource_type, owner, pair[0])
            return
        await self._restore(tx, await self.net(tx, kind, owner), above, done)
        if await tx.owner_of(kind, *pair) == owner:
            raise taken from violation

    async def _gives_way(self, reader: Reader, kind: str, owner: str, pair: tuple[str, str]) -> bool:
        """Whether the owner of a unique value will be without it when it is restored itself."""
        net = await self.net(reader, kind, owner)
        found, row = await self.look(reader, net)
        if row is None or found.document is None or found.action not in (UPDATE, DELETE):
            return False
        if found.action == DELETE:
            return True
        try:
            return pair not in self._draft(net, row, found.document).indexed.unique
        except Kept:
            return False

    async def _step_aside(self, tx: Writer, resource_type: ResourceType, id: str, attribute: str) -> None:
        """Take a unique value from a resource that is about to be written in this transaction."""
        row = await tx.get(resource_type.name, id)
        if row is None:
            return
        document = orjson.loads(row.document)
        before = index(document, resource_type)
        kept = tuple(pair for pair in before.unique if pair[0] != attribute)
        await tx.update(row, before, before._replace(unique=kept))

    async def _write(self, tx: Writer, resource_type: ResourceType, row: Stored, new: Draft) -> None:
        current, at = visible(row, self.connection.id), max(self._now(), row.modified)
        external_id = new.external_id if row.connection == self.connection.id else row.external_id
        changed = row._replace(
            document=new.document, external_id=external_id, version=row.version + 1, modified=at
        )
        if row.deleted is None:
            delta = changes.difference(current, new.visible)
            type = changes.update_type(resource_type, current, new.visible)
            await tx.update(changed, index(orjson.loads(row.document), resource_type), new.indexed)
            await tx.append(self._cause.event(type, row.kind, row.id, at, delta))
        else:
            on = has_groups(resource_type) and new.visible.get("active", True)
            verb = "activated" if on else "created"
            data: Mapping[str, Any] = {"before": current, "after": new.visible, "revived": True}
            async with tx.savepoint():
                type = f"{changes.noun(resource_type)}.{verb}"
                seq = await tx.append(self._cause.event(type, row.kind, row.id, at, data))
                await tx.revive(changed._replace(seq=seq, deleted=None), new.indexed)
            # Who waits for the id has it again. A name that was waited for while it lived stays waited for.
            await self._groups.appear(tx, self._cause, changed, Names(), at)

    def _outcome(self, net: Net, row: Stored | None, found: Step) -> Outcome:
        name = ""
        if row is not None:
            document = orjson.loads(row.document)
            name = document.get("userName") or document.get("displayName") or ""
        return Outcome(net.kind, net.id, name, found, self._verb(row, found) if found.action else "")

    def _verb(self, row: Stored | None, found: Step) -> str:
        if found.action != UPDATE:
            return "deleted" if found.action == DELETE else "revived"
        before = orjson.loads(row.document) if row else {}
        type = changes.update_type(self._model.types["User"], before, found.document or {})
        return type.partition(".")[2]


def _blocked(found: Step, kept: Kept) -> Step:
    return Step(conflicts=(*found.conflicts, (kept.attribute, kept.reason)))


def _shown(new: Draft, resource_type: ResourceType, attribute: str, value: str) -> str:
    """The value as it is written, not folded."""
    refs = {str(ref): ref for ref in unique_attributes(resource_type)}
    written = list(scalars(new.visible, refs[attribute])) if attribute in refs else []
    return next((str(v) for v in written if str(v).casefold() == value.casefold()), value)
