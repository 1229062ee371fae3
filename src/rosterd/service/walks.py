"""Bookmarks that make index paging (``startIndex``) a walk instead of a count from the start.

A client that asks for startIndex 101 after it was given 1 to 100 wants what comes *behind number
100 as it saw it*. Counting 100 rows again would cost more the deeper it is, and would skip a user
for every one deleted meanwhile. So the place where a page ended is remembered per connection and
query, and the next page goes on from there. Without a bookmark (a jump, ten minutes' rest) the page
is counted out as the RFC has it.

Where one process serves all, it remembers (``Walks``); where there are several, a file that they share or
their database does, so that the next page may be asked of another one.
"""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, Protocol

from rosterd.service.ports import Position

CAPACITY: Final = 10_000
LIFETIME: Final = 600_000  # ms


@dataclass(frozen=True, slots=True)
class PageStart:
    """A page of a walk, before which another one ended."""

    directory: int
    connection: int
    walk: bytes
    """A digest of who walks over what, filtered and sorted how: 32 bytes."""
    start_index: int


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where the page before ended, and the total the walk was told so far."""

    position: Position
    total: int
    expires: int
    """ms."""


class Bookmarks(Protocol):
    """The port: a bounded number for each connection, or for all; older ones make room."""

    async def find_bookmark(self, page: PageStart, now: int) -> Bookmark | None:
        """The newest bookmark of the page that has not expired. Raises ``StoreUnavailable``."""

    async def keep_bookmark(self, page: PageStart, bookmark: Bookmark) -> None:
        """Remember it in place of an earlier one. Raises ``StoreUnavailable``."""

    async def forget_bookmarks(self, now: int, most: int) -> int:
        """Forget those that have expired, so many at most; how many there were."""


class Walks:
    """``Bookmarks`` in a table of this process; the least recently kept goes first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._bookmarks: OrderedDict[PageStart, Bookmark] = OrderedDict()

    async def find_bookmark(self, page: PageStart, now: int) -> Bookmark | None:
        """See ``Bookmarks``."""
        bookmark = self._bookmarks.get(page)
        return bookmark if bookmark and bookmark.expires > now else None

    async def keep_bookmark(self, page: PageStart, bookmark: Bookmark) -> None:
        """See ``Bookmarks``."""
        self._bookmarks[page] = bookmark
        self._bookmarks.move_to_end(page)
        while len(self._bookmarks) > self._capacity:
            self._bookmarks.popitem(last=False)

    async def forget_bookmarks(self, now: int, most: int) -> int:
        """See ``Bookmarks``. All live equally long, so the first in the table expire first."""
        gone = list(islice(takewhile(lambda kept: kept[1].expires <= now, self._bookmarks.items()), most))
        for page, _ in gone:
            del self._bookmarks[page]
        return len(gone)
