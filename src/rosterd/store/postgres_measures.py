"""What is measured over PostgreSQL: several reads that see the same state."""

from typing import Any

import asyncpg

from rosterd.service.measures import DAYS, FOREVER, MOST, Backlog
from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_run import Link

_DAY = 86_400_000


class PostgresMeasures(PostgresControl):
    """See ``rosterd.service.measures.Measured``."""

    _failed = 0
    """How many changes had failed when there was room on the disk last."""

    async def backlog(self, now: int) -> Backlog:
        async def work(link: Link) -> Backlog:
            async def one(name: str, *parameters: Any) -> Any:
                return (await link.rows(name, *parameters))[0]

            lanes, undelivered = await one("webhook_backlog", MOST)
            (dead,) = await one("dead_backlog", MOST)
            unmapped, mapping = await one("mapping_backlog")
            tokens = {
                days: (await one("tokens_ending", now, now + days * _DAY))[0] for days in (*DAYS, FOREVER)
            }
            states = dict(map(tuple, await link.rows("connection_states")))
            return Backlog(lanes, undelivered, dead, unmapped, mapping, tokens, states)

        return await self._database.one_state(work)

    async def room(self) -> int | None:
        ((room,),) = await self._database.rows("connection_room")
        return int(room)

    async def probe(self) -> None:
        """What it writes finds room in its table, be the disk full; so after a failure more is asked for."""
        failed = self.load().failed
        if failed != self._failed:
            await self._need_room()
            self._failed = failed
        await self._changed("probe", governs=False)

    async def _need_room(self) -> None:
        """Raises ``StoreUnavailable`` if a megabyte has no room on the disk of the data."""

        async def work(link: Link) -> None:
            await link.rows("probe_small")
            await link.rows("probe_room")

        try:
            await self._database.one_state(work)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, asyncpg.DiskFullError):
                raise
            # Anything else, such as a bound on files of this kind, does not say that nothing can be written.
