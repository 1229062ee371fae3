"""What is measured over PostgreSQL: several reads that see the same state."""

from typing import Any

from rosterd.service.measures import DAYS, FOREVER, MOST, Backlog
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_run import Link

_DAY = 86_400_000


class PostgresMeasures(PostgresControl):
    """See ``rosterd.service.measures.Measured``."""

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
        await self._changed("probe")
