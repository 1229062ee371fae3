"""Members of groups over PostgreSQL: a part of the writer.

Membership changes are statements over the list given: they cost its length, whatever the group's. Where it is
known what the values are to the group (``postgres_seats.py``), the change waits to be written with others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange
from rosterd.store.dialect_postgres import clean, cleaned
from rosterd.store.joining import Named, joining
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_reader import PostgresReader
from rosterd.store.postgres_run import Row


class PostgresMemberWriter(PostgresReader):
    """See ``rosterd.service.ports.Writer``."""

    __slots__ = ()
    _held: Held

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        try:
            return self._held.known.seats.few(clean(group), most)
        except KeyError:
            return await super().few_members(group, most)

    async def add_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted: dict[str, str | None] = {}
        for member in members:
            value = clean(member.value)
            wanted[value] = member.display or wanted.get(value)
        return await self._put(clean(group), wanted, exactly=False)

    async def remove_members(self, group: str, values: Sequence[str]) -> MemberChange:
        group, given = clean(group), dict.fromkeys(map(clean, values))
        known, pending = self._held.known.seats.of(group, given), set[str]()
        if known is not None:
            removed = {seat.value for seat in known if seat.is_member}
            if len(removed) < len(given):
                pending = {seat.value for seat in known if seat.is_pending}
            self._held.unseat(group, removed, pending)
        else:
            removed = await self._values("delete_members", group, list(given))
            if len(removed) < len(given):
                pending = await self._values("delete_pending", group, list(given))
        return MemberChange(
            removed=tuple(v for v in given if v in removed),
            pending_removed=tuple(v for v in given if v in pending),
        )

    async def replace_members(self, group: str, members: Sequence[Member]) -> MemberChange:
        wanted = {clean(member.value): member.display or None for member in members}
        values = list(wanted)
        removed = await self._values("delete_other_members", clean(group), values)
        pending_removed = await self._values("delete_other_pending", clean(group), values)
        change = await self._put(clean(group), wanted, exactly=True)
        return MemberChange(
            added=change.added,
            removed=tuple(sorted(removed)),
            pending_added=change.pending_added,
            pending_removed=(*sorted(pending_removed), *change.pending_removed),
            renamed=change.renamed,
        )

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(group for (group,) in await self._rows("groups_with", clean(member)))

    async def resolve_pending(self, id: str, names: Sequence[str]) -> Mapping[str, MemberChange]:
        if self._held.known.lacks_all("awaited", (id, *names)):
            return {}
        joined: dict[str, bool] = {}
        values: dict[str, list[str]] = {}
        for group, value, is_new in await self._returned("resolve_pending", id, [id, *cleaned(names)]):
            joined[group] = is_new
            values.setdefault(group, []).append(value)
        return {
            group: MemberChange(added=(id,) if joined[group] else (), resolved=tuple(found))
            for group, found in values.items()
        }

    async def drop_pending(self, values: Sequence[str]) -> None:
        await self._change("drop_pending", cleaned(values))

    async def _put(self, group: str, wanted: Mapping[str, str | None], *, exactly: bool) -> MemberChange:
        """Make each value a member or pending; ``exactly``: one without a display shall have none."""
        known = self._held.known.seats.of(group, wanted)
        if known is not None:
            put = joining(known, wanted, exactly=exactly)
            self._held.seat(group, put)
            return put.change
        standing = await self._rows("standing", [group] * len(wanted), list(wanted))
        put = joining(standing, wanted, exactly=exactly)
        if put.members:
            await self._change("put_members", group, *columns(put.members))
        if put.waiting:
            await self._change("put_pending", group, *columns(put.waiting))
        if put.arrived:
            await self._change("delete_pending", group, put.arrived)
        return put.change

    async def _values(self, name: str, *parameters: Any) -> set[str]:
        return {value for (value,) in await self._returned(name, *parameters)}

    async def _returned(self, name: str, *parameters: Any) -> list[Row]:
        return await self._held.returned(name, self._directory, *parameters)

    async def _change(self, name: str, *parameters: Any) -> int:
        return await self._held.put(name, self._directory, *parameters)


def columns(pairs: Sequence[Named]) -> tuple[list[str], list[str | None]]:
    """Pairs as two lists."""
    return [first for first, _ in pairs], [second for _, second in pairs]
