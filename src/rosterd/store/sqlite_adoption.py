"""Adopted users over SQLite: a part of the writer."""

import sqlite3

from rosterd.store.queries import SQLITE


class SqliteAdoptionWriter:
    """See ``rosterd.service.adoption.AdoptionWriter``."""

    __slots__ = ()
    _connection: sqlite3.Connection
    _directory: int

    async def adopt(self, name: str, id: str) -> None:
        self._connection.execute(SQLITE["put_adopted"], (self._directory, name, id))

    async def adopted(self, name: str) -> str | None:
        row = self._connection.execute(SQLITE["get_adopted"], (self._directory, name)).fetchone()
        return None if row is None else str(row[0])

    async def claimed(self, name: str) -> None:
        self._connection.execute(SQLITE["delete_adopted"], (self._directory, name))
