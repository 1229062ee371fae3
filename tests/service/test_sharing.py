"""The job that shares rates tells what was drawn, follows what is left, and survives a lost database."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from rosterd.service.limits import WRITE, Drawn, Key, Limits, Throttle
from rosterd.service.ports import StoreUnavailable
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.wiring import sharing
from rosterd.wiring.sharing import Sharing

ALLOWED = Limits(write_rate=1, burst=100)


class Watched:
    """A store that fails as often as it is told, and says what it was asked."""

    def __init__(self, store: SqliteStore, *faults: Exception) -> None:
        self.store = store
        self.faults = list(faults)
        self.asked: list[Sequence[Drawn]] = []

    async def exchange_buckets(self, drawn: Sequence[Drawn]) -> Mapping[Key, int]:
        self.asked.append(drawn)
        if self.faults:
            raise self.faults.pop(0)
        return await self.store.exchange_buckets(drawn)

    async def forget_buckets(self, most: int) -> int:
        return await self.store.forget_buckets(most)


async def eventually(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def draw(throttle: Throttle, cost: int = 1) -> int:
    """How many are left."""
    quota = throttle.take(1, 7, WRITE, ALLOWED, cost)
    assert quota is not None
    return quota.remaining


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SECONDS", 0.01)


def test_a_process_follows_what_others_drew_and_asks_only_if_it_drew(tmp_path: Path) -> None:
    async def test() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        one, two = Throttle(time.monotonic_ns), Throttle(time.monotonic_ns)
        first, second = Watched(store), Watched(store)
        async with (
            Sharing(first, [one]).running(),
            Sharing(second, [Throttle(time.monotonic_ns), two]).running(),
        ):
            draw(one, 60)
            await eventually(lambda: bool(first.asked))
            assert draw(two) >= 99 - 1
            await eventually(lambda: draw(two, 0) < 50)
            draw(one, 0)
            asked = len(first.asked), len(second.asked)
            await asyncio.sleep(0.1)
            assert asked == (len(first.asked), len(second.asked)) == (1, 1)
        await store.close()

    asyncio.run(test())


def test_without_the_database_a_process_goes_on_by_its_own_buckets(tmp_path: Path) -> None:
    async def test() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        await store.exchange_buckets([Drawn((1, f"{WRITE} 7"), 1, 100, 80, 0)])
        throttle = Throttle(time.monotonic_ns)
        watched = Watched(store, StoreUnavailable("away"), StoreUnavailable("away"))
        async with Sharing(watched, [throttle]).running():
            for times in (1, 2):
                assert draw(throttle) > 90
                await eventually(lambda times=times: len(watched.asked) == times)  # type: ignore[misc]
            draw(throttle)
            await eventually(lambda: draw(throttle, 0) < 50)
        assert [one.cost for (one,) in watched.asked] == [1, 1, 1]
        await store.close()

    asyncio.run(test())
