"""``ExpiryControl`` over SQLite: that it was told is kept with the token, in the transaction of the event."""

import sqlite3

from rosterd.service.events import Event
from rosterd.service.expiry import Ending, Unannounced
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.sqlite_held import append


class SqliteExpiry(SqliteControl):
    """See ``rosterd.service.expiry.ExpiryControl``."""

    async def ending(self, after: int, until: int, limit: int) -> tuple[Ending, ...]:
        return tuple(Ending(*row) for row in await self._rows("ending", (after, until, limit)))

    async def unannounced(self, after: int, until: int, days: int, limit: int) -> tuple[Unannounced, ...]:
        rows = await self._rows("unannounced", (after, until, days, limit))
        return tuple(Unannounced(*row) for row in rows)

    async def announce(self, directory: int, token: str, days: int, event: Event) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["note_warning"], (directory, token, days)).rowcount:
                return False
            append(connection, directory, event)
            return True

        return await self._submit(work)
