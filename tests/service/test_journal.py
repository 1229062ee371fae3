"""The journal is bounded: successes are left out first and counted, and no request fails by it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.service.request_log import EVERYTHING, HOUR, NOTHING, Count, Exchange, HourOf
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.wiring.journal import ALL_READS, CHANGES, FLUSH_COUNT, LEAST, READS, Buffer, Journal, weight


def exchange(
    number: int, method: str = "GET", status: int = 200, connection: int = 1, body: str = ""
) -> Exchange:
    return Exchange(1, connection, "t", number, f"r{number}", method, "/Users", "", status, 1, body=body)


def put(buffer: Buffer, one: Exchange) -> None:
    buffer.put(one, succeeded=one.status < 400)


def note(journal: Journal, one: Exchange) -> None:
    journal.note(lambda: one, succeeded=one.status < 400)


def counts(omitted: Mapping[HourOf, Count]) -> dict[HourOf, tuple[int, int, int, int]]:
    return {key: (one.ok, one.failed, one.last_ok, one.last_failed) for key, one in omitted.items()}


def ids(found: Sequence[Exchange]) -> list[str]:
    return [one.request_id for one in found]


def test_a_full_buffer_leaves_out_what_succeeded_before_anything_else() -> None:
    buffer = Buffer(max_count=3)
    for number, status in enumerate((200, 409, 200, 201, 404, 500, 400, 200), 1):
        put(buffer, exchange(number, status=status))
    kept, omitted = buffer.take()
    assert ids(kept) == ["r2", "r5", "r6"]
    assert counts(omitted) == {(1, 1, 0): (4, 1, 8, 7)}
    assert buffer.take() == ([], {})


def test_a_buffer_is_bounded_in_bytes() -> None:
    big = "x" * 4000
    buffer = Buffer(max_bytes=weight(exchange(1, body=big)) * 2)
    for one in (exchange(1, body=big), exchange(2, status=409, body=big), exchange(3, status=409, body=big)):
        put(buffer, one)
    assert len(buffer) == 2
    kept, omitted = buffer.take()
    assert (ids(kept), counts(omitted)) == (["r2", "r3"], {(1, 1, 0): (1, 0, 1, 0)})
    put(buffer, exchange(4, status=409, body=big * 3))
    assert buffer.take()[0] == []
    put(buffer, exchange(5, status=409, body=big))
    assert ids(buffer.take()[0]) == ["r5"]


def read(buffer: Buffer, connection: int, times: int, at: int = 7) -> int:
    """How many of so many successful reads at once are wanted."""
    return buffer.wants(1, connection, at, times, change=False)


def change(buffer: Buffer, connection: int, times: int, at: int = 7) -> int:
    """The same of changes."""
    return buffer.wants(1, connection, at, times, change=True)


def test_each_connection_has_a_share_of_reads_and_of_changes_and_the_rest_is_counted() -> None:
    buffer = Buffer()
    assert read(buffer, 1, 5000) == READS
    assert change(buffer, 1, 5000) == CHANGES * READS
    assert read(buffer, 2, READS) == READS
    assert change(buffer, 2, CHANGES * READS) == CHANGES * READS
    assert not read(buffer, 1, 1, at=9)
    assert not change(buffer, 1, 1, at=8)
    assert counts(buffer.take()[1]) == {(1, 1, 0): (10_002 - READS - CHANGES * READS, 0, 9, 0)}
    assert (read(buffer, 1, READS), change(buffer, 1, CHANGES * READS)) == (READS, CHANGES * READS)
    assert buffer.take()[1] == {}


def test_what_is_left_out_is_counted_under_its_hour() -> None:
    buffer = Buffer()
    for at in (HOUR - 1, HOUR):
        read(buffer, 1, READS + 3, at)
    assert counts(buffer.take()[1]) == {(1, 1, 0): (3, 0, HOUR - 1, 0), (1, 1, 1): (3, 0, HOUR, 0)}


@pytest.mark.parametrize(
    ("busy", "share"),
    [(1, READS), (ALL_READS // READS, READS), (2 * ALL_READS // READS, READS // 2), (ALL_READS, LEAST)],
)
def test_shares_are_smaller_where_many_connections_ask_at_once(busy: int, share: int) -> None:
    buffer = Buffer()
    for connection in range(busy):
        read(buffer, connection, 1)
    buffer.take()
    assert [read(buffer, connection, 2 * READS) for connection in (1, 2)] == [share, share]
    assert change(buffer, 1, 2 * CHANGES * READS) == CHANGES * share
    buffer.take()
    assert read(buffer, 1, 2 * READS) == READS


def test_reads_that_nobody_wanted_are_told_by_the_next_exchange_that_is_written(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        journal = Journal(store, yes)
        for number in range(READS + 5):
            if journal.wants(1, 1, number, 1, change=False):
                note(journal, exchange(number))
        await journal.flush()
        note(journal, exchange(READS + 5, "POST", 201))
        await journal.flush()
        newest, *rows = (await store.exchange_page(1, None, None, 999, EVERYTHING)).rows
        assert (newest.exchange.method, newest.exchange.left_out) == ("POST", 5)
        assert [row.exchange.left_out for row in rows] == [0] * READS
        assert journal.omitted == 5
        (one,) = await store.activity(1, 0)
        assert sum(hour.ok for hour in one.hours) == READS + 6

    run(tmp_path, test)


def test_what_is_left_out_is_told_by_the_next_of_its_connection(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        journal = Journal(store, yes, Buffer(max_count=2))
        for number in range(5):
            note(journal, exchange(number))
        await journal.flush()
        note(journal, exchange(7, connection=2))
        await journal.flush()
        note(journal, exchange(8))
        await journal.flush()
        rows = (await store.exchange_page(1, None, None, 9, EVERYTHING)).rows
        assert [(row.exchange.request_id, row.exchange.left_out) for row in rows] == [
            ("r8", 3), ("r7", 0), ("r1", 0), ("r0", 0),
        ]  # fmt: skip
        (first, _) = await store.activity(1, 0)
        assert sum(hour.ok for hour in first.hours) == 6

    run(tmp_path, test)


def test_it_flushes_when_many_have_failed_and_when_it_is_closed(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        log = Watched(store)
        journal = Journal(log, yes)
        running = asyncio.create_task(journal.run())
        for number in range(FLUSH_COUNT):
            note(journal, exchange(number, "PUT", 409))
        await log.added.wait()
        note(journal, exchange(9, "POST"))
        journal.close()
        await running
        page = await store.exchange_page(1, None, None, 9, EVERYTHING)
        assert page.rows[0].exchange.method == "POST"
        assert log.sizes[0] == FLUSH_COUNT

    run(tmp_path, test)


def test_an_exchange_that_cannot_be_made_costs_no_other_one(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        def fault() -> Exchange:
            raise ValueError("a fault of ours")

        journal = Journal(store, yes)
        note(journal, exchange(1))
        journal.note(fault, succeeded=True)
        note(journal, exchange(2))
        assert (journal.lost, journal.waiting) == (1, 2)
        await journal.flush()
        rows = (await store.exchange_page(1, None, None, 9, EVERYTHING)).rows
        assert [row.exchange.request_id for row in rows] == ["r2", "r1"]
        assert (journal.lost, journal.waiting) == (1, 0)

    run(tmp_path, test)


def test_bodies_are_kept_only_if_that_is_wanted(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        for wanted in (True, False):

            async def bodies(wanted: bool = wanted) -> bool:
                return wanted

            journal = Journal(store, bodies)
            note(journal, exchange(int(wanted), "POST", body="{}")._replace(reply="{}", body_size=2))
            await journal.flush()
        rows = (await store.exchange_page(1, None, None, 9, EVERYTHING)).rows
        assert [(one.exchange.body, one.exchange.reply, one.exchange.body_size) for one in rows] == [
            (None, None, 2), ("{}", "{}", 2),
        ]  # fmt: skip

    run(tmp_path, test)


@pytest.mark.parametrize("error", [OutcomeUnknown("perhaps"), ValueError("a fault of ours")])
def test_what_may_be_written_or_cannot_be_is_lost_and_nothing_else_happens(
    tmp_path: Path, error: Exception
) -> None:
    async def test(store: SqliteStore) -> None:
        log = Watched(store)
        log.error = error
        journal = Journal(log, yes)
        note(journal, exchange(1))
        await journal.flush()
        log.error = None
        note(journal, exchange(2))
        await journal.flush()
        rows = (await store.exchange_page(1, None, None, 9, EVERYTHING)).rows
        assert [row.exchange.request_id for row in rows] == ["r2"]
        assert journal.lost == 1

    run(tmp_path, test)


def test_what_comes_while_the_store_is_away_is_written_when_it_is_there_again(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        log, most = Watched(store), 2 * FLUSH_COUNT + 1
        journal = Journal(log, yes, Buffer(max_count=most))
        note(journal, exchange(1, "POST", 201, body="x"))
        log.error = StoreUnavailable("away")
        for number in range(2, 2 * FLUSH_COUNT + 5):
            note(journal, exchange(number, "POST", 503)._replace(reply="away"))
            if number % 400 == 0:
                await journal.flush()
        await journal.flush()
        assert (journal.waiting, journal.lost, log.sizes) == (most, 0, [])
        log.error = None
        await journal.flush()
        assert (log.sizes, journal.waiting, journal.lost) == ([FLUSH_COUNT, FLUSH_COUNT, 1], 0, 0)
        rows = (await store.exchange_page(1, None, None, 2 * most, EVERYTHING)).rows
        assert ids([row.exchange for row in rows]) == [f"r{number}" for number in range(most + 1, 1, -1)]
        (activity,) = await store.activity(1, 0)
        (hour,) = activity.hours
        assert (hour.ok, hour.failed, journal.omitted) == (1, 2 * FLUSH_COUNT + 3, 3)

    run(tmp_path, test)


def test_a_store_that_goes_away_again_costs_nothing_and_what_waits_at_the_end_is_lost(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        log = Watched(store)
        journal = Journal(log, yes)
        log.error, log.works = StoreUnavailable("away"), 0
        for number in range(1, FLUSH_COUNT + 3):
            note(journal, exchange(number, "PUT", 409))
        for works, waiting in ((0, FLUSH_COUNT + 2), (1, 2), (1, 0)):
            log.works = works
            await journal.flush()
            assert journal.waiting == waiting
        page = await store.exchange_page(1, None, None, 2 * FLUSH_COUNT, EVERYTHING)
        assert len(page.rows) == FLUSH_COUNT + 2
        note(journal, exchange(1))
        log.works = 0
        journal.close()
        await journal.flush()
        assert (journal.waiting, journal.lost) == (0, 1)

    run(tmp_path, test)


def test_what_was_left_out_while_the_store_was_away_is_counted_when_it_is_there_again(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        log = Watched(store)
        journal = Journal(log, yes)
        for error in (StoreUnavailable("away"), None):
            log.error = error
            for at in range(1, READS + 4):
                journal.wants(1, 1, at, 1, change=False)
            await journal.flush()
        (activity,) = await store.activity(1, 0)
        assert (activity.hours[0].ok, journal.omitted) == (6, 6)
        log.error = OutcomeUnknown("perhaps")
        for at in range(1, READS + 4):
            journal.wants(1, 1, at, 1, change=False)
        await journal.flush()
        log.error = None
        await journal.flush()
        assert (await store.activity(1, 0))[0].hours[0].ok == 6, "they may be there"

    run(tmp_path, test)


class Watched:
    """A store that tells what is added, and can be away."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.added = asyncio.Event()
        self.sizes: list[int] = []
        self.error: Exception | None = None
        self.works = 0
        """How many times it is there all the same."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def add_exchanges(
        self, exchanges: Sequence[Exchange], omitted: Mapping[HourOf, Count] = NOTHING
    ) -> None:
        if self.error:
            if not self.works:
                raise self.error
            self.works -= 1
        await self._store.add_exchanges(exchanges, omitted)
        self.sizes.append(len(exchanges))
        self.added.set()


async def yes() -> bool:
    return True


def run(path: Path, test: object) -> None:
    async def main() -> None:
        store = await open_sqlite(path / "rosterd.db")
        try:
            await test(store)  # type: ignore[operator]
        finally:
            await store.close()

    asyncio.run(main())
