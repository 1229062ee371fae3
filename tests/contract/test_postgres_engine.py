"""What is PostgreSQL's own: batches of units, several processes on one database, broken connections."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import repeat
from typing import Any

import asyncpg
import pytest
from contract.postgres_store import Opens, database

from rosterd.scim.errors import InvalidValue
from rosterd.scim.membership import Member
from rosterd.service.ahead import Ahead
from rosterd.service.ports import StoreUnavailable, UniqueViolation, Writer
from rosterd.store import postgres_commit
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.queries import POSTGRES
from rosterd.testing.scenario import (
    AT,
    DIRECTORY,
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

NAME = f"rosterd-{secrets.token_hex(4)}"  # so that the stores of other test processes are left alone
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"

Scenario = Callable[[list[PostgresStore]], Awaitable[None]]


@asynccontextmanager
async def opened(url: str, count: int, **options: int) -> AsyncIterator[list[PostgresStore]]:
    async with AsyncExitStack() as stack:
        stores = [await open_postgres(url, **options) for _ in range(count)]
        for store in stores:
            stack.push_async_callback(store.close)
        yield stores


def run(scenario: Scenario, stores: int = 1, lock_timeout: int = 5000, **options: int) -> None:
    url = f"{database()}&application_name={NAME}&lock_timeout={lock_timeout}"

    async def within() -> None:
        async with opened(url, stores, **options) as found:
            await scenario(found)

    asyncio.run(within())


async def other(statement: str, *parameters: Any) -> Any:
    """What a statement gives on a connection that is not the store's."""
    connection = await asyncpg.connect(database())
    try:
        return await connection.fetch(statement, *parameters)
    finally:
        await connection.close()


async def _erase(id: str, tx: Writer) -> None:
    await tx.erase("User", id)


