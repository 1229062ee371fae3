"""What is SQLite's own: the writer thread, its queue and batches, other processes, and the disk."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rosterd.scim.index import Indexed
from rosterd.scim.membership import Member
from rosterd.service.ahead import Ahead
from rosterd.service.ports import OutcomeUnknown, Stored, StoreUnavailable, UniqueViolation, Writer
from rosterd.store import checkpoints, group_commit, sqlite, wake
from rosterd.store.group_commit import GroupCommit
from rosterd.store.migrate import open_checked
from rosterd.store.sqlite import Readers, SqliteStore, open_sqlite
from rosterd.store.sqlite_run import write_rows
from rosterd.store.sqlite_writer import SqliteWriter
from rosterd.store.write_lock import WriteLock
from rosterd.testing.scenario import (
    DIRECTORY,
    ENTRY,
    add,
    event,
    found,
    indexed,
    listed,
    put,
    refused,
    row,
    users,
)

Scenario = Callable[[SqliteStore], Awaitable[None]]

CHILD = Path(__file__).with_name("writing_child.py")
FILES = Path("/proc/self/fd")


@asynccontextmanager
async def opened(folder: Path, **options: int) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite(folder / "rosterd.db", **options)
    try:
        yield store
    finally:
        await store.close()


def run(folder: Path, scenario: Scenario, **options: int) -> None:
    async def within() -> None:
        async with opened(folder, **options) as store:
            await scenario(store)

    asyncio.run(within())


class Gate:
    """A unit of work that occupies the writer thread until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    async def work(self, tx: Writer) -> None:
        await add(tx, {"userName": "gate"}, "gate")
        self.entered.set()
        assert self.open.wait(10)

    async def occupy(self, store: SqliteStore) -> "asyncio.Task[None]":
        task = asyncio.create_task(store.write(DIRECTORY, self.work))
        await asyncio.get_running_loop().run_in_executor(None, self.entered.wait, 10)
        return task


def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(tmp_path / "rosterd.db"), "forever"], stdout=subprocess.PIPE
    )
    assert child.stdout
    acknowledged = [child.stdout.readline().decode().strip() for _ in range(150)]
    child.send_signal(signal.SIGKILL)
    acknowledged += child.stdout.read().decode().split()
    child.wait(10)
    child.stdout.close()
    assert len(set(acknowledged)) >= 150

    async def scenario(store: SqliteStore) -> None:
        kept = await found(store, listed(limit=1_000_000))
        assert set(acknowledged) <= set(kept)
        assert await store.reader(DIRECTORY).count("User") == len(kept)
        events = await store.reader(DIRECTORY).events(0, 1_000_000)
        assert {event.event.resource for event in events} == set(kept)
        await users(store, ["afterwards"])

    run(tmp_path, scenario)
    check = sqlite3.connect(tmp_path / "rosterd.db")
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()


@pytest.mark.skipif(not FILES.exists(), reason="nothing says which files are open")
def test_rows_on_many_pages_are_written_without_a_temporary_file(tmp_path: Path) -> None:
    names = {f"{number * 7919 % 4000:04}": number for number in range(4000)}
    rows = [(1, "User", "displayName", name, "x" * 36) for name in names]
    opened = set[str]()

    def look() -> None:
        opened.update(str(file.readlink()) for file in FILES.iterdir() if file.is_symlink())

    with closing(open_checked(tmp_path / "rosterd.db", 1000)) as connection:
        write_rows(connection, "insert_value", rows[::2])
        connection.execute("BEGIN")
        connection.set_progress_handler(look, 500)
        assert write_rows(connection, "insert_value", rows[1::2]) == 2000
        connection.set_progress_handler(None, 0)
    assert any(file.endswith("rosterd.db") for file in opened)
    assert not any("etilqs" in file for file in opened)  # as SQLite names what it makes for itself


def test_a_change_that_leaves_the_searched_texts_owes_the_index_nothing(tmp_path: Path) -> None:
    """As of which address is the primary one, be it written at once or with others."""

    async def scenario(store: SqliteStore) -> None:
        address = {"value": "a@x", "type": "work"}
        before = await store.write(DIRECTORY, put({"userName": "ann", "emails": [address]}, "u"))
        document = {"userName": "ann", "emails": [{**address, "primary": True}]}
        after = row(document, "u", seq=before.seq, version=2)

        async def owed(tx: Writer) -> list[tuple[Any, ...]]:
            assert isinstance(tx, SqliteWriter)
            tx.held.connection.execute("DELETE FROM parts_due")
            await tx.update(after, indexed(before), indexed(after))
            return tx.held.direct().execute("SELECT * FROM parts_due").fetchall()

        for ahead in (Ahead(), Ahead(resources=(("User", "u"),))):
            assert await store.write(DIRECTORY, owed, ahead) == []

    run(tmp_path, scenario)


