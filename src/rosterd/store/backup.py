"""Copies of a database file, made while it is used, and putting one in its place.

A copy is made by SQLite's own backup inside one read: it is the state of one moment, which has everything
that was acknowledged before, and neither readers nor the writer wait for it. What it held at that moment is
counted on both sides.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rosterd.service.audit import Entry
from rosterd.store.contents import Contents, NotWhole
from rosterd.store.copying import UNTOUCHED
from rosterd.store.database import BUSY_MS, connect_reader, connect_writer, errors
from rosterd.store.files import (
    beside,
    closing,
    give,
    keep,
    part_of,
    put,
    put_over,
    readable,
    refuse,
    refuse_open,
)
from rosterd.store.migrate import apply, pending
from rosterd.store.restored import begin_anew
from rosterd.store.sqlite_copy import contents, is_newer, is_unfinished, mark_unfinished
from rosterd.store.steps import Migration, SchemaMismatch, refuse_older


def back_up(database: Path, target: Path) -> Contents:
    """Copy the database to a file that is not there yet, readable by its owner only.

    Raises ``FileExistsError``, ``StoreUnavailable``, ``SchemaMismatch`` for a file of another program,
    ``NotWhole``, ``OSError``.
    """
    refuse(target)
    pending(database)
    with errors(), part_of(target) as part, closing(connect_reader(database, BUSY_MS)) as source:
        source.execute("BEGIN")
        held = contents(source)
        _copy(source, part)
        source.execute("ROLLBACK")
        check(part, held)
        put(part, target)
    return held


def check(copy: Path, held: Contents | None = None) -> Contents:
    """What a copy holds. Raises ``NotWhole`` if it is damaged, or if that is not what it should hold."""
    with errors(), closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = ON")
        try:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            if found != ["ok"]:
                raise NotWhole(f"{copy} is damaged: {'; '.join(found)}")
            counted = contents(connection)
        except sqlite3.DatabaseError as error:
            raise NotWhole(f"{copy} is damaged, or no database of rosterd: {error}") from error
    if held is not None and counted != held:
        raise NotWhole(f"{copy} holds {counted}, not {held}")
    return counted


def put_back(backup: Path, database: Path, at: int, entry: Entry, aside: Path | None) -> Contents:
    """Put a backup in the place of the database, brought to this release; ``at`` is the time (ms).

    Raises like ``bring`` and ``filled``.
    """
    lacking(backup)
    _refuse_unless(database, aside)
    with part_of(database) as part:
        held = bring(backup, part)
        with errors(), closing(connect_writer(part, BUSY_MS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            begin_anew(connection, at, entry)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        _place(part, database, aside)
    return held


def lacking(backup: Path) -> tuple[Migration, ...]:
    """What a file that is to be read lacks of this release. Raises like ``bring``."""
    if not backup.is_file():
        raise FileNotFoundError(f"There is no file {backup}")
    with readable(backup):
        return pending(backup)


def bring(backup: Path, part: Path) -> Contents:
    """Make a file what a backup is, brought to this release; the backup itself stays as it is.

    Raises ``FileNotFoundError``, ``SchemaMismatch`` for a backup of a newer release or of another program,
    ``NotWhole``, ``StoreUnavailable``.
    """
    lacking(backup)
    with errors():
        with closing(sqlite3.connect(backup, isolation_level=None)) as source:
            source.execute("PRAGMA query_only = ON")
            _copy(source, part)
        held = check(part)
        apply(part)
    return held


@contextlib.contextmanager
def filled(database: Path, aside: Path | None) -> Iterator[Path]:
    """A file to fill, which takes the place of the database if that does not fail.

    A database that is there is kept under the name ``aside``; without that nothing is replaced but what is
    unfinished. If there is none, what is there until the end is unfinished, and not served. Raises
    ``FileExistsError``, also if another process has the database open, ``SchemaMismatch`` if it is of a newer
    release, ``StoreUnavailable``, ``OSError``.
    """
    _refuse_unless(database, aside)
    if not database.exists():
        mark_unfinished(database)
    with part_of(database) as part:
        yield part
        _place(part, database, aside)


def mark_restored(database: Path, at: int, entry: Entry) -> None:
    """Leave a hole in the order of each directory of a database that was put back by other means.

    Raises ``FileExistsError`` if another process has it open, ``SchemaMismatch``, ``StoreUnavailable``.
    """
    refuse_older(pending(database))
    with errors():
        refuse_open(database)
        with closing(connect_writer(database, BUSY_MS)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            begin_anew(connection, at, entry)
            connection.execute("COMMIT")


def _refuse_unless(database: Path, aside: Path | None) -> None:
    """Raise ``FileExistsError``, ``SchemaMismatch`` for what may not be replaced."""
    if aside is None and not is_unfinished(database):
        for path in (database, *beside(database)):
            if path.exists():
                raise FileExistsError(f"{path} is there already; --replace keeps it under another name")
    if is_newer(database):
        raise SchemaMismatch(UNTOUCHED)


def _place(part: Path, database: Path, aside: Path | None) -> None:
    give(part, database.parent)
    if is_unfinished(database):
        put_over(part, database)
        return
    if aside is not None and database.exists():
        with errors():
            keep(database, aside)
    put(part, database)


def _copy(source: sqlite3.Connection, part: Path) -> None:
    with closing(sqlite3.connect(part, isolation_level=None)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE").fetchone()
