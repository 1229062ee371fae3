"""Members of groups in the memory store: what a value names is looked for in all there is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange
from rosterd.store.memory_search import Displays, State

_KINDS = ("User", "Group")


class MemoryMemberWriter:
    """See ``rosterd.service.ports.Writer``."""

    state: State

    async def add_members(self, group: str, members: Sequence[Member], *, named: bool = True) -> MemberChange:
        wanted: Displays = {}
        for member in members:
            wanted[member.value] = member.display or wanted.get(member.value)
        return self._put(group, wanted, self._meant_now(group, wanted, named), exactly=False)

    async def remove_members(self, group: str, values: Sequence[str], *, named: bool = True) -> MemberChange:
        members, pending = self._lists(group)
        given = dict.fromkeys(values)
        removed = tuple(value for value in given if _drop(members, value))
        unexpected = tuple(value for value in given if _drop(pending, value))
        meant = self._meant(group, (value for value in given if value not in removed), named)
        others = tuple(id for id in dict.fromkeys(meant.values()) if _drop(members, id))
        return MemberChange(removed=(*removed, *others), pending_removed=unexpected)

    async def replace_members(
        self, group: str, members: Sequence[Member], *, named: bool = True
    ) -> MemberChange:
        wanted = {member.value: member.display or None for member in members}
        now, pending = self._lists(group)
        meant = self._meant_now(group, wanted, named)
        kept = {*wanted, *meant.values()}
        gone = await self.remove_members(
            group, sorted(value for value in (*now, *pending) if value not in kept), named=False
        )
        change = self._put(group, wanted, meant, exactly=True)
        return replace(
            change,
            removed=gone.removed,
            pending_removed=(*gone.pending_removed, *change.pending_removed),
        )

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(sorted(group for group, members in self.state.members.items() if member in members))

    async def resolve_pending(
        self, id: str, names: Sequence[str], own: Sequence[str] = (), connection: int = 0
    ) -> Mapping[str, MemberChange]:
        changes = {}
        for group in sorted(self.state.pending):
            members, pending = self._lists(group)
            row = self.state.rows.get(group)
            values = {id, *names, *(own if row is not None and row.connection == connection else ())}
            found = {name: pending.pop(name) for name in sorted(values) if name in pending}
            if found:
                joins = id not in members
                if joins:
                    members[id] = max(filter(None, found.values()), default=None)
                changes[group] = MemberChange(added=(id,) if joins else (), resolved=tuple(found))
        return changes

    def _leave(self, id: str) -> None:
        self.state.members.pop(id, None)
        self.state.pending.pop(id, None)
        for members in self.state.members.values():
            members.pop(id, None)

    def _lists(self, group: str) -> tuple[Displays, Displays]:
        return self.state.members.setdefault(group, {}), self.state.pending.setdefault(group, {})

    def _lives(self, id: str) -> bool:
        row = self.state.rows.get(id)
        return row is not None and row.deleted is None and row.kind in _KINDS

    def _meant(self, group: str, values: Iterable[str], named: bool) -> dict[str, str]:
        """Whom those of the values name that are no ids."""
        found: dict[str, str] = {}
        row, members = self.state.rows.get(group), self._lists(group)[0]
        for value in values if named and row is not None else ():
            if self._lives(value) or not value.strip():
                continue
            known = [
                (other.id not in members, other.seq, other.id)
                for other in self.state.rows.values()
                if row and (other.connection, other.external_id) == (row.connection, value)
                if self._lives(other.id)
            ]
            user = self.state.unique.get(("User", "userName", value.casefold()))
            id = min(known)[2] if known else user
            if id is not None:
                found[value] = id
        return found

    def _meant_now(self, group: str, values: Iterable[str], named: bool) -> dict[str, str]:
        """The same, but for what is pending already and names somebody of another connection."""
        pending, rows = self._lists(group)[1], self.state.rows
        return {
            value: id
            for value, id in self._meant(group, values, named).items()
            if value not in pending or rows[id].connection == rows[group].connection
        }

    def _put(self, group: str, given: Displays, meant: Mapping[str, str], *, exactly: bool) -> MemberChange:
        members, pending = self._lists(group)
        change = MemberChange()
        wanted: Displays = {}
        for value, display in given.items():
            id = meant.get(value, value)
            if id != value and value in pending:
                announced = pending.pop(value)
                display = display or (None if exactly else announced)
                change = replace(change, resolved=(*change.resolved, value))
            wanted[id] = display or wanted.get(id)
        for value, display in wanted.items():
            lives = self._lives(value)
            mine = members if lives else pending
            if value in mine:
                if mine[value] != display and (display or exactly):
                    mine[value] = display
                    change = replace(change, renamed=(*change.renamed, value))
            elif lives:
                was_pending = value in pending
                announced = pending.pop(value, None)
                members[value] = display or (None if exactly else announced)
                change = replace(change, added=(*change.added, value))
                if was_pending:
                    change = replace(change, pending_removed=(*change.pending_removed, value))
            else:
                pending[value] = display
                change = replace(change, pending_added=(*change.pending_added, value))
        return change


def _drop(displays: Displays, value: str) -> bool:
    there = value in displays
    displays.pop(value, None)
    return there
