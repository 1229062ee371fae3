"""Adopted users over SQLite: a part of the writer."""

from rosterd.store.sqlite_held import Held


class SqliteAdoptionWriter:
    """See ``rosterd.service.adoption.AdoptionWriter``."""

    __slots__ = ()
    _held: Held

    async def adopt(self, name: str, id: str) -> None:
        self._held.run("put_adopted", name, id)

    async def adopted(self, name: str) -> str | None:
        if self._held.known.lacks("adopted", name):
            return None
        row = self._held.run("get_adopted", name).fetchone()
        return None if row is None else str(row[0])

    async def claimed(self, name: str) -> None:
        self._held.run("delete_adopted", name)
