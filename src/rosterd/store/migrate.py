"""What a database file lacks, and how it gets it: ordered SQL files, each in one transaction.

A file without tables gets ``schema.sql`` and counts as having every migration; a test holds both to
be the same. Each migration is recorded with the checksum of its text. Two processes may do this at
once: both begin IMMEDIATE and look again, and the second finds nothing to do.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from rosterd.store.database import BUSY_MS, connect_writer, errors
from rosterd.store.queries import sqlite_file

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")


class SchemaMismatch(Exception):
    """The file is no database of rosterd, or not one that this release can use."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; ``version`` counts from 1."""

    version: int
    name: str
    text: str = field(repr=False)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def known() -> tuple[Migration, ...]:
    """The migrations of this release, in order."""
    folder = files("rosterd.store").joinpath("sql", "sqlite", "migrations")
    found = [(_NAME.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    steps = [Migration(int(m[1]), m[2], entry.read_text("utf-8")) for m, entry in found if m]
    return tuple(sorted(steps, key=lambda step: step.version))


def pending(path: Path) -> tuple[Migration, ...]:
    """What ``apply`` would do; everything for a file that is not there, which is not made.

    Raises ``SchemaMismatch`` for a file of a newer release or of another program, and
    ``StoreUnavailable``.
    """
    if not path.exists():
        return known()
    with _a_database():
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return _missing(connection, known())
        finally:
            connection.close()


def apply(path: Path) -> tuple[Migration, ...]:
    """Make the file what this release needs, and return the steps taken.

    Raises ``SchemaMismatch`` and ``StoreUnavailable``; a step is done or not done.
    """
    with _a_database():
        connection = connect_writer(path, BUSY_MS)
        try:
            return bring_up(connection, known(), sqlite_file("schema.sql"))
        finally:
            connection.close()


def open_checked(path: Path, busy_ms: int) -> sqlite3.Connection:
    """A writing connection to a file that this release can use; a new file gets the schema.

    Raises ``SchemaMismatch``, also if there are migrations to apply first, and ``StoreUnavailable``.
    """
    with _a_database():
        connection = connect_writer(path, busy_ms)
        try:
            if _is_new(connection):
                bring_up(connection, known(), sqlite_file("schema.sql"))
            lacking = ", ".join(step.name for step in _missing(connection, known()))
            if lacking:
                raise SchemaMismatch(
                    f"the database is of an older release; run 'rosterd migrate' for: {lacking}"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def bring_up(
    connection: sqlite3.Connection, steps: Sequence[Migration], fresh: str | None
) -> tuple[Migration, ...]:
    """Apply what is missing of ``steps``; ``fresh`` is the schema for a file without tables."""
    if fresh is not None and _is_new(connection):
        with _transaction(connection):
            if _is_new(connection):
                _run(connection, fresh)
                for step in steps:
                    _record(connection, step)
                return tuple(steps)
    done = []
    for step in _missing(connection, steps):
        with _transaction(connection):
            if step in _missing(connection, steps):
                _run(connection, step.text)
                _record(connection, step)
                done.append(step)
    return tuple(done)


def _missing(connection: sqlite3.Connection, steps: Sequence[Migration]) -> tuple[Migration, ...]:
    """The steps that the file does not have. Raises ``SchemaMismatch``."""
    if _is_new(connection):
        return tuple(steps)
    tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").fetchall()
    if not tables:
        raise SchemaMismatch("the file is a database, but not one of rosterd")
    rows = connection.execute("SELECT version, name, checksum FROM schema_version ORDER BY version")
    applied = {version: (name, checksum) for version, name, checksum in rows}
    ours = {step.version: step for step in steps}
    for version, (name, checksum) in applied.items():
        if version not in ours:
            raise SchemaMismatch(
                f"the database is of a newer release (migration {version:04} '{name}'); use that release"
            )
        if checksum != ours[version].checksum:
            raise SchemaMismatch(f"migration {version:04} '{name}' of the database is not the one known here")
    return tuple(step for step in steps if step.version not in applied)


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _a_database() -> Iterator[None]:
    try:
        with errors():
            yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise SchemaMismatch("the file is no database") from error
        raise


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Each statement of a script; ``executescript`` would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _record(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute(
        "INSERT INTO schema_version (version, name, checksum, applied) VALUES (?, ?, ?, unixepoch() * 1000)",
        (step.version, step.name, step.checksum),
    )
