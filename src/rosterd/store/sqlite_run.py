"""How the parts of the SQLite store come to a connection, and how they write JSON into a column."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import orjson

T = TypeVar("T")


class Run(Protocol):
    """Runs work with a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> Awaitable[T]: ...


def as_json(value: object) -> str:
    """A value as it is kept in a text column."""
    return orjson.dumps(value).decode()
