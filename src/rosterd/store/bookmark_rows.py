"""How bookmarks of walks are written in rows, whatever the engine.

A connection has so many places for bookmarks, and a page always the same one: a new one takes it.
"""

from typing import Any, Final
from zlib import crc32

import orjson

from rosterd.service.ports import Position
from rosterd.service.walks import Bookmark, PageStart

SLOTS: Final = 4096
"""Bookmarks of a connection: a walk of so many pages keeps all of its own for a while."""


def place_of(page: PageStart) -> tuple[int, int, int, bytes, int]:
    """Where a page's bookmark is."""
    slot = crc32(page.walk + page.start_index.to_bytes(8, "big")) % SLOTS
    return page.directory, page.connection, slot, page.walk, page.start_index


def bookmark_row(page: PageStart, bookmark: Bookmark) -> tuple[Any, ...]:
    """A row; its place comes first."""
    at = bookmark.position
    return *place_of(page), at.seq, orjson.dumps(at.key), bookmark.total, bookmark.expires


def bookmark_of(seq: int, key: bytes, total: int, expires: int) -> Bookmark:
    """What stands behind a place."""
    return Bookmark(Position(seq, orjson.loads(key)), total, expires)
