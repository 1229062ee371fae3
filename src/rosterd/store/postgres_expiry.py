"""``ExpiryControl`` over PostgreSQL: that a token was warned of is kept with it, with the event."""

from rosterd.service.events import Event
from rosterd.service.expiry import Ending, Unannounced
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_held import Held


class PostgresExpiry(PostgresControl):
    """See ``rosterd.service.expiry.ExpiryControl``."""

    async def ending(self, after: int, until: int, limit: int) -> tuple[Ending, ...]:
        return tuple(Ending(*row) for row in await self._rows("ending", after, until, limit))

    async def unannounced(self, after: int, until: int, days: int, limit: int) -> tuple[Unannounced, ...]:
        rows = await self._rows("unannounced", after, until, days, limit)
        return tuple(Unannounced(*row) for row in rows)

    async def announce(self, directory: int, token: str, days: int, event: Event) -> bool:
        async def work(held: Held) -> bool:
            if not await held.put("note_warning", directory, token, days):
                return False
            held.tell(event)
            return True

        return await self._submit(directory, work)
