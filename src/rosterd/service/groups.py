"""Group membership inside a transaction: set operations, the group's version, and their events.

Every function costs what is given to it, never the size of the group. A member value that names
nobody yet is pending: kept, no error, and a membership from the moment its resource appears.

A value names, in this order, whichever came first, group or member, and in each operation:

    id           the live user or group that has it
    externalId   what the connection that made the group calls a user or group of its own
    userName     the live user of the directory who has it. Who appears by it joins only groups that the
                 connection which makes or renames the user may change: its own, or by its reach all. And a
                 value that waits does not come to mean another connection's user by being sent again: else
                 that one could take a name because a group waits for it
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Final, NamedTuple

from rosterd.scim import errors, membership
from rosterd.scim.effort import COMPARING, LOOKED_AT, SEATING, Budget
from rosterd.scim.filter import Bound, comparisons
from rosterd.scim.membership import Member
from rosterd.scim.schema import ResourceType
from rosterd.service import changes
from rosterd.service.caller import Caller
from rosterd.service.drafts import Draft
from rosterd.service.events import Cause
from rosterd.service.ports import MemberChange, Stored, Writer

_KINDS: Final = ("User", "Group")
"""What can be a member."""


class Names(NamedTuple):
    """By what groups may have named a resource before it existed."""

    anywhere: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Only groups of the resource's own connection."""


class Groups:
    """Membership changes of groups, and what a resource's coming and going does to its groups."""

    async def start(
        self,
        tx: Writer,
        cause: Cause,
        row: Stored,
        members: Sequence[Member],
        at: int,
    ) -> None:
        """The members a new group is created with; they do not count as a change of its version."""
        _refuse_self(row, members)
        change = await tx.add_members(row.id, members)
        await self._tell(tx, cause, row.kind, row.id, change, at)

    async def replace(
        self,
        tx: Writer,
        cause: Cause,
        row: Stored,
        members: Sequence[Member],
        at: int,
        *,
        moved: bool,
    ) -> Stored:
        """Make these the members and no others. ``moved``: the same change has moved the version already."""
        _refuse_self(row, members)
        change = await tx.replace_members(row.id, members)
        if not change:
            return row
        await self._tell(tx, cause, row.kind, row.id, change, at)
        return row if moved else await self._touched(tx, row, at)

    async def apply(
        self,
        tx: Writer,
        cause: Cause,
        resource_type: ResourceType,
        row: Stored,
        operations: Sequence[membership.MemberOp],
        at: int,
        budget: Budget | None = None,
        *,
        moved: bool,
    ) -> Stored:
        """The membership operations of one PATCH, in order; together they move the version by one.

        ``moved``: the same PATCH has moved it already.
        """
        changed = False
        for operation in _together(operations):
            change = await self._operate(tx, resource_type, row, operation, budget)
            if change:
                changed = True
                await self._tell(tx, cause, row.kind, row.id, change, at)
        return await self._touched(tx, row, at) if changed and not moved else row

    async def appear(
        self, tx: Writer, cause: Cause, row: Stored, names: Names, at: int, budget: Budget | None = None
    ) -> bool:
        """A resource came to exist or changed its names: the groups that waited for it have it now.

        Whether there were any.
        """
        if row.kind not in _KINDS:
            return False
        changed = await tx.resolve_pending(row.id, *names, row.connection)
        if changed:
            await self._all(tx, cause, changed, at, budget)
        return bool(changed)

    async def leave(
        self, tx: Writer, cause: Cause, row: Stored, at: int, budget: Budget | None = None
    ) -> None:
        """A resource is about to go: its groups lose it."""
        groups = await tx.groups_with(row.id)
        if groups:
            await self._all(tx, cause, dict.fromkeys(groups, MemberChange(removed=(row.id,))), at, budget)

    async def dissolve(
        self, tx: Writer, cause: Cause, row: Stored, at: int, budget: Budget | None = None
    ) -> None:
        """A group is about to go: tell whom it had, at the cost of its members, a thousand at a time."""
        after: str | None = None
        while members := await tx.members(row.id, after, changes.MEMBERS_PER_EVENT):
            after = members[-1].value
            if budget is not None:
                budget.dismiss(len(members))
            gone = MemberChange(removed=tuple(member.value for member in members))
            await self._tell(tx, cause, row.kind, row.id, gone, at)
        after = None
        while waiting := await tx.pending(row.id, after, changes.MEMBERS_PER_EVENT):
            after = waiting[-1].value
            if budget is not None:
                budget.dismiss(len(waiting))
            gone = MemberChange(pending_removed=tuple(member.value for member in waiting))
            await self._tell(tx, cause, row.kind, row.id, gone, at)

    async def told(self, tx: Writer, cause: Cause, row: Stored, change: MemberChange, at: int) -> None:
        """Members were changed: tell it, and move the group's version by one; nothing if nothing changed."""
        if change:
            await self._tell(tx, cause, row.kind, row.id, change, at)
            await self._touched(tx, row, at)

    async def _operate(
        self,
        tx: Writer,
        resource_type: ResourceType,
        row: Stored,
        operation: membership.MemberOp,
        budget: Budget | None,
    ) -> MemberChange:
        if budget is not None:
            budget.take(SEATING)
        match operation:
            case membership.Add(members=members):
                _refuse_self(row, members)
                return await tx.add_members(row.id, members)
            case membership.Remove(values=values):
                return await tx.remove_members(row.id, values)
            case membership.Replace(members=members):
                _refuse_self(row, members)
                return await tx.replace_members(row.id, members)
            case membership.Clear():
                return await tx.replace_members(row.id, ())
            case membership.RemoveWhere(where=where):
                chosen = await self._chosen(tx, resource_type, row, where, budget)
                return await tx.remove_members(row.id, [m.value for m in chosen], named=False)
            case membership.SetDisplay(where=where, display=display):
                chosen = await self._chosen(tx, resource_type, row, where, budget)
                if display is None:
                    await tx.remove_members(row.id, [m.value for m in chosen], named=False)
                await tx.add_members(row.id, [m._replace(display=display) for m in chosen], named=False)
                return MemberChange(renamed=tuple(m.value for m in chosen))

    async def _chosen(
        self, tx: Writer, resource_type: ResourceType, row: Stored, where: Bound, budget: Budget | None
    ) -> list[Member]:
        """The one place that reads the members: a filter on something other than their value."""
        if budget is not None:
            budget.require_some()
        listed = [*await tx.members(row.id), *await tx.pending(row.id)]
        if budget is not None:
            budget.walk(len(listed) * (LOOKED_AT + COMPARING * comparisons(where)))
        return membership.chosen(listed, where, resource_type)

    async def _all(
        self, tx: Writer, cause: Cause, changed: Mapping[str, MemberChange], at: int, budget: Budget | None
    ) -> None:
        """Groups are changed by what becomes of a member, all of them by the same few statements."""
        if budget is not None:
            budget.touch(len(changed))
        await tx.touch_all("Group", tuple(changed), at)
        for group, change in changed.items():
            await self._tell(tx, cause, "Group", group, change, at)

    async def _touched(self, tx: Writer, row: Stored, at: int) -> Stored:
        version = await tx.touch(row.kind, row.id, at)
        return row if version is None else row._replace(version=version, modified=at)

    async def _tell(
        self, tx: Writer, cause: Cause, kind: str, group: str, change: MemberChange, at: int
    ) -> None:
        if group in change.added:  # by another name than its id
            raise _of_itself(group)
        for verb, data in changes.member_events(change):
            await tx.append(cause.event(f"group.{verb}", kind, group, at, data))


