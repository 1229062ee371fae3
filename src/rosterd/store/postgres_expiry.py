"""``ExpiryControl`` over PostgreSQL: one statement says that it is told, and does so for one process only."""

from rosterd.service.events import Event
from rosterd.service.expiry import Ending, Unannounced
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_run import Link
from rosterd.store.postgres_writer import PostgresWriter


class PostgresExpiry(PostgresControl):
    """See ``rosterd.service.expiry.ExpiryControl``."""

    async def ending(self, after: int, until: int, limit: int) -> tuple[Ending, ...]:
        return tuple(Ending(*row) for row in await self._rows("ending", after, until, limit))

    async def unannounced(self, after: int, until: int, days: int, limit: int) -> tuple[Unannounced, ...]:
        rows = await self._rows("unannounced", after, until, days, limit)
        return tuple(Unannounced(*row) for row in rows)

    async def announce(self, directory: int, token: str, days: int, event: Event) -> bool:
        async def work(link: Link) -> bool:
            if not await link.change("note_warning", directory, token, days):
                return False
            await PostgresWriter(link, directory).append(event)
            return True

        return await self._database.write(work)
