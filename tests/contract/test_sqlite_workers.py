"""What processes on one database file share: turns at writing, news of changes, bookmarks of walks."""

import asyncio
import multiprocessing
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from rosterd.service.ports import Position, StoreUnavailable, Writer
from rosterd.service.walks import Bookmark, PageStart
from rosterd.store import checkpoints, sqlite_news, wake
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.store.sqlite_news import News
from rosterd.store.sqlite_walks import SqliteWalks
from rosterd.store.wake import Wake
from rosterd.store.write_lock import WriteLock
from rosterd.testing import BookmarkContract
from rosterd.testing.scenario import DIRECTORY, event, put

LONG = 60_000
SHORT = 50


@asynccontextmanager
async def stores(folder: Path, count: int = 2) -> AsyncIterator[list[SqliteStore]]:
    """Stores on one file, as those of workers."""
    async with AsyncExitStack() as stack:
        opened = [await open_sqlite(folder / "rosterd.db", shared=folder) for _ in range(count)]
        for store in opened:
            stack.push_async_callback(store.close)
        yield opened


async def tells(store: SqliteStore, id: str) -> None:
    """An event of the directory."""

    async def work(tx: Writer) -> None:
        await tx.append(event(id))

    await store.write(DIRECTORY, work)


def locks(folder: Path, busy_ms: int) -> WriteLock:
    return WriteLock(folder / "rosterd.db", busy_ms)


def test_one_writes_at_a_time_and_the_next_waits_for_it(tmp_path: Path) -> None:
    with closing(locks(tmp_path, LONG)) as one, closing(locks(tmp_path, LONG)) as two:
        order: list[str] = []

        def second() -> None:
            with two:
                order.append("two")

        with one:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(0.1)
            order.append("one")
        thread.join()
        assert order == ["one", "two"]


def test_who_waits_too_long_is_refused_and_may_ask_again(tmp_path: Path) -> None:
    with closing(locks(tmp_path, LONG)) as one, closing(locks(tmp_path, SHORT)) as two:
        with one, pytest.raises(StoreUnavailable, match="another process"), two:
            pass
        with two:
            pass


def _holds(folder: Path, ready: Event) -> None:
    with locks(folder, LONG):
        ready.set()
        signal.pause()


def test_who_is_killed_has_it_no_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_holds, args=(tmp_path, ready))
    process.start()
    assert ready.wait(LONG / 1000)
    with closing(locks(tmp_path, SHORT)) as mine:
        with pytest.raises(StoreUnavailable), mine:
            pass
        process.kill()
        process.join()
        with mine:
            pass


def test_a_directory_that_cannot_be_locked_is_done_without(tmp_path: Path) -> None:
    with closing(WriteLock(tmp_path / "missing" / "rosterd.db", SHORT)) as one, one, one:
        pass


def test_the_log_is_begun_anew_though_another_one_writes_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 1)

    async def main() -> None:
        async with stores(tmp_path) as both:

            async def fill(store: SqliteStore, name: str) -> None:
                for first in range(0, checkpoints.CHANGES // 2, 80):
                    ids = [f"{name}{number}" for number in range(first, first + 80)]
                    await asyncio.gather(*(store.write(DIRECTORY, put({"userName": id}, id)) for id in ids))

            await asyncio.gather(*(fill(store, f"s{number}-") for number, store in enumerate(both)))
            whole = (tmp_path / "rosterd.db").stat().st_size
            log = (tmp_path / "rosterd.db-wal").stat().st_size
            assert log < 3 * whole

    asyncio.run(main())


def test_who_waits_is_woken_by_what_another_one_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "LOOK_SECONDS", 600)

    async def main() -> None:
        async with stores(tmp_path) as (one, two):
            for number in range(3):
                waits = asyncio.create_task(one.changed(DIRECTORY, number, 600))
                await asyncio.sleep(0.05)
                assert not waits.done()
                await tells(two, f"u{number}")
                assert await asyncio.wait_for(waits, 30)

    asyncio.run(main())


def test_those_who_watch_all_are_told_of_their_own_process_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with stores(tmp_path) as (one, two):
            with one.watch() as watch, two.watch() as other:
                await tells(two, "u")
                assert await other.news(30) == {DIRECTORY}
                assert await watch.news(0.2) == frozenset()

    asyncio.run(main())


def test_many_directories_are_told_of_and_the_socket_of_one_who_was_killed_goes(tmp_path: Path) -> None:
    many = range(1, 3 * sqlite_news._MOST)

    async def main() -> None:
        left = tmp_path / f"left{sqlite_news.ENDING}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
            gone.bind(str(left))
        here = Wake()
        with closing(News(tmp_path, Wake())) as one, closing(News(tmp_path, here)):
            heard = [asyncio.create_task(here.changed(number, _never, 30)) for number in (1, many[-1])]
            await asyncio.sleep(0)
            bells = dict(here._bells)
            for number in many:
                one.ring(number)
            for number in (1, many[-1]):
                async with asyncio.timeout(30):
                    await asyncio.wait(bells[number])
            for task in heard:
                task.cancel()
        assert not left.exists()

    asyncio.run(main())
    assert list(tmp_path.glob(f"*{sqlite_news.ENDING}")) == []


async def _never() -> bool:
    return False


class _TwoWorkers:
    """What one keeps the other finds."""

    def __init__(self, folder: Path) -> None:
        self.one, self.two = SqliteWalks(folder / "walks.db"), SqliteWalks(folder / "walks.db")
        self.keep_bookmark = self.one.keep_bookmark
        self.find_bookmark = self.two.find_bookmark
        self.forget_bookmarks = self.one.forget_bookmarks


class TestBookmarksOfWorkers(BookmarkContract):
    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[_TwoWorkers]:
        workers = _TwoWorkers(folder)
        with closing(workers.one), closing(workers.two):
            yield workers


def test_a_page_without_the_file_is_counted_out(tmp_path: Path) -> None:
    async def main() -> None:
        page, bookmark = PageStart(1, 7, b"w" * 32, 2), Bookmark(Position(1), 1, 10)
        with closing(SqliteWalks(tmp_path / "walks.db")) as walks:
            await walks.keep_bookmark(page, bookmark)
            assert await walks.find_bookmark(page, 1) == bookmark
        await walks.keep_bookmark(page, bookmark)
        assert await walks.find_bookmark(page, 1) is None

    asyncio.run(main())
