"""All quick reads of one turn of an event loop are one transaction; it ends before the next turn's requests.

Nothing is read that is older than what asks for it. The end of the transaction is put into the loop's queue
when it begins, so whatever the loop is told after that, such as a commit or a request, comes behind it.
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
        """Be in the transaction of this turn. What a loop left open that has stopped is ended before."""
        if self.loop is not None and self.loop.is_running():
            return
        self._end()
        with suppress(RuntimeError):  # outside of a loop each read is by itself
            self.loop = asyncio.get_running_loop()
            self.loop.call_soon(self._end)
            self.connection.execute("BEGIN")

    def _end(self) -> None:
        self.loop = None
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):  # it is over in any case
                self.connection.execute("ROLLBACK")
