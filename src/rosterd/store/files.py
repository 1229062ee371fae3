"""A database file gets its name once it is whole: until then it is a part beside it, which goes if all fails.

Nothing that is there is overwritten. A database that is to be replaced is kept under another name, and not
taken from under anybody who has it open.
"""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rosterd.service.ports import StoreUnavailable
from rosterd.store.database import errors


@contextlib.contextmanager
def readable(database: Path) -> Iterator[None]:
    """Raise ``StoreUnavailable`` for what passes, in words for a file beside which nothing can be written.

    SQLite reads a file with a write-ahead log by a third one beside it, even if the log is empty.
    """
    try:
        with errors():
            yield
    except StoreUnavailable as error:
        if os.access(database.parent, os.W_OK):
            raise
        raise StoreUnavailable(
            f"{database} cannot be read where nothing can be written; copy it to another directory first, "
            f"with {database.name}-wal if that is there"
        ) from error


def refuse(path: Path) -> None:
    """Raise ``FileExistsError`` if it is there."""
    if path.exists():
        raise FileExistsError(f"{path} is there already; it is not overwritten")


@contextlib.contextmanager
def part_of(target: Path) -> Iterator[Path]:
    """A file beside the target, for its owner only, that is gone at the end if it was not put there."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
    finally:
        for path in (part, *beside(part)):
            path.unlink(missing_ok=True)


def put(part: Path, target: Path) -> None:
    """Give it its name, unless something has got that meanwhile; after that it is there for good."""
    sync(part)
    try:
        os.link(part, target)
    except FileExistsError as error:
        raise FileExistsError(f"{target} is there already; it is not overwritten") from error
    except OSError:  # a file system without links, such as that of a memory stick
        refuse(target)
        part.rename(target)
    sync(target.parent)


def give(file: Path, folder: Path) -> None:
    """Root's file becomes that of the folder's owner: a service with a user of its own has to open it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def put_over(part: Path, target: Path) -> None:
    """Give it its name in place of what has it."""
    sync(part)
    part.replace(target)
    sync(target.parent)


def keep(database: Path, aside: Path) -> None:
    """Give what is there another name, with its log, which would be taken for that of its successor.

    Raises ``FileExistsError`` if another process has it open.
    """
    refuse_open(database)
    refuse(aside)
    for path, kept in zip((*beside(database), database), (*beside(aside), aside), strict=True):
        if path.exists():
            path.rename(kept)


def refuse_open(database: Path) -> None:
    """Raise ``FileExistsError`` if another process has the database open."""
    if in_use(database):
        raise FileExistsError(f"another process has {database} open; stop the server first")


def in_use(database: Path) -> bool:
    """Whether another process has the database open; afterwards it has no write-ahead log if none has."""
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            # Only who is alone may leave the write-ahead log, which this moves into the file at that.
            return str(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]) != "delete"
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                return False  # as far as a broken file can tell
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return True
            raise


def beside(database: Path) -> tuple[Path, ...]:
    """The files of a write-ahead log."""
    return tuple(database.with_name(database.name + end) for end in ("-wal", "-shm"))


def sync(path: Path) -> None:
    """Have a file, or the names in a directory, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """The connection, closed at the end."""
    try:
        yield connection
    finally:
        connection.close()
