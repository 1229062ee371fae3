"""How the parts of the SQLite store come to a connection: quick work at once, the other in a thread."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any, Final, Protocol, TypeVar

from rosterd.store.queries import of_rows

T = TypeVar("T")

_MOST_AT_ONCE: Final = 512
"""Rows in one statement; with their columns they are less than the parameters that SQLite takes."""
_ANY: Final = 32
"""So many rows or fewer are one statement; above that each has a power of two, so that few are prepared."""


class Run(Protocol):
    """Runs work with a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> Awaitable[T]: ...


def write_rows(connection: sqlite3.Connection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    """Write them by few statements, and return how many rows were changed.

    After each, the writer's thread has to get the interpreter from the event loop's again.
    """
    at = changed = 0
    while (left := len(rows) - at) > _ANY:
        count = min(_MOST_AT_ONCE, 1 << left.bit_length() - 1)
        changed += _write(connection, name, rows[at : at + count])
        at += count
    if left:
        changed += _write(connection, name, rows[at:] if at else rows)
    return changed


def _write(connection: sqlite3.Connection, name: str, rows: Sequence[Sequence[Any]]) -> int:
    return connection.execute(of_rows(name, len(rows)), tuple(chain.from_iterable(rows))).rowcount
