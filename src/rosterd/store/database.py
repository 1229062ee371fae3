"""Connections to a database file, all opened alike, and what their errors mean.

Write-ahead log: readers never wait for the writer, nor it for them. ``synchronous=FULL`` syncs the
log at every commit, ``fullfsync`` makes that reach the disk on macOS too. A transaction that writes
begins IMMEDIATE, so that another process is waited for at its beginning and nowhere else.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rosterd.service.ports import StoreUnavailable

PAGE_SIZE: Final = 8192
"""Three or four resources of 2 KB to a page; at 4096 it would be one, and half a page of nothing."""

BUSY_MS: Final = 5000
_STATEMENTS: Final = 512
_RETRY_SECONDS: Final = 0.05

# What passes: the disk is full, read-only or away, or another process holds the lock too long.
_UNAVAILABLE: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    )
)
_UNWRITTEN: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE))


def connect_writer(path: Path, busy_ms: int) -> sqlite3.Connection:
    """A connection that writes; the file is made if it is not there.

    Its own checkpoints come late: whoever writes much makes them earlier, when nobody waits.
    """
    connection = _connect(path, busy_ms)
    with _closed_on_failure(connection):
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # counts before the first table only
        begin_log(connection)
        for pragma in (
            "synchronous = FULL",
            "fullfsync = ON",
            "checkpoint_fullfsync = ON",
            "foreign_keys = ON",
            "secure_delete = FAST",
            "wal_autocheckpoint = 8192",
            "journal_size_limit = 67108864",
            "cache_size = -32768",
            "temp_store = MEMORY",  # a statement's undo of more than eight pages would be a file, made for it
        ):
            connection.execute(f"PRAGMA {pragma}").fetchone()
    return connection


def connect_reader(path: Path, busy_ms: int) -> sqlite3.Connection:
    """A connection that cannot write, to a file that a writer has opened before."""
    connection = _connect(path, busy_ms)
    with _closed_on_failure(connection):
        for pragma in ("query_only = ON", "cache_size = -16384"):
            connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def patience(connection: sqlite3.Connection, busy_ms: int) -> Iterator[None]:
    """Wait so long for others, and not as long as usually."""
    (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")


def data_version(connection: sqlite3.Connection) -> int:
    """A number that is another one once anybody else has committed anything to the file.

    It means something on this connection only.
    """
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


@contextmanager
def errors() -> Iterator[None]:
    """Raise ``StoreUnavailable`` for what passes; other errors of SQLite are faults and stay."""
    try:
        yield
    except sqlite3.Error as error:
        if not is_unavailable(error):
            raise
        raise unavailable(error) from error


def is_unavailable(error: BaseException) -> bool:
    """Whether the error says nothing about the work, only about the file at present."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _UNAVAILABLE


def is_unwritten(error: sqlite3.Error) -> bool:
    """Whether a COMMIT that failed so did not even write the end of its transaction to the log.

    A log that was written and not synced may be found whole by whoever opens the file after a crash.
    """
    return getattr(error, "sqlite_errorcode", None) in _UNWRITTEN


def unavailable(error: BaseException) -> StoreUnavailable:
    """What callers are told: SQLite's own words are about files and locks, never about data."""
    return StoreUnavailable(f"the database cannot be used at present: {error}")


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _connect(path: Path, busy_ms: int) -> sqlite3.Connection:
    # Threads take turns: each connection has one owner at a time, and close() comes last.
    connection = sqlite3.connect(
        path,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    connection.create_function("casefold", 1, _casefold, deterministic=True)
    return connection


def _casefold(value: str | None) -> str | None:
    return None if value is None else value.casefold()


def begin_log(connection: sqlite3.Connection) -> None:
    """Have a write-ahead log; SQLite does not wait by itself when two processes switch a new file at once."""
    end = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if not is_unavailable(error) or time.monotonic() > end:
                raise
            time.sleep(_RETRY_SECONDS)
