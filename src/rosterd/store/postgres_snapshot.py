"""Snapshots: reads of one state, on connections of their own, each inside one transaction.

An open one keeps the engine from tidying up. So there are few at a time, and each ends after
``OPEN_SECONDS``, whether its reader has finished, reads slowly, or does not read at all.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_run import Database, Link, Row, errors
from rosterd.store.snapshot import MOST, OPEN_SECONDS

T = TypeVar("T")


class PostgresSnapshots:
    """Opens snapshots of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: set[object] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Link]:
        """Reads that all see one state. Raises ``StoreUnavailable`` if too many are open."""
        if len(self._open) >= MOST:
            raise StoreUnavailable("too many snapshots are being read")
        place = object()
        self._open.add(place)
        try:
            link = _Snapshot(await self._begun())
            timer = asyncio.get_running_loop().call_later(OPEN_SECONDS, self._end, place, link)
            try:
                yield link
            finally:
                timer.cancel()
                link.end()
        finally:
            self._open.discard(place)

    async def _begun(self) -> Any:
        connection = await self._database.beside(
            idle_in_transaction_session_timeout=str(OPEN_SECONDS * 1000), statement_timeout="0"
        )
        try:
            with errors():
                await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                await connection.execute("SELECT 1")  # the state is that of the first read
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _end(self, place: object, link: "_Snapshot") -> None:
        link.end()
        self._open.discard(place)


class _Snapshot(Link):
    """A connection inside its transaction; reads that come at once wait for each other."""

    __slots__ = ("_over", "_turn")

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._turn = asyncio.Lock()
        self._over = False

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        async with self._turn:
            if self._over:
                raise StoreUnavailable(f"a snapshot can be read for {OPEN_SECONDS} seconds; this one is over")
            with errors():
                return await super().fetch(text, parameters)

    async def one_state(self, work: Callable[[Link], Awaitable[T]]) -> T:
        return await work(self)

    def end(self) -> None:
        """Close it; whoever is reading is told that the database is away."""
        self._over = True
        self.connection.terminate()
