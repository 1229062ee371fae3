"""Group commit: one thread writes; all the jobs that wait become one durable transaction.

job          work with a connection, inside a savepoint, or a unit of a directory (sqlite_held.py); if it
             raises, it alone is undone
batch        once it is this process's turn (write_lock.py): BEGIN IMMEDIATE, the jobs in order of arrival,
             what they left for the end, COMMIT with one sync
gather       those who were answered together come again together, so a moment is left to them: a batch costs
             nearly the same whether it is of two or of twenty
apart        what cannot be written for many units at once is rolled back, and the batch run again one by one
answer       a job is answered after the COMMIT, never before; a job that failed, with its error
ring         for the directories of the units that are durable, even if their callers have gone
failure      of BEGIN or COMMIT: every job of the batch fails with ``StoreUnavailable``, nothing is kept; with
             ``OutcomeUnknown`` if the log was written, as who opens the file next may find it whole
chore        what is left for later: done when nobody has come for a moment, or has been put off too often
pressure     more than ``WAITING`` jobs are refused; a job whose caller has gone is not begun
close        finishes what was accepted
"""

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from rosterd.service.ahead import Ahead
from rosterd.service.measures import Load
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable, Writer
from rosterd.store.checkpoints import Checkpoints
from rosterd.store.database import is_unavailable, is_unwritten, patience, unavailable
from rosterd.store.sqlite_held import Apart, Held
from rosterd.store.sqlite_writer import SqliteWriter
from rosterd.store.unit import perform
from rosterd.store.write_lock import WriteLock

T = TypeVar("T")

WAITING: Final = 4096
BATCH_JOBS: Final = 256
BATCH_SECONDS: Final = 0.025
NEAR_JOBS: Final = 63
AGAIN_JOBS: Final = 15
"""For how many more is looked at once; and once more, when something was written that made all uncertain."""
GATHER_SECONDS: Final = 0.0005
IDLE_SECONDS: Final = 0.2
CHORE_BUSY_MS: Final = 100
"""How long a chore waits for others, as changes that come meanwhile wait for it."""


