"""Mappings, projections and adopted users over PostgreSQL: parts of the reader and of the writer."""

from collections.abc import Mapping, Sequence

import orjson

from rosterd.service.mapping import Rules, Value
from rosterd.service.projections import Mapped
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_run import Reads
from rosterd.store.rows import as_json


class PostgresProjectionReader:
    """See ``rosterd.service.projections.ProjectionReader``."""

    __slots__ = ()
    _reads: Reads
    _directory: int

    async def mapping(self) -> Mapped | None:
        row = await self._reads.row("get_mapping", self._directory)
        return None if row is None else Mapped(Rules.of(orjson.loads(row[0])), *row[1:])

    async def projections(self, ids: Sequence[str]) -> Mapping[str, Value]:
        rows = await self._reads.rows("projections", self._directory, list(ids))
        return {id: orjson.loads(value) for id, value in rows}


class PostgresProjectionWriter:
    """See ``ProjectionWriter`` there, and ``rosterd.service.adoption.AdoptionWriter``."""

    __slots__ = ()
    _held: Held
    _directory: int

    async def set_mapping(self, mapped: Mapped) -> None:
        rules = as_json(mapped.rules.to_json())
        await self._held.put(
            "put_mapping", self._directory, rules, mapped.revision, mapped.place, mapped.walk
        )

    async def project(self, id: str, value: Value | None) -> None:
        if value is None:
            await self._held.put("delete_projection", self._directory, id)
        else:
            await self._held.put("put_projection", self._directory, id, as_json(value))

    async def adopt(self, name: str, id: str) -> None:
        await self._held.put("put_adopted", self._directory, name, id)

    async def adopted(self, name: str) -> str | None:
        row = await self._held.row("get_adopted", self._directory, name)
        return None if row is None else str(row[0])

    async def claimed(self, name: str) -> None:
        await self._held.put("delete_adopted", self._directory, name)
