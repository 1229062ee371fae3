"""All connections at one look over PostgreSQL."""

from dataclasses import astuple

from rosterd.service.health import SILENT
from rosterd.service.request_log import DAY, HOUR, Hour
from rosterd.service.survey import LOOKED_AT, Range, Sight, Sums
from rosterd.store.postgres_control import PostgresControl


class PostgresSurvey(PostgresControl):
    """See ``rosterd.service.survey.Survey``. What the engine sums up comes as a decimal number."""

    async def sums(self, of: Range) -> Sums:
        ((directories, connections, users, groups),) = await self._rows("survey_sums", *astuple(of))
        return Sums(directories, connections, int(users), int(groups))

    async def hours(self, of: Range, since: int, limit: int = LOOKED_AT) -> tuple[Hour, ...]:
        rows = await self._rows("survey_hours", *astuple(of), since, limit)
        return tuple(Hour(hour * HOUR, int(ok), int(failed)) for hour, ok, failed in rows)

    async def sights(
        self, of: Range, now: int, warning_days: int, limit: int = LOOKED_AT
    ) -> tuple[Sight, ...]:
        rows = await self._rows(
            "survey_connections",
            *astuple(of),
            limit,
            now,
            now + warning_days * DAY,
            now // HOUR - 1,
            (now - SILENT) // HOUR,
        )
        return tuple(Sight._make((*row[:-2], int(row[-2]), int(row[-1]))) for row in rows)

    async def troubled_webhooks(self, of: Range, whole: bool, by: str, limit: int) -> tuple[str, ...]:
        return tuple(
            id for (id,) in await self._rows("troubled_webhooks", *astuple(of), int(whole), by, limit)
        )
