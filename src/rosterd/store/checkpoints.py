"""The log of a database file is moved into the file now and then, so that it can be begun anew.

It is begun anew by the first change that finds all of it moved, and nobody who reads what was before. Where
several processes write, one of them always goes on with it; so once it has become long, they wait until it is
moved as a whole.
"""

import sqlite3
import time
from contextlib import suppress
from typing import Final

from rosterd.service.ports import StoreUnavailable
from rosterd.store.write_lock import WriteLock

CHANGES: Final = 4000
"""Rows changed between two checkpoints; a row dirties about one page of the log, or less."""
LONG: Final = 4096
"""Pages of a log that is to be begun anew, whoever waits for it."""
_TRIES: Final = 4
_PAUSE: Final = 0.005
"""Seconds: longer than a turn of the event loop, of which all reads are one transaction."""


class Checkpoints:
    """Those of one writing connection."""

    def __init__(self, connection: sqlite3.Connection, lock: WriteLock) -> None:
        self._connection = connection
        self._lock = lock
        self._changes = connection.total_changes

    def due(self) -> bool:
        """Whether enough was changed since the last time; asked again, it is not."""
        changes = self._connection.total_changes
        if changes - self._changes < CHANGES:
            return False
        self._changes = changes
        return True

    def make(self) -> None:
        """Move the log. If that fails, it grows until the next time; a full disk shows itself at a commit."""
        with suppress(sqlite3.Error, StoreUnavailable):
            if self._move() >= LONG:
                with self._lock:
                    self._move()

    def _move(self) -> int:
        """Move the log, all of it unless another process goes on with it; how many pages it has."""
        before = written = 0
        for _ in range(_TRIES):
            _, written, moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if moved >= written or 0 < before < written:
                break
            before = written
            time.sleep(_PAUSE)  # until those who read what was before have read it
        return written
