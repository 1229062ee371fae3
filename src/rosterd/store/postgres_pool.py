"""Connections that are kept open and taken in turns, the one given back last first.

One that broke, or was left in the middle of something, is closed and not given to anybody. Whoever waits
longer than a connection takes to be made is told that the database is busy. Where the server gives no more
connections, those that are open have to do.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from rosterd.store.postgres_connect import Refused


class Pool:
    """At most so many connections of one process, each made by ``connect``."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], most: int, patience: float) -> None:
        self._connect = connect
        self._most = most
        self._patience = patience
        self._open = 0
        self._idle: list[Any] = []
        self._used: set[Any] = set()
        self._stale: set[Any] = set()
        self._waiting: deque[asyncio.Future[Any]] = deque()

    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._waiting)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Any]:
        """A connection while the context lasts. Raises ``TimeoutError``, and what connecting raises."""
        connection = await self._taken()
        self._used.add(connection)
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):  # in the middle of a statement, perhaps
            connection.terminate()
            raise
        finally:
            self._used.discard(connection)
            self._give_back(connection)

    def expire(self) -> None:
        """Close every connection, those in use when they are given back: they lead to the wrong server."""
        self._stale |= self._used
        self._close_idle()

    def abandon(self, error: Exception) -> None:
        """Close every connection, also under the hands of those that use them; who waits for one is told."""
        for connection in tuple(self._used):
            connection.terminate()
        self._close_idle()
        for place in self._waiting:
            if not place.done():
                place.set_exception(error)
        self._waiting.clear()

    async def close(self) -> None:
        """Close the connections; those in use, when they are given back."""
        self._stale |= self._used
        for connection in self._idle:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=self._patience)
        self._close_idle()

    async def _taken(self) -> Any:
        while True:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._open -= 1
            if self._open < self._most:
                try:
                    return await self._made()
                except Refused:
                    if not self._open:
                        raise
                    if self._idle:  # given back while it was asked, when nobody waited yet
                        continue
            connection = await self._handed()
            if connection is not None:
                return connection

    async def _made(self) -> Any:
        self._open += 1
        try:
            return await self._connect()
        except BaseException as error:
            self._open -= 1
            # Who is refused waits for those that are open; others who were told would ask in turns, for ever.
            if not (self._open and isinstance(error, Refused)):
                self._hand(None)
            raise

    async def _handed(self) -> Any:
        """What somebody gives back; ``None`` if there is room for another one."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._patience):
                return await place
        except BaseException:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.done() and not place.cancelled() and not place.exception():  # at the last moment
                self._give_back(place.result())
            raise

    def _give_back(self, connection: Any) -> None:
        if connection is not None:
            stale = connection in self._stale
            self._stale.discard(connection)
            if stale or connection.is_closed() or connection.is_in_transaction():
                connection.terminate()
                self._open -= 1
                connection = None
        if not self._hand(connection) and connection is not None:
            self._idle.append(connection)

    def _hand(self, connection: Any) -> bool:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(connection)
                return True
        return False

    def _close_idle(self) -> None:
        self._open -= len(self._idle)
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()
