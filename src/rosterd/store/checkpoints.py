"""The log of a database file is moved into the file now and then, so that it can be begun anew.

It is begun anew by the first change that finds all of it moved, and nobody who reads from it. Where several
processes write and read, somebody always does; so once it has become long, changes wait until all of it is
moved and those who read from it have ended.
"""

import sqlite3
import time
from contextlib import suppress
from typing import Final

from rosterd.store.database import patience
from rosterd.store.write_lock import WriteLock

CHANGES: Final = 4000
"""Rows changed between two checkpoints; a row dirties about one page of the log, or less."""
LONG: Final = 4096
"""Pages of a log that is to be begun anew, whoever waits for it."""
_READERS_MS: Final = (250, 1000)
"""How long those who read from a long log are waited for, and changes with them: at first, and at most."""
_RESTS: Final = 10
"""In which part of the time at the most that may be in vain, as it is while an export reads."""
_TRIES: Final = 4
_PAUSE: Final = 0.005
"""Seconds: longer than a turn of the event loop, of which all reads are one transaction."""


class Checkpoints:
    """Those of one writing connection."""

    def __init__(self, connection: sqlite3.Connection, lock: WriteLock) -> None:
        self._connection = connection
        self._lock = lock
        self._changes = connection.total_changes
        self._patience, _ = _READERS_MS
        self._waits_from = 0.0
        """When readers are waited for again, on the clock that never goes back."""

    def due(self) -> bool:
        """Whether enough was changed since the last time; asked again, it is not."""
        changes = self._connection.total_changes
        if changes - self._changes < CHANGES:
            return False
        self._changes = changes
        return True

    def make(self) -> None:
        """Move the log. If that fails, it grows until the next time; a full disk shows itself at a commit."""
        with suppress(sqlite3.Error):
            if self._move() >= LONG and time.monotonic() >= self._waits_from:
                with self._lock:
                    self._begin_anew()

    def _begin_anew(self) -> None:
        """SQLite waits for readers itself then; those that are quick end within milliseconds."""
        with patience(self._connection, self._patience):
            busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        least, most = _READERS_MS
        if busy:
            self._waits_from = time.monotonic() + _RESTS * self._patience / 1000
        self._patience = min(2 * self._patience, most) if busy else least

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
