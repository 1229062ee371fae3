"""A database file as ``Store`` and ``Control``.

Reads that are quick run at once, on the event loop's thread, with that thread's own connection:
they take microseconds, and in the write-ahead log no writer can make them wait. All of one turn of the
loop share a transaction (turn.py). Reads that may look at many rows run on a few threads beside it, and so do
those that were thought to be quick and took more steps than such: they are begun anew there.
Writes go to the one writer thread (group_commit.py).
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.measures import Load
from rosterd.service.ports import Page, Query, Reader, StoreUnavailable, Writer
from rosterd.service.walks import Bookmarks, Walks
from rosterd.store.database import BUSY_MS, connect_reader, errors, is_unavailable, unavailable
from rosterd.store.group_commit import WAITING, GroupCommit
from rosterd.store.listing import Found, single, with_one
from rosterd.store.migrate import open_checked
from rosterd.store.parts import MERGED, index_portion, merge_portion, put_portion, renew_worn
from rosterd.store.snapshot import Snapshots
from rosterd.store.sqlite_audit import SqliteAudit
from rosterd.store.sqlite_deliveries import SqliteDeliveries
from rosterd.store.sqlite_expiry import SqliteExpiry
from rosterd.store.sqlite_mappings import SqliteMappings
from rosterd.store.sqlite_measures import SqliteMeasures
from rosterd.store.sqlite_news import News
from rosterd.store.sqlite_reader import SqliteReader, with_groups, with_value
from rosterd.store.sqlite_registry import SqliteRegistry
from rosterd.store.sqlite_removal import SqliteRemoval
from rosterd.store.sqlite_request_log import SqliteRequestLog
from rosterd.store.sqlite_sessions import SqliteSessions
from rosterd.store.sqlite_sets import SqliteSets
from rosterd.store.sqlite_settings import SqliteSettings
from rosterd.store.sqlite_sharing import SqliteSharing
from rosterd.store.sqlite_survey import SqliteSurvey
from rosterd.store.sqlite_walks import SqliteWalks
from rosterd.store.sqlite_webhooks import SqliteWebhooks
from rosterd.store.turn import Turns
from rosterd.store.wake import Wake, Watch
from rosterd.store.write_lock import WriteLock

_log = structlog.get_logger("rosterd.store")

T = TypeVar("T")

READ_THREADS: Final = 4
QUICK_STEPS: Final = 500_000
"""Steps of SQLite's machine that a quick read is far below: about ten milliseconds."""
_QUICK_BUSY_MS: Final = 200


async def open_sqlite(
    path: Path, *, waiting: int = WAITING, busy_ms: int = BUSY_MS, shared: Path | None = None
) -> "SqliteStore":
    """Open a database, and make it if there is none.

    ``waiting`` is how many writes may queue up, ``busy_ms`` how long one waits for another process,
    ``shared`` a directory for what several workers tell each other; without it this one is alone.
    Raises ``migrate.SchemaMismatch`` for a file of another release (an older one: apply the
    migrations first), ``StoreUnavailable`` if it cannot be opened.
    """
    connection = await asyncio.get_running_loop().run_in_executor(None, open_checked, path, busy_ms)
    return SqliteStore(path, connection, waiting, shared)


