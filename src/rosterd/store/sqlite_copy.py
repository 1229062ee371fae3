"""A SQLite file as source or target of a copy.

A target is a new file that nobody else knows: it is written without a journal and without waiting for the
disk, where it is before it gets its name. Its indexes and triggers are made behind the rows.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rosterd.service.audit import Entry
from rosterd.store.contents import Contents, NotWhole
from rosterd.store.copying import NEWER, Portions
from rosterd.store.database import BUSY_MS, PAGE_SIZE, connect_reader, errors
from rosterd.store.entries import write_entry
from rosterd.store.files import closing
from rosterd.store.migrate import bring_up, known, statements
from rosterd.store.parts import index_portion, parts_text
from rosterd.store.portable import FOLDED, Row, Table, changed, cleaned, opened
from rosterd.store.queries import SQLITE, schema
from rosterd.store.restored import begin_anew
from rosterd.store.rows import as_json
from rosterd.store.steps import SchemaMismatch

_BEHIND: Final = re.compile(r"(?:\s|--.*\n)*CREATE (?:UNIQUE )?(?:INDEX|TRIGGER)\b")
_STEPS: Final = "TABLE schema_version ("
_CACHE_KIB: Final = 65_536


class SqliteRows:
    """See ``copying.Rows``; over one connection, in one transaction or alone with the file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def portions(self, table: Table) -> Portions:
        portable = _portable(table)
        cursor = self._connection.cursor()  # of its own: nothing else may be asked of it meanwhile
        with errors():
            cursor.execute(table.select())
            while rows := cursor.fetchmany(table.portion):
                yield [portable(row) for row in rows]

    async def last(self, table: Table) -> int:
        with errors():
            found = self._connection.execute(SQLITE["last_number"], (table.name,)).fetchone()
        return int(found[0] or 0)

    async def contents(self) -> Contents:
        with errors():
            return contents(self._connection)


class SqliteTarget(SqliteRows):
    """See ``copying.Target``. ``index_parts``: whether the index of parts of texts is made at once."""

    def __init__(self, connection: sqlite3.Connection, behind: str, *, index_parts: bool) -> None:
        super().__init__(connection)
        self._behind = behind
        self._index_parts = index_parts

    async def fill(self, table: Table, portions: Portions) -> None:
        place, statement = table.place(FOLDED), table.insert()
        self._connection.execute("BEGIN")
        async for rows in portions:
            with errors():
                if place is not None:
                    self._connection.executemany(SQLITE["owe_parts"], _owed(table, rows, place))
                    rows = [changed(row, place, as_json(row[place])) for row in rows]
                self._connection.executemany(statement, rows)
        with errors():
            self._connection.execute("COMMIT")

    async def go_on(self, table: Table, last: int) -> None:
        with errors():
            if not self._connection.execute(SQLITE["gives_numbers"], (table.name,)).fetchone():
                return
            if not self._connection.execute(SQLITE["raise_number"], (table.name, last)).rowcount:
                self._connection.execute(SQLITE["begin_number"], (table.name, last))

    async def complete(self) -> None:
        with errors():
            for statement in statements(self._behind):
                self._connection.execute(statement)
            while self._index_parts and index_portion(self._connection):
                pass
            wrong = self._connection.execute("PRAGMA foreign_key_check").fetchone()
        if wrong is not None:
            raise NotWhole(f"a row of {wrong[0]} belongs to one of {wrong[2]} that is not there")

    async def end(self, entry: Entry | None, anew: int | None = None) -> None:
        with errors():
            self._connection.execute("BEGIN")
            if entry is not None and anew is not None:
                begin_anew(self._connection, anew, entry)
            elif entry is not None:
                write_entry(self._connection, entry)
            self._connection.execute("COMMIT")


@contextmanager
def sqlite_source(path: Path) -> Iterator[SqliteRows]:
    """A file as it is at this moment, for as long as the context lasts.

    Raises ``SchemaMismatch`` for one of a newer release, ``StoreUnavailable``.
    """
    with errors():
        connection = connect_reader(path, BUSY_MS)
    with closing(connection):
        with errors():
            connection.execute("BEGIN")
            newest = connection.execute(SQLITE["newest_step"]).fetchone()[
                0
            ]  # the state is that of the first read
        if newest > known()[-1].version:
            raise SchemaMismatch(NEWER)
        yield SqliteRows(connection)


@contextmanager
def sqlite_target(part: Path, *, index_parts: bool = True) -> Iterator[SqliteTarget]:
    """An empty file as a database of this release, without rows. Raises ``StoreUnavailable``."""
    script = list(statements(schema("sqlite")))
    first = "".join(statement for statement in script if not _BEHIND.match(statement))
    behind = "".join(statement for statement in script if _BEHIND.match(statement))
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        with errors():
            for pragma in (
                f"page_size = {PAGE_SIZE}",
                "journal_mode = OFF",
                "synchronous = OFF",
                f"cache_size = -{_CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchone()
            bring_up(connection, known(), first)
        yield SqliteTarget(connection, behind, index_parts=index_parts)


def mark_unfinished(database: Path) -> None:
    """Make a database that is nothing but unfinished. Raises ``StoreUnavailable``."""
    script = statements(schema("sqlite"))
    with errors(), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(next(statement for statement in script if _STEPS in statement))
        connection.execute(SQLITE["mark_unfinished"])
        connection.execute("COMMIT")


def is_unfinished(database: Path) -> bool:
    """Whether a copy into it was begun and has not finished."""
    return bool(_said(database, "is_unfinished"))


def is_newer(database: Path) -> bool:
    """Whether it has a migration that this release does not know."""
    return _said(database, "newest_step") > known()[-1].version


def contents(connection: sqlite3.Connection) -> Contents:
    """How much a database holds."""
    return Contents(*connection.execute(SQLITE["contents"]).fetchone())


def _said(database: Path, name: str) -> int:
    """What a query says of a database; 0 if there is none."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        try:
            return int(connection.execute(SQLITE[name]).fetchone()[0] or 0)
        except (sqlite3.DatabaseError, ValueError):  # it is something else, or broken
            return 0


def _portable(table: Table) -> Callable[[Row], Row]:
    place = table.place(FOLDED)
    if place is None:
        return cleaned
    return lambda row: changed(cleaned(row), place, opened(row[place]))


def _owed(table: Table, rows: Any, place: int) -> Iterator[Row]:
    """What the index of parts of texts shall have of resources that live."""
    directory, seq, deleted = (table.columns.index(name) for name in ("directory", "seq", "deleted"))
    for row in rows:
        if row[deleted] is None and (text := parts_text(row[place])) is not None:
            yield row[directory], row[seq], None, text
