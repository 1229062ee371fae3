"""Group commit: one thread writes; all the jobs that wait become one durable transaction.

job          runs inside a savepoint; if it raises, it alone is undone
batch        BEGIN IMMEDIATE, the jobs in order of arrival, COMMIT with one sync of the log
answer       a job is answered after the COMMIT, never before; a job that failed, with its error
news         what a job wants done once it is durable, even if its caller has gone
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
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from rosterd.service.measures import Load
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.store.database import is_unavailable, is_unwritten, unavailable

T = TypeVar("T")

WAITING: Final = 4096
BATCH_JOBS: Final = 256
BATCH_SECONDS: Final = 0.025
IDLE_SECONDS: Final = 0.2
CHECKPOINT_CHANGES: Final = 4000
"""Rows changed between two checkpoints; a row dirties about one page of the log."""
CHECKPOINT_TRIES: Final = 4
CHECKPOINT_PAUSE: Final = 0.005
"""Seconds: longer than a turn of the event loop, of which all reads are one transaction."""


@dataclass(slots=True)
class _Job:
    """A unit of work, and what came of it."""

    work: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    news: Callable[[], None] | None = None
    value: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        """Tell the caller, if it still waits; on its own loop."""
        if self.news is not None and self.error is None:
            self.news()
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class GroupCommit:
    """The writer thread. It owns ``connection`` from now on, and closes it at the end."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        waiting: int = WAITING,
        chore: Callable[[sqlite3.Connection], bool] = lambda _: False,
    ) -> None:
        """``chore`` does a portion in a transaction of its own, and says whether more may be left."""
        self._connection = connection
        self._limit = waiting
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._over = False
        self._door = threading.Lock()
        self._checkpointed = connection.total_changes
        self._chore = chore
        self._chores_left = True
        self.load = Load(waiting=self._queue.qsize)
        self._thread = threading.Thread(target=self._run, name="rosterd-writer", daemon=True)
        self._thread.start()

    async def submit(
        self, work: Callable[[sqlite3.Connection], T], news: Callable[[], None] | None = None
    ) -> T:
        """Run ``work`` in a transaction; its value, once that is durable. ``news`` is called before.

        Raises what ``work`` raises, then nothing of it is kept, and ``StoreUnavailable``.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop, news)
        with self._door:  # nothing gets in behind the end
            if self._closing:
                raise StoreUnavailable("the database is being closed")
            if self._queue.qsize() >= self._limit:
                self.load.refused += 1
                raise StoreUnavailable("too many changes wait to be written")
            self._queue.put(job)
        value: T = await job.future
        return value

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
            try:
                self._transact(batch)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the thread must go on
                self._roll_back()
                self.load.failed += len(batch)
                for job in batch:
                    job.value = None
                    job.error = error if isinstance(error, StoreUnavailable) else unavailable(error)
            _answer(batch)
            self._checkpoint()
            if self._over:
                break
        self._connection.close()

    def _next(self) -> _Job | None:
        """The next job; chores are done while none comes."""
        while self._chores_left:
            try:
                return self._queue.get(timeout=IDLE_SECONDS)
            except Empty:
                self._do_chore()
        return self._queue.get()

    def _do_chore(self) -> None:
        try:
            self._chores_left = self._chore(self._connection)
        except sqlite3.Error:  # what made it fail is still there, so it waits for the next change
            self._chores_left = False

    def _transact(self, batch: list[_Job]) -> None:
        """Carry out one transaction, of the job in ``batch`` and of those that wait behind it."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:  # they would all wait as long, one after the other
            while self._another(batch):
                pass
            raise
        began = time.monotonic()
        end = began + BATCH_SECONDS
        wrote = self._perform(batch[0])
        while len(batch) < BATCH_JOBS and time.monotonic() < end and self._another(batch):
            wrote |= self._perform(batch[-1])
        worked = time.monotonic()
        if wrote:
            self._commit()
        else:
            self._connection.execute("ROLLBACK")
        self._chores_left |= wrote
        self._measure(len(batch), worked - began, time.monotonic() - worked if wrote else None)

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
        if self._over or self._queue.empty():
            return False
        job = self._queue.get()
        if job is None:
            self._over = True
            return False
        batch.append(job)
        return True

    def _perform(self, job: _Job) -> bool:
        """Run a job inside a savepoint; whether it wrote anything that stays."""
        if job.future.cancelled():
            return False
        connection = self._connection
        before = connection.total_changes
        connection.execute("SAVEPOINT job")
        try:
            job.value = job.work(connection)
        except BaseException as error:  # it is the caller's, whatever it is
            if is_unavailable(error) or not connection.in_transaction:
                raise  # the whole transaction is lost
            connection.execute("ROLLBACK TO job")
            job.error = error
        connection.execute("RELEASE job")
        return job.error is None and connection.total_changes > before

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _checkpoint(self) -> None:
        """Move the log into the database, now that the callers have their answers."""
        changes = self._connection.total_changes
        if changes - self._checkpointed < CHECKPOINT_CHANGES:
            return
        self._checkpointed = changes
        self._do_chore()
        # If it fails, the log grows until the next time; a full disk shows itself at a commit.
        with suppress(sqlite3.Error):
            for _ in range(CHECKPOINT_TRIES):
                portion = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                _, written, moved = portion.fetchone()
                if moved >= written:
                    break
                time.sleep(CHECKPOINT_PAUSE)  # until those who read what was before have read it


def _answer(batch: Iterable[_Job]) -> None:
    """Answer the jobs, with one call into each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in batch:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed, and with it whoever waited
            loop.call_soon_threadsafe(_answer_all, jobs)


def _answer_all(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        job.answer()