def test_another_process_writes_while_this_one_does(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(CHILD), str(tmp_path / "rosterd.db"), "40", stdout=subprocess.PIPE
        )
        rows = [await store.write(DIRECTORY, put({"userName": f"p{n}"}, f"p{n}")) for n in range(40)]
        output, _ = await child.communicate()
        assert len(output.split()) == 40
        rows += (await store.reader(DIRECTORY).search(listed('userName sw "c"'))).rows
        assert sorted(row.seq for row in rows) == sorted({row.seq for row in rows})
        assert await store.reader(DIRECTORY).count("User") == 80
        await store.write(DIRECTORY, lambda tx: tx.next_seq())

    run(tmp_path, scenario)


def test_reads_answer_while_a_write_is_slow(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["anna"])
        gate = Gate()
        slow = await gate.occupy(store)
        reader = store.reader(DIRECTORY)
        began = time.monotonic()
        for _ in range(50):
            assert await reader.get("User", "anna") is not None
            assert await found(store, listed('nickName co "x" or userName eq "anna"')) == ["anna"]
            assert await reader.count("User") == 1
        assert time.monotonic() - began < 5
        assert not slow.done()
        gate.open.set()
        await slow
        assert await reader.count("User") == 2

    run(tmp_path, scenario)


def test_jobs_that_wait_become_one_transaction(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        gate = Gate()
        slow = await gate.occupy(store)
        jobs = [
            asyncio.create_task(store.write(DIRECTORY, put({"userName": f"u{n}"}, f"u{n}")))
            for n in range(20)
        ]
        await asyncio.sleep(0.05)
        gate.open.set()
        await slow
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        assert await store.reader(DIRECTORY).count("User") == 21
        assert all(job.done() for job in jobs)

    run(tmp_path, scenario)


def test_more_than_the_queue_holds_is_refused(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        gate = Gate()
        slow = await gate.occupy(store)
        jobs = [
            asyncio.create_task(store.write(DIRECTORY, put({"userName": f"u{n}"}, f"u{n}"))) for n in range(8)
        ]
        await asyncio.sleep(0.05)
        gate.open.set()
        results = await asyncio.gather(slow, *jobs, return_exceptions=True)
        assert [isinstance(result, StoreUnavailable) for result in results] == [False] * 6 + [True] * 3
        assert await found(store, listed()) == ["gate", "u0", "u1", "u2", "u3", "u4"]

    run(tmp_path, scenario, waiting=5)


def test_a_job_nobody_waits_for_is_not_begun_but_one_begun_is_finished(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        gate = Gate()
        slow = await gate.occupy(store)
        waiting = asyncio.create_task(store.write(DIRECTORY, put({"userName": "never"}, "never")))
        await asyncio.sleep(0)
        for task in (waiting, slow):
            task.cancel()
        await asyncio.sleep(0)
        gate.open.set()
        await users(store, ["last"])
        assert await found(store, listed()) == ["gate", "last"]

    run(tmp_path, scenario)


def test_a_unit_that_waits_for_something_else_is_a_fault(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        left: list[str] = []

        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "anna"}, "anna")
            async with tx.savepoint():
                try:
                    await asyncio.sleep(0.01)
                finally:
                    left.append("savepoint")

        await refused(RuntimeError, store.write(DIRECTORY, work))
        assert left == ["savepoint"]
        assert await found(store, listed()) == []
        await users(store, ["bert"])

    run(tmp_path, scenario)


def test_a_full_disk_fails_the_whole_batch_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["before"])

        connection = store._writer._connection  # its thread is idle
        connection.execute("PRAGMA max_page_count = 1").fetchall()  # no more than there are
        gate = Gate()
        slow = await gate.occupy(store)
        big = {"userName": "big", "nickName": "x" * 500_000}
        jobs = [
            asyncio.create_task(store.write(DIRECTORY, put({"userName": "small"}, "small"))),
            asyncio.create_task(store.write(DIRECTORY, put(big, "big"))),
        ]
        await asyncio.sleep(0.05)
        gate.open.set()
        await slow
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result) for result in results] == [StoreUnavailable] * 2
        assert "full" in str(results[0])
        assert await found(store, listed()) == ["before", "gate"]
        connection.execute("PRAGMA max_page_count = 1000000").fetchall()
        await store.write(DIRECTORY, put(big, "big"))
        assert await found(store, listed()) == ["before", "gate", "big"]

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("code", "unknown"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, True),
        (sqlite3.SQLITE_IOERR, True),
        (sqlite3.SQLITE_IOERR_WRITE, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_BUSY, False),
    ],
)
def test_a_commit_that_failed_after_the_log_was_written_may_have_been_kept(
    tmp_path: Path, code: int, unknown: bool
) -> None:
    class Failing(sqlite3.Connection):
        """The COMMIT of this connection fails so."""

        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = code
                raise error
            return super().execute(statement, *parameters)

    async def main() -> None:
        connection = sqlite3.connect(
            tmp_path / "x.db", isolation_level=None, check_same_thread=False, factory=Failing
        )
        writer = GroupCommit(connection, WriteLock(tmp_path / "x.db"))
        with pytest.raises(StoreUnavailable) as raised:
            await writer.submit(
                lambda c: c.execute("CREATE TABLE made (x)").execute("INSERT INTO made VALUES (1)")
            )
        assert isinstance(raised.value, OutcomeUnknown) is unknown
        await writer.close()

    asyncio.run(main())


