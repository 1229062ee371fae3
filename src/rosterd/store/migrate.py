"""What a database file lacks, and how it gets it: ordered SQL files, see ``steps.py``.

A file without tables gets ``schema.sql`` and counts as having every migration; a test holds both to
be the same. Each migration is recorded with the checksum of its text, and with who else can work with it.
Two processes may do this at once: both begin IMMEDIATE and look again, and the second finds nothing to do.
A server that runs meanwhile waits for a step as for any other change, and the steps for it.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from rosterd.store.database import connect_writer, errors
from rosterd.store.parts import parts_text
from rosterd.store.queries import schema
from rosterd.store.steps import Migration, SchemaMismatch, lacking, read_steps, refuse_older

PATIENCE_MS: Final = 60_000
"""How long a step waits for a moment without another's change."""
_TURN_SECONDS: Final = 0.02


@cache
def known() -> tuple[Migration, ...]:
    """The migrations of this release, in order."""
    return read_steps("sqlite")


def pending(path: Path) -> tuple[Migration, ...]:
    """What ``apply`` would do; everything for a file that is not there, which is not made.

    Raises ``SchemaMismatch`` for a file of another program, or of a release too new for this one, and
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
        connection = connect_writer(path, PATIENCE_MS)
        try:
            connection.execute("PRAGMA temp_store = FILE")  # what an index is sorted in may be large
            return bring_up(connection, known(), schema("sqlite"))
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
                bring_up(connection, known(), schema("sqlite"))
            refuse_older(_missing(connection, known()))
        except BaseException:
            connection.close()
            raise
        return connection


def bring_up(
    connection: sqlite3.Connection, steps: Sequence[Migration], fresh: str | None
) -> tuple[Migration, ...]:
    """Apply what is missing of ``steps``; ``fresh`` is the schema for a file without tables."""
    connection.create_function("parts_text", 1, lambda search: parts_text(orjson.loads(search)))
    if fresh is not None and _is_new(connection):
        with _transaction(connection):
            if _is_new(connection):
                _run(connection, fresh)
                for step in steps:
                    _record(connection, step)
                return tuple(steps)
    done = []
    for step in _missing(connection, steps):
        if step.run == "portions":
            _in_portions(connection, step)
        with _transaction(connection):
            if step in _missing(connection, steps):
                if step.run != "portions":
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
    return lacking(steps, _recorded(connection))


def _recorded(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The rows of ``schema_version``, with the columns that this file has."""
    cursor = connection.execute("SELECT * FROM schema_version ORDER BY version")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


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


def statements(script: str) -> Iterator[str]:
    """Each statement of a script, with the comments before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Each statement of a script; ``executescript`` would commit first."""
    for statement in statements(script):
        connection.execute(statement)


def _in_portions(connection: sqlite3.Connection, step: Migration) -> None:
    """Each statement until it changes nothing more, with room for others' changes in between."""
    for statement in step.statements():
        while True:
            with _transaction(connection):
                changed = connection.execute(statement).rowcount
            if changed <= 0:
                break
            time.sleep(_TURN_SECONDS)


def _record(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute(
        "INSERT INTO schema_version (version, name, checksum, applied) VALUES (?, ?, ?, unixepoch() * 1000)",
        (step.version, step.name, step.checksum),
    )
    if connection.execute(
        "SELECT 1 FROM pragma_table_info('schema_version') WHERE name = 'since'"
    ).fetchone():
        connection.execute(
            "UPDATE schema_version SET since = ? WHERE version = ?", (step.since, step.version)
        )