class Gate:
    """A unit of work that holds its directory until it is let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def work(self, tx: Writer) -> None:
        self.entered.set()
        await self.open.wait()
        await add(tx, {"userName": "gate"}, "gate")

    async def occupy(self, store: PostgresStore) -> "asyncio.Task[None]":
        task = asyncio.create_task(store.write(DIRECTORY, self.work))
        await self.entered.wait()
        return task


class Emptied(Opens):
    """Every test begins with an empty database."""


class TestBatches(Emptied):
    def test_units_that_wait_become_one_transaction_and_fail_alone(self) -> None:
        async def fails(tx: Writer) -> None:
            await add(tx, {"userName": "nobody"}, "nobody")
            await tx.append(event("nobody"))
            raise LookupError

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            works: list[Callable[[Writer], Awaitable[Any]]] = [
                put({"userName": f"u{n}"}, f"u{n}") for n in range(20)
            ]
            works[5:5] = [fails]
            works[9:9] = [put({"userName": "u1"}, "twice")]
            jobs = [asyncio.create_task(store.write(DIRECTORY, work)) for work in works]
            await asyncio.sleep(0)
            gate.open.set()
            results = await asyncio.gather(slow, *jobs, return_exceptions=True)
            failed = [type(result) for result in results if isinstance(result, Exception)]
            assert failed == [LookupError, UniqueViolation]
            assert sorted(await found(store, listed())) == sorted(["gate", *(f"u{n}" for n in range(20))])
            assert await store.reader(DIRECTORY).count("User") == 21
            assert await store.reader(DIRECTORY).events(0, 10) == ()
            assert sum(store.load().jobs.counts) < 5

        run(scenario)

    def test_what_waited_is_written_though_the_last_unit_changes_nothing(self) -> None:
        """A display has no event that is written behind it, and yet there is a commit to be told of."""

        async def group(tx: Writer) -> None:
            await add(tx, {"displayName": "g"}, "g", "Group")
            await tx.add_members("g", [Member("u")])

        async def named(tx: Writer) -> None:
            await tx.add_members("g", [Member("u", None, "D")])
            await tx.touch("Group", "g", AT)

        async def looks(tx: Writer) -> None:
            assert await tx.get("User", "nobody") is None

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await users(store, ["u"])
            await store.write(DIRECTORY, group)
            before = sum(store.load().sync.counts), sum(store.load().jobs.counts)
            ahead = Ahead(resources=(("Group", "g"),), seats=(("g", "u"),))
            await asyncio.gather(store.write(DIRECTORY, named, ahead), store.write(DIRECTORY, looks))
            assert (await store.reader(DIRECTORY).members("g"))[0].display == "D"
            assert (sum(store.load().sync.counts), sum(store.load().jobs.counts)) == tuple(
                one + 1 for one in before
            )

        run(scenario)

    def test_what_was_looked_up_together_is_carried_out_together_though_that_took_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_commit, "BATCH_SECONDS", 0.0)

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            names = [f"u{n}" for n in range(20)]
            looks = [Ahead(unique=(("User", "userName", name),)) for name in names]
            works = [put({"userName": name}, name) for name in names]
            await asyncio.gather(*map(store.write, repeat(DIRECTORY), works, looks))
            assert await store.reader(DIRECTORY).count("User") == 20
            assert sum(store.load().jobs.counts) < 5

        run(scenario)

    @pytest.mark.parametrize("verb", ["erase", "put"])
    def test_others_do_not_wait_longer_for_units_of_which_nothing_is_known_or_that_take_too_long(
        self, monkeypatch: pytest.MonkeyPatch, verb: str
    ) -> None:
        monkeypatch.setattr(postgres_commit, "BATCH_SECONDS", 0.0)
        if verb == "put":
            monkeypatch.setattr(postgres_commit, "KNOWN_SECONDS", 0.0)

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            names = [f"u{n}" for n in range(20)]
            if verb == "erase":  # whereby what was looked up becomes uncertain
                await users(store, names)
                works = [partial(_erase, name) for name in names]
            else:
                works = [put({"userName": name}, name) for name in names]
            looks = [Ahead(unique=(("User", "userName", name),)) for name in names]
            before = sum(store.load().jobs.counts)
            await asyncio.gather(*map(store.write, repeat(DIRECTORY), works, looks))
            assert sum(store.load().jobs.counts) == before + 20

        run(scenario)

    def test_of_many_written_by_one_statement_only_those_whose_id_is_taken_are_refused(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            wanted = (("a", "x"), ("b", "x"), ("c", "y"), ("c", "z"), ("d", "y"), ("e", "w"))
            works = [
                store.write(
                    DIRECTORY, put({"userName": name}, id), Ahead(unique=(("User", "userName", name),))
                )
                for name, id in wanted
            ]
            results = await asyncio.gather(*works, return_exceptions=True)
            told = [str(result) for result in results if isinstance(result, UniqueViolation)]
            assert told == ["id 'x' is taken", "userName 'c' is taken", "id 'y' is taken"]
            assert await found(store, listed()) == ["x", "y", "w"]
            assert await store.reader(DIRECTORY).count("User") == 3

        run(scenario)

    def test_a_unit_whose_look_fails_costs_the_others_of_its_batch_nothing(self) -> None:
        async def looks(tx: Writer) -> None:
            await tx.accounts("User", "active", 0, -1)  # which the engine refuses

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            works: list[Callable[[Writer], Awaitable[Any]]] = [
                put({"userName": f"u{n}"}, f"u{n}") for n in (0, 1)
            ]
            works[1:1] = [looks]
            jobs = [asyncio.create_task(store.write(DIRECTORY, work)) for work in works]
            await asyncio.sleep(0)
            gate.open.set()
            results = await asyncio.gather(slow, *jobs, return_exceptions=True)
            failed = [type(result) for result in results if isinstance(result, Exception)]
            assert failed == [asyncpg.InvalidRowCountInLimitClauseError]
            assert sorted(await found(store, listed())) == ["gate", "u0", "u1"]

        run(scenario)

    def test_a_unit_whose_caller_has_gone_is_not_begun_and_the_others_are(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            jobs = [
                asyncio.create_task(store.write(DIRECTORY, put({"userName": f"u{n}"}, f"u{n}")))
                for n in range(3)
            ]
            await asyncio.sleep(0)
            jobs[1].cancel()
            await asyncio.sleep(0)
            gate.open.set()
            await asyncio.gather(slow, jobs[0], jobs[2])
            assert sorted(await found(store, listed())) == ["gate", "u0", "u2"]

        run(scenario)

    def test_a_caller_that_goes_while_its_unit_runs_changes_nothing_for_the_others(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            job = asyncio.create_task(store.write(DIRECTORY, put({"userName": "u"}, "u")))
            await asyncio.sleep(0)
            slow.cancel()
            gate.open.set()
            await job
            assert sorted(await found(store, listed())) == ["gate", "u"]

        run(scenario)

    def test_more_than_the_queue_holds_is_refused(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            jobs = [
                asyncio.create_task(store.write(DIRECTORY, put({"userName": f"u{n}"}, f"u{n}")))
                for n in range(8)
            ]
            await asyncio.sleep(0)
            error = await refused(StoreUnavailable, store.write(DIRECTORY, put({"userName": "x"}, "x")))
            assert "too many" in str(error)
            assert store.load().refused == 1
            gate.open.set()
            await asyncio.gather(slow, *jobs)
            assert await store.reader(DIRECTORY).count("User") == 9

        run(scenario, waiting=8)

    def test_another_directory_and_readers_do_not_wait(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            gate = Gate()
            slow = await gate.occupy(store)
            await store.write(2, put({"userName": "a"}, "a"))
            assert await store.reader(2).get("User", "a") is not None
            assert await store.reader(DIRECTORY).count("User") == 0
            assert not slow.done()
            gate.open.set()
            await slow

        run(scenario)

    def test_parts_within_parts_are_undone_alone(self) -> None:
        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "a"}, "a")
            await tx.append(event("a"))
            for name, fails in (("b", True), ("c", False)):
                try:
                    async with tx.savepoint():
                        await add(tx, {"userName": name}, name)
                        await tx.append(event(name))
                        assert len(await tx.events(0, 10)) == 2
                        try:
                            async with tx.savepoint():
                                await add(tx, {"userName": "d"}, "d")
                                raise KeyError
                        except KeyError:
                            pass
                        if fails:
                            raise LookupError
                except LookupError:
                    pass
            assert await tx.count("User") == 2

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await store.write(DIRECTORY, work)
            assert sorted(await found(store, listed())) == ["a", "c"]
            assert [e.event.resource for e in await store.reader(DIRECTORY).events(0, 10)] == ["a", "c"]
            assert await store.reader(DIRECTORY).count("User") == 2

        run(scenario)

    def test_a_name_too_long_for_an_index_is_as_unique_as_others(self) -> None:
        long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(4000))

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await store.write(DIRECTORY, put({"userName": long}, "long"))
            await store.write(DIRECTORY, put({"userName": f"{long}x"}, "longer"))
            with pytest.raises(UniqueViolation):
                await store.write(DIRECTORY, put({"userName": long}, "again"))
            assert sorted(await found(store, listed())) == ["long", "longer"]

        run(scenario)

    def test_a_value_that_no_index_can_hold_is_refused_and_harms_nobody(self) -> None:
        long = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(4000))

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores

            async def waits(tx: Writer) -> None:
                await tx.add_members("g", [Member(long)])

            jobs = (put({"userName": "a"}, "a"), waits, put({"userName": "b"}, "b"))
            writes = [store.write(DIRECTORY, job) for job in jobs]
            results = await asyncio.gather(*writes, return_exceptions=True)
            assert isinstance(results[1], InvalidValue)
            assert sorted(await found(store, listed())) == ["a", "b"]

        run(scenario)


class TestSeveralProcesses(Emptied):
    def test_of_many_who_want_one_name_one_gets_it(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            writes = [stores[n % 2].write(DIRECTORY, put({"userName": "anna"}, f"id{n}")) for n in range(24)]
            results = await asyncio.gather(*writes, return_exceptions=True)
            assert sum(not isinstance(result, Exception) for result in results) == 1
            assert sum(isinstance(result, UniqueViolation) for result in results) == 23
            assert await stores[0].reader(DIRECTORY).count("User") == 1

        run(scenario, stores=2)

    def test_no_change_is_lost_under_others(self) -> None:
        async def change(tx: Writer) -> None:
            old = await tx.get("User", "anna")
            assert old
            new = old._replace(version=old.version + 1, document=old.document + b" ")
            await tx.update(new, indexed(old), indexed(new))

        async def scenario(stores: list[PostgresStore]) -> None:
            await users(stores[0], ["anna"])
            await asyncio.gather(*(stores[n % 2].write(DIRECTORY, change) for n in range(40)))
            kept = await stores[1].reader(DIRECTORY).get("User", "anna")
            assert kept is not None
            assert kept.version == 41
            assert len(kept.document) - len(row({"userName": "anna"}, "anna").document) == 40

        run(scenario, stores=2)

    def test_a_reader_steps_over_no_event_of_sixteen_writers(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            written: list[int] = []

            async def write(writer: int) -> None:
                for n in range(12):
                    seq = await stores[writer % 2].write(
                        DIRECTORY, lambda tx, n=n: tx.append(event(f"{writer}-{n}"))
                    )
                    written.append(seq)

            read: list[int] = []
            stop = asyncio.Event()

            async def follow() -> None:
                reader, after = stores[0].reader(DIRECTORY), 0
                while not stop.is_set() or after < max(written):
                    page = await reader.feed(after, 7)
                    read.extend(e.seq for e in page.events)
                    after = page.through

            following = asyncio.create_task(follow())
            await asyncio.gather(*map(write, range(16)))
            stop.set()
            await following
            assert read == sorted(written)
            assert len(read) == 192

        run(scenario, stores=2)

    def test_a_commit_of_another_wakes_whoever_waits_and_watches(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            one, two = stores
            with one.watch() as watch:
                await two.write(DIRECTORY, lambda tx: tx.append(event()))
                told: frozenset[int] = frozenset()
                while DIRECTORY not in told:  # until it listens, nothing is heard
                    told = await watch.news(0.2)
                    await two.write(DIRECTORY, lambda tx: tx.append(event()))

        run(scenario, stores=2)


class TestBrokenConnections(Emptied):
    def test_what_was_heard_before_the_connection_ended_is_still_told(self) -> None:
        """The driver calls a turn later: the store may have been closed meanwhile."""

        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            ended = await asyncpg.connect(database())
            ended.terminate()
            with store.watch() as watch:
                store._news._heard(ended, -1, "rosterd", str(DIRECTORY))
                assert await watch.news(10) == {DIRECTORY}

        run(scenario)

    def test_killed_connections_cost_no_write_and_no_restart(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await users(store, ["before"])
            for turn in range(3):
                await other(KILL, NAME)
                await users(store, [f"after{turn}"])
                assert await store.reader(DIRECTORY).get("User", "before") is not None
            assert await store.reader(DIRECTORY).count("User") == 4

        run(scenario)

    def test_a_server_whose_data_somebody_has_taken_meanwhile_serves_nothing_until_that_is_done(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores

            async def serves() -> bool:
                try:
                    return await store.reader(DIRECTORY).count("User") == 1
                except StoreUnavailable:
                    return False

            await users(store, ["anna"])
            async with asyncio.timeout(30):
                copy = await asyncpg.connect(database())
                while not await copy.fetchval(POSTGRES["claim"]):
                    await other(KILL, NAME)
                assert [await serves() for _ in range(20)] == [False] * 20
                await copy.close()
                while not await serves():  # noqa: ASYNC110 - nothing says so
                    await asyncio.sleep(0.05)
            assert (await other(POSTGRES["claim"]))[0][0] is False

        run(scenario)

    def test_a_transaction_whose_connection_is_killed_is_run_again_from_the_start(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            begun = 0

            async def work(tx: Writer) -> None:
                nonlocal begun
                begun += 1
                await add(tx, {"userName": "anna"}, "anna")
                if begun == 1:
                    await other(KILL, NAME)
                await tx.append(event("anna"))
                await tx.touch("User", "anna", 1)

            await store.write(DIRECTORY, work)
            assert begun == 2
            assert [e.event.resource for e in await store.reader(DIRECTORY).events(0, 10)] == ["anna"]

        run(scenario)

    def test_a_server_that_writes_nothing_is_unavailable_until_it_does_again(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await users(store, ["anna"])

            async def readonly(tx: Writer) -> None:
                raise asyncpg.ReadOnlySQLTransactionError("cannot execute in a read-only transaction")

            await refused(StoreUnavailable, store.write(DIRECTORY, readonly))
            assert await store.reader(DIRECTORY).get("User", "anna") is not None
            await users(store, ["berta"])

        run(scenario)

    def test_a_lock_that_is_held_too_long_is_unavailable(self) -> None:
        async def scenario(stores: list[PostgresStore]) -> None:
            (store,) = stores
            await users(store, ["anna"])
            connection = await asyncpg.connect(database())
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch("SELECT 1 FROM counter WHERE directory = $1 FOR UPDATE", DIRECTORY)
            await refused(StoreUnavailable, store.write(DIRECTORY, put({"userName": "b"}, "b")))
            await transaction.rollback()
            await connection.close()
            await users(store, ["berta"])

        run(scenario, lock_timeout=200)

    def test_no_server_is_unavailable(self) -> None:
        async def attempt() -> None:
            await refused(StoreUnavailable, open_postgres("postgres://postgres@127.0.0.1:1/test"))

        asyncio.run(attempt())


def test_a_url_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="port"):
        asyncio.run(open_postgres("postgres://postgres@127.0.0.1:port/test"))
