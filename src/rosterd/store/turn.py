"""All quick reads of one turn of an event loop are one transaction; it ends before the next turn's requests.

Nothing is read that is older than what asks for it. The end of the turn is put into the loop's queue with its
first read, so whatever the loop is told after that, such as a commit or a request, comes behind it. For the
same reason it is enough to look once in a turn whether anybody has committed anything. A request whose task
is begun at once, while a socket is read, would not come behind it: `asgi.py` has it wait for a turn.
"""

import asyncio
import sqlite3
from collections.abc import Hashable
from contextlib import suppress

from rosterd.store.database import data_version


class Turns:
    """The connection of a thread."""

    __slots__ = ("_connection", "_looked", "_loop", "_portions", "_version")

    def __init__(self, connection: sqlite3.Connection, portion: int = 0) -> None:
        """After two portions of so many steps of SQLite's machine a statement is interrupted; 0: never."""
        self._connection = connection
        self._portions = 0
        """Those of this turn: a statement's steps are counted on from where it ended the last time."""
        connection.set_progress_handler(self._is_long if portion else None, portion)
        self._loop: asyncio.AbstractEventLoop | None = None
        """Whose turn it is that the open transaction belongs to, if there is one."""
        self._version = id(connection), 0
        self._looked = False
        """Whether ``_version`` is of this turn."""

    def reader(self) -> sqlite3.Connection:
        """The connection, in a transaction of this turn; what a loop left open that has stopped is ended."""
        if self._loop is None or not self._loop.is_running():
            self._end()
            self._portions = 0
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:  # outside of a loop each read is by itself
                return self._connection
            self._loop.call_soon(self._end)
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")
        return self._connection

    def version(self) -> Hashable:
        """Another one once anybody has committed anything. What is read after this is not older.

        The look is itself the first read of the turn's transaction, so what follows is of the same state.
        """
        if self._looked and self._loop is not None and self._loop.is_running():
            return self._version
        if self._connection.in_transaction:  # it may be older than what asks
            self._connection.execute("ROLLBACK")
        reader = self.reader()
        self._version = id(reader), data_version(reader)
        self._looked = self._loop is not None
        return self._version

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _is_long(self) -> bool:
        self._portions += 1
        return self._portions > 1

    def _end(self) -> None:
        self._loop = None
        self._looked = False
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # it is over in any case
                self._connection.execute("ROLLBACK")
