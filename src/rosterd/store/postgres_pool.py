"""Connections that are kept open and taken in turns, the one given back last first.

One that broke, or was left in the middle of something, is closed and not given to anybody. Whoever waits
longer than a connection takes to be made is told that the database is busy. Where the server gives no more
connections, those that are open have to do.

An era ends when all connections shall be closed. Each belongs to the era in which making it began, and is
closed wherever it turns up in another one: given back, handed over, or only now made.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_connect import Refused


class Pool:
    """At most so many connections of one process, each made by ``connect``."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], most: int, patience: float) -> None:
        self._connect = connect
        self._most = most
        self._patience = patience
        self._open = 0
        """Those that are being made are among them."""
        self._era = 0
        self._eras: dict[Any, int] = {}
        """The era of each connection that is made and not closed."""
        self._idle: list[Any] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._refused = ""

    def waiting(self) -> int:
        """How many wait for a connection."""
        return len(self._waiting)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Any]:
        """A connection while the context lasts.

        Raises ``TimeoutError``, ``StoreUnavailable`` while everybody is refused, and what connecting raises.
        """
        connection = await self._taken()
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):  # in the middle of a statement, perhaps
            connection.terminate()
            raise
        finally:
            self._give_back(connection)

    def expire(self) -> None:
        """Close every connection, those in use when they are given back: they lead to the wrong server."""
        self._era += 1
        idle, self._idle = self._idle, []
        for connection in idle:
            self._drop(connection)

    def refuse(self, why: str) -> None:
        """Close every connection, also under the hands of those that use them, and refuse everybody."""
        self._turn_away(why)
        for connection in tuple(self._eras):
            connection.terminate()

    def admit(self) -> None:
        """Refuse nobody any more."""
        self._refused = ""

    async def close(self) -> None:
        """Refuse everybody, and close the connections; those in use, when they are given back."""
        idle, self._idle = self._idle, []
        self._turn_away("the database is being closed")
        try:
            for connection in idle:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await connection.close(timeout=self._patience)
        finally:
            for connection in idle:
                self._drop(connection)

    def _turn_away(self, why: str) -> None:
        self._refused = why
        self.expire()
        for place in self._waiting:
            if not place.done():
                place.set_exception(StoreUnavailable(why))
        self._waiting.clear()

    async def _taken(self) -> Any:
        while True:
            if self._refused:
                raise StoreUnavailable(self._refused)
            while self._idle:
                connection = self._idle.pop()
                if self._is_good(connection):
                    return connection
            connection = await (self._made() if self._open < self._most else self._handed())
            if connection is not None and self._is_good(connection):
                return connection

    async def _made(self) -> Any:
        """A new one, or what is given back if the server gives no more; ``None``: look again."""
        era = self._era
        self._open += 1
        try:
            connection = await self._connect()
        except BaseException as error:
            self._open -= 1
            # Who is refused waits for those that are open; others who were told would ask in turns, for ever.
            if not (self._open and isinstance(error, Refused)):
                self._hand(None)
                raise
        else:
            self._eras[connection] = era
            return connection
        return None if self._idle or self._refused else await self._handed()

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
        if connection is not None and (not self._is_good(connection) or connection.is_in_transaction()):
            self._drop(connection)
            connection = None
        if not self._hand(connection) and connection is not None:
            self._idle.append(connection)

    def _is_good(self, connection: Any) -> bool:
        """Whether it can be given to somebody; one that cannot is closed."""
        good = self._eras.get(connection) == self._era and not connection.is_closed()
        if not good:
            self._drop(connection)
        return good

    def _drop(self, connection: Any) -> None:
        connection.terminate()
        if self._eras.pop(connection, None) is not None:
            self._open -= 1

    def _hand(self, connection: Any) -> bool:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(connection)
                return True
        return False
