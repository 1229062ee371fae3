"""``RequestLog`` over SQLite: a batch is one job of the writer; a page looks at a bounded number of rows.

Numbers are made in the writer: about the microseconds of the exchange, and always above the last one, so that
whoever follows misses none, and a number that was deleted does not come again.
"""

import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby

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
from rosterd.store.queries import SQLITE
from rosterd.store.request_rows import (
    BY_DIRECTORY,
    PLAIN,
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
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.sqlite_run import write_rows


class SqliteRequestLog(SqliteControl):
    """See ``rosterd.service.request_log.RequestLog``."""

    async def add_exchanges(
        self, exchanges: Sequence[Exchange], omitted: Mapping[HourOf, Count] = NOTHING
    ) -> None:
        hours = hour_rows(exchanges, omitted)

        def work(connection: sqlite3.Connection) -> None:
            for directory, group in groupby(sorted(exchanges, key=BY_DIRECTORY), BY_DIRECTORY):
                (last,) = connection.execute(SQLITE["last_request"], (directory,)).fetchone()
                (fence,) = connection.execute(SQLITE["request_fence"], (directory,)).fetchone()
                write_rows(connection, "insert_request", exchange_rows(group, last, fence))
            connection.executemany(SQLITE["count_requests"], hours)

        await self._submit(work)

    async def exchange_page(
        self, directory: int, connection: int | None, before: int | None, limit: int, wanted: Wanted
    ) -> ExchangePage:
        name, more = way_of(connection, wanted)
        parameters = (directory, MOST if before is None else before, SCANNED, *more)
        fits = predicate_of(connection, wanted)

        def read(c: sqlite3.Connection) -> ExchangePage:
            found, at = _look(c, name, parameters, fits, limit)
            return ExchangePage(_fetch(c, directory, found), at)

        return await self._run(read, quick=wanted == PLAIN)

    async def exchanges_after(
        self, directory: int, connection: int | None, after: int, limit: int, wanted: Wanted
    ) -> tuple[StoredExchange, ...]:
        fits = predicate_of(connection, wanted)

        def read(c: sqlite3.Connection) -> tuple[StoredExchange, ...]:
            found, at = _look(c, "requests_after", (directory, after, SCANNED), fits, limit)
            while not found and at is not None:  # many that are not wanted
                found, at = _look(c, "requests_after", (directory, at, SCANNED), fits, limit)
            return _fetch(c, directory, found)

        return await self._run(read, quick=False)

    async def last_exchange(self, directory: int) -> int:
        rows = await self._rows("last_request", (directory,))
        return int(rows[0][0])

    async def exchange(self, directory: int, seq: int) -> StoredExchange | None:
        rows = await self._rows("get_request", (directory, seq))
        return exchange_of(rows[0]) if rows else None

    async def activity(self, directory: int, since: int) -> tuple[Activity, ...]:
        rows = await self._rows("request_hours", (directory,))
        return tuple(
            activity_of(connection, list(group), since)
            for connection, group in groupby(rows, lambda row: row[0])
        )

    async def forget_exchanges(self, directory: int, before: int, limit: int) -> int:
        def work(c: sqlite3.Connection) -> int:
            c.execute(SQLITE["forget_request_hours"], (directory, before // HOUR - HOURS_KEPT))
            return c.execute(SQLITE["forget_requests"], (directory, before, limit)).rowcount

        return await self._submit(work)

    async def fence_exchanges(self, directory: int, until: int) -> None:
        await self._submit(lambda c: c.execute(SQLITE["fence_requests"], (directory, until)).rowcount)

    async def scrub_exchanges(self, directory: int, resource: str, texts: Collection[str]) -> int:
        looked_for = searched(texts)
        gone = await self._submit(
            lambda c: c.execute(SQLITE["delete_requests_of"], (directory, resource)).rowcount
        )
        after: int | None = 0
        while looked_for and after is not None:
            after, found = await self._mentions(directory, after, looked_for)
            if found:
                rows = [(directory, seq) for seq in found]
                gone += await self._submit(
                    lambda c, rows=rows: c.executemany(SQLITE["scrub_request"], rows).rowcount  # type: ignore[misc]
                )
        return gone

    async def _mentions(
        self, directory: int, after: int, looked_for: re.Pattern[str]
    ) -> tuple[int | None, list[int]]:
        """Where to go on, and the numbers of those looked at that mention one of the texts."""

        def read(c: sqlite3.Connection) -> list[Row]:
            return c.execute(SQLITE["request_texts"], (directory, after, PORTION)).fetchall()

        rows = await self._run(read, quick=False)
        return rows[-1][0] if len(rows) == PORTION else None, mentioning(rows, looked_for)


def _look(
    c: sqlite3.Connection, name: str, parameters: Row, fits: Callable[[Row], bool], limit: int
) -> tuple[list[int], int | None]:
    """The numbers of those that fit, and the last number looked at if there may be more behind it."""
    found: list[int] = []
    looked, at = 0, None
    for row in c.execute(SQLITE[name], parameters):
        looked += 1
        if len(found) == limit:
            return found, at
        at = row[0]
        if fits(row):
            found.append(at)
    return found, at if looked == SCANNED else None


def _fetch(c: sqlite3.Connection, directory: int, numbers: Iterable[int]) -> tuple[StoredExchange, ...]:
    rows = (c.execute(SQLITE["get_request"], (directory, seq)).fetchone() for seq in numbers)
    return tuple(exchange_of(row) for row in rows if row is not None)
