"""A directory's transaction while it is open: its lock, its numbers, and what is written at its end.

lock       the row of the directory's order, until COMMIT: transactions of one directory follow one another,
           in every process, so none sees half of another's, and events have the order of their commits
numbers    are given out and counted in memory, and written with the events by one statement at the end
known      what was looked up for many units at once, while nothing was written that may change it
waiting    changes that are certain to be written: all of a sort by one statement, before any other one
part       of it that is undone alone if it fails: a savepoint, made at the first statement that writes
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import asyncpg

from rosterd.scim.errors import InvalidValue
from rosterd.service.ahead import Ahead
from rosterd.service.events import Event
from rosterd.service.limits import Loss
from rosterd.service.ports import Stored, StoreUnavailable
from rosterd.service.standing import Standing
from rosterd.store.joining import Joining
from rosterd.store.postgres_arrays import numbers, texts
from rosterd.store.postgres_known import Known
from rosterd.store.postgres_run import Again, Link, Row, is_unavailable
from rosterd.store.postgres_waiting import Lost, Seating, Touch, Waiting, Write
from rosterd.store.rows import as_json

_SEQ: Final = "seq"


class Apart(Exception):
    """What was to be done for several units at once cannot be: each must be run, and undone, alone."""


@dataclass(slots=True)
class _Part:
    """A part that is under way."""

    mark: int
    """Where what waits to be written was at its beginning."""
    before: bool
    """``spoilt`` outside of it."""
    is_open: bool = False
    """Whether it has a savepoint."""


class _Mark(NamedTuple):
    """What was kept for the end at a moment."""

    last: int
    counts: dict[str, int]
    events: list[tuple[Any, ...]]
    told: int
    """How many of the events there were: more are added, and none is taken out."""
    standings: dict[int, Standing]
    losses: dict[int, Loss]
    revision: int | None
    end: int
    """Of what waits."""


class Held(Link):
    """One connection inside a transaction over one directory. For units of work, one after the other."""

    __slots__ = (
        "_begun", "_counts", "_events", "_last", "_parts", "counted", "directory", "governs", "known",
        "losses", "revision", "spoilt", "standings", "waiting", "wrote",
    )  # fmt: skip

    def __init__(self, connection: Any, directory: int) -> None:
        super().__init__(connection)
        self.directory = directory
        self.standings: dict[int, Standing] = {}
        self.losses: dict[int, Loss] = {}
        """Of connections that have a row of them."""
        self.counted: dict[str, int] = {}
        """Numbers as they were before what is kept in memory."""
        self.revision: int | None = None
        """Of what the directory defines, if that was asked for."""
        self.spoilt = False
        """Whether something was written, or failed, that only the engine can undo."""
        self.wrote = False
        """Whether something that waited was written, whoever's it was."""
        self.governs = False
        """Whether what credentials say was changed: a standing, definitions, or whatever has an entry."""
        self._last = 0
        self._counts: dict[str, int] = {}
        self._events: list[tuple[Any, ...]] = []
        self._parts: list[_Part] = []
        self.known = Known()
        self.waiting = Waiting()
        self._begun = 0
        """Where what waits was when the present unit began; what is before belongs to others."""

    async def lock(self) -> None:
        """Wait until no other transaction writes to the directory."""
        while (row := await self.row("lock_directory", self.directory)) is None:
            if not await self.change("begin_directory", self.directory):
                await self._must_be_there()
        self._last = row[0]
        self.spoilt = False

    async def _must_be_there(self) -> None:
        """Raise ``StoreUnavailable`` for a directory that was deleted, which has no order any more."""
        row = await self.row("is_removed", self.directory)
        if row is not None and row[0]:
            raise StoreUnavailable("the directory was deleted")

    def begin(self) -> _Mark:
        """A unit begins, that is undone alone."""
        self.spoilt = False
        self._begun = self.waiting.end
        return self._mark()

    def back(self, mark: _Mark) -> None:
        """Forget what was kept for the end since then; what only the engine can undo is the caller's."""
        self._last, self._counts, self._events, told, self.standings, self.losses, self.revision, end = mark
        self.counted = {}
        del self._events[told:]
        if self.spoilt or self.waiting.end > end:
            self.waiting.cut(end)
            self.known.forget()

    def last(self) -> int:
        """The newest number of the directory."""
        return self._last + self._counts.get(_SEQ, 0)

    def next(self) -> int:
        """Another number."""
        self._counts[_SEQ] = given = self._counts.get(_SEQ, 0) + 1
        return self._last + given

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
        await self.flush()
        if not self._events and not self._counts:
            return
        counts = {name: by for name, by in self._counts.items() if by}
        await self._open_parts()
        self.spoilt = True
        await self.change("finish", self.directory, *ending(self._events, counts))
        self._last = self.last()
        self._counts, self._events, self.counted = {}, [], {}

    async def fetch(self, text: str, parameters: Sequence[Any]) -> list[Row]:
        await self.flush()
        try:
            return await super().fetch(text, parameters)
        except asyncpg.PostgresError as error:
            self._failed(error)
            raise

    async def change(self, name: str, *parameters: Any) -> int:
        await self.flush()
        try:
            return await super().change(name, *parameters)
        except asyncpg.PostgresError as error:
            self._failed(error)
            raise

    async def put(self, name: str, *parameters: Any) -> int:
        """Run a statement that writes; how many rows it changed."""
        await self.writing(name)
        return await self.change(name, *parameters)

    async def returned(self, name: str, *parameters: Any) -> list[Row]:
        """Run a statement that writes, and give what it returns."""
        await self.writing(name)
        return await self.rows(name, *parameters)

    def later(self, write: Write) -> None:
        """Write a resource before the next statement; it is certain that it can be written."""
        self.waiting.add(write)
        if write.new:
            self.known.made(write.row)
        else:
            self.known.changed(write.row)

    def seat(self, group: str, put: Joining) -> None:
        """The same for members of whom is known what they were to the group."""
        seats = self.known.seats
        for value, display in put.members:
            self.waiting.add(Seating(False, group, value, True, display))
            seats.join(group, value, display)
        for value, display in put.waiting:
            self.waiting.add(Seating(True, group, value, True, display))
            seats.wait(group, value, display)
        self._drop(group, put.arrived)
        if put.members:
            self.known.joined()
        if put.waiting:
            self.known.announced()

    def unseat(self, group: str, members: Iterable[str], pending: Iterable[str]) -> None:
        """The same for members and pending values that are removed."""
        for value in members:
            self.waiting.add(Seating(False, group, value, False))
            self.known.seats.leave(group, value)
        self.known.joined()
        self._drop(group, pending)

    def _drop(self, group: str, pending: Iterable[str]) -> None:
        for value in pending:
            self.waiting.add(Seating(True, group, value, False))
            self.known.seats.drop(group, value)

    def lose(self, connection: int, loss: Loss) -> None:
        """The same for what a connection that has a row of it has taken away."""
        self.losses[connection] = loss
        self.waiting.add(Lost(connection, loss))

    def touch(self, row: Stored, modified: int) -> int:
        """The same for the version of a resource that is known to live."""
        version = row.version + 1
        self.waiting.add(Touch(row.id, version, modified))
        self.known.touched(row.kind, row.id, version, modified)
        return version

    async def flush(self) -> None:
        """Write what waits. Raises ``Apart`` if it could not be written after all."""
        if self.waiting:
            await self._open_parts()
            await self._write_waiting(self.waiting.end)

    async def look(self, several: Sequence[Ahead]) -> None:
        """Look up what units are going to look for. Raises ``Apart`` if they must do it themselves."""
        try:
            await self.known.look(self, self.directory, several)
        except Exception as error:
            if is_unavailable(error) or isinstance(error, Again):
                raise
            raise Apart from error

    async def _write_waiting(self, end: int) -> None:
        """Write what waits, up to a mark."""
        if end <= self.waiting.begin:
            return
        self.wrote = True
        if end > self._begun:
            self.spoilt = True
        try:
            await self.waiting.write(Link(self.connection), self.directory, end)
        except Exception as error:
            self.spoilt = True
            if is_unavailable(error) or isinstance(error, Again):
                raise
            raise Apart from error

    def _mark(self) -> _Mark:
        return _Mark(
            self._last,
            self._counts.copy(),
            self._events,
            len(self._events),
            self.standings.copy(),
            self.losses.copy(),
            self.revision,
            self.waiting.end,
        )

    @asynccontextmanager
    async def part(self, *, apart: bool = False) -> AsyncIterator[None]:
        """Undo what happens inside, and only that, if it raises.

        ``apart``: also if what fails is a look, after which the engine takes nothing without a savepoint.
        """
        depth = len(self._parts)
        mark = self._mark()
        part = _Part(mark.end, self.spoilt)
        self.spoilt = False
        self._parts.append(part)
        try:
            if apart:
                await self._open_parts()
            yield
        except BaseException:
            self.back(mark)
            if part.is_open:
                await self.connection.execute(f"ROLLBACK TO SAVEPOINT part{depth}")
                await self.connection.execute(f"RELEASE SAVEPOINT part{depth}")
                self.spoilt = False
            raise
        else:
            if part.is_open:
                await self.connection.execute(f"RELEASE SAVEPOINT part{depth}")
        finally:
            del self._parts[depth:]
            self.spoilt = self.spoilt or part.before

    def _failed(self, error: asyncpg.PostgresError) -> None:
        """Note a statement that fails: until a savepoint or the beginning, the engine takes no other.

        Raises ``InvalidValue`` if a value is at fault.
        """
        self.spoilt = True
        if isinstance(error, asyncpg.ProgramLimitExceededError):
            raise InvalidValue(
                "a value that others look it up by is longer than about 2,600 bytes"
            ) from error

    async def writing(self, name: str) -> None:
        """A statement follows that writes."""
        await self._open_parts()
        self.spoilt = True
        self.known.wrote(name)

    async def _open_parts(self) -> None:
        for depth, part in enumerate(self._parts):
            if not part.is_open:
                inside, self.spoilt = self.spoilt, part.before
                await self._write_waiting(part.mark)  # it is not of this part, and must outlive it
                part.before, self.spoilt = self.spoilt, inside
                await self.connection.execute(f"SAVEPOINT part{depth}")
                part.is_open = True


def ending(events: Sequence[tuple[Any, ...]], counts: Mapping[str, int]) -> tuple[Any, ...]:
    """What ``finish`` takes besides the directory: rows of events, and by how much numbers are more."""
    seq, *named, at, by, request, data = zip(*events, strict=True) if events else [()] * 8
    told = numbers(seq), *map(texts, named), numbers(at), numbers(by), texts(request), data
    return *told, list(counts), list(counts.values())
