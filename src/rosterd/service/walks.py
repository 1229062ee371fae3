"""Bookmarks that make index paging (``startIndex``) a walk instead of a count from the start.

A client that asks for startIndex 101 after it was given 1 to 100 wants what comes *behind number
100 as it saw it*. Counting 100 rows again would cost more the deeper it is, and would skip a user
for every one deleted meanwhile. So the place where a page ended is remembered per connection and
query, and the next page goes on from there. Without a bookmark (restart, another worker, a jump)
the page is counted out as the RFC has it.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from rosterd.service.ports import Position

CAPACITY: Final = 10_000
LIFETIME: Final = 600_000  # ms


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where the page before ``start_index`` ended, and the total the walk was told so far."""

    position: Position
    total: int
    expires: int


class Walks:
    """A bounded table of bookmarks; the least recently set goes first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._bookmarks: OrderedDict[Hashable, Bookmark] = OrderedDict()

    def find(self, walk: Hashable, start_index: int, now: int) -> Bookmark | None:
        """The bookmark of the page that begins at ``start_index``."""
        bookmark = self._bookmarks.get((walk, start_index))
        return bookmark if bookmark and bookmark.expires > now else None

    def set(self, walk: Hashable, start_index: int, position: Position, total: int, now: int) -> None:
        """Remember that the page beginning at ``start_index`` follows ``position``."""
        key = (walk, start_index)
        self._bookmarks[key] = Bookmark(position, total, now + LIFETIME)
        self._bookmarks.move_to_end(key)
        while len(self._bookmarks) > self._capacity:
            self._bookmarks.popitem(last=False)
