"""The contract of a store, as tests: subclass it, and pytest runs them on your engine."""

# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rosterd.service.ports import Store, StoreUnavailable, Writer
from rosterd.testing.account_contract import AccountContract
from rosterd.testing.feed_contract import FeedContract, appended
from rosterd.testing.listing_contract import ListingContract
from rosterd.testing.membership_contract import MembershipContract
from rosterd.testing.naming_contract import NamingContract
from rosterd.testing.past_contract import PastContract
from rosterd.testing.projection_contract import ProjectionContract
from rosterd.testing.resource_contract import ResourceContract
from rosterd.testing.scenario import DIRECTORY, add, event, found, listed, put, refused, users


class StoreContract(
    ProjectionContract,
    AccountContract,
    ResourceContract,
    MembershipContract,
    NamingContract,
    ListingContract,
    FeedContract,
    PastContract,
):
    """What every ``Store`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Store]:
        """Open a store that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError


class DurableStoreContract(StoreContract):
    """What a store that outlives its process must do besides: ``open_store`` opens the same data again."""

    def test_what_was_acknowledged_is_there_after_reopening(self, tmp_path: Path) -> None:
        async def first_and_second() -> None:
            async with self.open_store(tmp_path) as store:
                rows = await users(store, ["a", "b"])
                await store.write(DIRECTORY, lambda tx: tx.append(event("a", n=1)))
            async with self.open_store(tmp_path) as store:
                reader = store.reader(DIRECTORY)
                assert [await reader.get("User", id) for id in ("a", "b")] == rows
                assert [e.event.data for e in await reader.events(0, 10)] == [{"n": 1}]
                assert await store.write(DIRECTORY, lambda tx: tx.next_seq()) == 4

        asyncio.run(first_and_second())

    def test_another_opening_sees_a_change_once_it_is_acknowledged(self, tmp_path: Path) -> None:
        async def side_by_side() -> None:
            async with self.open_store(tmp_path) as store, self.open_store(tmp_path) as other:

                async def work(tx: Writer) -> None:
                    await add(tx, {"userName": "a"}, "a")
                    assert await other.reader(DIRECTORY).get("User", "a") is None

                await store.write(DIRECTORY, work)
                assert await other.reader(DIRECTORY).get("User", "a") is not None
                assert await found(other, listed('userName eq "a"')) == ["a"]
                await other.write(DIRECTORY, put({"userName": "b"}, "b"))
                assert await found(store, listed()) == ["a", "b"]

        asyncio.run(side_by_side())

    def test_waiting_ends_soon_when_another_opening_commits(self, tmp_path: Path) -> None:
        async def side_by_side() -> None:
            async with self.open_store(tmp_path) as store, self.open_store(tmp_path) as other:
                waiting = asyncio.create_task(store.changed(DIRECTORY, 0, 30))
                await asyncio.sleep(0.05)
                await other.write(DIRECTORY, appended("user.created"))
                assert await asyncio.wait_for(waiting, 5)

        asyncio.run(side_by_side())

    def test_two_openings_write_at_once(self, tmp_path: Path) -> None:
        async def side_by_side() -> None:
            async with self.open_store(tmp_path) as one, self.open_store(tmp_path) as two:
                names = [f"u{n:02}" for n in range(60)]
                works = [put({"userName": name}, name) for name in names]
                writes = [(one, two)[n % 2].write(DIRECTORY, work) for n, work in enumerate(works)]
                rows = await asyncio.gather(*writes)
                assert sorted(row.seq for row in rows) == list(range(1, 61))
                assert sorted(await found(one, listed())) == names
                assert await two.reader(DIRECTORY).count("User") == 60

        asyncio.run(side_by_side())

    def test_closing_finishes_what_was_accepted(self, tmp_path: Path) -> None:
        async def accepted_then_closed() -> None:
            async with self.open_store(tmp_path) as store:
                names = [f"u{n:02}" for n in range(40)]
                works = [put({"userName": name}, name) for name in names]
                writes = [asyncio.create_task(store.write(DIRECTORY, work)) for work in works]
                await asyncio.sleep(0)
            assert len(await asyncio.gather(*writes)) == 40
            await refused(StoreUnavailable, store.write(DIRECTORY, put({"userName": "x"}, "x")))
            async with self.open_store(tmp_path) as store:
                assert await found(store, listed()) == names

        asyncio.run(accepted_then_closed())
