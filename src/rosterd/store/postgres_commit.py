"""Group commit: the units that wait for one directory become one durable transaction, each undone alone.

batch        BEGIN, the directory's lock, the units in order of arrival, their events, COMMIT
failure      of a unit that wrote nothing undoes nothing; else the batch is run again from the start, with a
             savepoint for each unit, so that what nearly never happens costs nothing when it does not
answer       a unit is answered after the COMMIT, never before
news         what is to be done once a directory has changed, even if the callers have gone; ``governed`` once
             that may be true of what credentials say, whatever came of COMMIT
pressure     more than ``WAITING`` units are refused; a unit whose caller has gone is not begun; those that
             wait behind a transaction that took ``PATIENCE`` and failed, or got no connection, fail with it
room         half of the pool's connections are left to readers
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final, TypeVar

from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.measures import Load
from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_held import Apart, Held
from rosterd.store.postgres_run import (
    COMMIT_SECONDS,
    CONNECTIONS,
    Again,
    Database,
    Link,
    is_unavailable,
    repeated,
    transact,
)

T = TypeVar("T")

WAITING: Final = 4096
BATCH_UNITS: Final = 64
BATCH_SECONDS: Final = 0.025
KNOWN_SECONDS: Final = 0.2
"""For units of which is known what they look for: later, it would have to be looked up again."""
PATIENCE: Final = 2.0

Work = Callable[[Held], Awaitable[T]]


@dataclass(slots=True, eq=False)
class _Unit:
    """A unit of work, and what came of it."""

    work: Work[Any]
    future: "asyncio.Future[Any]"
    ahead: Ahead = UNKNOWN
    value: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        """Tell the caller, if it still waits."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Committer:
    """Runs units of work. Each directory with any has a task of its own, which ends with the last of them."""

    def __init__(
        self,
        database: Database,
        news: Callable[[int], None],
        governed: Callable[[], None],
        waiting: int = WAITING,
        room: int = CONNECTIONS,
    ) -> None:
        self._database = database
        self._news = news
        self._governed = governed
        self._limit = waiting
        self._room = asyncio.Semaphore(max(1, room // 2))
        self._queues: dict[int, deque[_Unit]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._closing = False
        self.load = Load(waiting=lambda: self._waiting, reads=database.waiting)

    async def submit(self, directory: int, work: Work[T], ahead: Ahead = UNKNOWN) -> T:
        """Run ``work`` in a transaction; its value, once that is durable. ``ahead`` is what it looks for.

        Raises what ``work`` raises, then nothing of it is kept, and ``StoreUnavailable``.
        """
        if self._closing:
            raise StoreUnavailable("the database is being closed")
        if self._waiting >= self._limit:
            self.load.refused += 1
            raise StoreUnavailable("too many changes wait to be written")
        unit = _Unit(work, asyncio.get_running_loop().create_future(), ahead)
        self._waiting += 1
        queue = self._queues.get(directory)
        if queue is None:
            queue = self._queues[directory] = deque()
            task = asyncio.create_task(self._run(directory, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.append(unit)
        value: T = await unit.future
        return value

    async def close(self) -> None:
        """Accept nothing more, and finish what was accepted."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, directory: int, queue: deque[_Unit]) -> None:
        while queue:
            batch: list[_Unit] = []
            began = time.monotonic()
            try:
                async with self._place():
                    wrote = await self._batch(directory, queue, batch)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the others must be answered
                self._fail(error, batch)
                if not batch or time.monotonic() - began > PATIENCE:  # the others need not wait as long
                    self._waiting -= len(queue)
                    rest = list(queue)
                    queue.clear()
                    self._fail(StoreUnavailable(str(error)), rest)
                    batch += rest
                wrote = False
            if wrote:
                self._news(directory)
            for unit in batch:
                unit.answer()
        del self._queues[directory]

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Among the directories that are written to at once. Raises ``TimeoutError`` if there is none."""
        async with asyncio.timeout(COMMIT_SECONDS):
            await self._room.acquire()
        try:
            yield
        finally:
            self._room.release()

    def _fail(self, error: BaseException, units: list[_Unit]) -> None:
        """Nothing of these is kept, or nobody can say whether all of it is."""
        if not isinstance(error, StoreUnavailable):
            error = StoreUnavailable(f"the database cannot be used at present: {error!r}")
        self.load.failed += len(units)
        for unit in units:
            unit.value, unit.error = None, error

    async def _batch(self, directory: int, queue: deque[_Unit], batch: list[_Unit]) -> bool:
        """Carry out one transaction; whether it wrote anything."""
        apart = False

        async def attempt() -> bool:
            async with self._database.link() as link:
                return await self._transact(link, directory, queue, batch, apart)

        try:
            return await repeated(attempt)
        except Apart:
            apart = True
            return await repeated(attempt)

    async def _transact(
        self, link: Link, directory: int, queue: deque[_Unit], batch: list[_Unit], apart: bool
    ) -> bool:
        wrote = governs = False
        began = worked = time.monotonic()

        async def work(link: Link) -> None:
            nonlocal wrote, governs, worked
            held = Held(link.connection, directory)
            await held.lock()
            locked = time.monotonic()
            looked: set[_Unit] = set()
            since = BATCH_UNITS  # so many units were served by what was looked up last

            def known(unit: _Unit) -> bool:
                return held.known.is_on and unit in looked

            def fits(unit: _Unit) -> bool:
                return time.monotonic() < locked + (KNOWN_SECONDS if known(unit) else BATCH_SECONDS)

            for unit in chain(list(batch), self._more(queue, batch, fits)):
                if not apart and not known(unit):
                    # Where each unit makes all uncertain, it is looked up for few; else soon for all again.
                    near = [unit, *islice(queue, min(2 * since, BATCH_UNITS))]
                    looked.update(near)
                    since = 0
                    await held.look([one.ahead for one in near])
                since += 1
                if not unit.future.cancelled():
                    await _perform(held, unit, apart)
            await held.finish()
            wrote, governs = held.spoilt or held.wrote, held.governs
            worked = time.monotonic()

        try:
            await transact(link, work)
        finally:
            if governs:
                self._governed()
        load = self.load
        load.jobs.add(len(batch))
        load.work.add(worked - began)
        if wrote:
            load.sync.add(time.monotonic() - worked)
        return wrote

    def _more(
        self, queue: deque[_Unit], batch: list[_Unit], fits: Callable[[_Unit], bool]
    ) -> Iterator[_Unit]:
        """Those that wait, and those that come while these are carried out, as long as they fit in."""
        while queue and (not batch or (len(batch) < BATCH_UNITS and fits(queue[0]))):
            self._waiting -= 1
            batch.append(queue.popleft())
            yield batch[-1]


async def _perform(held: Held, unit: _Unit, apart: bool) -> None:
    """Run a unit; if it fails, it alone is undone. Raises ``Apart`` if that cannot be."""
    unit.value = unit.error = None
    before = held.spoilt
    mark = None if apart else held.begin()
    try:
        if mark is None:
            async with held.part(apart=True):
                unit.value = await unit.work(held)
        else:
            unit.value = await unit.work(held)
            held.spoilt = held.spoilt or before
    except Exception as error:
        if is_unavailable(error) or isinstance(error, Again | Apart):
            raise  # the whole transaction is lost
        if mark is not None:
            held.back(mark)
            if held.spoilt:
                raise Apart from error
        held.spoilt = before
        unit.error = error
