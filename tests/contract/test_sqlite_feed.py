"""What is SQLite's own about the feed: bounded pages, an index walk, and snapshots beside the writer."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rosterd.service.events import PAGE_BYTES
from rosterd.service.ports import Writer
from rosterd.store.queries import SQLITE, schema
from rosterd.store.snapshot import MOST
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.scenario import DIRECTORY, event, listed, users


def test_a_page_ends_when_its_data_becomes_large(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        large = "x" * (PAGE_BYTES // 3)

        async def work(tx: Writer) -> None:
            for _ in range(6):
                await tx.append(event("u")._replace(data={"large": large}))

        await store.write(DIRECTORY, work)
        seen, after = [], 0
        while True:
            page = await store.reader(DIRECTORY).feed(after, 1000)
            seen.append([e.seq for e in page.events])
            after = page.through
            if after == page.last:
                break
        assert seen == [[1, 2, 3], [4, 5, 6]]

    run(tmp_path, test)


@pytest.mark.parametrize("query", ["feed", "feed_back"])
def test_the_feed_is_a_walk_along_its_key(query: str) -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(schema("sqlite"))
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {SQLITE[query]}", (1, 2, 3, "[]", 5))]
    database.close()
    assert plan[0] == "SEARCH event USING PRIMARY KEY (directory=? AND seq>? AND seq<?)"
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_snapshot_stays_although_the_log_is_moved_into_the_database(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await users(store, ["a"])
        async with store.snapshot(DIRECTORY) as snapshot:
            for turn in range(6):
                await users(store, [f"u{turn}-{n}" for n in range(1000)])  # several checkpoints
            assert [row.id for row in (await snapshot.search(listed())).rows] == ["a"]
        assert await store.reader(DIRECTORY).count("User") == 6001

    run(tmp_path, test)


def test_a_read_that_is_given_up_does_not_outlive_its_snapshot(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await users(store, [f"u{n}" for n in range(500)])
        for _ in range(10):
            async with store.snapshot(DIRECTORY) as snapshot:
                read = asyncio.create_task(snapshot.search(listed(limit=500)))
                await asyncio.sleep(0)
                read.cancel()
                await asyncio.wait((read,))
        assert await store.reader(DIRECTORY).count("User") == 500

    run(tmp_path, test)


def test_a_snapshot_that_is_given_up_while_it_opens_takes_no_place(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        for _ in range(MOST + 1):
            opening = asyncio.create_task(store.snapshot(DIRECTORY).__aenter__())
            await asyncio.sleep(0)
            opening.cancel()
            await asyncio.wait((opening,))
        async with store.snapshot(DIRECTORY) as snapshot:
            assert await snapshot.count("User") == 0

    run(tmp_path, test)


def run(folder: Path, test: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def within() -> None:
        store = await open_sqlite(folder / "rosterd.db")
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(within())
