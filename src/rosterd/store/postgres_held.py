"""A directory's transaction while it is open: its lock, its numbers, and what is written at its end.

lock       the row of the directory's order, until COMMIT: transactions of one directory follow one another,
           in every process, so none sees half of another's, and events have the order of their commits
numbers    are given out and counted in memory, and written with the events by one statement at the end
part       of it that is undone alone if it fails: a savepoint, made at the first statement that writes
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import asyncpg

from rosterd.scim.errors import InvalidValue
from rosterd.service.events import Event
from rosterd.service.standing import Standing
from rosterd.store.postgres_run import Link, Row
from rosterd.store.rows import as_json

_SEQ: Final = "seq"


class Held(Link):
    """One connection inside a transaction over one directory. For units of work, one after the other."""

    __slots__ = ("_counts", "_events", "_last", "_open", "directory", "spoilt", "standings")

    def __init__(self, connection: Any, directory: int) -> None:
        super().__init__(connection)
        self.directory = directory
        self.standings: dict[int, Standing] = {}
        self.spoilt = False
        """Whether something was written, or failed, that only the engine can undo."""
        self._last = 0
        self._counts: dict[str, int] = {}
        self._events: list[tuple[Any, ...]] = []
        self._open: list[bool] = []

    async def lock(self) -> None:
        """Wait until no other transaction writes to the directory."""
        while (row := await self.row("lock_directory", self.directory)) is None:
            await self.change("begin_directory", self.directory)
        self._last = row[0]
        self.spoilt = False

    def last(self) -> int:
        """The newest number of the directory."""
        return self._last + self._counts.get(_SEQ, 0)

    def next(self) -> int:
        """Another number."""
        self.add(_SEQ, 1)
        return self.last()

    def add(self, name: str, by: int) -> None:
        """Add to a number that is kept."""
        self._counts[name] = self._counts.get(name, 0) + by

    def added(self, name: str) -> int:
        """What was added to a number and is not written yet."""
        return self._counts.get(name, 0)

    def tell(self, event: Event) -> int:
        """Give an event its number, and keep it for the end."""
        seq = self.next()
        self._events.append(
            (
                seq, event.type, event.kind, event.resource, event.at, event.connection, event.request_id,
                as_json(event.data),
            )
        )  # fmt: skip
        return seq

    async def finish(self) -> None:
        """Write what was kept for the end, if anything; also when it is to be read before that."""
        if not self._events and not self._counts:
            return
        columns = list(zip(*self._events, strict=True)) or [()] * 8
        counts = {name: by for name, by in self._counts.items() if by}
        await self.put("finish", self.directory, *columns, list(counts), list(counts.values()))
        self._last = self.last()
        self._counts, self._events = {}, []

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        with self._watched():
            return await super().fetch(text, parameters)

    async def change(self, name: str, *parameters: Any) -> int:
        with self._watched():
            return await super().change(name, *parameters)

    async def put(self, name: str, *parameters: Any) -> int:
        """Run a statement that writes; how many rows it changed."""
        await self._open_parts()
        self.spoilt = True
        return await self.change(name, *parameters)

    async def returned(self, name: str, *parameters: Any) -> list[Row]:
        """Run a statement that writes, and give what it returns."""
        await self._open_parts()
        self.spoilt = True
        return await self.rows(name, *parameters)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Forget what was kept for the end, if what happens inside raises; the rest is the caller's."""
        kept = (self._last, dict(self._counts), list(self._events), dict(self.standings))
        try:
            yield
        except BaseException:
            self._last, self._counts, self._events, self.standings = kept
            raise

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """Undo what happens inside, and only that, if it raises."""
        depth = len(self._open)
        before, self.spoilt = self.spoilt, False
        self._open.append(False)
        try:
            async with self.kept():
                yield
        except BaseException:
            if self._open[depth]:
                await self.connection.execute(f"ROLLBACK TO SAVEPOINT part{depth}")
                await self.connection.execute(f"RELEASE SAVEPOINT part{depth}")
                self.spoilt = False
            raise
        else:
            if self._open[depth]:
                await self.connection.execute(f"RELEASE SAVEPOINT part{depth}")
        finally:
            del self._open[depth:]
            self.spoilt = self.spoilt or before

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note a statement that fails: until a savepoint or the beginning, the engine takes no other."""
        try:
            yield
        except asyncpg.ProgramLimitExceededError as error:
            self.spoilt = True
            raise InvalidValue(
                "a value that others look it up by is longer than about 2,600 bytes"
            ) from error
        except asyncpg.PostgresError:
            self.spoilt = True
            raise

    async def _open_parts(self) -> None:
        for depth, is_open in enumerate(self._open):
            if not is_open:
                await self.connection.execute(f"SAVEPOINT part{depth}")
                self._open[depth] = True
