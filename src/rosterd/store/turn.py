"""All quick reads of one turn of an event loop are one transaction; it ends before the next turn's requests.

Nothing is read that is older than what asks for it. The end of the turn is put into the loop's queue with its
first read, so whatever the loop is told after that, such as a commit or a request, comes behind it.
"""

import asyncio
import sqlite3
from contextlib import suppress


class Turns:
    """The reading connection of a thread."""

    __slots__ = ("connection", "loop")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.loop: asyncio.AbstractEventLoop | None = None
        """Whose turn it is that the open transaction belongs to, if there is one."""

    def join(self) -> None:
        """Be in a transaction of this turn. What a loop left open that has stopped is ended before."""
        if self.loop is None or not self.loop.is_running():
            self._end()
            try:
                self.loop = asyncio.get_running_loop()
            except RuntimeError:  # outside of a loop each read is by itself
                return
            self.loop.call_soon(self._end)
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN")

    def renew(self) -> None:
        """Begin the open transaction again, if any: what others have committed in this turn counts, too."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN")

    def _end(self) -> None:
        self.loop = None
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):  # it is over in any case
                self.connection.execute("ROLLBACK")
