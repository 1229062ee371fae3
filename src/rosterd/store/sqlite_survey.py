"""All connections at one look over SQLite: in a thread beside the event loop, for they may be thousands."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.survey import SurveyReads


class SqliteSurvey(SurveyReads, SqliteControl):
    """See ``rosterd.service.survey.Survey``."""

    async def _surveyed(self, name: str, *parameters: Any) -> Sequence[Sequence[Any]]:
        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(SQLITE[name], parameters).fetchall()

        return await self._run(work, quick=False)
