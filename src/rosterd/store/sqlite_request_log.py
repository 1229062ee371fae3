"""``RequestLog`` over SQLite: a batch is one job of the writer; a page looks at a bounded number of rows.

Numbers are made in the writer: about the microseconds of the exchange, and always above the last one, so that
whoever follows misses none, and a number that was deleted does not come again.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from rosterd.service.request_log import (
    HOUR,
    HOURS_KEPT,
    SCANNED,
    Activity,
    Exchange,
    ExchangePage,
    Hour,
    Omitted,
    StoredExchange,
    Wanted,
)
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.sqlite_run import as_json

_MOST: Final = 2**63 - 1
_PORTION: Final = 2000
_PLAIN: Final = Wanted()

Row = tuple[Any, ...]


@dataclass(slots=True)
class _Count:
    """What one batch adds to one hour of a connection."""

    ok: int = 0
    failed: int = 0
    last_ok: int | None = None
    last_failed: int | None = None


class SqliteRequestLog(SqliteControl):
    """See ``rosterd.service.request_log.RequestLog``."""

    async def add_exchanges(self, exchanges: Sequence[Exchange], omitted: Sequence[Omitted] = ()) -> None:
        hours = [(*key, c.ok, c.failed, c.last_ok, c.last_failed) for key, c in _counted(exchanges, omitted)]

        def work(connection: sqlite3.Connection) -> None:
            for directory, group in groupby(sorted(exchanges, key=_DIRECTORY), _DIRECTORY):
                (last,) = connection.execute(SQLITE["last_request"], (directory,)).fetchone()
                rows = []
                for exchange in group:
                    last = max(last + 1, exchange.at * 1000)
                    rows.append(_row(exchange, last))
                connection.executemany(SQLITE["insert_request"], rows)
            connection.executemany(SQLITE["count_requests"], hours)

        await self._submit(work)

    async def exchange_page(
        self, directory: int, connection: int | None, before: int | None, limit: int, wanted: Wanted
    ) -> ExchangePage:
        name, more = _way(connection, wanted)
        parameters = (directory, _MOST if before is None else before, SCANNED, *more)
        fits = _predicate(connection, wanted)

        def read(c: sqlite3.Connection) -> ExchangePage:
            found, at = _look(c, name, parameters, fits, limit)
            return ExchangePage(_fetch(c, directory, found), at)

        return await self._run(read, quick=wanted == _PLAIN)

    async def exchanges_after(
        self, directory: int, connection: int | None, after: int, limit: int, wanted: Wanted
    ) -> tuple[StoredExchange, ...]:
        fits = _predicate(connection, wanted)

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
        return _stored(rows[0]) if rows else None

    async def activity(self, directory: int, since: int) -> tuple[Activity, ...]:
        rows = await self._rows("request_hours", (directory,))
        return tuple(
            _activity(connection, list(group), since)
            for connection, group in groupby(rows, lambda row: row[0])
        )

    async def forget_exchanges(self, directory: int, before: int, limit: int) -> int:
        def work(c: sqlite3.Connection) -> int:
            c.execute(SQLITE["forget_request_hours"], (directory, before // HOUR - HOURS_KEPT))
            return c.execute(SQLITE["forget_requests"], (directory, before, limit)).rowcount

        return await self._submit(work)

    async def scrub_exchanges(self, directory: int, resource: str, texts: Collection[str]) -> int:
        looked_for = [text.casefold() for text in texts if text]
        looked_for += [as_json(text)[1:-1] for text in looked_for]
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
        self, directory: int, after: int, looked_for: Sequence[str]
    ) -> tuple[int | None, list[int]]:
        """Where to go on, and the numbers of those looked at that mention one of the texts."""

        def read(c: sqlite3.Connection) -> list[Row]:
            return c.execute(SQLITE["request_texts"], (directory, after, _PORTION)).fetchall()

        rows = await self._run(read, quick=False)
        found = []
        for seq, *texts in rows:
            whole = "\0".join(text for text in texts if text).casefold()
            if any(one in whole for one in looked_for):
                found.append(seq)
        return rows[-1][0] if len(rows) == _PORTION else None, found


_DIRECTORY: Final = attrgetter("directory")


def _counted(
    exchanges: Iterable[Exchange], omitted: Iterable[Omitted]
) -> Iterable[tuple[tuple[int, int, int], _Count]]:
    counts: dict[tuple[int, int, int], _Count] = {}
    both: tuple[Exchange | Omitted, ...] = (*exchanges, *omitted)
    for one in both:
        count = counts.setdefault((one.directory, one.connection, one.at // HOUR), _Count())
        if one.status < 400:
            count.ok += 1
            count.last_ok = max(one.at, count.last_ok or 0)
        else:
            count.failed += 1
            count.last_failed = max(one.at, count.last_failed or 0)
    return counts.items()


def _way(connection: int | None, wanted: Wanted) -> tuple[str, Row]:
    """The query that looks at the fewest, and what it takes beside place and limit."""
    if wanted.resource is not None:
        return "requests_of_resource", (wanted.resource,)
    if wanted.errors or (wanted.status is not None and wanted.status[0] >= 400):
        return "requests_failed", ()
    if connection is not None:
        return "requests_of_connection", (connection,)
    return "requests", ()


def _predicate(connection: int | None, wanted: Wanted) -> Callable[[Row], bool]:
    text = wanted.text.casefold()
    least, most = wanted.status or (0, 999)
    if wanted.errors:
        least = max(least, 400)

    def fits(row: Row) -> bool:
        _, whose, status, method, resource, request_id, subject, path = row
        return (
            (connection is None or whose == connection)
            and least <= status <= most
            and (wanted.method is None or method == wanted.method)
            and (wanted.resource is None or resource == wanted.resource)
            and (
                not text
                or text in path.casefold()
                or (subject is not None and text in subject.casefold())
                or text == request_id
            )
        )

    return fits


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
    return tuple(_stored(row) for row in rows if row is not None)


def _activity(connection: int, rows: Sequence[Row], since: int) -> Activity:
    last_ok = max((row[4] for row in rows if row[4] is not None), default=None)
    last_failed = max((row[5] for row in rows if row[5] is not None), default=None)
    last = max((at for at in (last_ok, last_failed) if at is not None), default=None)
    hours = tuple(Hour(row[1] * HOUR, row[2], row[3]) for row in rows if (row[1] + 1) * HOUR > since)
    return Activity(connection, last, last_ok, last_failed, hours)


def _row(one: Exchange, seq: int) -> Row:
    return (
        one.directory, seq, one.connection, one.at, one.status, one.method, one.microseconds, one.left_out,
        one.token, one.request_id, one.kind, one.resource, one.subject, one.path, one.query, one.scim_type,
        one.situation, one.other, " ".join(one.tolerated), one.address, one.agent, one.body_size, one.detail,
        one.body, one.reply,
    )  # fmt: skip


def _stored(row: Row) -> StoredExchange:
    (
        directory, seq, connection, at, status, method, microseconds, left_out, token, request_id, kind,
        resource, subject, path, query, scim_type, situation, other, tolerated, address, agent, body_size,
        detail, body, reply,
    ) = row  # fmt: skip
    return StoredExchange(
        seq,
        Exchange(
            directory, connection, token, at, request_id, method, path, query, status, microseconds, kind,
            resource, subject, tuple(tolerated.split()), scim_type, detail, situation, other, address, agent,
            body, body_size, reply, left_out,
        ),
    )  # fmt: skip
