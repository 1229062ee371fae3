"""Snapshots: reads of one state, on connections of their own, each inside one transaction.

An open one keeps the write-ahead log from being reused. So there are few at a time, and each ends after
``OPEN_SECONDS``, whether its reader has finished, reads slowly, or does not read at all.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from rosterd.service.ports import StoreUnavailable
from rosterd.store.database import errors
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_run import Run

T = TypeVar("T")

MOST: Final = 4
"""The most snapshots open at a time."""
OPEN_SECONDS: Final = 600


class Snapshots:
    """Opens snapshots; their reads run in the threads of ``pool``."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], pool: Executor) -> None:
        self._connect = connect
        self._pool = pool
        self._open: set[object] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Run]:
        """Runs reads that all see one state. Raises ``StoreUnavailable`` if too many are open."""
        if len(self._open) >= MOST:
            raise StoreUnavailable("too many snapshots are being read")
        loop = asyncio.get_running_loop()
        place = object()
        self._open.add(place)
        try:
            held = await self._begun(loop)
            timer = loop.call_later(OPEN_SECONDS, self._end, place, held)
            try:
                yield self._run(held)
            finally:
                timer.cancel()
                held.end()
        finally:
            self._open.discard(place)

    async def _begun(self, loop: asyncio.AbstractEventLoop) -> "_Held":
        beginning = loop.run_in_executor(self._pool, _begin, self._connect)
        try:
            return await asyncio.shield(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(_abandon)
            raise

    def _end(self, place: object, held: "_Held") -> None:
        held.end()
        self._open.discard(place)

    def _run(self, held: "_Held") -> Run:
        async def run(work: Callable[[sqlite3.Connection], T], *, quick: bool) -> T:
            return await asyncio.get_running_loop().run_in_executor(self._pool, held.perform, work)

        return run


class _Held:
    """A connection inside its transaction; whoever is cancelled may leave a read behind in a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self._over = False

    def perform(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._turn, errors():
            if self._over:
                raise StoreUnavailable(f"a snapshot can be read for {OPEN_SECONDS} seconds; this one is over")
            return work(self._connection)

    def end(self) -> None:
        with self._turn:
            self._over = True
            self._connection.close()


def _begin(connect: Callable[[], sqlite3.Connection]) -> _Held:
    with errors():
        connection = connect()
        connection.execute("BEGIN")
        connection.execute(SQLITE["directories"]).fetchall()  # the state is that of the first read
        return _Held(connection)


def _abandon(beginning: "asyncio.Future[_Held]") -> None:
    """Nobody waits for it any more: close it once it is there."""
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().end()
