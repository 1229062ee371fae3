"""All connections at one look over PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from rosterd.store.postgres_control import PostgresControl
from rosterd.store.survey import SurveyReads


class PostgresSurvey(SurveyReads, PostgresControl):
    """See ``rosterd.service.survey.Survey``."""

    async def _surveyed(self, name: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        return await self._rows(name, *parameters)
