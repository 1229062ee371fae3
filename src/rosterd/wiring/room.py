"""Whether the database has room for the connections that all workers of one machine may open."""

from typing import Final

import structlog

from rosterd.service.measures import Measured
from rosterd.store.snapshot import MOST as SNAPSHOTS
from rosterd.wiring.settings import Settings

_log = structlog.get_logger("rosterd")

_BESIDE: Final = 1 + SNAPSHOTS
"""Connections of a process beside its pool: the one that listens, and those of snapshots."""

ROOM: Final = (
    "lower ROSTERD_DATABASE_CONNECTIONS or ROSTERD_WORKERS, or raise max_connections of PostgreSQL; other "
    "machines need room too"
)
"""What to do if there is not enough."""


def wanted(settings: Settings) -> int:
    """How many connections there may be; while several workers are replaced there is one more of them."""
    processes = settings.workers + (settings.workers > 1)
    return processes * (settings.database_connections + _BESIDE)


async def warn(settings: Settings, store: Measured) -> None:
    """Say in the log if there is not that much room. Raises ``StoreUnavailable``."""
    room, need = await store.room(), wanted(settings)
    if room is not None and need > room:
        _log.warning("too many connections to PostgreSQL may be wanted", wanted=need, room=room, fix=ROOM)
