"""Bookmarks of index paging, where one process remembers them."""

import asyncio

from rosterd.service.ports import Position
from rosterd.service.walks import Bookmark, PageStart, Walks


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    async def kept() -> list[bool]:
        walks = Walks(capacity=2)
        pages = [PageStart(1, 7, b"w" * 32, start) for start in (2, 3, 4)]
        for page in pages:
            await walks.keep_bookmark(page, Bookmark(Position(page.start_index), 9, 1000))
        return [await walks.find_bookmark(page, 0) is not None for page in pages]

    assert asyncio.run(kept()) == [False, True, True]
