"""Looks at single resources, by id, unique value or externalId, wanted at once become one statement.

turn      what is asked for in one turn of the event loop goes together at its end
flights   while so many statements are under way, what comes waits for one of them to end, and goes together
fault     of a statement is everybody's who waits for it

A statement is sent after the last of those who wait for it has asked, so nobody is told what is older.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from rosterd.service.ports import Page, Query
from rosterd.store.dialect_postgres import Postgres
from rosterd.store.listing import Found, single, with_one
from rosterd.store.postgres_reader import Key, PostgresReader, with_groups
from rosterd.store.postgres_run import Reads

FLIGHTS: Final = 2
"""Statements of one directory and kind at a time."""

Waiter = asyncio.Future[list[Found]]


class Together:
    """Those who wait for resources of one directory and kind."""

    def __init__(self, reads: Reads, directory: int, kind: str, idle: Callable[[], object]) -> None:
        self._reads = reads
        self._directory = directory
        self._kind = kind
        self._idle = idle
        self._wanted: dict[Key, list[Waiter]] = {}
        self._due = False
        self._flights: set[asyncio.Task[None]] = set()

    def get(self, key: Key) -> Waiter:
        """What is live under the key."""
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        self._wanted.setdefault(key, []).append(waiter)
        if not self._due and len(self._flights) < FLIGHTS:
            self._due = True
            loop.call_soon(self._depart)
        return waiter

    def _depart(self) -> None:
        self._due = False
        wanted, self._wanted = self._wanted, {}
        flight = asyncio.get_running_loop().create_task(self._ask(wanted))
        self._flights.add(flight)
        flight.add_done_callback(self._arrived)

    def _arrived(self, flight: "asyncio.Task[None]") -> None:
        self._flights.discard(flight)
        if self._due:
            return
        if self._wanted:
            self._due = True
            asyncio.get_running_loop().call_soon(self._depart)
        elif not self._flights:
            self._idle()

    async def _ask(self, wanted: dict[Key, list[Waiter]]) -> None:
        try:
            found = await with_groups(self._reads, self._directory, self._kind, wanted)
        except BaseException as error:
            for same in wanted.values():
                for waiter in same:
                    if not waiter.done():
                        waiter.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for key, same in wanted.items():
            for waiter in same:
                if not waiter.done():
                    waiter.set_result(found[key])


class Gathered:
    """All who wait, of one process."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._by_kind: dict[tuple[int, str], Together] = {}

    def get(self, directory: int, kind: str, key: Key) -> Waiter:
        """What is live under the key."""
        whose = (directory, kind)
        together = self._by_kind.get(whose)
        if together is None:
            together = Together(self._reads, directory, kind, lambda: self._by_kind.pop(whose, None))
            self._by_kind[whose] = together
        return together.get(key)


class GatheredReader(PostgresReader):
    """A reader outside of any transaction, whose looks at single resources go together with others'."""

    __slots__ = ("_gathered",)

    def __init__(self, reads: Reads, gathered: Gathered, directory: int, words: Postgres) -> None:
        self._reads = reads
        self._directory = directory
        self._words = words
        self._gathered = gathered

    async def get_with_groups(self, kind: str, id: str) -> Found | None:
        found = await self._gathered.get(self._directory, kind, (None, id, None))
        return found[0] if found else None

    async def search(self, query: Query) -> Page:
        wanted = single(query)
        if wanted is None or (wanted[1] is None and query.connection is None):
            return await super().search(query)
        kind, attribute, value = wanted
        key = (
            (None, value, query.connection)
            if attribute is None
            else (attribute, self._words.entry(value), None)
        )
        found = await self._gathered.get(self._directory, kind, key)
        if len(found) > 1:  # there may be any number with this externalId
            return await super().search(query)
        return with_one(query, found)
