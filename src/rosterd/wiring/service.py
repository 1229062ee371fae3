"""The composition root: settings in, a running service out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rosterd.delivery.handlers import Handler
from rosterd.wiring.delivery import Delivery
from rosterd.wiring.engines import open_store
from rosterd.wiring.settings import Settings
from rosterd.wiring.tracing import tracing_of
from rosterd.wiring.use_cases import UseCases

if TYPE_CHECKING:
    from rosterd.wiring.http import Http


class Service(UseCases):
    """A service over an open store."""

    @cached_property
    def http(self) -> "Http":
        """What is served by HTTP."""
        from rosterd.wiring.http import Http  # noqa: PLC0415 - half of all imports, and commands need none of it

        return Http(self)


@contextlib.asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    forgets: bool = False,
    handlers: Sequence[Handler] = (),
    shared: Path | None = None,
) -> AsyncIterator[Service]:
    """Open (and on first use create) the data directory and everything over it.

    Only who ``forgets`` deletes old events, and sends traces: the server, whose settings are meant, and no
    command beside it. ``shared`` is the directory of several workers.
    """
    store = await open_store(settings, shared)
    try:
        tracing = tracing_of(settings) if forgets else None
        delivery = Delivery(settings, store, await store.secret("webhooks"), handlers, tracing)
        service = Service(settings, store, store, await store.secret("cursor"), delivery, tracing)
        background = asyncio.create_task(service.upkeep(forgets))
        journal = asyncio.create_task(service.journal.run())
        try:
            yield service
        finally:
            background.cancel()
            service.journal.close()
            await asyncio.wait((journal,))  # cancelled already if the event loop is ending
            await service.journal.flush()
            service.hasher.close()
            if "http" in vars(service):
                await service.http.close()
            await service.note_use()
            await delivery.sender.close()
            if tracing is not None:
                await asyncio.to_thread(tracing.close)
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def running_service(
    settings: Settings, handlers: Sequence[Handler] = (), shared: Path | None = None
) -> AsyncIterator[Service]:
    """A service with all its background jobs: what a server is, but for the server itself."""
    async with (
        open_service(settings, forgets=True, handlers=handlers, shared=shared) as service,
        service.delivery.running(),
        service.projecting.running(),
        service.http.sharing.running(),
    ):
        yield service
