"""Carrying mappings out in the background: looks which directories lag behind, and brings each up to date.

It sleeps until a commit rings, or a second has passed, for what other processes commit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from rosterd.service.ports import StoreUnavailable
from rosterd.service.projections import Lagging
from rosterd.service.projector import Projector

_log = structlog.get_logger("rosterd.projector")

LOOK_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02
"""How long commits gather after one that rang."""
AT_ONCE: Final = 100
"""Directories taken up in one look."""
RETRY_SECONDS: Final = 5.0


class Projecting:
    """The background task of one process; with several, whoever is quicker moves a directory on."""

    def __init__(self, plane: Lagging, projector: Projector) -> None:
        self._plane = plane
        self._projector = projector
        self._rests: dict[int, float] = {}
        """Directories whose mapping is at fault, and when it is tried again."""

    async def catch_up(self) -> bool:
        """One turn for each directory that lags behind; whether there was any."""
        now = asyncio.get_running_loop().time()
        self._rests = {directory: until for directory, until in self._rests.items() if until > now}
        found = await self._plane.lagging(AT_ONCE + len(self._rests))
        directories = [directory for directory in found if directory not in self._rests]
        for directory in directories:
            try:
                await self._projector.advance(directory)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - one directory's fault must not end it for all
                _log.error("a mapping could not be carried out", directory=directory, exc_info=error)
                self._rests[directory] = now + RETRY_SECONDS
        return bool(directories)

    async def run(self) -> None:
        """Until cancelled; a fault is logged, and the work is tried again."""
        with self._plane.watch() as watch:
            while True:
                try:
                    if not await self.catch_up():
                        await watch.news(LOOK_SECONDS)
                        await asyncio.sleep(GATHER_SECONDS)
                except StoreUnavailable as error:
                    _log.warning("mappings wait for the store", why=str(error))
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception as error:  # noqa: BLE001 - a fault of ours must not end it for good
                    _log.error("mappings could not be carried out", exc_info=error)
                    await asyncio.sleep(RETRY_SECONDS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry mappings out for as long as the context lasts."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))
