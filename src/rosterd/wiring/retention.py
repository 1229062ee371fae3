"""What the upkeep does about accounts that are to be erased, and where their traces are besides the feed."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final

from rosterd.service.control import Directory
from rosterd.service.erasure import Erasure
from rosterd.service.registry import Registry
from rosterd.service.request_log import RequestLog
from rosterd.wiring.journal import FLUSH_SECONDS, Journal

_KIND: Final = "User"
_BREATH: Final = 0.1  # seconds between two portions, which others' changes have for themselves
CLOCKS: Final = 0.25
"""Seconds by which the clocks of servers may differ."""


class RequestTraces:
    """The request log, to which this process, and ``others`` that work on the database, still may write.

    What they are late with, be it by hours, is kept without what may be about somebody. And replies of the
    management API that are kept in case a request is sent again.
    """

    def __init__(
        self,
        journal: Journal,
        log: RequestLog,
        registry: Registry,
        now: Callable[[], int],
        others: bool,
    ) -> None:
        self._journal = journal
        self._log = log
        self._registry = registry
        self._now = now
        self._others = others

    async def complete(self, directory: int) -> None:
        """See ``rosterd.service.erasure.Traces``."""
        until = self._now()
        if self._others:
            until += int(CLOCKS * 1000)
            await asyncio.sleep(CLOCKS + 2 * FLUSH_SECONDS)
        await self._journal.flush()
        await self._log.fence_exchanges(directory, until)

    async def scrub(self, directory: int, resource: str, texts: Collection[str]) -> None:
        """See ``rosterd.service.erasure.Traces``."""
        await self._log.scrub_exchanges(directory, resource, texts)
        await self._registry.scrub_replies(directory, [resource, *texts])


async def erase_expired(erasure: Erasure, directories: Sequence[Directory], days: int) -> None:
    """Finish what is owed in every directory; unless ``days`` is 0, erase who was deleted so long ago."""
    for directory in directories:
        await erasure.settle(directory)
        while days and await erasure.expire(directory, _KIND, days):
            await erasure.settle(directory)
            await asyncio.sleep(_BREATH)
