"""``RequestLog`` over PostgreSQL: a batch is one transaction; a page looks at a bounded number of rows.

Numbers are made while a directory's turn is held: about the microseconds of the exchange, and always above
the last one, so that whoever follows misses none, and a number that was deleted does not come again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from rosterd.service.request_log import (
    HOUR,
    HOURS_KEPT,
    NOTHING,
    SCANNED,
    Activity,
    Count,
    Exchange,
    ExchangePage,
    HourOf,
    StoredExchange,
    Wanted,
)
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_run import Link
from rosterd.store.request_rows import (
    BY_DIRECTORY,
    PORTION,
    activity_of,
    exchange_of,
    exchange_rows,
    hour_rows,
    mentioning,
    predicate_of,
    searched,
    way_of,
)
from rosterd.store.rows import MOST, Row

_GROWTH: Final = 8
"""How many times as many are looked at, if too few of the last ones fitted."""


class PostgresRequestLog(PostgresControl):
    """See ``rosterd.service.request_log.RequestLog``."""

    async def add_exchanges(
        self, exchanges: Sequence[Exchange], omitted: Mapping[HourOf, Count] = NOTHING
    ) -> None:
        hours = hour_rows(exchanges, omitted)
        groups = {
            directory: list(group)
            for directory, group in groupby(sorted(exchanges, key=BY_DIRECTORY), BY_DIRECTORY)
        }

        async def work(link: Link) -> None:
            await link.rows("take_turns", sorted(f"requests {directory}" for directory in groups))
            rows: list[Row] = []
            for directory, last, fence in await link.rows("last_requests", list(groups)):
                rows += exchange_rows(groups[directory], last, fence)
            await link.many("insert_request", rows)
            await link.many("count_requests", hours)

        await self._write(work, governs=False)

    async def exchange_page(
        self, directory: int, connection: int | None, before: int | None, limit: int, wanted: Wanted
    ) -> ExchangePage:
        name, more = way_of(connection, wanted)
        fits = predicate_of(connection, wanted)
        place = MOST if before is None else before
        found, at = await self._look(name, directory, place, more, fits, limit)
        return ExchangePage(await self._fetch(directory, found), at)

    async def exchanges_after(
        self, directory: int, connection: int | None, after: int, limit: int, wanted: Wanted
    ) -> tuple[StoredExchange, ...]:
        fits = predicate_of(connection, wanted)
        found, at = await self._look("requests_after", directory, after, (), fits, limit)
        while not found and at is not None:  # many that are not wanted
            found, at = await self._look("requests_after", directory, at, (), fits, limit)
        return await self._fetch(directory, found)

    async def last_exchange(self, directory: int) -> int:
        return int((await self._rows("last_request", directory))[0][0])

    async def exchange(self, directory: int, seq: int) -> StoredExchange | None:
        row = await self._row("get_request", directory, seq)
        return exchange_of(row) if row else None

    async def activity(self, directory: int, since: int) -> tuple[Activity, ...]:
        rows = await self._rows("request_hours", directory)
        return tuple(
            activity_of(connection, list(group), since)
            for connection, group in groupby(rows, lambda row: row[0])
        )

    async def forget_exchanges(self, directory: int, before: int, limit: int) -> int:
        async def work(link: Link) -> int:
            await link.change("forget_request_hours", directory, before // HOUR - HOURS_KEPT)
            return await link.change("forget_requests", directory, before, limit)

        return await self._write(work)

    async def fence_exchanges(self, directory: int, until: int) -> None:
        async def work(link: Link) -> None:
            # Who has looked for the fence before has written all of it then.
            await link.rows("take_turns", [f"requests {directory}"])
            await link.change("fence_requests", directory, until)

        await self._write(work)

    async def scrub_exchanges(self, directory: int, resource: str, texts: Collection[str]) -> int:
        looked_for = searched(texts)
        gone = await self._changed("delete_requests_of", directory, resource)
        after: int | None = 0
        while looked_for and after is not None:
            rows = await self._rows("request_texts", directory, after, PORTION)
            found = mentioning(rows, looked_for)
            if found:
                gone += await self._changed("scrub_request", directory, found)
            after = rows[-1][0] if len(rows) == PORTION else None
        return gone

    async def _look(
        self, name: str, directory: int, place: int, more: Row, fits: Callable[[Any], bool], limit: int
    ) -> tuple[list[int], int | None]:
        """The numbers of those that fit, and the last number looked at if there may be more behind it.

        A portion that is just enough if all of them fit comes first, then larger ones.
        """
        found: list[int] = []
        looked, portion = 0, limit + 1
        at: int | None = None
        while looked < SCANNED:
            portion = min(portion, SCANNED - looked)
            rows = await self._rows(name, directory, place, portion, *more)
            for row in rows:
                if len(found) == limit:
                    return found, at
                place = at = row[0]
                if fits(row):
                    found.append(place)
            if len(rows) < portion:
                return found, None
            looked += portion
            portion *= _GROWTH
        return found, at

    async def _fetch(self, directory: int, numbers: Sequence[int]) -> tuple[StoredExchange, ...]:
        if not numbers:
            return ()
        rows = await self._rows("get_requests", directory, list(numbers))
        kept = {row[0]: exchange_of(row) for row in rows}
        return tuple(kept[seq] for seq in numbers if seq in kept)
