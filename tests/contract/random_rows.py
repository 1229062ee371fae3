"""Rows of every table, drawn by chance: odd texts, long values, numbers that engines write differently."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from rosterd.store.lookups import lookups
from rosterd.store.migrate import apply
from rosterd.store.portable import FOLDED, LOOKED_UP, TABLES, Row, Table

TEXTS = (
    "",
    "plain",
    "Ünï ☃ 😀",
    "line\nbreak\ttab",
    'it\'s "quoted" \\ and {braces}',
    "a\0b",
    "%_",
    "x" * 900,
)
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, -(2**63), 2**63 - 1)
FLOATS = (0.5, -0.0, 1e-7, 1e16, 1e300, 123456789.125, 5e-324, 2.0**53)
FIXED = {("connection", "state"): ("active", "paused", "disabled")}
MOST = 4


class Drawn:
    """A database file whose every table has rows; ``rows`` are as they were written."""

    def __init__(self, path: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows: dict[str, list[Row]] = {}
        apply(path)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            self.connection = connection
            for table in TABLES:
                self.rows[table.name] = list(self._written(table))
        connection.close()

    def _written(self, table: Table) -> Iterator[Row]:
        if table.place(LOOKED_UP) is not None:
            yield from self._values(table)
            return
        needed = {row[1]: bool(row[3] or row[5]) for row in self._about("table_info", table)}
        for _ in range(self.chance.randint(1, MOST)):
            row = {
                column: self._value(table, column, kind, needed[column])
                for column, kind in zip(table.columns, table.kinds, strict=True)
            }
            self._refer(table, row)
            if table.name == "session":
                row["setup_link" if row["administrator"] else "administrator"] = None
            if self._insert(table, tuple(row.values())):
                yield tuple(row.values())

    def _insert(self, table: Table, row: Row) -> bool:
        return self.connection.execute(table.insert().replace("INSERT", "INSERT OR IGNORE"), row).rowcount > 0

    def _about(self, what: str, table: Table) -> list[Any]:
        return self.connection.execute(f"PRAGMA {what}({table.name})").fetchall()

    def _value(self, table: Table, column: str, kind: str, needed: bool) -> Any:
        if (table.name, column) in FIXED:
            return self.chance.choice(FIXED[table.name, column])
        if not needed and self.chance.random() < 0.3:
            return None
        match kind:
            case "#":
                small = self.chance.randrange(1, 10**6)
                counted = column in ("id", "seq", "directory")
                return small if counted else self.chance.choice((*NUMBERS, small))
            case "*":
                return self.chance.randbytes(self.chance.randrange(40))
            case "{}":
                return orjson.dumps(self._folded()).decode()
        text = self.chance.choice(TEXTS)
        return text if len(text) > 100 and column == "data" else f"{text[:50]}{self.chance.random()}"

    def _folded(self) -> dict[str, Any]:
        emails = [{"value": f"{self.chance.choice(TEXTS)}{self.chance.random()}", "primary": 1}]
        return {
            "userName": f"{self.chance.choice(TEXTS)}{self.chance.random()}",
            "active": self.chance.choice((0, 1)),
            "emails": emails,
            "urn:x": {"size": self.chance.choice(FLOATS), "height": self.chance.choice(NUMBERS)},
        }

    def _refer(self, table: Table, row: dict[str, Any]) -> None:
        """Have what refers to another table name one of its rows."""
        for _, _, parent, column, of_parent, *_ in reversed(self._about("foreign_key_list", table)):
            columns = next(each for each in TABLES if each.name == parent).columns
            if row[column] is not None:
                same = [r for r in self.rows[parent] if self._agrees(table, parent, row, r)]
                row[column] = self.chance.choice(same)[columns.index(of_parent)]

    def _agrees(self, table: Table, parent: str, row: dict[str, Any], other: Row) -> bool:
        """For a key of two columns, directory and connection: the second belongs to the first."""
        columns = next(each for each in TABLES if each.name == parent).columns
        if parent != "connection" or row["directory"] is None:
            return True
        directories = {each[columns.index("directory")] for each in self.rows[parent]}
        if row["directory"] not in directories:
            row["directory"] = self.chance.choice(sorted(directories))
        return bool(other[columns.index("directory")] == row["directory"])

    def _values(self, table: Table) -> Iterator[Row]:
        """What resources are looked up by: their own values, each with the resource's directory and id."""
        of = next(each for each in TABLES if each.name == "resource").columns
        for resource in self.rows["resource"]:
            at = dict(zip(of, resource, strict=True))
            for attribute, value in lookups(orjson.loads(at["search"])):
                row = (at["directory"], at["kind"], attribute, value, at["id"])
                if isinstance(value, str) and self._insert(table, row):
                    yield row


def contents(path: Path, table: Table) -> list[Row]:
    """The rows that a file has, in an order of their own, as either engine keeps them."""
    connection = sqlite3.connect(path)
    names = ", ".join(f'"{column}"' for column in table.columns)
    rows = connection.execute(f"SELECT {names} FROM {table.name}").fetchall()  # noqa: S608
    connection.close()
    return sorted((_clean(table, row) for row in rows), key=repr)


def _clean(table: Table, row: Row) -> Row:
    """Without U+0000, the folded document as an object."""
    found = []
    for kind, value in zip(table.kinds, row, strict=True):
        if isinstance(value, str):
            value = value.replace("\0", "\ufffd").replace("\\u0000", "\ufffd")
        found.append(_numbers(orjson.loads(value)) if kind == FOLDED else value)
    return tuple(found)


def _numbers(value: Any) -> Any:
    """Whole numbers as such, so that they are written alike."""
    if isinstance(value, dict):
        return {name: _numbers(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return list(map(_numbers, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value
