"""``Bookmarks`` in a file that the workers of a machine share; nothing of it is synced.

It is not the database: each page would wait for the disk then, and for its turn among the changes. The event
loop waits for it, some microseconds. What cannot be found or kept is no harm: the page is counted out.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from rosterd.service.walks import Bookmark, PageStart
from rosterd.store.bookmark_rows import bookmark_of, bookmark_row, place_of
from rosterd.store.database import BUSY_MS, begin_log, errors, patience
from rosterd.store.queries import WALKS, schema

_PAGE_BUSY_MS: Final = 5


class SqliteWalks:
    """See ``rosterd.service.walks``."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it if there is none. Raises ``StoreUnavailable``."""
        with errors():
            self._connection = sqlite3.connect(path, timeout=_PAGE_BUSY_MS / 1000, isolation_level=None)
            begin_log(self._connection)
            self._connection.execute("PRAGMA synchronous = OFF")
            with patience(self._connection, BUSY_MS):
                self._connection.executescript(schema("walks"))

    async def find_bookmark(self, page: PageStart, now: int) -> Bookmark | None:
        """See ``Bookmarks``."""
        row = None
        with suppress(sqlite3.Error):
            row = self._execute("find_bookmark", *place_of(page), now).fetchone()
        return bookmark_of(*row) if row else None

    async def keep_bookmark(self, page: PageStart, bookmark: Bookmark) -> None:
        """See ``Bookmarks``."""
        with suppress(sqlite3.Error):
            self._execute("keep_bookmark", *bookmark_row(page, bookmark))

    async def forget_bookmarks(self, now: int, most: int) -> int:
        """See ``Bookmarks``."""
        with errors():
            return self._execute("forget_bookmarks", now, most).rowcount

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _execute(self, name: str, *parameters: Any) -> sqlite3.Cursor:
        return self._connection.execute(WALKS[name], parameters)
