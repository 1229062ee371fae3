"""Which process may write a database file next.

Of processes that want to, SQLite lets one ask again after pauses that grow to a tenth of a second: where two
write all the time, one of them sleeps while nobody writes, and a command beside them may ask in vain. So they
ask for a lock of the kernel's first, on the directory of the database, which costs so little that they can do
so often. Who dies has it no more.

This only saves waiting. What keeps the file whole is SQLite's own lock, which everybody takes as well; where
a directory cannot be locked, as on some network file systems, that one is enough.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from rosterd.service.ports import StoreUnavailable

_NAP_SECONDS: Final = 0.0001
_LONGEST: Final = 0.005
"""Who has waited for long asks less often."""


class WriteLock:
    """Held for as long as its context lasts, by one thread at a time."""

    def __init__(self, database: Path, busy_ms: int) -> None:
        """``busy_ms`` is how long another process is waited for."""
        self._seconds = busy_ms / 1000
        self._file = _opened(database.parent)

    def __enter__(self) -> None:
        """Wait for it. Raises ``StoreUnavailable`` if that takes too long."""
        if self._file is None or _locks(self._file):
            return
        began = time.monotonic()
        while (waited := time.monotonic() - began) < self._seconds:
            time.sleep(min(max(_NAP_SECONDS, waited / 50), _LONGEST))
            if _locks(self._file):
                return
        raise StoreUnavailable(f"another process has been writing for {self._seconds:g} seconds")

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Never ask again."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _locks(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(path: Path) -> int | None:
    """The directory; ``None`` where there is no such lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _locks(file):
            fcntl.flock(file, fcntl.LOCK_UN)
    except OSError:
        os.close(file)
        return None
    return file
