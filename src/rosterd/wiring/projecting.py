"""Carrying mappings out in the background: looks which directories lag behind, and brings each up to date."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from rosterd.service.ports import StoreUnavailable
from rosterd.service.projections import Lagging
from rosterd.service.projector import Projector

_log = structlog.get_logger("rosterd.projector")

LOOK_SECONDS: Final = 0.25
AT_ONCE: Final = 100
"""Directories taken up in one look."""
RETRY_SECONDS: Final = 5.0


class Projecting:
    """The background task of one process; with several, whoever is quicker moves a directory on."""

    def __init__(self, lagging: Lagging, projector: Projector) -> None:
        self._lagging = lagging
        self._projector = projector

    async def catch_up(self) -> bool:
        """One turn for each directory that lags behind; whether there was any."""
        directories = await self._lagging.lagging(AT_ONCE)
        for directory in directories:
            await self._projector.advance(directory)
        return bool(directories)

    async def run(self) -> None:
        """Until cancelled; a fault is logged, and the work is tried again."""
        while True:
            pause = LOOK_SECONDS
            try:
                if await self.catch_up():
                    pause = 0.0
            except StoreUnavailable as error:
                _log.warning("mappings wait for the store", exc_info=error)
                pause = RETRY_SECONDS
            except Exception as error:  # noqa: BLE001 - one directory's fault must not end it for all
                _log.error("a mapping could not be carried out", exc_info=error)
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry mappings out for as long as the context lasts."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))
