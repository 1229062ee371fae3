"""Members of groups over SQLite: a part of the writer.

Membership changes are statements over the list given: they cost its length, whatever the group's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange
from rosterd.store.joining import joining
from rosterd.store.rows import as_json
from rosterd.store.sqlite_held import Held


class SqliteMemberWriter:
    """See ``rosterd.service.ports.Writer``."""

    __slots__ = ()
    _held: Held

    async def add_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted: dict[str, str | None] = {}
        for member in members:
            value = _clean(member.value)
            wanted[value] = member.display or wanted.get(value)
        return self._put(group, wanted, exactly=False)

    async def remove_members(self, group: str, values: Sequence[str]) -> MemberChange:
        given = dict.fromkeys(map(_clean, values))
        removed = self._returned("delete_members", group, as_json(list(given)))
        pending = set[str]()
        if len(removed) < len(given):
            pending = self._returned("delete_pending", group, as_json(list(given)))
        return MemberChange(
            removed=tuple(v for v in given if v in removed),
            pending_removed=tuple(v for v in given if v in pending),
        )

    async def replace_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted = {_clean(member.value): member.display or None for member in members}
        values = as_json(list(wanted))
        removed = self._returned("delete_other_members", group, values)
        pending_removed = self._returned("delete_other_pending", group, values)
        change = self._put(group, wanted, exactly=True)
        return MemberChange(
            added=change.added,
            removed=tuple(sorted(removed)),
            pending_added=change.pending_added,
            pending_removed=(*sorted(pending_removed), *change.pending_removed),
            renamed=change.renamed,
        )

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(group for (group,) in self._held.run("groups_with", member))

    async def resolve_pending(self, id: str, names: Sequence[str]) -> Mapping[str, MemberChange]:
        values = [id, *map(_clean, names)]
        if self._held.known.lacks_all("awaited", values):
            return {}
        waiting = self._held.run("take_pending", as_json(values)).fetchall()
        groups: dict[str, str | None] = {}
        found: dict[str, list[str]] = {}
        for group, value, display in sorted(waiting, key=lambda row: row[:2]):
            groups[group] = max(filter(None, (display, groups.get(group))), default=None)
            found.setdefault(group, []).append(value)
        if not groups:
            return {}
        joined = self._returned("join_groups", id, as_json(list(groups.items())))
        return {
            group: MemberChange(added=(id,) if group in joined else (), resolved=tuple(resolved))
            for group, resolved in found.items()
        }

    async def drop_pending(self, values: Sequence[str]) -> None:
        self._held.run("drop_pending", as_json(list(map(_clean, values))))

    def _leave(self, id: str) -> None:
        """End every membership of a resource and in it."""
        for name in ("leave_groups", "dismiss_members", "dismiss_pending"):
            self._held.run(name, id)

    def _put(self, group: str, wanted: Mapping[str, str | None], *, exactly: bool) -> MemberChange:
        """Make each value a member or pending; ``exactly``: one without a display shall have none."""
        standing = self._held.run("standing", group, as_json(list(wanted))).fetchall()
        put = joining(standing, wanted, exactly=exactly)
        if put.members:
            self._held.run("put_members", group, as_json(put.members))
        if put.waiting:
            self._held.run("put_pending", group, as_json(put.waiting))
        if put.arrived:
            self._held.run("delete_pending", group, as_json(put.arrived)).fetchall()
        return put.change

    def _returned(self, name: str, *parameters: Any) -> set[str]:
        return {value for (value,) in self._held.run(name, *parameters).fetchall()}


def _clean(value: str) -> str:
    """SQLite's JSON ends a text at U+0000; no id has one, and so neither must name what is before it."""
    return value.replace("\0", "\ufffd") if "\0" in value else value
