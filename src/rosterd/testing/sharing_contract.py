"""The contract of what processes share besides the data: rates, forms that were sent, bookmarks of walks."""

# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from rosterd.service.limits import MILLION, Drawn, Key
from rosterd.service.ports import Position
from rosterd.service.sharing import FormMarks, SharedBuckets
from rosterd.service.walks import Bookmark, Bookmarks, PageStart
from rosterd.testing.scenario import AT, scenario

OKTA: Final = (1, "write 7")
OTHER: Final = (1, "write 8")
RATE: Final = 10
SIZE: Final = 10_000
SLACK: Final = 300
"""What a bucket may fill by while a test runs, which is half a minute."""


class Plane(SharedBuckets, FormMarks, Protocol):
    """What the contract looks at."""


def drawn(cost: int, key: Key = OKTA, *, size: int = SIZE, seconds: int = 0) -> Drawn:
    """What somebody drew, the first of it so many seconds ago."""
    return Drawn(key, RATE, size, cost, seconds * MILLION)


def holds(levels: Mapping[Key, int], requests: int, key: Key = OKTA) -> bool:
    """Whether so many requests are left."""
    return 0 <= levels[key] - requests * MILLION < SLACK * MILLION


class SharingContract:
    """What everybody shares. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_what_all_drew_is_taken_from_one_bucket_below_nothing_too(self, plane: Plane) -> None:
        assert await plane.exchange_buckets([]) == {}
        first = await plane.exchange_buckets([drawn(3000), drawn(500, OTHER)])
        assert (holds(first, 7000), holds(first, 9500, OTHER)) == (True, True)
        both = await asyncio.gather(*(plane.exchange_buckets([drawn(5000)]) for _ in range(2)))
        less, more = sorted(both, key=lambda levels: levels[OKTA])
        assert (holds(less, -3000), holds(more, 2000)) == (True, True)
        elsewhere = (2, OTHER[1])
        last = await plane.exchange_buckets([drawn(500, OTHER), drawn(1, elsewhere)])
        assert (holds(last, 9000, OTHER), holds(last, 9999, elsewhere)) == (True, True)

    @scenario
    async def test_a_bucket_fills_at_its_rate_and_is_never_more_than_full(self, plane: Plane) -> None:
        assert holds(await plane.exchange_buckets([drawn(SIZE, seconds=100)]), 100 * RATE)
        assert holds(await plane.exchange_buckets([drawn(100 * RATE)]), 0)
        assert await plane.exchange_buckets([drawn(1, OTHER, seconds=SIZE)]) == {OTHER: SIZE * MILLION}
        assert holds(await plane.exchange_buckets([drawn(5000, OTHER)]), SIZE - 5000, OTHER)
        assert holds(await plane.exchange_buckets([drawn(1, OTHER, size=50)]), 49, OTHER)

    @scenario
    async def test_nothing_is_filled_twice_by_who_tells_late(self, plane: Plane) -> None:
        await plane.exchange_buckets([drawn(SIZE)])
        assert holds(await plane.exchange_buckets([drawn(1000, seconds=100)]), -1000)
        assert holds(await plane.exchange_buckets([drawn(1000)]), -2000)

    @scenario
    async def test_buckets_that_are_full_again_are_forgotten(self, plane: Plane) -> None:
        full = [drawn(5000, OTHER, seconds=SIZE), drawn(SIZE, (0, "x"), seconds=SIZE)]
        await plane.exchange_buckets([drawn(5000), *full])
        assert [await plane.forget_buckets(most) for most in (1, 9, 9)] == [1, 1, 0]
        assert holds(await plane.exchange_buckets([drawn(0)]), 5000)

    @scenario
    async def test_a_mark_is_spent_once(self, plane: Plane) -> None:
        many = await asyncio.gather(*(plane.spend_mark(b"a" * 32, AT) for _ in range(5)))
        assert sorted(many) == [False] * 4 + [True]
        assert await plane.spend_mark(b"b" * 32, AT + 1)
        assert not await plane.spend_mark(b"b" * 32, AT + 2)

    @scenario
    async def test_old_marks_are_forgotten(self, plane: Plane) -> None:
        for number in range(4):
            await plane.spend_mark(bytes([number]), AT + number)
        assert await plane.forget_marks(AT, 9) == 0
        assert await plane.forget_marks(AT + 3, 2) == 2
        assert await plane.forget_marks(AT + 3, 9) == 1
        assert not await plane.spend_mark(b"\x03", AT)
        assert await plane.spend_mark(b"\x02", AT)


class BookmarkContract:
    """What remembers walks. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Bookmarks]:
        """Open one that remembers nothing yet."""
        raise NotImplementedError

    @scenario
    async def test_a_bookmark_is_found_until_it_expires_by_its_page_only(self, kept: Bookmarks) -> None:
        page = PageStart(1, 7, b"\0w" * 16, 101)
        bookmark = Bookmark(Position(7, "år\0"), 300, AT)
        await kept.keep_bookmark(page, bookmark)
        assert await kept.find_bookmark(page, AT - 1) == bookmark
        assert await kept.find_bookmark(page, AT) is None
        others = ({"directory": 2}, {"connection": 8}, {"walk": b"v" * 32}, {"start_index": 2**31})
        for other in others:
            assert await kept.find_bookmark(replace(page, **other), AT - 1) is None, other

    @scenario
    async def test_the_newest_counts_whatever_it_is_sorted_by(self, kept: Bookmarks) -> None:
        page = PageStart(1, 7, b"w" * 32, 2**31)
        for key in (None, "", 5, 2.5, True):
            bookmark = Bookmark(Position(9, key), 1, AT)
            await kept.keep_bookmark(page, bookmark)
            assert await kept.find_bookmark(page, AT - 1) == bookmark

    @scenario
    async def test_those_that_have_expired_are_forgotten(self, kept: Bookmarks) -> None:
        pages = [PageStart(1, connection, b"w" * 32, 2) for connection in range(4)]
        for later, page in enumerate(pages):
            await kept.keep_bookmark(page, Bookmark(Position(1), 1, AT + later))
        assert [await kept.forget_bookmarks(AT + 2, most) for most in (2, 9, 9)] == [2, 1, 0]
        assert await kept.find_bookmark(pages[3], AT) is not None

    @scenario
    async def test_a_connection_does_not_push_out_the_bookmarks_of_another(self, kept: Bookmarks) -> None:
        page, bookmark = PageStart(1, 7, b"w" * 32, 2), Bookmark(Position(1), 1, AT)
        await kept.keep_bookmark(page, bookmark)
        for start in range(300):
            await kept.keep_bookmark(replace(page, connection=8, start_index=start), bookmark)
        assert await kept.find_bookmark(page, AT - 1) == bookmark