def _together(operations: Iterable[membership.MemberOp]) -> Iterator[membership.MemberOp]:
    """Additions that follow one another as one, and removals too: some clients name each member in one."""
    for kind, run in groupby(operations, key=type):
        if kind is membership.Add:
            added = (one.members for one in run if isinstance(one, membership.Add))
            yield membership.Add(tuple(chain.from_iterable(added)))
        elif kind is membership.Remove:
            removed = (one.values for one in run if isinstance(one, membership.Remove))
            yield membership.Remove(tuple(chain.from_iterable(removed)))
        else:
            yield from run


def _refuse_self(row: Stored, members: Sequence[Member]) -> None:
    if any(member.value == row.id for member in members):
        raise _of_itself(row.id)


def _of_itself(group: str) -> errors.InvalidValue:
    return errors.InvalidValue(f"members: group {group} cannot be a member of itself.")


def names_of(caller: Caller, external_id: str | None, new: Draft, promised: str | None = None) -> Names:
    """The values by which groups may have named this resource before it existed, as is said above.

    A userName that waits is found as it is written now, or folded.
    """
    called = dict.fromkeys((new.visible.get("userName"), new.indexed.search.get("userName")))
    names = tuple([name for name in called if isinstance(name, str) and name.strip()])
    anywhere = () if promised is None else (promised,)
    own = () if external_id is None else (external_id,)
    if caller.connection.policy.reach == "directory":
        return Names((*anywhere, *names), own)
    return Names(anywhere, (*own, *names))
