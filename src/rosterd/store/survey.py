"""All connections at one look, whatever the engine: the same questions, which each asks in its own way."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from rosterd.service.health import SILENT
from rosterd.service.request_log import DAY, HOUR, Hour
from rosterd.service.survey import LOOKED_AT, Range, Sight, Sums


class SurveyReads(ABC):
    """See ``rosterd.service.survey.Survey``. PostgreSQL gives what it sums up as a decimal number."""

    async def sums(self, of: Range) -> Sums:
        (row,) = await self._surveyed("survey_sums", *astuple(of))
        return Sums(*map(int, row))

    async def hours(self, of: Range, since: int, limit: int = LOOKED_AT) -> tuple[Hour, ...]:
        rows = await self._surveyed("survey_hours", *astuple(of), since, limit)
        return tuple(Hour(hour * HOUR, int(ok), int(failed)) for hour, ok, failed in rows)

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
        return tuple(Sight._make((*others, int(ok), int(failed))) for *others, ok, failed in rows)

    async def troubled_webhooks(self, of: Range, whole: bool, by: str, limit: int) -> tuple[str, ...]:
        rows = await self._surveyed("troubled_webhooks", *astuple(of), int(whole), by, limit)
        return tuple(id for (id,) in rows)

    @abstractmethod
    async def _surveyed(self, name: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        """The rows of a statement, of which there may be thousands."""
