"""What processes on one database file share: turns at writing, news of changes, bookmarks of walks."""

import asyncio
import errno
import fcntl
import multiprocessing
import signal
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest

from rosterd.service.ports import Position, Writer
from rosterd.service.removal import Removal
from rosterd.service.walks import Bookmark, PageStart
from rosterd.store import checkpoints, sqlite_news, wake, write_lock
from rosterd.store.database import connect_writer
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.store.sqlite_news import News
from rosterd.store.sqlite_walks import SqliteWalks
from rosterd.store.wake import Wake
from rosterd.store.write_lock import WriteLock
from rosterd.testing import BookmarkContract
from rosterd.testing.removal_contract import filled
from rosterd.testing.scenario import AT, BY, DIRECTORY, ENTRY, event, put, users
from rosterd.testing.webhook_contract import attempt, endpoint, failed


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


def locks(folder: Path) -> WriteLock:
    return WriteLock(folder / "rosterd.db")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the lock is waited for, however long it takes."""
    monkeypatch.setattr(write_lock, "PATIENCE", 600.0)


@pytest.mark.usefixtures("patient")
def test_one_writes_at_a_time_and_the_next_waits_for_it(tmp_path: Path) -> None:
    with closing(locks(tmp_path)) as one, closing(locks(tmp_path)) as two:
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


def _holds(folder: Path, ready: Event) -> None:
    with locks(folder):
        ready.set()
        signal.pause()


@pytest.mark.usefixtures("patient")
def test_who_is_killed_has_it_no_more(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_holds, args=(tmp_path, ready))
    process.start()
    assert ready.wait(600)
    process.kill()
    process.join()
    with closing(locks(tmp_path)) as mine, mine:
        assert mine._held


def test_who_waits_too_long_goes_on_without_it_and_does_not_wait_again_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_lock, "PATIENCE", 0.01)
    with closing(locks(tmp_path)) as one, closing(locks(tmp_path)) as two:
        with one:
            with two:
                assert not two._held
            monkeypatch.setattr(write_lock, "PATIENCE", 600.0)
            with two:
                assert not two._held
        with two:
            assert two._held
        with one:
            assert one._held


@pytest.mark.parametrize("fault", [OSError(errno.ENOLCK, "no locks"), OSError(errno.ESTALE, "gone")])
def test_a_directory_that_cannot_be_locked_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    def fails(file: int, how: int) -> None:
        raise fault

    with closing(locks(tmp_path / "missing")) as nowhere, nowhere:
        assert not nowhere._held
    monkeypatch.setattr(fcntl, "flock", fails)
    with closing(locks(tmp_path)) as one, one:
        assert not one._held


def test_changes_are_made_though_another_program_has_locked_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_lock, "PATIENCE", 0.05)

    async def main() -> None:
        async with stores(tmp_path, 1) as (store,):
            for number in range(3):
                await store.write(DIRECTORY, put({"userName": f"u{number}"}, f"u{number}"))

    with closing(locks(tmp_path)) as other, other:
        asyncio.run(main())


class Overlapped:
    """A connection; each time it moves the log, a change of another one begins before and ends after that."""

    total_changes = 0

    def __init__(self, own: sqlite3.Connection, other: sqlite3.Connection) -> None:
        self._own, self._other = own, other

    def execute(self, statement: str) -> sqlite3.Cursor:
        if "PASSIVE" not in statement:
            return self._own.execute(statement)
        self._other.execute("BEGIN IMMEDIATE")
        self._other.execute("INSERT INTO made VALUES (1)")
        moved = self._own.execute(statement).fetchall()
        self._other.execute("COMMIT")
        return self._own.execute("VALUES (?, ?, ?)", moved[0])


@pytest.mark.parametrize(("long", "times"), [(1, 5), (100_000, 0)])
def test_a_log_that_has_become_long_is_begun_anew_though_another_one_writes_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: int, times: int
) -> None:
    monkeypatch.setattr(checkpoints, "LONG", long)
    path = tmp_path / "x.db"
    with closing(connect_writer(path, 100)) as own, closing(connect_writer(path, 100)) as other:
        other.execute("CREATE TABLE made (x)")
        other.execute("INSERT INTO made VALUES (1)")
        before = salt(path)
        with closing(locks(tmp_path)) as lock:
            moving = checkpoints.Checkpoints(Overlapped(own, other), lock)  # type: ignore[arg-type]
            for _ in range(5):
                moving.make()
        other.execute("INSERT INTO made VALUES (1)")
        assert (salt(path) - before) % (1 << 32) == times


def salt(path: Path) -> int:
    """One more each time that the log is begun anew; https://www.sqlite.org/fileformat2.html#walformat."""
    return int.from_bytes(path.with_name(f"{path.name}-wal").read_bytes()[16:20], "big")