class _Job:
    """What is to be done, and what came of it."""

    __slots__ = ("error", "future", "loop", "value", "work")

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[Any], Any]) -> None:
        self.loop = loop
        self.work = work
        """Takes the connection."""
        self.future: asyncio.Future[Any] = loop.create_future()
        self.value: Any = None
        self.error: BaseException | None = None

    def alone(self, connection: sqlite3.Connection) -> Any:
        """Carry it out by itself; if it raises, the savepoint around it must be rolled back."""
        return self.work(connection)

    def answer(self) -> None:
        """Tell the caller, if it still waits; on its own loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class _Unit(_Job):
    """A unit of work of a directory, and what it is going to look for."""

    __slots__ = ("ahead", "directory", "sight")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, directory: int, work: Callable[[Writer], Awaitable[Any]],
        ahead: Ahead,
    ) -> None:  # fmt: skip
        super().__init__(loop, work)
        self.directory = directory
        self.ahead = ahead
        self.sight: object = None
        """In which what it is going to look for was looked up."""

    def alone(self, connection: sqlite3.Connection) -> Any:
        held = Held(connection, self.directory)
        value = perform(self.work, SqliteWriter(held))
        held.keep()
        held.finish()
        return value


class GroupCommit:
    """The writer thread. It owns ``connection`` from now on, and closes it at the end."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: WriteLock,
        waiting: int = WAITING,
        chore: Callable[[sqlite3.Connection], bool] = lambda _: False,
        ring: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``chore`` does a portion in a transaction of its own, and says whether more may be left.

        ``ring`` is told each directory that was written to by units, on the loops of their callers.
        """
        self._connection = connection
        self._lock = lock
        self._limit = waiting
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._taken: deque[_Job | None] = deque()
        """Out of the queue, and not begun."""
        self._closing = False
        self._over = False
        self._door = threading.Lock()
        self._came = 1
        """How many jobs the last batch had."""
        self._checkpoints = Checkpoints(connection, lock)
        self._chore = chore
        self._ring = ring
        self._chores_left = True
        self.load = Load(waiting=self._waiting)
        self._thread = threading.Thread(target=self._run, name="rosterd-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; its value, once that is durable.

        Raises what ``work`` raises, then nothing of it is kept, and ``StoreUnavailable``.
        """
        value: T = await self._put(_Job(asyncio.get_running_loop(), work))
        return value

    async def perform(self, directory: int, work: Callable[[Writer], Awaitable[T]], ahead: Ahead) -> T:
        """The same with a unit of a directory, which may be carried out together with others."""
        value: T = await self._put(_Unit(asyncio.get_running_loop(), directory, work, ahead))
        return value

    def _put(self, job: _Job) -> "asyncio.Future[Any]":
        with self._door:  # nothing gets in behind the end
            if self._closing:
                raise StoreUnavailable("the database is being closed")
            if self._waiting() >= self._limit:
                self.load.refused += 1
                raise StoreUnavailable("too many changes wait to be written")
            self._queue.put(job)
        return job.future

    def _waiting(self) -> int:
        return self._queue.qsize() + len(self._taken)

    async def close(self) -> None:
        """Accept nothing more, finish what was accepted, close the connection."""
        with self._door:
            if not self._closing:
                self._closing = True
                self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while (first := self._next()) is not None:
            batch = [first]
            self._gather()
            try:
                try:
                    self._transact(batch)
                except Apart:
                    self._roll_back()
                    self._transact(batch, apart=True)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the thread must go on
                self._roll_back()
                self.load.failed += len(batch)
                for job in batch:
                    job.value = None
                    job.error = error if isinstance(error, StoreUnavailable) else unavailable(error)
            self._came = len(batch)
            self._answer(batch)
            if self._checkpoints.due():  # now that the callers have their answers
                self._do_chore()
                self._checkpoints.make()
            if self._over:
                break
        self._connection.close()
        self._lock.close()

    def _gather(self) -> None:
        """Wait for as many jobs as came last, as long as they come; whoever writes alone waits for nobody.

        Where the event loop is busy, each nap is a long one and some come in it; so there is an end.
        """
        seen, end = -1, time.monotonic() + BATCH_SECONDS
        while seen < (here := self._waiting()) < self._came - 1 and time.monotonic() < end:
            seen = here
            time.sleep(GATHER_SECONDS)

    def _next(self) -> _Job | None:
        """The next job; chores are done while none comes."""
        if self._taken:
            return self._taken.popleft()
        while self._chores_left:
            try:
                return self._queue.get(timeout=IDLE_SECONDS)
            except Empty:
                self._do_chore()
        return self._queue.get()

    def _do_chore(self) -> None:
        try:
            with self._lock, patience(self._connection, CHORE_BUSY_MS):
                self._chores_left = self._chore(self._connection)
        except sqlite3.Error:  # what made it fail is still there, so it waits for the next change
            self._chores_left = False

    def _transact(self, batch: list[_Job], apart: bool = False) -> None:
        """Carry out one transaction, of the jobs in ``batch`` and of those that wait behind them."""
        with self._turn(batch):
            began = time.monotonic()
            end = began + BATCH_SECONDS
            writers: dict[int, SqliteWriter] = {}
            wrote = False
            for job in chain(list(batch), self._more(batch, end)):
                if not apart and isinstance(job, _Unit):
                    self._perform_unit(job, writers)
                else:
                    wrote |= _finish(writers)
                    wrote |= self._perform(job)
            wrote |= _finish(writers)
            worked = time.monotonic()
            if wrote:
                self._commit()
            else:
                self._connection.execute("ROLLBACK")
        self._chores_left |= wrote
        self._measure(len(batch), worked - began, time.monotonic() - worked if wrote else None)

    @contextmanager
    def _turn(self, batch: list[_Job]) -> Iterator[None]:
        """A transaction that has begun, and no other process writes until the context ends."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._lock)
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error:  # they would all wait as long, one after the other
                while self._another(batch):
                    pass
                raise
            yield

    def _more(self, batch: list[_Job], end: float) -> Iterator[_Job]:
        """Those that wait, and those that come while these are carried out."""
        while len(batch) < BATCH_JOBS and time.monotonic() < end and self._another(batch):
            yield batch[-1]

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if not is_unwritten(error):
                raise OutcomeUnknown(f"the database was lost in COMMIT: {error}") from error
            raise

    def _measure(self, jobs: int, work: float, sync: float | None) -> None:
        load = self.load
        load.jobs.add(jobs)
        load.work.add(work)
        if sync is not None:
            load.sync.add(sync)

    def _another(self, batch: list[_Job]) -> bool:
        """Take one more job, if one waits."""
        if not self._taken:
            self._take_all()
        if self._over or not self._taken:
            return False
        job = self._taken.popleft()
        if job is None:
            self._over = True
            return False
        batch.append(job)
        return True

    def _take_all(self) -> None:
        for _ in range(self._queue.qsize()):  # nobody else takes any
            self._taken.append(self._queue.get_nowait())

    def _perform(self, job: _Job) -> bool:
        """Run a job inside a savepoint; whether it wrote anything that stays."""
        if job.future.cancelled():
            return False
        job.value = job.error = None
        connection = self._connection
        before = connection.total_changes
        connection.execute("SAVEPOINT job")
        try:
            job.value = job.alone(connection)
        except BaseException as error:  # it is the caller's, whatever it is
            if is_unavailable(error) or not connection.in_transaction:
                raise  # the whole transaction is lost
            connection.execute("ROLLBACK TO job")
            job.error = (error.__cause__ if isinstance(error, Apart) else None) or error
        connection.execute("RELEASE job")
        return job.error is None and connection.total_changes > before

    def _perform_unit(self, job: _Unit, writers: dict[int, SqliteWriter]) -> None:
        """Run a unit together with those before it; if it raises, it alone is undone."""
        if job.future.cancelled():
            return
        job.value = job.error = None
        writer = writers.get(job.directory)
        if writer is None:
            writer = writers[job.directory] = SqliteWriter(Held(self._connection, job.directory))
        held = writer.held
        if job.sight is not held.known.sight:
            self._look(job, held)
        held.begin()
        try:
            job.value = perform(job.work, writer)
        except BaseException as error:  # it is the caller's, whatever it is
            if isinstance(error, Apart) or is_unavailable(error) or not self._connection.in_transaction:
                raise  # the whole transaction is lost
            held.undo()
            job.error = error
        else:
            held.keep()

    def _look(self, job: _Unit, held: Held) -> None:
        """Look for what the unit and those behind it are going to look for."""
        self._take_all()
        near = [job, *islice(self._taken, NEAR_JOBS if job.sight is None else AGAIN_JOBS)]
        several: list[Ahead] = []
        for one in near:
            if isinstance(one, _Unit) and one.directory == held.directory:
                one.sight = held.known.sight
                several.append(one.ahead)
        held.look(several)

    def _answer(self, batch: Iterable[_Job]) -> None:
        """Answer the jobs, with one call into each loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        for job in batch:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, jobs in by_loop.items():
            with suppress(RuntimeError):  # the loop is closed, and with it whoever waited
                loop.call_soon_threadsafe(self._answer_all, jobs)

    def _answer_all(self, jobs: Sequence[_Job]) -> None:
        for directory in {job.directory for job in jobs if isinstance(job, _Unit) and job.error is None}:
            self._ring(directory)
        for job in jobs:
            job.answer()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _finish(writers: dict[int, SqliteWriter]) -> bool:
    """Write what waits, and forget what is known; whether anything was written that stays."""
    wrote = False
    for writer in writers.values():
        writer.held.finish()
        wrote |= writer.held.wrote
    writers.clear()
    return wrote
