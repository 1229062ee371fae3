"""Copies of a database file, made while it is used, and putting one in its place.

A copy is made by SQLite's own backup inside one read: it is the state of one moment, which has everything
that was acknowledged before, and neither readers nor the writer wait for it. Until it is whole and checked
it has another name. What it held at that moment is counted on both sides.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from rosterd.service.audit import Entry
from rosterd.service.events import NOBODY
from rosterd.store.database import BUSY_MS, connect_reader, connect_writer, errors
from rosterd.store.entries import write_entry
from rosterd.store.migrate import SchemaMismatch, apply, pending
from rosterd.store.queries import SQLITE

SPACE: Final = 1000
"""Numbers to a millisecond: more than a directory gives out, so that a moment's numbers were never used."""


class NotWhole(Exception):
    """The copy does not hold what it should; it is thrown away."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a database holds."""

    directories: int
    users: int
    """Deleted ones that are retained included."""
    groups: int
    memberships: int
    events: int
    tokens: int


def back_up(database: Path, target: Path) -> Contents:
    """Copy the database to a file that is not there yet, readable by its owner only.

    Raises ``FileExistsError``, ``StoreUnavailable``, ``SchemaMismatch`` for a file of another program,
    ``NotWhole``, ``OSError``.
    """
    _refuse(target)
    pending(database)
    with errors(), _part(target) as part, _closing(connect_reader(database, BUSY_MS)) as source:
        source.execute("BEGIN")
        held = _contents(source)
        _copy(source, part)
        source.execute("ROLLBACK")
        check(part, held)
        _put(part, target)
    return held


def check(copy: Path, held: Contents | None = None) -> Contents:
    """What a copy holds. Raises ``NotWhole`` if it is damaged, or if that is not what it should hold."""
    with errors(), _closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = ON")
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            if found != ["ok"]:
                raise NotWhole(f"{copy} is damaged: {'; '.join(found)}")
            contents = _contents(connection)
        except sqlite3.DatabaseError as error:
            raise NotWhole(f"{copy} is damaged, or no database of rosterd: {error}") from error
    if held is not None and contents != held:
        raise NotWhole(f"{copy} holds {contents}, not {held}")
    return contents


def put_back(backup: Path, database: Path, at: int, entry: Entry, aside: Path | None) -> Contents:
    """Put a backup in the place of the database, brought to this release; ``at`` is the time (ms).

    A database that is there is kept under the name ``aside``; without that nothing is replaced. The backup
    itself stays as it is. Raises ``FileExistsError``, ``SchemaMismatch`` for a backup of a newer release or
    of another program, ``NotWhole``, ``StoreUnavailable`` if another process has the database open.
    """
    if not backup.is_file():
        raise FileNotFoundError(f"there is no file {backup}")
    for path in (database, *_beside(database)):
        if aside is None:
            _refuse(path)
    pending(backup)
    with errors(), _part(database) as part:
        with _closing(sqlite3.connect(backup, isolation_level=None)) as source:
            source.execute("PRAGMA query_only = ON")
            _copy(source, part)
        held = check(part)
        apply(part)
        with _closing(connect_writer(part, BUSY_MS)) as connection:
            _begin_anew(connection, at, entry)
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if aside is not None and database.exists():
            _keep(database, aside)
        _put(part, database)
    return held


def in_use(database: Path) -> bool:
    """Whether another process has the database open."""
    with _closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            # Only who is alone may leave the write-ahead log, which this moves into the file at that.
            return str(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]) != "delete"
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                return False  # as far as a broken file can tell
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return True
            raise


def _keep(database: Path, aside: Path) -> None:
    """Give what is there another name, with its log, which would be taken for that of the backup."""
    if in_use(database):
        raise FileExistsError(f"another process has {database} open; stop the server first")
    _refuse(aside)
    for path, kept in zip((*_beside(database), database), (*_beside(aside), aside), strict=True):
        if path.exists():
            path.rename(kept)


def _beside(database: Path) -> tuple[Path, ...]:
    """The files of a write-ahead log."""
    return tuple(database.with_name(database.name + end) for end in ("-wal", "-shm"))


def _begin_anew(connection: sqlite3.Connection, at: int, entry: Entry) -> None:
    """Nothing that is told from now on has a number that was told before.

    Receivers know an event by its number, and those behind the backup's last one were given out: the
    directory's order goes on far behind them, and an event says that they are undone.
    """
    connection.execute("BEGIN IMMEDIATE")
    for id, name, *_ in connection.execute(SQLITE["directories"]).fetchall():
        last, _ = connection.execute(SQLITE["feed_edges"], (id,)).fetchone()
        start = max(last, at * SPACE) + 1
        connection.execute(SQLITE["begin_anew"], (id, last, start))
        data = orjson.dumps({"until": f"{id}-{last}"}).decode()
        event = (id, start, "directory.restored", "Directory", name, at, NOBODY, entry.actor.request_id, data)
        connection.execute(SQLITE["append_event"], event)
    connection.execute(SQLITE["end_all_sessions"])
    write_entry(connection, entry)
    connection.execute("COMMIT")


def _contents(connection: sqlite3.Connection) -> Contents:
    return Contents(*connection.execute(SQLITE["contents"]).fetchone())


def _copy(source: sqlite3.Connection, part: Path) -> None:
    with _closing(sqlite3.connect(part, isolation_level=None)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE").fetchone()


def _refuse(target: Path) -> None:
    if target.exists():
        raise FileExistsError(f"{target} is there already; it is not overwritten")


@contextlib.contextmanager
def _part(target: Path) -> Iterator[Path]:
    """A file beside the target, for its owner only, that is gone at the end if it was not put there."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
    finally:
        for path in (part, *_beside(part)):
            path.unlink(missing_ok=True)


def _put(part: Path, target: Path) -> None:
    """Give it its name, unless something has got that meanwhile; after that it is there for good."""
    _sync(part)
    try:
        os.link(part, target)
    except FileExistsError as error:
        raise FileExistsError(f"{target} is there already; it is not overwritten") from error
    except OSError:  # a file system without links, such as that of a memory stick
        _refuse(target)
        part.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


__all__ = ["Contents", "NotWhole", "SchemaMismatch", "back_up", "check", "in_use", "put_back"]
