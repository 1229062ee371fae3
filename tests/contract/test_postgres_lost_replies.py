"""What holds though replies of PostgreSQL are lost, or those who wait for them go away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from contract.lossy import Wire, wire
from contract.postgres_store import Opens, database

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable, Writer
from rosterd.service.standing import PAUSED, Standing
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.testing.control_contract import connected, token
from rosterd.testing.scenario import AT, ENTRY, refused, users
from rosterd.testing.sharing_contract import drawn, holds

Scenario = Callable[[PostgresStore, Wire], Awaitable[None]]


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[PostgresStore, Wire]]:
    async with wire(database()) as made:
        store = await open_postgres(made.url, connections=1)
        try:
            yield store, made
        finally:
            await store.close()


def run(scenario: Scenario) -> None:
    async def within() -> None:
        async with opened() as (store, made):
            await scenario(store, made)

    asyncio.run(within())


class TestLostReplies(Opens):
    @pytest.mark.parametrize("lost", [1, 2, 3])
    def test_what_was_drawn_is_taken_once_whichever_reply_is_lost(self, lost: int) -> None:
        async def scenario(store: PostgresStore, wire: Wire) -> None:
            await store._news.close()  # its replies are not meant
            assert holds(await store.exchange_buckets([drawn(1000)]), 9000)
            wire.lost = lost
            try:
                levels = await store.exchange_buckets([drawn(1000)])
            except OutcomeUnknown:
                levels = await store.exchange_buckets([drawn(0)])
            assert wire.lost == 0
            assert holds(levels, 8000)

        run(scenario)

    def test_after_a_write_whose_caller_was_cancelled_nothing_of_before_is_believed(self) -> None:
        async def scenario(store: PostgresStore, wire: Wire) -> None:
            directory, okta = await connected(store)
            await store.create_token(token(okta), ENTRY)
            wire.let.clear()
            revoking = asyncio.create_task(store.revoke_token(directory.id, "t1", AT, ENTRY))
            await wire.held.wait()
            before = store._epoch
            revoking.cancel()
            asyncio.get_running_loop().call_later(0.1, wire.let.set)
            with pytest.raises(asyncio.CancelledError):
                await revoking
            assert store._epoch != before
            found = await store.credential("t1")
            assert found is not None
            assert found.token.revoked == AT

        run(scenario)

    def test_a_change_of_standing_is_believed_once_it_is_made_though_its_caller_has_gone(self) -> None:
        async def scenario(store: PostgresStore, wire: Wire) -> None:
            directory, okta = await connected(store)
            await store.create_token(token(okta), ENTRY)

            async def pause(tx: Writer) -> None:
                await tx.set_standing(okta.id, Standing(PAUSED, "ann", "", AT))

            wire.let.clear()
            pausing = asyncio.create_task(store.write(directory.id, pause))
            await wire.held.wait()
            pausing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pausing
            before = store._epoch
            wire.let.set()
            await users(store, ["anna"])  # comes after it
            assert store._epoch != before
            found = await store.credential("t1")
            assert found is not None
            assert found.connection.standing.state == PAUSED

        run(scenario)

    def test_who_does_not_answer_to_a_new_connection_is_away_before_there_is_another_try(self) -> None:
        async def scenario(store: PostgresStore, wire: Wire) -> None:
            await users(store, ["anna"])
            wire.silence()
            async with asyncio.timeout(30):
                while not store._database._pool._refused:  # noqa: ASYNC110 - nothing says so
                    await asyncio.sleep(0.01)
            assert wire.asked == 1
            await refused(StoreUnavailable, users(store, ["berta"]))

        run(scenario)