def test_a_lock_held_too_long_fails_those_who_wait_and_passes(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["before"])
        other = sqlite3.connect(tmp_path / "rosterd.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        jobs = [store.write(DIRECTORY, put({"userName": f"u{n}"}, f"u{n}")) for n in range(10)]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert time.monotonic() - began < 5
        assert {type(result) for result in results} == {StoreUnavailable}
        assert await found(store, listed()) == ["before"]
        other.execute("ROLLBACK")
        other.close()
        await users(store, ["after"])

    run(tmp_path, scenario, busy_ms=200)


def test_a_read_only_file_can_be_read(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["before"])

        connection = store._writer._connection  # its thread is idle
        connection.execute("PRAGMA query_only = 1")
        await refused(StoreUnavailable, users(store, ["no"]))
        assert await found(store, listed()) == ["before"]
        connection.execute("PRAGMA query_only = 0")
        await users(store, ["yes"])

    run(tmp_path, scenario)


def test_the_log_is_moved_into_the_file_and_gone_at_the_end(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        for part in range(4):
            await users(store, [f"u{part}-{n}" for n in range(checkpoints.CHANGES // 6)])
        await store.write(DIRECTORY, lambda tx: tx.next_seq())
        whole = (tmp_path / "rosterd.db").stat().st_size
        assert (tmp_path / "rosterd.db-wal").stat().st_size < 3 * whole

    run(tmp_path, scenario)
    assert [path.name for path in tmp_path.iterdir()] == ["rosterd.db"]


def test_nothing_is_written_by_a_unit_that_only_reads(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["a"])
        log = tmp_path / "rosterd.db-wal"
        size = log.stat().st_size
        for _ in range(5):
            assert await store.write(DIRECTORY, lambda tx: tx.count("User")) == 1
            await refused(ZeroDivisionError, store.write(DIRECTORY, _add_and_fail))
        assert log.stat().st_size == size

    run(tmp_path, scenario)


async def _add_and_fail(tx: Writer) -> None:
    await add(tx, {"userName": "x"}, "x")
    raise ZeroDivisionError


def test_one_store_serves_several_event_loops(tmp_path: Path) -> None:
    store = asyncio.run(open_sqlite(tmp_path / "rosterd.db"))
    for name in ("a", "b"):
        asyncio.run(users(store, [name]))
    assert asyncio.run(found(store, listed())) == ["a", "b"]
    asyncio.run(store.close())
    asyncio.run(store.close())
    with pytest.raises(StoreUnavailable):
        asyncio.run(users(store, ["c"]))


def test_definitions_changed_by_another_process_are_seen_at_once(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        from rosterd.service.control import Policy
        from rosterd.testing.control_contract import define, token

        directory = await store.create_directory("acme", 1, ENTRY)
        connection = await store.create_connection(directory.id, "okta", "auto", Policy(), 1, ENTRY)
        await store.create_token(token(connection), ENTRY)
        for number in range(3):
            async with opened(tmp_path) as other:
                (present,) = await other.directories()
                await define(other, replace(present, schemas=({"id": f"urn:x:{number}"},)))
                await other.revoke_token(directory.id, "t1", 5, ENTRY)
            credential = await store.credential("t1")
            assert credential
            assert credential.directory.schemas == ({"id": f"urn:x:{number}"},)
            assert credential.token.revoked == 5
        json.dumps(credential.directory.schemas)

    run(tmp_path, scenario)


def test_quick_reads_of_one_turn_see_one_state_and_the_next_turn_the_newest(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        reader = store.reader(DIRECTORY)
        async with opened(tmp_path) as other:
            for name in ("a", "b"):
                await users(other, [name])
                assert await reader.get("User", name) is not None, "who was told of a commit sees it"
        with closing(sqlite3.connect(tmp_path / "rosterd.db")) as another:
            another.execute("UPDATE resource SET version = 9")
            assert await version(store) == 1
            another.commit()  # in this turn of the loop, which nobody else could do
            assert await version(store) == 1
            await asyncio.sleep(0)
            assert await version(store) == 9

    async def version(store: SqliteStore) -> int | None:
        found = await store.reader(DIRECTORY).get("User", "a")
        return found and found.version

    run(tmp_path, scenario)


def test_who_begins_to_wait_in_the_turn_of_a_commit_is_told_of_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "LOOK_SECONDS", 60)

    async def scenario(store: SqliteStore) -> None:
        assert await store.reader(DIRECTORY).last() == 0
        writing = threading.Thread(
            target=lambda: asyncio.run(store.write(DIRECTORY, lambda tx: tx.append(event("anna"))))
        )
        writing.start()
        writing.join()  # in this turn of the loop, whose reads see nothing of it
        async with asyncio.timeout(20):
            assert await store.changed(DIRECTORY, 0, 30)

    run(tmp_path, scenario)


def test_a_turn_that_a_stopped_loop_left_open_is_not_gone_on_with(tmp_path: Path) -> None:
    store = asyncio.run(open_sqlite(tmp_path / "rosterd.db"))
    asyncio.run(users(store, ["a"]))
    stopped = asyncio.new_event_loop()
    stopped.create_task(store.reader(DIRECTORY).count("User"))  # noqa: RUF006 - it ends at once
    stopped.call_soon(stopped.stop)
    stopped.run_forever()
    with closing(sqlite3.connect(tmp_path / "rosterd.db")) as another, another:
        another.execute("UPDATE resource SET version = 9")
    found = asyncio.run(store.reader(DIRECTORY).get("User", "a"))
    assert found is not None
    assert found.version == 9
    stopped.close()
    asyncio.run(store.close())


async def epoch_of(store: SqliteStore) -> Hashable:
    return store.epoch()


def test_an_epoch_is_not_that_of_a_turn_that_a_stopped_loop_left_open(tmp_path: Path) -> None:
    store = asyncio.run(open_sqlite(tmp_path / "rosterd.db"))
    asyncio.run(users(store, ["a"]))
    stopped = asyncio.new_event_loop()
    asked: list[Hashable] = []
    stopped.call_soon(lambda: asked.append(store.epoch()))
    stopped.call_soon(stopped.stop)
    stopped.run_forever()
    with closing(sqlite3.connect(tmp_path / "rosterd.db")) as another, another:
        another.execute("UPDATE resource SET version = 9")
    assert asyncio.run(epoch_of(store)) != asked[0]
    stopped.close()
    asyncio.run(store.close())


def test_the_log_stays_small_while_somebody_reads_all_the_time(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        reading = True

        async def read() -> None:
            while reading:
                await store.reader(DIRECTORY).count("User")
                time.sleep(0.002)  # noqa: ASYNC251 - a long turn, so that a transaction is open nearly always
                await asyncio.sleep(0)

        reader = asyncio.create_task(read())
        for part in range(12):
            await users(store, [f"u{part}-{n}" for n in range(checkpoints.CHANGES // 12)])
        reading = False
        await reader
        log, whole = (tmp_path / "rosterd.db-wal").stat().st_size, (tmp_path / "rosterd.db").stat().st_size
        assert log < 2 * whole, (log, whole)

    run(tmp_path, scenario)


def test_an_epoch_ends_with_the_turn_in_which_anybody_commits(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        await users(store, ["a"])
        with closing(sqlite3.connect(tmp_path / "rosterd.db")) as another:
            epochs = [store.epoch()]
            assert await store.reader(DIRECTORY).get("User", "a") is not None
            epochs.append(store.epoch())
            another.execute("UPDATE resource SET version = 8")
            another.commit()
            await asyncio.sleep(0)
            assert await store.reader(DIRECTORY).get("User", "b") is None
            another.execute("UPDATE resource SET version = 9")
            another.commit()
            epochs.append(store.epoch())
            found = await store.reader(DIRECTORY).get("User", "a")
            assert found is not None
            assert found.version == 9, "what is read in an epoch is not older"
        assert [later == earlier for earlier, later in pairwise(epochs)] == [True, False]

    run(tmp_path, scenario)


def test_a_unit_that_cannot_be_written_with_the_others_fails_alone(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        gate = Gate()
        slow = await gate.occupy(store)
        made = [("a", "one"), ("b", "one"), ("c", "two")]
        jobs = [
            asyncio.create_task(
                store.write(
                    DIRECTORY, put({"userName": name}, id), Ahead(unique=(("User", "userName", name),))
                )
            )
            for name, id in made
        ]
        await asyncio.sleep(0.05)
        gate.open.set()
        await slow
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["Stored", "UniqueViolation", "Stored"]
        assert await found(store, listed()) == ["gate", "one", "two"]
        assert [result.seq for result in results if isinstance(result, Stored)] == [2, 3]

    run(tmp_path, scenario)


def test_who_is_waited_for_does_not_make_the_first_wait_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 0.05)

    async def scenario(store: SqliteStore) -> None:
        await asyncio.gather(*(store.write(DIRECTORY, lambda tx: tx.next_seq()) for _ in range(200)))
        jobs = []
        while not jobs or not jobs[0].done():
            jobs.append(asyncio.create_task(store.write(DIRECTORY, lambda tx: tx.next_seq())))
            await asyncio.sleep(0.01)
            assert len(jobs) < 100, "one came in each nap, and the first was not answered"
        await asyncio.gather(*jobs)

    run(tmp_path, scenario)


def test_the_first_value_that_is_taken_is_told_whatever_was_looked_up(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        both = Indexed({}, (("one", "x"), ("two", "x")), (), None)
        await store.write(DIRECTORY, lambda tx: tx.insert(row({}, "a", seq=1), both))
        for looked in ((), (("User", "one", "x"),), (("User", "two", "x"),)):
            attempt = store.write(
                DIRECTORY, lambda tx: tx.insert(row({}, "b", seq=2), both), Ahead(unique=looked)
            )
            assert (await refused(UniqueViolation, attempt)).attribute == "one"

    run(tmp_path, scenario)


def test_who_was_made_to_wait_is_adopted_in_the_same_batch(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore) -> None:
        gate = Gate()
        slow = await gate.occupy(store)
        works: tuple[Callable[[Writer], Awaitable[object]], ...] = (
            lambda tx: tx.adopted("ann"),
            lambda tx: tx.adopt("ann", "a"),
            lambda tx: tx.adopted("ann"),
        )
        jobs = [asyncio.create_task(store.write(DIRECTORY, work, Ahead(adopted=("ann",)))) for work in works]
        await asyncio.sleep(0.05)
        gate.open.set()
        await slow
        assert await asyncio.gather(*jobs) == [None, None, "a"]

    run(tmp_path, scenario)


COUNTING = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) FROM n"


def test_a_read_that_is_not_quick_after_all_is_begun_anew_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUICK_STEPS", 10_000)
    asked: list[str] = []

    def counted(most: int) -> Callable[[sqlite3.Connection], int]:
        def work(connection: sqlite3.Connection) -> int:
            asked.append(threading.current_thread().name.rpartition("_")[0])
            return int(connection.execute(COUNTING, (most,)).fetchone()[0])

        return work

    async def scenario(store: SqliteStore) -> None:
        readers = Readers(tmp_path / "rosterd.db")
        assert await readers.run(counted(10_000), quick=True) == 10_000
        assert asked == ["", "rosterd-reader"]
        asked.clear()
        for _ in range(1000):  # whose steps together are as many
            assert await readers.run(counted(100), quick=True) == 100
            await asyncio.sleep(0)
        assert set(asked) == {""}
        readers.close()

    run(tmp_path, scenario)


def test_who_is_in_many_nested_groups_is_read_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUICK_STEPS", 5_000)

    async def scenario(store: SqliteStore) -> None:
        await users(store, ["ann"])
        names = [f"g{number}" for number in range(40)]

        async def nested(tx: Writer) -> None:
            for name in names:
                await add(tx, {"displayName": name}, name, kind="Group")
            for name in names:
                await tx.add_members(name, [Member(other) for other in ("ann", *names) if other != name])

        await store.write(DIRECTORY, nested)
        begun: list[object] = []
        run_long = Readers._long

        def long(readers: Readers, work: Any) -> Any:
            begun.append(work)
            return run_long(readers, work)

        monkeypatch.setattr(Readers, "_long", long)
        reader = store.reader(DIRECTORY)
        got = await reader.get_with_groups("User", "ann")
        assert got is not None
        assert [group.group for group in got[1]] == names
        assert len(begun) == 1
        page = await reader.search(listed('userName eq "ann"')._replace(grouped=frozenset(["User"])))
        assert [group.group for group in page.groups["ann"]] == names
        assert len(begun) == 2

    run(tmp_path, scenario)
