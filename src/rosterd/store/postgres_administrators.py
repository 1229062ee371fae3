"""``AdministratorControl`` over PostgreSQL: whoever changes an administrator locks all owners first.

So of two who take each other's ownership away at once, the second sees what the first did.
"""

import asyncpg

from rosterd.service.administrators import Administrator, LastOwner
from rosterd.service.audit import Entry
from rosterd.service.ports import UniqueViolation
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_run import Link
from rosterd.store.rows import administrator_change, administrator_of, administrator_row


class PostgresAdministrators(PostgresControl):
    """See ``rosterd.service.administrators.AdministratorControl``."""

    async def administrator(self, id: str) -> Administrator | None:
        return await self._administrator("get_administrator", id)

    async def administrator_named(self, folded: str) -> Administrator | None:
        return await self._administrator("administrator_named", folded)

    async def administrator_linked(self, issuer: str, subject: str) -> Administrator | None:
        return await self._administrator("administrator_linked", issuer, subject)

    async def administrator_page(
        self, directory: int | None, after: str, limit: int
    ) -> tuple[Administrator, ...]:
        rows = await self._rows("administrator_page", directory, after, limit)
        return tuple(map(administrator_of, rows))

    async def create_administrator(self, administrator: Administrator, folded: str, entry: Entry) -> None:
        parameters = administrator_row(administrator, folded)
        await self._inserted("insert_administrator", parameters, administrator.name, entry, "name")

    async def update_administrator(
        self, administrator: Administrator, ends_but: str | None, entry: Entry
    ) -> bool:
        a = administrator

        async def work(link: Link) -> bool:
            owned = await link.rows("lock_owners")
            try:
                changed = await link.change("update_administrator", *administrator_change(a))
            except asyncpg.UniqueViolationError:
                raise UniqueViolation("subject", str(a.subject)) from None
            if not changed:
                return False
            await _still_owned(link, owned)
            if ends_but is not None:
                await link.change("end_sessions_of", a.id, ends_but)
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def remove_administrator(self, id: str, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            owned = await link.rows("lock_owners")
            if not await link.change("delete_administrator", id):
                return False
            await _still_owned(link, owned)
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def _administrator(self, name: str, *parameters: str) -> Administrator | None:
        row = await self._row(name, *parameters)
        return administrator_of(row) if row else None


async def _still_owned(link: Link, before: list[object]) -> None:
    """Raise ``LastOwner`` if there were owners before and there are none now."""
    if before and not (await link.rows("is_owned"))[0][0]:
        raise LastOwner
