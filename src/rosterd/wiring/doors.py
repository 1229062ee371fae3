"""How much clients may take of a server, and the connections that they have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rosterd.wiring.cycle import Opening
from rosterd.wiring.outbox import Outbox


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a client may take, and how slow it may be."""

    connections: int = 900
    head_bytes: int = 65_536
    head_seconds: float = 20.0
    body_bytes: int = 4096
    body_seconds: float = 20.0
    reply_seconds: float = 60.0
    look_seconds: float = 1.0


class Doors:
    """The connections of one server, and why some were ended."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.turned_away = dict.fromkeys(("connections", "head", "slow head", "slow body", "slow reply"), 0)
        self.connections: Iterable[Any] = ()
        """uvicorn's own set, once it serves."""
        self.outbox = Outbox()
        self.opening = Opening()
        self.closing = False
        """Whether every reply asks the client to close the connection."""
        self.changed: Callable[[], None] = _nothing
        """Called when there is a connection more or fewer."""

    def open(self) -> int:
        """How many are open."""
        return len(tuple(self.connections))

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """End slow connections for as long as the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self.bounds.look_seconds)
            for connection in tuple(self.connections):
                connection.look(clock())
