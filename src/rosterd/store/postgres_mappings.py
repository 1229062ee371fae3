"""Where a mapping is to be carried out further, over PostgreSQL: one look for all directories."""

from rosterd.store.postgres_control import PostgresControl


class PostgresMappings(PostgresControl):
    """See ``rosterd.service.projections.Lagging``."""

    async def lagging(self, limit: int) -> tuple[int, ...]:
        return tuple(row[0] for row in await self._rows("lagging_mappings", limit))
