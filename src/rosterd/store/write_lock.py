"""Which process may write a database file next.

Of processes that want to, SQLite lets one ask again after pauses that grow to a tenth of a second: where two
write all the time, one of them sleeps while nobody writes, and a command beside them may ask in vain. So they
ask for a lock of the kernel's first, on the directory of the database, which costs so little that they can do
so often. Who dies has it no more.

This only saves waiting. What keeps the file whole is SQLite's own lock, which everybody takes as well. If
this one is not had in ``PATIENCE`` seconds, it is done without: a network file system may have none,
whoever has it may hang, or be another program that has locked the directory for its own ends.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 1.0
REST: Final = 10.0
"""Seconds for which it is not waited for again after that."""
_NAP_SECONDS: Final = 0.0001
_LONGEST: Final = 0.005
"""Who has waited for long asks less often."""


class WriteLock:
    """Held for as long as its context lasts, by one thread at a time; or not, if it cannot be had."""

    def __init__(self, database: Path) -> None:
        try:
            self._file: int | None = os.open(database.parent, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None
        self._held = False
        self._waits_from = 0.0
        """When it is worth waiting for again, on the clock that never goes back."""

    def __enter__(self) -> None:
        began = time.monotonic()
        patience = PATIENCE if began >= self._waits_from else 0.0
        while not self._take():
            waited = time.monotonic() - began
            if waited >= patience:
                if patience:
                    self._waits_from = began + waited + REST
                return
            time.sleep(min(max(_NAP_SECONDS, waited / 50), _LONGEST))

    def __exit__(self, *_: object) -> None:
        if self._held and self._file is not None:
            self._held = False
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Never ask again."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _take(self) -> bool:
        """Whether it is not to be asked for again: as it is ours, or there is none."""
        if self._file is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._held = True
        return True
