"""Looks at single resources that are wanted at the same time become one statement of their directory.

turn      what is asked for in one turn of the event loop goes together at its end
flights   while so many statements are under way, what comes waits for one of them to end, and goes together
fault     of a statement is everybody's who waits for it

A statement is sent after the last of those who wait for it has asked, so nobody is told what is older.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from rosterd.service.ports import Membership, Stored
from rosterd.store.dialect_postgres import Postgres
from rosterd.store.postgres_reader import PostgresReader, with_groups
from rosterd.store.postgres_run import Reads

FLIGHTS: Final = 2
"""Statements of one directory and kind at a time."""

Found = tuple[Stored, tuple[Membership, ...]] | None
Waiter = asyncio.Future[Found]


class Together:
    """Those who wait for resources of one directory and kind."""

    def __init__(self, reads: Reads, directory: int, kind: str, idle: Callable[[], object]) -> None:
        self._reads = reads
        self._directory = directory
        self._kind = kind
        self._idle = idle
        self._wanted: dict[str, list[Waiter]] = {}
        self._due = False
        self._flights: set[asyncio.Task[None]] = set()

    async def get(self, id: str) -> Found:
        """See ``Reader.get_with_groups``."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(id, []).append(waiter)
        self._schedule()
        return await waiter

    def _schedule(self) -> None:
        if self._wanted and not self._due and len(self._flights) < FLIGHTS:
            self._due = True
            asyncio.get_running_loop().call_soon(self._depart)

    def _depart(self) -> None:
        self._due = False
        wanted, self._wanted = self._wanted, {}
        flight = asyncio.get_running_loop().create_task(self._ask(wanted))
        self._flights.add(flight)
        flight.add_done_callback(self._arrived)

    def _arrived(self, flight: "asyncio.Task[None]") -> None:
        self._flights.discard(flight)
        self._schedule()
        if not self._flights and not self._due:
            self._idle()

    async def _ask(self, wanted: dict[str, list[Waiter]]) -> None:
        waiters = [waiter for same in wanted.values() for waiter in same]
        try:
            found = await with_groups(self._reads, self._directory, self._kind, list(wanted))
        except BaseException as error:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for id, same in wanted.items():
            for waiter in same:
                if not waiter.done():
                    waiter.set_result(found.get(id))


class Gathered:
    """All who wait, of one process."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._by_kind: dict[tuple[int, str], Together] = {}

    async def get(self, directory: int, kind: str, id: str) -> Found:
        """See ``Reader.get_with_groups``."""
        key = (directory, kind)
        together = self._by_kind.get(key)
        if together is None:
            together = Together(self._reads, directory, kind, lambda: self._by_kind.pop(key, None))
            self._by_kind[key] = together
        return await together.get(id)


class GatheredReader(PostgresReader):
    """A reader outside of any transaction, whose looks at single resources go together with others'."""

    __slots__ = ("_gathered",)

    def __init__(self, reads: Reads, gathered: Gathered, directory: int, words: Postgres) -> None:
        super().__init__(reads, directory, words)
        self._gathered = gathered

    async def get_with_groups(self, kind: str, id: str) -> Found:
        return await self._gathered.get(self._directory, kind, id)
