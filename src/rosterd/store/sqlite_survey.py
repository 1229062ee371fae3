"""All connections at one look over SQLite: in a thread beside the event loop, for they may be thousands."""

import sqlite3
from dataclasses import astuple
from typing import Any

from rosterd.service.health import SILENT
from rosterd.service.request_log import DAY, HOUR, Hour
from rosterd.service.survey import LOOKED_AT, Range, Sight, Sums
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl


class SqliteSurvey(SqliteControl):
    """See ``rosterd.service.survey.Survey``."""

    async def sums(self, of: Range) -> Sums:
        return Sums(*(await self._surveyed("survey_sums", *astuple(of)))[0])

    async def hours(self, of: Range, since: int, limit: int = LOOKED_AT) -> tuple[Hour, ...]:
        rows = await self._surveyed("survey_hours", *astuple(of), since, limit)
        return tuple(Hour(hour * HOUR, ok, failed) for hour, ok, failed in rows)

    async def sights(
        self, of: Range, now: int, warning_days: int, limit: int = LOOKED_AT
    ) -> tuple[Sight, ...]:
        rows = await self._surveyed(
            "survey_connections",
            *astuple(of),
            limit,
            now,
            now + warning_days * DAY,
            now // HOUR - 1,
            (now - SILENT) // HOUR,
        )
        return tuple(map(Sight._make, rows))

    async def troubled_webhooks(self, of: Range, whole: bool, by: str, limit: int) -> tuple[str, ...]:
        return tuple(
            id for (id,) in await self._surveyed("troubled_webhooks", *astuple(of), int(whole), by, limit)
        )

    async def _surveyed(self, name: str, *parameters: Any) -> list[tuple[Any, ...]]:
        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(SQLITE[name], parameters).fetchall()

        return await self._run(work, quick=False)
