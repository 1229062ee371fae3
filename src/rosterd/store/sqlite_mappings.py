"""Where a mapping is to be carried out further, over SQLite: one look for all directories."""

from rosterd.store.sqlite_control import SqliteControl


class SqliteMappings(SqliteControl):
    """See ``rosterd.service.projections.Lagging``."""

    async def lagging(self, limit: int) -> tuple[int, ...]:
        return tuple(row[0] for row in await self._rows("lagging_mappings", (limit,)))
