"""What the control plane promises holds among several processes, each with connections of its own.

That one process keeps the contracts over PostgreSQL is in test_postgres_store.py.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from contract.postgres_store import Opens, database

from rosterd.service.administrators import NONE, LastOwner
from rosterd.service.control import Policy
from rosterd.service.login import delay
from rosterd.service.ports import UniqueViolation
from rosterd.service.request_log import Wanted
from rosterd.service.sessions import MOST
from rosterd.service.webhooks import MAX_LANES, RANGE, Key, Line, Progress
from rosterd.store.postgres import PostgresStore, open_postgres
from rosterd.store.queries import POSTGRES
from rosterd.testing import MeasureContract, SetContract
from rosterd.testing.access_contract import owner, session, told
from rosterd.testing.client_contract import client
from rosterd.testing.control_contract import connected, define, token
from rosterd.testing.expiry_contract import EVENT
from rosterd.testing.registry_contract import key
from rosterd.testing.request_log_contract import exchange
from rosterd.testing.scenario import AT, DIRECTORY, ENTRY, scenario
from rosterd.testing.set_contract import KEY
from rosterd.testing.webhook_contract import LEASE, attempt, endpoint, failed, happen

Two = tuple[PostgresStore, PostgresStore]
TIMES = 10


class TestPostgresMeasures(Opens, MeasureContract):
    """What is written is counted, and what waits or ends is found."""


class TestPostgresSets(Opens, SetContract):
    """Streams, polling and signing keys."""


async def at_once(two: Two, work: Callable[[PostgresStore, int], Awaitable[Any]], times: int = TIMES) -> Any:
    """What comes of the same work, done so many times by each at the same moment; errors are values."""
    return await asyncio.gather(
        *(work(store, n) for n in range(times) for store in two), return_exceptions=True
    )


async def actions(store: PostgresStore) -> Counter[str]:
    """How many entries of each action there are."""
    return Counter(row.entry.action for row in await store.audit_page(None, None, 999))


def entry(action: str) -> Any:
    return replace(ENTRY, action=action)


class TestTwoProcesses(Opens):
    """Both are busy at the same moment, ten times over."""

    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[Two]:  # type: ignore[override]
        async with AsyncExitStack() as stack:
            both = [await open_postgres(database(), connections=6) for _ in range(2)]
            for store in both:
                stack.push_async_callback(store.close)
            yield both[0], both[1]

    @scenario
    async def test_what_one_revokes_or_sets_counts_for_the_other_at_once(self, two: Two) -> None:
        a, b = two
        directory, okta = await connected(a)
        await a.create_token(token(okta), ENTRY)
        assert await b.credential("t1") == await a.credential("t1")
        await a.revoke_token(directory.id, "t1", AT + 5, ENTRY)
        found = await b.credential("t1")
        assert found is not None
        assert found.token.revoked == AT + 5
        defined = await define(a, replace(directory, schemas=({"id": "urn:x:y"},)))
        found = await b.credential("t1")
        assert found is not None
        assert found.directory == defined
        await a.change_settings({}, {"x": "1"}, ENTRY)
        assert await b.settings() == {"x": "1"}

    @scenario
    async def test_those_who_ask_for_a_credential_at_once_ask_together_and_none_is_told_what_was(
        self, two: Two
    ) -> None:
        store, _ = two
        directory, okta = await connected(store)
        await store.create_token(token(okta), ENTRY)
        asked: list[str] = []
        looked, go = asyncio.Event(), asyncio.Event()
        rows = store._database.rows

        async def counted(name: str, *parameters: Any) -> list[Any]:
            asked.append(name)
            found = await rows(name, *parameters)
            looked.set()
            await go.wait()
            return found

        store._database.rows = counted  # type: ignore[method-assign]
        before = [asyncio.create_task(store.credential("t1")) for _ in range(20)]
        await looked.wait()
        before[0].cancel()
        assert await store.revoke_token(directory.id, "t1", AT + 5, ENTRY)
        after = [asyncio.create_task(store.credential("t1")) for _ in range(20)]
        await asyncio.sleep(0.05)
        go.set()
        found = await asyncio.gather(*before[1:], *after)
        assert asked.count("credential") == 2
        assert [one and one.token.revoked for one in found[19:]] == [AT + 5] * 20
        assert store._asked == {}
        with pytest.raises(asyncio.CancelledError):
            await before[0]

    @scenario
    async def test_of_those_who_want_one_name_one_connection_gets_it(self, two: Two) -> None:
        directory, _ = await connected(two[0])
        lines = {
            (store, n): await store.create_connection(
                directory.id, f"{i}-{n}", "auto", Policy(), AT, entry("a.made")
            )
            for i, store in enumerate(two)
            for n in range(TIMES)
        }
        renamed = await at_once(
            two,
            lambda store, n: store.update_connection(
                lines[store, n], replace(lines[store, n], name="same"), entry("a.renamed")
            ),
        )
        assert renamed.count(True) == 1
        assert sum(isinstance(one, UniqueViolation) for one in renamed) == 2 * TIMES - 1
        assert [c.name for c in await two[1].connections(directory.id)].count("same") == 1
        assert (await actions(two[1]))["a.renamed"] == 1

    @scenario
    async def test_of_two_connections_that_want_each_other_s_name_none_gets_it(self, two: Two) -> None:
        directory, okta = await connected(two[0])
        entra = await two[1].create_connection(directory.id, "entra", "auto", Policy(), AT, ENTRY)
        swaps = ((two[0], okta, "entra"), (two[1], entra, "okta")) * TIMES
        outcomes = await asyncio.gather(
            *(store.update_connection(line, replace(line, name=name), ENTRY) for store, line, name in swaps),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {UniqueViolation}
        assert await two[0].connections(directory.id) == (entra, okta)

    @scenario
    async def test_of_those_who_saw_the_same_one_replaces_it(self, two: Two) -> None:
        directory, okta = await connected(two[0])
        replaced = await at_once(two, lambda store, _: define(store, directory, entry("a.defined")))
        assert sum(one is not None for one in replaced) == 1
        changed = await at_once(
            two, lambda store, _: store.update_connection(okta, replace(okta, profile="okta"), entry("a.set"))
        )
        assert changed.count(True) == 1
        assert changed.count(False) == 2 * TIMES - 1
        await two[0].create_administrator(owner(), "a1", entry("a.made"))
        lesser = owner(revision=2, password=None)
        changed = await at_once(
            two, lambda store, _: store.update_administrator(lesser, None, entry("a.changed"))
        )
        assert changed.count(True) == 1
        kids = await at_once(
            two,
            lambda store, n: store.add_signing_key(
                replace(KEY, kid=f"{id(store)}{n}"), None, AT, entry("a.key")
            ),
        )
        assert kids.count(True) == 1
        assert len(await two[1].signing_keys()) == 1
        counted = await actions(two[1])
        assert [counted[name] for name in ("a.defined", "a.set", "a.changed", "a.key")] == [1] * 4

    @scenario
    async def test_the_earliest_revocation_counts_whoever_comes_first(self, two: Two) -> None:
        directory, okta = await connected(two[0])
        await two[0].create_token(token(okta), ENTRY)
        assert await at_once(
            two, lambda store, n: store.revoke_token(directory.id, "t1", AT + 99 - n, ENTRY)
        ) == [True] * (2 * TIMES)
        await at_once(
            two,
            lambda store, n: store.rotate_token(token(okta, f"{id(store)}{n}"), "t1", AT + 200 + n, ENTRY),
        )
        tokens = await two[1].tokens(directory.id)
        assert len(tokens) == 1 + 2 * TIMES
        assert {one.revoked for one in tokens if one.id == "t1"} == {AT + 99 - TIMES + 1}

    @scenario
    async def test_no_token_outlives_the_client_that_is_revoked_meanwhile(self, two: Two) -> None:
        directory, okta = await connected(two[0])
        for round in range(TIMES):
            made = replace(client(okta), id=f"c{round}")
            await two[0].create_client(made, ENTRY)

            async def issue(store: PostgresStore, n: int, of: str = made.id) -> bool:
                one = token(okta, f"{of}-{id(store)}-{n}", client=of, created=AT, expires=AT + 99)
                return await store.issue_token(one)

            _, *issued = await asyncio.gather(
                two[1].revoke_client(directory.id, made.id, AT, ENTRY), at_once(two, issue, 3)
            )
            assert set(issued[0]) <= {True, False}
        assert {one.revoked for one in await two[0].tokens(directory.id)} <= {AT}

    @scenario
    async def test_a_request_is_begun_once(self, two: Two) -> None:
        await two[0].create_key(key(), ENTRY)
        for name in ("first", "second"):
            found = await at_once(two, lambda store, _, name=name: store.claim("k1", name, b"d", AT, AT - 9))
            assert found.count(None) == 1
            assert {one.status for one in found if one is not None} == {None}
        found = await at_once(two, lambda store, _: _claimed_and_released(store))
        assert all(isinstance(one, bool) for one in found)
        assert await two[0].claim("k1", "third", b"d", AT, 0) is None

    @scenario
    async def test_an_owner_is_left_whoever_removes_whom(self, two: Two) -> None:
        a, b = two

        def remove(store: PostgresStore, id: str) -> Awaitable[bool]:
            return store.remove_administrator(id, ENTRY)

        def disable(store: PostgresStore, id: str) -> Awaitable[bool]:
            return store.update_administrator(owner(id, revision=2, disabled=AT), NONE, ENTRY)

        for round in range(TIMES):
            ids = [f"x{round}", f"y{round}"]
            for id in ids:
                await a.create_administrator(owner(id), id, ENTRY)
            for one in await a.administrator_page(None, "", 99):
                if one.id not in ids:  # of the round before
                    assert await a.remove_administrator(one.id, ENTRY)
            way = (remove, disable)[round % 2]
            done = await asyncio.gather(way(a, ids[0]), way(b, ids[1]), return_exceptions=True)
            assert {type(value) for value in done} == {bool, LastOwner}
            rows = await a.administrator_page(None, "", 99)
            assert sum(one.disabled is None for one in rows) == 1

    @scenario
    async def test_no_more_log_ins_are_tried_than_one_process_allows(self, two: Two) -> None:
        places = ("name ann", "address 192.0.2.1")
        one = await at_once(two, lambda store, _: store.begin_login(("name bob",), AT, AT, delay), 20)
        assert sum(each.wait == 0 for each in one) == 5
        both = await at_once(
            two, lambda store, n: store.begin_login(places[:: 1 - n % 2 * 2], AT, AT, delay), 20
        )
        assert sum(each.wait == 0 for each in both) == 5

    @scenario
    async def test_there_are_no_more_sessions_than_there_may_be(self, two: Two) -> None:
        await two[0].create_administrator(owner(), "a1", ENTRY)

        async def log_in(store: PostgresStore, n: int) -> None:
            one = session(f"s{n}-{id(store)}", at=AT + n)
            digest = one.id.encode().ljust(32, b"\0")
            await store.create_session(one, digest, None, ("name ann", "address x"), 1, ENTRY)

        assert set(await at_once(two, log_in, MOST)) == {None}
        assert len(await two[1].sessions("a1", AT, 0)) == MOST

    @scenario
    async def test_a_lane_is_one_workers(self, two: Two) -> None:
        a, b = two
        home = await a.create_directory("acme", AT, ENTRY)
        ids = [f"we_{n}" for n in range(40)]
        for id in ids:
            await a.create_webhook(endpoint(id), ENTRY)
        fresh = await a.create_directory("later", AT, ENTRY)  # its lines begin to exist when they are taken
        keys = [Key(of, id) for id in ids for of in (home.id, fresh.id)]
        taken = await asyncio.gather(
            a.claim_lines(keys, "a", AT, AT + LEASE), b.claim_lines(keys[::-1], "b", AT, AT + LEASE)
        )
        left = await a.claim_lines(keys, "c", AT, AT + LEASE)
        lines = [line.key for part in (*taken, left) for line in part]
        assert sorted(map(str, lines)) == sorted(map(str, keys))

    @scenario
    async def test_a_lane_that_somebody_is_just_taking_is_not_waited_for(self, two: Two) -> None:
        home = await two[0].create_directory("acme", AT, ENTRY)
        for id in ("we_1", "we_2"):
            await two[0].create_webhook(endpoint(id), ENTRY)
        other = await asyncpg.connect(database())
        try:
            async with other.transaction():
                await other.execute("UPDATE webhook_line SET worker = 'x' WHERE webhook = 'we_1'")
                keys = [Key(home.id, "we_1"), Key(home.id, "we_2")]
                found = await two[1].claim_lines(keys, "a", AT, AT + LEASE)
                assert [line.key for line in found] == keys[1:]
        finally:
            await other.close()

    @scenario
    async def test_replays_have_numbers_of_their_own_and_are_not_too_many(self, two: Two) -> None:
        home = await two[0].create_directory("acme", AT, ENTRY)
        await two[0].create_webhook(endpoint(), ENTRY)
        line = Line(Key(home.id, "we_1"), RANGE, 0, 1)
        made = await at_once(two, lambda store, _: store.add_lane(line, ENTRY), MAX_LANES // 2 + 5)
        numbers = [one for one in made if isinstance(one, int)]
        assert sorted(numbers) == list(range(1, MAX_LANES + 1))
        assert {type(one) for one in made} == {int, LookupError}

    @scenario
    async def test_an_endpoint_may_go_while_what_it_did_is_written_down(self, two: Two) -> None:
        a, b = two
        home = await a.create_directory("acme", AT, ENTRY)
        for round in range(TIMES):
            await a.create_webhook(endpoint(), ENTRY)
            await happen(a, home)
            (line,) = await a.claim_lines([Key(home.id, "we_1")], "a", AT + round, AT + LEASE)
            rows = [attempt("we_1", home.id, failed())]
            progress = Progress("a", AT, [replace(line, cursor=1)], [line.key], rows, health={"we_1": AT})
            noted, removed = await asyncio.gather(a.note_progress(progress), b.delete_webhook("we_1", ENTRY))
            assert removed is True
            assert noted in (frozenset(), frozenset([line.key]))
            assert await a.attempts("we_1", None, 9) == ()

    @scenario
    async def test_an_end_is_told_once(self, two: Two) -> None:
        directory, okta = await connected(two[0])
        await two[0].create_token(token(okta), ENTRY)
        for days in (30, 7):
            told = await at_once(
                two, lambda store, _, days=days: store.announce(directory.id, "t1", days, EVENT)
            )
            assert told.count(True) == 1
            assert told.count(False) == 2 * TIMES - 1
        assert len(await two[1].reader(directory.id).events(0, 99)) == 2

    @scenario
    async def test_who_follows_the_request_log_misses_nothing_of_either(self, two: Two) -> None:
        followed: list[str] = []
        done = asyncio.Event()

        async def follow() -> None:
            place = 0
            while True:
                last = done.is_set()
                while rows := await two[1].exchanges_after(DIRECTORY, None, place, 7, Wanted()):
                    place = rows[-1].seq
                    followed.extend(row.exchange.request_id for row in rows)
                if last:
                    return

        follower = asyncio.create_task(follow())
        batches = [[exchange(n * 3 + m) for m in range(3)] for n in range(2 * TIMES)]
        await asyncio.gather(*(two[n % 2].add_exchanges(batch) for n, batch in enumerate(batches)))
        done.set()
        await follower
        assert sorted(followed) == sorted(f"r{n}" for n in range(6 * TIMES))

    @scenario
    async def test_a_fence_waits_for_who_still_writes_to_the_request_log(self, two: Two) -> None:
        writing = await asyncpg.connect(database())
        async with writing.transaction():
            await writing.fetch(POSTGRES["take_turns"], [f"requests {DIRECTORY}"])
            fencing = asyncio.create_task(two[0].fence_exchanges(DIRECTORY, AT))
            await two[1].fence_exchanges(DIRECTORY + 1, AT)
            await asyncio.sleep(0.1)
            assert not fencing.done()
        await fencing
        await writing.close()

    @scenario
    async def test_uses_settings_and_hours_are_noted_by_both_in_any_order(self, two: Two) -> None:
        _, okta = await connected(two[0])
        names = [f"t{n}" for n in range(30)]
        for name in names:
            await two[0].create_token(token(okta, name), ENTRY)
            await two[0].create_key(key(id=name), ENTRY)

        async def note(store: PostgresStore, n: int) -> None:
            order = names[:: 1 if store is two[0] else -1]
            await store.used(dict.fromkeys(order, n))
            await store.keys_used(dict.fromkeys(order, n))
            await store.change_settings(await store.settings(), dict.fromkeys(order, str(n)), ENTRY)
            await store.add_exchanges([exchange(n, connection=hour) for hour in (1, 2, 3)])

        assert set(await at_once(two, note)) == {None}
        assert {one.last_used for one in await two[0].tokens(okta.directory)} == {TIMES - 1}
        assert {one.last_used for one in await two[0].keys()} == {TIMES - 1}
        assert sum(hour.ok for one in await two[0].activity(DIRECTORY, 0) for hour in one.hours) == 6 * TIMES

    @scenario
    async def test_only_what_credentials_may_depend_on_ends_an_epoch(self, two: Two) -> None:
        store, _ = two
        _, okta = await connected(store)
        await store.create_token(token(okta), ENTRY)
        before = store._epoch
        await store.used({"t1": AT})
        await store.add_exchanges([exchange(1)])
        await store.spend_mark(b"once", AT)
        await store.probe()
        assert store._epoch == before
        await store.revoke_token(okta.directory, "t1", AT, ENTRY)
        assert store._epoch != before

    @scenario
    async def test_a_key_of_the_installation_is_made_once(self, two: Two) -> None:
        assert len(set(await at_once(two, lambda store, _: store.secret("cursor")))) == 1

    @scenario
    async def test_a_text_that_cannot_be_kept_is_found_nowhere(self, two: Two) -> None:
        store, _ = two
        assert await store.administrator_named("a\0") is None
        assert await store.credential("\0") is None
        assert await store.webhook("\0") is None
        assert (await store.begin_login(("name a\0",), AT, AT, delay)).counts == (1,)
        await store.tell_failure(replace(told("login.failed"), target="a\0"))
        assert [row.entry.target for row in await store.audit_page(None, None, 9)] == ["a\ufffd"]


async def _claimed_and_released(store: PostgresStore) -> bool:
    if await store.claim("k1", "third", b"d", AT, AT - 9) is not None:
        return False
    await store.release("k1", "third")
    return True
