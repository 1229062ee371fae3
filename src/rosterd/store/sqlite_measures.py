"""What is measured over SQLite: in one thread beside the event loop, for it may look at many rows."""

import sqlite3

from rosterd.service.measures import DAYS, FOREVER, MOST, Backlog
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl

_DAY = 86_400_000


class SqliteMeasures(SqliteControl):
    """See ``rosterd.service.measures.Measured``."""

    async def backlog(self, now: int) -> Backlog:
        def work(connection: sqlite3.Connection) -> Backlog:
            lanes, undelivered = connection.execute(SQLITE["webhook_backlog"], (MOST,)).fetchone()
            unmapped, mapping = connection.execute(SQLITE["mapping_backlog"]).fetchone()
            tokens = {
                days: connection.execute(SQLITE["tokens_ending"], (now, now + days * _DAY)).fetchone()[0]
                for days in (*DAYS, FOREVER)
            }
            return Backlog(
                lanes,
                undelivered,
                connection.execute(SQLITE["dead_backlog"], (MOST,)).fetchone()[0],
                unmapped,
                mapping,
                tokens,
                dict(connection.execute(SQLITE["connection_states"]).fetchall()),
            )

        return await self._run(work, quick=False)

    async def room(self) -> int | None:
        return None

    async def probe(self) -> None:
        await self._submit(lambda connection: connection.execute(SQLITE["probe"]).rowcount)
