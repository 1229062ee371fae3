"""The job that tells the other processes what this one drew of rates, and learns what they left.

Nothing waits for it. What cannot be told is not told later: without the database each process goes on
with its own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Final

import structlog

from rosterd.service.limits import Throttle
from rosterd.service.ports import StoreUnavailable
from rosterd.service.sharing import SharedBuckets

_log = structlog.get_logger("rosterd")

SECONDS: Final = 0.5
MOST: Final = 1000
"""Buckets of a throttle that are told about at once; the others are next."""


class Sharing:
    """Exchanges what was drawn from some throttles; their buckets have different names."""

    def __init__(self, shared: SharedBuckets, throttles: Iterable[Throttle]) -> None:
        self._shared = shared
        self._throttles = tuple(throttles)

    async def exchange(self) -> None:
        """Tell what was drawn, if anything. Raises ``StoreUnavailable``."""
        drawn = [one for throttle in self._throttles for one in throttle.drawn(MOST)]
        if drawn:
            levels = await self._shared.exchange_buckets(drawn)
            for throttle in self._throttles:
                throttle.follow(levels)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Exchange now and then for as long as the context lasts."""
        job = asyncio.create_task(self._run())
        try:
            yield
        finally:
            job.cancel()
            await asyncio.wait((job,))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.exchange()
            except StoreUnavailable:
                continue
            except Exception as error:  # noqa: BLE001 - the job must not end because of one exchange
                _log.error("rates were not shared", exc_info=error)
