"""Members of groups over SQLite: a part of the writer.

Membership changes are statements over the list given: they cost its length, whatever the group's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange
from rosterd.store.joining import Joining, Meant, joining, lifeless, names_among
from rosterd.store.rows import as_json
from rosterd.store.sqlite_held import Held


class SqliteMemberWriter:
    """See ``rosterd.service.ports.Writer``."""

    __slots__ = ()
    _held: Held

    async def add_members(self, group: str, members: Sequence[Member], *, named: bool = True) -> MemberChange:
        wanted: dict[str, str | None] = {}
        for member in members:
            value = _clean(member.value)
            wanted[value] = member.display or wanted.get(value)
        put = self._joining(group, wanted, exactly=False, named=named)
        self._put(group, put)
        return put.change

    async def remove_members(self, group: str, values: Sequence[str], *, named: bool = True) -> MemberChange:
        given = dict.fromkeys(map(_clean, values))
        removed = self._returned("delete_members", group, as_json(list(given)))
        pending, others = set[str](), list[str]()
        if len(removed) < len(given):
            pending = self._returned("delete_pending", group, as_json(list(given)))
            if named:
                meant = self._meant(group, (value for value in given if value not in removed))
                others = list(dict.fromkeys(one.id for one in meant if one.is_member))
        if others:
            self._returned("delete_members", group, as_json(others))
        return MemberChange(
            removed=(*(v for v in given if v in removed), *others),
            pending_removed=tuple(v for v in given if v in pending),
        )

    async def replace_members(
        self, group: str, members: Sequence[Member], *, named: bool = True
    ) -> MemberChange:
        wanted = {_clean(member.value): member.display or None for member in members}
        put = self._joining(group, wanted, exactly=True, named=named)
        values = as_json(put.values)
        removed = self._returned("delete_other_members", group, values)
        pending_removed = self._returned("delete_other_pending", group, values)
        self._put(group, put)
        return put.replacing(removed, pending_removed)

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(group for (group,) in self._held.run("groups_with", member))

    async def resolve_pending(
        self, id: str, names: Sequence[str], own: Sequence[str] = (), connection: int = 0
    ) -> Mapping[str, MemberChange]:
        anywhere = [id, *map(_clean, names)]
        values = list(dict.fromkeys((*anywhere, *map(_clean, own))))
        if self._held.known.lacks_all("awaited", values):
            return {}
        only = as_json([value for value in values if value not in anywhere])
        waiting = self._held.run("take_pending", as_json(values), only, connection).fetchall()
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

    async def drop_pending(self, values: Sequence[str], connection: int | None = None) -> None:
        self._held.run("drop_pending", as_json(list(map(_clean, values))), connection)

    def _leave(self, id: str) -> None:
        """End every membership of a resource and in it."""
        for name in ("leave_groups", "dismiss_members", "dismiss_pending"):
            self._held.run(name, id)

    def _joining(
        self, group: str, wanted: Mapping[str, str | None], *, exactly: bool, named: bool
    ) -> Joining:
        """What makes each value a member or pending; ``exactly``: one without a display shall have none."""
        standing = self._held.run("standing", group, as_json(list(wanted))).fetchall()
        meant = self._meant(group, lifeless(standing)) if named else ()
        return joining(standing, wanted, meant, exactly=exactly)

    def _meant(self, group: str, values: Iterable[str]) -> list[Meant]:
        """Whom those of the values name that are no ids; no statement if there are none."""
        names = names_among(values)
        if not names:
            return []
        return list(map(Meant._make, self._held.run("meant", group, as_json(names))))

    def _put(self, group: str, put: Joining) -> None:
        if put.members:
            self._held.run("put_members", group, as_json(put.members))
        if put.waiting:
            self._held.run("put_pending", group, as_json(put.waiting))
        if put.arrived:
            self._held.run("delete_pending", group, as_json(put.arrived)).fetchall()

    def _returned(self, name: str, *parameters: Any) -> set[str]:
        return {value for (value,) in self._held.run(name, *parameters).fetchall()}


def _clean(value: str) -> str:
    """SQLite's JSON ends a text at U+0000; no id has one, and so neither must name what is before it."""
    return value.replace("\0", "\ufffd") if "\0" in value else value
