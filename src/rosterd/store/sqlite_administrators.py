"""``AdministratorControl`` over SQLite: that an owner is left is looked at before a change is committed."""

import sqlite3

from rosterd.service.administrators import Administrator, LastOwner
from rosterd.service.audit import Entry
from rosterd.service.ports import UniqueViolation
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.rows import administrator_change, administrator_of, administrator_row
from rosterd.store.sqlite_control import SqliteControl, insert


class SqliteAdministrators(SqliteControl):
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
        rows = await self._rows("administrator_page", (directory, after, limit))
        return tuple(map(administrator_of, rows))

    async def create_administrator(self, administrator: Administrator, folded: str, entry: Entry) -> None:
        parameters = administrator_row(administrator, folded)

        def work(connection: sqlite3.Connection) -> None:
            insert(connection, "insert_administrator", parameters, administrator.name)
            write_entry(connection, entry)

        await self._submit(work)

    async def update_administrator(
        self, administrator: Administrator, ends_but: str | None, entry: Entry
    ) -> bool:
        a = administrator
        parameters = administrator_change(a)

        def work(connection: sqlite3.Connection) -> bool:
            owned = _is_owned(connection)
            try:
                changed = connection.execute(SQLITE["update_administrator"], parameters).rowcount
            except sqlite3.IntegrityError:
                raise UniqueViolation("subject", str(a.subject)) from None
            if not changed:
                return False
            if owned and not _is_owned(connection):
                raise LastOwner
            if ends_but is not None:
                connection.execute(SQLITE["end_sessions_of"], (a.id, ends_but))
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def remove_administrator(self, id: str, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            owned = _is_owned(connection)
            if not connection.execute(SQLITE["delete_administrator"], (id,)).rowcount:
                return False
            if owned and not _is_owned(connection):
                raise LastOwner
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def _administrator(self, name: str, *parameters: str) -> Administrator | None:
        rows = await self._rows(name, parameters)
        return administrator_of(rows[0]) if rows else None


def _is_owned(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute(SQLITE["is_owned"]).fetchone()[0])
