"""A file in which several directories have rows in every table that can have any of a directory's."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson

from rosterd.store.database import connect_writer
from rosterd.store.lookups import lookups
from rosterd.store.migrate import apply
from rosterd.store.parts import parts_text, put_portion
from rosterd.store.portable import FOLDED, NUMBER, TABLES, Row, Table
from rosterd.store.queries import SQLITE

ROWS: Final = 3
ALL: Final = None
"""No directory: endpoints and keys that are for all of them."""

SINGLE: Final = ("directory", "mapping")
"""Of which a directory has one row."""

Rows = dict[str, list[Row]]


def reference(connection: sqlite3.Connection, name: str) -> dict[str, tuple[str, str]]:
    """Each column that refers to another table, with that table and its column."""
    rows = connection.execute(f"PRAGMA foreign_key_list({name})").fetchall()
    return {row[3]: (row[2], row[4]) for row in reversed(rows)}


def tables(connection: sqlite3.Connection) -> list[str]:
    """Every table of the file, whoever made it."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    others = ("sqlite_", "parts_", "schema_version")
    return [
        name for (name,) in found if name == "parts_due" or (not name.startswith(others) and name != "parts")
    ]


def columns(connection: sqlite3.Connection, name: str) -> list[str]:
    """Of a table, those that are written."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]


def of_directory(connection: sqlite3.Connection, name: str) -> str | None:
    """By which condition a row of a table is a directory's, if it can be; ``?1`` is the directory."""
    if name == "directory":
        return "id = ?1"
    if "directory" in columns(connection, name):
        return "directory = ?1"
    ways = [
        f"{column} IN (SELECT {there} FROM {other} WHERE {way})"  # noqa: S608
        for column, (other, there) in reference(connection, name).items()
        if (way := of_directory(connection, other)) is not None
    ]
    return " OR ".join(ways) or None


def owned(path: Path, directory: int) -> Rows:
    """The rows of a directory, in every table that can have any."""
    with closing(sqlite3.connect(path)) as connection:
        ways = {name: of_directory(connection, name) for name in tables(connection)}
        found = {
            name: connection.execute(f"SELECT * FROM {name} WHERE {way}", (directory,)).fetchall()  # noqa: S608
            for name, way in ways.items()
            if way
        }
        low, high = directory << 40, (directory + 1) << 40
        named = "SELECT rowid FROM parts WHERE parts MATCH 'uuu' AND rowid >= ? AND rowid < ?"
        return {**found, "parts": connection.execute(named, (low, high)).fetchall()}


def all_rows(path: Path) -> Rows:
    """The rows of every table."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608
            for name in tables(connection)
        }


class Filled:
    """Such a file; ``ids`` are the numbers of the directories."""

    def __init__(self, path: Path, directories: int = 2) -> None:
        apply(path)
        self._number = 0
        self._rows: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
        with closing(connect_writer(path, 1000)) as connection:
            self._connection = connection
            connection.execute("BEGIN")
            self.ids = tuple(range(1, directories + 1))
            self._fill(ALL, only=("webhook", "api_key"))
            for id in self.ids:
                self._fill(id)
                connection.execute(SQLITE["put_bucket"], (id, "n", 1, 1, 1, 1))
            while put_portion(connection):
                pass
            connection.execute("COMMIT")

    def _fill(self, directory: int | None, only: Iterable[str] = ()) -> None:
        for table in TABLES:
            own = table.name == "directory" or of_directory(self._connection, table.name) is not None
            if own and (not only or table.name in only):
                self._rows[table.name, directory] = []
                for _ in range(1 if table.name in SINGLE else ROWS):
                    self._insert(table, directory)

    def _insert(self, table: Table, directory: int | None) -> None:
        if table.name in ("unique_value", "attribute_value"):
            return  # with the resources
        row = {
            column: self._value(table.name, column, kind, directory)
            for column, kind in zip(table.columns, table.kinds, strict=True)
        }
        if table.name == "session":
            row["setup_link"] = None
        for column, (other, there) in reference(self._connection, table.name).items():
            if column != "directory" and row[column] is not None:
                at = len(self._rows[table.name, directory])
                row[column] = self._parents(other, directory, table.name)[at % ROWS][there]
        self._rows[table.name, directory].append(row)
        self._connection.execute(table.insert(), tuple(row.values()))
        if table.name == "resource":
            self._index(row)

    def _parents(self, name: str, directory: int | None, child: str) -> list[dict[str, Any]]:
        """What the rows of a directory may refer to: deliveries also to endpoints of all directories."""
        own = self._rows[name, directory]
        if name == "webhook" and child.startswith(
            ("webhook_line", "webhook_dead", "webhook_attempt", "set_ack")
        ):
            return [own[0], *self._rows[name, ALL][1:]]
        return own

    def _value(self, table: str, column: str, kind: str, directory: int | None) -> Any:
        self._number += 1
        if column == "directory" or (table, column) == ("directory", "id"):
            return directory
        if column in ("removed", "cleared", "deleted") and table != "removed_connection":
            return None
        if (table, column) == ("connection", "state"):
            return "active"
        if kind == FOLDED:
            return orjson.dumps({"userName": f"uuuu{self._number}", "active": 1}).decode()
        if kind == NUMBER:
            return self._number
        if column in ("schemas", "resource_types"):
            return "[]"
        if column == "requirements":
            return "{}"
        return f"{column}{self._number}".encode() if kind == "*" else f"{column}{self._number}"

    def _index(self, row: dict[str, Any]) -> None:
        search = orjson.loads(row["search"])
        due = (row["directory"], row["seq"], None, parts_text(search))
        self._connection.execute(SQLITE["owe_parts"], due)
        for attribute, value in lookups(search):
            for name in ("insert_unique", "insert_value"):
                self._connection.execute(
                    SQLITE[name], (row["directory"], row["kind"], attribute, value, row["id"])
                )
