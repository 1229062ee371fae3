"""Mappings and projections over SQLite: parts of the reader and of the writer."""

import sqlite3
from collections.abc import Mapping, Sequence

import orjson

from rosterd.service.mapping import Rules, Value
from rosterd.service.projections import Mapped
from rosterd.store.queries import SQLITE
from rosterd.store.rows import as_json
from rosterd.store.sqlite_held import Held
from rosterd.store.sqlite_run import Run


class SqliteProjectionReader:
    """See ``rosterd.service.projections.ProjectionReader``."""

    __slots__ = ()
    _run: Run
    _directory: int

    async def mapping(self) -> Mapped | None:
        def work(connection: sqlite3.Connection) -> Mapped | None:
            row = connection.execute(SQLITE["get_mapping"], (self._directory,)).fetchone()
            return None if row is None else Mapped(Rules.of(orjson.loads(row[0])), *row[1:])

        return await self._run(work, quick=True)

    async def projections(self, ids: Sequence[str]) -> Mapping[str, Value]:
        parameters = (self._directory, as_json(list(ids)))
        rows = await self._run(lambda c: c.execute(SQLITE["projections"], parameters).fetchall(), quick=True)
        return {id: orjson.loads(value) for id, value in rows}


class SqliteProjectionWriter:
    """See ``rosterd.service.projections.ProjectionWriter``."""

    __slots__ = ()
    _held: Held

    async def set_mapping(self, mapped: Mapped) -> None:
        rules = as_json(mapped.rules.to_json())
        self._held.run("put_mapping", rules, mapped.revision, mapped.place, mapped.walk)

    async def project(self, id: str, value: Value | None) -> None:
        if value is None:
            self._held.run("delete_projection", id)
        else:
            self._held.run("put_projection", id, as_json(value))
