"""``SettingStore`` over SQLite: a handful of rows, read whole."""

import sqlite3
from collections.abc import Mapping

from rosterd.service.audit import Entry
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl


class SqliteSettings(SqliteControl):
    """See ``rosterd.service.preferences.SettingStore``."""

    async def settings(self) -> Mapping[str, str]:
        return dict(await self._rows("settings", ()))

    async def change_settings(
        self, former: Mapping[str, str], values: Mapping[str, str | None], entry: Entry
    ) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if dict(connection.execute(SQLITE["settings"])) != former:
                return False
            for name, value in values.items():
                if value is None:
                    connection.execute(SQLITE["delete_setting"], (name,))
                else:
                    connection.execute(SQLITE["put_setting"], (name, value))
            write_entry(connection, entry)
            return True

        return await self._submit(work)