def test_a_long_log_is_begun_anew_though_somebody_reads_from_it_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "LONG", 1)
    monkeypatch.setattr(checkpoints, "CHANGES", 400)
    over = threading.Event()

    def read(first: float) -> None:
        """In transactions that overlap those of another thread."""
        with closing(sqlite3.connect(tmp_path / "rosterd.db", isolation_level=None)) as file:
            over.wait(first)
            while not over.is_set():
                file.execute("BEGIN")
                file.execute("SELECT count(*) FROM resource").fetchone()
                over.wait(0.02)
                file.execute("ROLLBACK")

    async def main() -> None:
        async with stores(tmp_path, 1) as (store,):
            readers = [threading.Thread(target=read, args=(first,)) for first in (0.0, 0.01)]
            for reader in readers:
                reader.start()
            try:
                for part in range(60):
                    await users(store, [f"u{part}-{number}" for number in range(100)])
                    await asyncio.sleep(0)
                whole = (tmp_path / "rosterd.db").stat().st_size
                log = (tmp_path / "rosterd.db-wal").stat().st_size
            finally:
                over.set()
                for reader in readers:
                    reader.join()
            assert log < whole

    asyncio.run(main())


def test_what_is_left_of_a_deleted_directory_is_told_though_another_process_takes_it_away_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with stores(tmp_path) as (one, two):
            home, _ = await filled(one, "acme")
            hook = endpoint("we_1", home.id)
            await one.create_webhook(hook, ENTRY)
            for _ in range(5):
                await one.note_attempt(attempt(hook.id, home.id, failed()), ENTRY)
            await Removal(one, one, lambda: AT).remove(home, by=BY)
            submit = one._submit

            async def late(work: Any) -> Any:
                await two.clear_directory(home.id, 2)
                return await submit(work)

            with monkeypatch.context() as patched:
                patched.setattr(one, "_submit", late)
                assert await one.clear_directory(home.id, 2) == 2
            while await one.clear_directory(home.id, 2):
                pass
            assert await one._rows("attempt_edges", ()) == [(None, None, None)]

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


def test_a_worker_that_cannot_have_the_file_of_bookmarks_remembers_its_own(tmp_path: Path) -> None:
    (tmp_path / "walks.db").mkdir()

    async def main() -> None:
        async with stores(tmp_path, 1) as (store,):
            page, bookmark = PageStart(1, 7, b"w" * 32, 2), Bookmark(Position(1), 1, 10)
            await store.bookmarks.keep_bookmark(page, bookmark)
            assert await store.bookmarks.find_bookmark(page, 1) == bookmark

    asyncio.run(main())


def test_a_page_without_the_file_is_counted_out(tmp_path: Path) -> None:
    async def main() -> None:
        page, bookmark = PageStart(1, 7, b"w" * 32, 2), Bookmark(Position(1), 1, 10)
        with closing(SqliteWalks(tmp_path / "walks.db")) as walks:
            await walks.keep_bookmark(page, bookmark)
            assert await walks.find_bookmark(page, 1) == bookmark
        await walks.keep_bookmark(page, bookmark)
        assert await walks.find_bookmark(page, 1) is None

    asyncio.run(main())
