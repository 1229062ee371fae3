"""How the parts of the SQLite store come to a connection: quick work at once, the other in a thread."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """Runs work with a connection."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], *, quick: bool) -> Awaitable[T]: ...
