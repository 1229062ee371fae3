"""What the upkeep does about accounts that are to be erased, and where their traces are besides the feed."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from rosterd.service.control import Directory
from rosterd.service.erasure import Erasure
from rosterd.service.request_log import RequestLog
from rosterd.wiring.journal import FLUSH_SECONDS, Journal

_KIND: Final = "User"
_BREATH: Final = 0.1  # seconds between two portions, which others' changes have for themselves


class RequestTraces:
    """The request log, to which this process, and ``others`` that work on the database, still may write."""

    def __init__(self, journal: Journal, log: RequestLog, others: bool) -> None:
        self._journal = journal
        self._log = log
        self._others = others

    async def complete(self) -> None:
        """See ``rosterd.service.erasure.Traces``."""
        if self._others:
            await asyncio.sleep(2 * FLUSH_SECONDS)
        await self._journal.flush()

    async def scrub(self, directory: int, resource: str, texts: Collection[str]) -> None:
        """See ``rosterd.service.erasure.Traces``."""
        await self._log.scrub_exchanges(directory, resource, texts)


async def erase_expired(erasure: Erasure, directories: Sequence[Directory], days: int) -> None:
    """Finish what is owed in every directory; unless ``days`` is 0, erase who was deleted so long ago."""
    for directory in directories:
        await erasure.settle(directory)
        while days and await erasure.expire(directory, _KIND, days):
            await erasure.settle(directory)
            await asyncio.sleep(_BREATH)
