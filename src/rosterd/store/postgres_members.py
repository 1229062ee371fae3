"""Members of groups over PostgreSQL: a part of the writer.

Membership changes are statements over the list given: they cost its length, whatever the group's. Where it is
known what the values are to the group (``postgres_seats.py``), the change waits to be written with others.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange
from rosterd.store.dialect_postgres import clean, cleaned, short
from rosterd.store.joining import Joining, Meant, joining, lifeless, names_among
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_reader import PostgresReader
from rosterd.store.postgres_run import Row

T = TypeVar("T")


class PostgresMemberWriter(PostgresReader):
    """See ``rosterd.service.ports.Writer``."""

    __slots__ = ()
    _held: Held

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        try:
            return self._held.known.seats.few(clean(group), most)
        except KeyError:
            return await super().few_members(group, most)

    async def add_members(self, group: str, members: Sequence[Member], *, named: bool = True) -> MemberChange:
        group, wanted = clean(group), dict[str, str | None]()
        for member in members:
            value = clean(member.value)
            wanted[value] = member.display or wanted.get(value)
        known = self._held.known.seats.of(group, wanted)
        standing = known if known is not None else await self._standing(group, wanted)
        meant = await self._meant(group, lifeless(standing)) if named else []
        put = joining(standing, wanted, meant, exactly=False)
        if known is None or meant:
            await self._put(group, put)
        else:
            self._held.seat(group, put)
        return put.change

    async def remove_members(self, group: str, values: Sequence[str], *, named: bool = True) -> MemberChange:
        group, given = clean(group), dict.fromkeys(map(clean, values))
        known, pending = self._held.known.seats.of(group, given), set[str]()
        meant: list[Meant] = []
        if known is not None:
            removed = {seat.value for seat in known if seat.is_member}
            if len(removed) < len(given):
                pending = {seat.value for seat in known if seat.is_pending}
            self._held.unseat(group, removed, pending)
            if named:
                meant = await self._meant(group, lifeless(known))
        else:
            removed = await self._values("delete_members", group, list(given))
            if len(removed) < len(given):
                pending = await self._values("delete_pending", group, list(given))
                if named:
                    meant = await self._meant(group, (value for value in given if value not in removed))
        others = list(dict.fromkeys(one.id for one in meant if one.is_member))
        if others:
            await self._values("delete_members", group, others)
        return MemberChange(
            removed=(*(v for v in given if v in removed), *others),
            pending_removed=tuple(v for v in given if v in pending),
        )

    async def replace_members(
        self, group: str, members: Sequence[Member], *, named: bool = True
    ) -> MemberChange:
        group, wanted = clean(group), {clean(member.value): member.display or None for member in members}
        standing = await self._standing(group, wanted)
        meant = await self._meant(group, lifeless(standing)) if named else []
        put = joining(standing, wanted, meant, exactly=True)
        removed = await self._values("delete_other_members", group, put.values)
        pending_removed = await self._values("delete_other_pending", group, put.values)
        await self._put(group, put)
        return put.replacing(removed, pending_removed)

    async def groups_with(self, member: str) -> tuple[str, ...]:
        return tuple(group for (group,) in await self._rows("groups_with", clean(member)))

    async def resolve_pending(
        self, id: str, names: Sequence[str], own: Sequence[str] = (), connection: int = 0
    ) -> Mapping[str, MemberChange]:
        if self._held.known.lacks_all("awaited", (id, *names, *own)):
            return {}
        anywhere = [id, *cleaned(names)]
        wanted = list(dict.fromkeys((*anywhere, *cleaned(own))))
        only = [value for value in wanted if value not in anywhere]
        joined: dict[str, bool] = {}
        values: dict[str, list[str]] = {}
        for group, value, is_new in await self._returned("resolve_pending", id, wanted, only, connection):
            joined[group] = is_new
            values.setdefault(group, []).append(value)
        return {
            group: MemberChange(added=(id,) if joined[group] else (), resolved=tuple(found))
            for group, found in values.items()
        }

    async def drop_pending(self, values: Sequence[str], connection: int | None = None) -> None:
        await self._change("drop_pending", cleaned(values), connection)

    async def _standing(self, group: str, wanted: Collection[str]) -> list[Row]:
        return await self._rows("standing", [group] * len(wanted), list(wanted))

    async def _meant(self, group: str, values: Iterable[str]) -> list[Meant]:
        """Whom those of the values name that are no ids; no statement if there are none."""
        names = names_among(values)
        if not names:
            return []
        given, folded = columns(names)
        return list(map(Meant._make, await self._rows("meant", group, given, list(map(short, folded)))))

    async def _put(self, group: str, put: Joining) -> None:
        if put.members:
            await self._change("put_members", group, *columns(put.members))
        if put.waiting:
            await self._change("put_pending", group, *columns(put.waiting))
        if put.arrived:
            await self._change("delete_pending", group, put.arrived)

    async def _values(self, name: str, *parameters: Any) -> set[str]:
        return {value for (value,) in await self._returned(name, *parameters)}

    async def _returned(self, name: str, *parameters: Any) -> list[Row]:
        return await self._held.returned(name, self._directory, *parameters)

    async def _change(self, name: str, *parameters: Any) -> int:
        return await self._held.put(name, self._directory, *parameters)


def columns(pairs: Sequence[tuple[str, T]]) -> tuple[list[str], list[T]]:
    """Pairs as two lists."""
    return [first for first, _ in pairs], [second for _, second in pairs]
