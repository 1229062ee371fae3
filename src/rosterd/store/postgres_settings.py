"""``SettingStore`` over PostgreSQL: a handful of rows, read whole, changed in the order of their names."""

from collections.abc import Mapping

from rosterd.service.audit import Entry
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_run import Link


class PostgresSettings(PostgresControl):
    """See ``rosterd.service.preferences.SettingStore``."""

    async def settings(self) -> Mapping[str, str]:
        return dict(map(tuple, await self._rows("settings")))

    async def change_settings(
        self, former: Mapping[str, str], values: Mapping[str, str | None], entry: Entry
    ) -> bool:
        async def work(link: Link) -> bool:
            await link.rows("take_turns", ["settings"])
            if dict(map(tuple, await link.rows("settings"))) != former:
                return False
            for name, value in sorted(values.items(), key=lambda item: item[0]):
                if value is None:
                    await link.change("delete_setting", name)
                else:
                    await link.change("put_setting", name, value)
            await write_entry(link, entry)
            return True

        return await self._write(work)