class SqliteStore(
    SqliteRegistry,
    SqliteAudit,
    SqliteSettings,
    SqliteRequestLog,
    SqliteSessions,
    SqliteWebhooks,
    SqliteDeliveries,
    SqliteSets,
    SqliteExpiry,
    SqliteMappings,
    SqliteMeasures,
    SqliteSharing,
    SqliteSurvey,
    SqliteRemoval,
):
    """See ``rosterd.service.ports.Store`` and ``Control``, and ``rosterd.service.clients.ClientControl``."""

    def __init__(self, path: Path, connection: sqlite3.Connection, waiting: int, shared: Path | None) -> None:
        self._readers = Readers(path)
        self._wake = Wake()
        ring = self._wake.ring
        bookmarks: Bookmarks = Walks()
        self._shared = ExitStack()
        if shared is not None:
            ring = self._shared.enter_context(closing(News(shared, self._wake))).ring
            try:
                bookmarks = self._shared.enter_context(closing(SqliteWalks(shared / "walks.db")))
            except StoreUnavailable as error:
                _log.warning("each worker remembers walks alone", place=str(shared), why=str(error))
        self._writer = GroupCommit(connection, WriteLock(path), waiting, index_portion, ring)
        self._writer.load.reads = self._readers.waiting
        super().__init__(self._readers.run, self._writer.submit, self._readers.version, bookmarks)

    def load(self) -> Load:
        return self._writer.load

    def reader(self, directory: int) -> Reader:
        return TurnReader(self._readers, directory)

    def write(
        self, directory: int, work: Callable[[Writer], Awaitable[T]], ahead: Ahead = UNKNOWN
    ) -> Coroutine[Any, Any, T]:
        return self._writer.perform(directory, work, ahead)

    async def purge(self, directory: int) -> None:
        """Of all directories: they have one index of parts of texts."""
        await self._writer.submit(renew_worn)
        while await self._writer.submit(put_portion):
            pass
        pages = -MERGED
        while await self._writer.submit(partial(merge_portion, pages=pages)):
            pages = MERGED

    @asynccontextmanager
    async def snapshot(self, directory: int) -> AsyncIterator[Reader]:
        async with self._readers.snapshots.open() as run:
            yield SqliteReader(run, directory)

    async def changed(self, directory: int, after: int, seconds: float) -> bool:
        reader = SqliteReader(self._readers.run, directory)

        async def newer() -> bool:
            await asyncio.sleep(0)  # into the next turn, whose state is not older than the wait
            return await reader.last() > after

        return await self._wake.changed(directory, newer, seconds)

    def watch(self) -> AbstractContextManager[Watch]:
        return self._wake.watch()

    async def close(self) -> None:
        """Finish the writes that were accepted and close the file. Later writes are refused."""
        await self._writer.close()
        self._shared.close()
        await asyncio.get_running_loop().run_in_executor(None, self._readers.close)


class Readers:
    """Reading connections, of each thread that asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._here = _Own()
        self._there = _Own()
        self._all: list[Turns] = []
        self._pool = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="rosterd-reader")
        self.snapshots = Snapshots(partial(connect_reader, path, BUSY_MS), self._pool)

    async def run(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> T:
        """See ``sqlite_reader.Run``. Raises ``StoreUnavailable``."""
        if quick:
            try:
                return self.now(work)
            except sqlite3.OperationalError as error:
                require_long(error)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._long, work)

    def now(self, work: Callable[..., T], *parameters: Any) -> T:
        """Run quick work with this turn's connection and these parameters.

        Raises ``StoreUnavailable``, and what ``require_long`` knows if the work is not quick.
        """
        try:
            turns = self._here.turns or self._connected(self._here, _QUICK_BUSY_MS, QUICK_STEPS)
            return work(turns.reader(), *parameters)
        except sqlite3.Error as error:
            if is_unavailable(error):
                raise unavailable(error) from error
            raise

    def version(self) -> Hashable:
        """See ``Control.epoch``. Raises ``StoreUnavailable``."""
        try:
            turns = self._here.turns or self._connected(self._here, _QUICK_BUSY_MS, QUICK_STEPS)
            return turns.version()
        except sqlite3.Error as error:
            if is_unavailable(error):
                raise unavailable(error) from error
            raise

    def waiting(self) -> int:
        """Long reads that no thread has begun yet."""
        return self._pool._work_queue.qsize()

    def close(self) -> None:
        """Close every connection, once the reads in the threads are done."""
        self._pool.shutdown()
        for turns in self._all:
            turns.close()

    def _long(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with errors():
            turns = self._there.turns or self._connected(self._there, BUSY_MS, 0)
            return work(turns.reader())

    def _connected(self, own: "_Own", busy_ms: int, portion: int) -> Turns:
        own.turns = turns = Turns(connect_reader(self._path, busy_ms), portion)
        self._all.append(turns)
        return turns


def require_long(error: sqlite3.OperationalError) -> None:
    """Raise the error unless it says that a read took more steps than a quick one."""
    if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
        raise error


class _Own(threading.local):
    """What each thread has for itself: its connection, once it has asked for one."""

    turns: Turns | None = None


class TurnReader(SqliteReader):
    """A reader of the present state, whose looks at single resources take no detour."""

    __slots__ = ("_now",)

    def __init__(self, readers: Readers, directory: int) -> None:
        self._run = readers.run
        self._directory = directory
        self._now = readers.now

    async def get_with_groups(self, kind: str, id: str) -> Found | None:
        try:
            return self._now(with_groups, self._directory, kind, id)
        except sqlite3.OperationalError as error:
            require_long(error)
        return await self._run(lambda c: with_groups(c, self._directory, kind, id), quick=False)

    async def search(self, query: Query) -> Page:
        wanted = single(query)
        if wanted is None or wanted[1] is None:
            return await super().search(query)
        kind, attribute, value = wanted
        try:
            return with_one(query, self._now(with_value, self._directory, kind, attribute, value))
        except sqlite3.OperationalError as error:
            require_long(error)
        return await super().search(query)
