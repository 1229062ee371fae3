"""What holds for resources, unique values, events and transactions, whatever the engine."""

# ruff: noqa: D102 - the name of a test is its sentence

import asyncio
import random

from rosterd.service.ports import Reader, Store, Stored, UniqueViolation, Writer
from rosterd.testing.scenario import (
    AT,
    CONNECTION,
    DIRECTORY,
    Work,
    add,
    dump,
    event,
    found,
    indexed,
    listed,
    put,
    refused,
    retain,
    row,
    scenario,
    users,
)


class ResourceContract:
    """Part of ``StoreContract``."""

    @scenario
    async def test_a_resource_comes_back_as_it_was_put(self, store: Store) -> None:
        document = {"userName": "Ünïcode '\"%_", "nickName": "", "active": False}
        stored = row(document, "u1", seq=1, external_id="00u1", version=3, created=5, modified=9)
        await store.write(DIRECTORY, lambda tx: tx.insert(stored, indexed(stored)))
        assert await store.reader(DIRECTORY).get("User", "u1") == stored

    @scenario
    async def test_a_resource_is_of_one_kind_and_one_directory(self, store: Store) -> None:
        await users(store, ["a"])
        assert await store.reader(DIRECTORY).get("Group", "a") is None
        assert await store.reader(2).get("User", "a") is None
        other = await store.write(2, put({"userName": "A"}, "a"))
        assert await store.reader(2).get("User", "a") == other
        assert other.seq == 1
        assert await store.reader(2).owner_of("User", "userName", "a") == "a"

    @scenario
    async def test_an_update_replaces_all_but_order_and_birth(self, store: Store) -> None:
        (before,) = await users(store, ["a"])
        changed = before._replace(
            seq=99, version=2, created=1, modified=AT + 1, external_id="x", connection=8,
            document=dump({"userName": "B", "displayName": "Bee"}),
        )  # fmt: skip
        await store.write(DIRECTORY, lambda tx: tx.update(changed, indexed(before), indexed(changed)))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "a") == changed._replace(seq=before.seq, created=before.created)
        assert await reader.owner_of("User", "userName", "a") is None
        assert await reader.owner_of("User", "userName", "b") == "a"
        assert await found(store, listed('displayName eq "bee"')) == ["a"]
        assert await found(store, listed('userName eq "a"')) == []

    @scenario
    async def test_an_update_of_nothing_is_an_error(self, store: Store) -> None:
        ghost = row({"userName": "a"}, "a")
        await refused(
            LookupError, store.write(DIRECTORY, lambda tx: tx.update(ghost, indexed(ghost), indexed(ghost)))
        )
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "a") is None

    @scenario
    async def test_touch_moves_the_version_only(self, store: Store) -> None:
        (before,) = await users(store, ["a"])
        assert await store.write(DIRECTORY, lambda tx: tx.touch("User", "a", AT + 5)) == 2
        assert await store.reader(DIRECTORY).get("User", "a") == before._replace(version=2, modified=AT + 5)
        assert await store.write(DIRECTORY, lambda tx: tx.touch("User", "b", AT)) is None

    @scenario
    async def test_several_are_touched_together(self, store: Store) -> None:
        names = ("a", "b", "c")
        await users(store, names)

        async def versions(reader: Reader) -> list[int]:
            return [row.version for row in [await reader.get("User", name) for name in names] if row]

        async def touched(tx: Writer) -> list[int]:
            await tx.touch_all("User", ("a", "c", "gone"), AT + 5)
            await tx.touch_all("User", ("a",), AT + 6)
            await tx.touch_all("Group", ("a", "b"), AT + 7)
            return await versions(tx)

        assert await store.write(DIRECTORY, touched) == [3, 1, 2]
        assert await versions(store.reader(DIRECTORY)) == [3, 1, 2]
        modified = [
            row.modified for row in [await store.reader(DIRECTORY).get("User", name) for name in names] if row
        ]
        assert modified == [AT + 6, AT, AT + 5]

    @scenario
    async def test_a_unique_value_is_taken_once_per_kind(self, store: Store) -> None:
        await users(store, ["anna"])
        attempt = store.write(DIRECTORY, put({"userName": "ANNA"}, "other"))
        violation = await refused(UniqueViolation, attempt)
        assert (violation.attribute, violation.value) == ("userName", "anna")
        assert await store.reader(DIRECTORY).get("User", "other") is None
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") == "anna"
        assert await store.reader(DIRECTORY).owner_of("Group", "userName", "anna") is None

    @scenario
    async def test_an_update_cannot_take_anothers_unique_value(self, store: Store) -> None:
        anna, _ = await users(store, ["anna", "bert"])
        changed = anna._replace(document=dump({"userName": "Bert"}))
        update = store.write(DIRECTORY, lambda tx: tx.update(changed, indexed(anna), indexed(changed)))
        await refused(UniqueViolation, update)
        assert await store.reader(DIRECTORY).get("User", "anna") == anna
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") == "anna"
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "bert") == "bert"

    @scenario
    async def test_of_many_who_want_one_name_one_gets_it(self, store: Store) -> None:
        attempts = [store.write(DIRECTORY, put({"userName": "same"}, f"u{n}")) for n in range(20)]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [result for result in results if isinstance(result, Stored)]
        assert len(winners) == 1
        assert all(isinstance(r, UniqueViolation) for r in results if r is not winners[0])
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "same") == winners[0].id
        assert await store.reader(DIRECTORY).count("User") == 1

    @scenario
    async def test_an_id_is_used_once_and_kept_by_the_retained(self, store: Store) -> None:
        (anna,) = await users(store, ["anna"])
        again = store.write(DIRECTORY, put({"userName": "other"}, "anna"))
        assert (await refused(UniqueViolation, again)).attribute == "id"
        await store.write(DIRECTORY, retain(anna))
        again = store.write(DIRECTORY, put({"userName": "other"}, "anna"))
        assert (await refused(UniqueViolation, again)).attribute == "id"
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "other") is None

    @scenario
    async def test_a_retained_resource_is_out_of_sight_and_its_name_is_free(self, store: Store) -> None:
        (anna,) = await users(store, ["anna"])
        gone = anna._replace(version=2, modified=AT + 1, document=dump({"userName": "anna", "active": False}))
        await store.write(DIRECTORY, lambda tx: tx.retain(gone, indexed(anna), AT + 1))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "anna") is None
        assert await reader.find_deleted("User", "anna") == gone._replace(deleted=AT + 1)
        assert await reader.count("User") == 0
        assert await found(store, listed()) == []
        assert await found(store, listed('userName eq "anna"')) == []
        assert await found(store, listed('id eq "anna"')) == []
        await refused(LookupError, store.write(DIRECTORY, lambda tx: tx.retain(gone, indexed(anna), AT)))
        await store.write(DIRECTORY, put({"userName": "Anna"}, "new"))
        assert await reader.owner_of("User", "userName", "anna") == "new"
        assert await reader.find_deleted("User", "new") is None

    @scenario
    async def test_retained_resources_are_found_by_connection_and_external_id(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            for name, external_id, connection, deleted in (
                ("a", "x", CONNECTION, 10),
                ("b", "x", CONNECTION, 30),
                ("c", "x", CONNECTION, 20),
                ("d", "y", CONNECTION, 40),
                ("e", "x", 8, 50),
            ):
                document = {"userName": name}
                stored = await add(tx, document, name, external_id=external_id, connection=connection)
                await tx.retain(stored, indexed(stored), deleted)
            await add(tx, {"userName": "live"}, "live", external_id="x")

        await store.write(DIRECTORY, work)
        rows = await store.reader(DIRECTORY).retained("User", CONNECTION, "x")
        assert [stored.id for stored in rows] == ["b", "c", "a"]
        assert await store.reader(DIRECTORY).retained("Group", CONNECTION, "x") == ()

    @scenario
    async def test_a_revived_resource_is_live_as_it_is_put(self, store: Store) -> None:
        anna, bert = await users(store, ["anna", "bert"])
        await store.write(DIRECTORY, retain(anna))
        back = anna._replace(seq=9, version=3, created=AT + 3, modified=AT + 4, external_id="x", connection=8,
            document=dump({"userName": "Anna B", "displayName": "AB"}),
        )  # fmt: skip
        await store.write(DIRECTORY, lambda tx: tx.revive(back, indexed(back)))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "anna") == back
        assert await reader.find_deleted("User", "anna") is None
        assert await reader.count("User") == 2
        assert await found(store, listed()) == ["bert", "anna"]
        assert await found(store, listed('displayName eq "ab"')) == ["anna"]
        await refused(LookupError, store.write(DIRECTORY, lambda tx: tx.revive(bert, indexed(bert))))

    @scenario
    async def test_who_is_revived_cannot_take_a_name_that_is_in_use(self, store: Store) -> None:
        (anna,) = await users(store, ["anna"])
        await store.write(DIRECTORY, retain(anna))
        await store.write(DIRECTORY, put({"userName": "anna"}, "namesake"))
        await refused(UniqueViolation, store.write(DIRECTORY, lambda tx: tx.revive(anna, indexed(anna))))
        assert await store.reader(DIRECTORY).find_deleted("User", "anna") is not None
        assert await store.reader(DIRECTORY).count("User") == 1

    @scenario
    async def test_an_erased_resource_leaves_nothing(self, store: Store) -> None:
        document = {"userName": "anna", "displayName": "Anna", "emails": [{"value": "A@x"}, {"value": "b@x"}]}
        await store.write(DIRECTORY, put(document, "anna"))
        (bert,) = await users(store, ["bert"])
        await store.write(DIRECTORY, retain(bert))
        for name in ("anna", "bert"):
            assert [await _erase(store, kind, name) for kind in ("Group", "User", "User")] == [
                False,
                True,
                False,
            ]
            assert await store.reader(DIRECTORY).get("User", name) is None
            assert await store.reader(DIRECTORY).find_deleted("User", name) is None
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") is None
        assert await found(store, listed('emails eq "a@x"')) == []
        await store.write(DIRECTORY, put(document, "anna"))
        assert await found(store, listed('emails eq "a@x"')) == ["anna"]

    @scenario
    async def test_the_count_is_the_number_of_live_resources(self, store: Store) -> None:
        choice = random.Random(4)  # noqa: S311 - the same each time
        live: dict[str, Stored] = {}
        gone: dict[str, Stored] = {}
        for step in range(150):
            action = choice.choice(("insert", "insert", "retain", "revive", "erase", "fail"))
            name = f"u{step}"
            if action == "insert":
                live[name] = await store.write(DIRECTORY, put({"userName": name}, name))
            elif action == "retain" and live:
                name, stored = live.popitem()
                gone[name] = stored
                await store.write(DIRECTORY, retain(stored))
            elif action == "revive" and gone:
                name, stored = gone.popitem()
                live[name] = stored
                await store.write(DIRECTORY, _revive(stored))
            elif action == "erase" and live and gone:
                assert await _erase(store, "User", gone.popitem()[0])
                assert await _erase(store, "User", live.popitem()[0])
            elif action == "fail":
                await refused(ZeroDivisionError, store.write(DIRECTORY, _fail_after(name)))
            page = await store.reader(DIRECTORY).search(listed("userName pr", limit=0))
            assert await store.reader(DIRECTORY).count("User") == len(live) == page.total
        assert sorted(await found(store, listed(limit=1000))) == sorted(live)

    @scenario
    async def test_resources_and_events_share_one_order_without_gaps(self, store: Store) -> None:
        async def work(tx: Writer) -> list[int]:
            return [
                await tx.next_seq(),
                await tx.append(event()),
                await tx.append(event()),
                await tx.next_seq(),
            ]

        assert await store.write(DIRECTORY, work) == [1, 2, 3, 4]
        await refused(ZeroDivisionError, store.write(DIRECTORY, _fail_after("x")))
        assert await store.write(DIRECTORY, work) == [5, 6, 7, 8]
        assert await store.write(2, work) == [1, 2, 3, 4]
        assert [e.seq for e in await store.reader(DIRECTORY).events(0, 10)] == [2, 3, 6, 7]

    @scenario
    async def test_the_feed_is_read_in_order_and_a_history_backwards(self, store: Store) -> None:
        written = [event(f"u{n % 3}", n=n, name="ä\"'") for n in range(9)]

        async def work(tx: Writer) -> None:
            for one in written:
                await tx.append(one)

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        assert [e.event for e in await reader.events(0, 100)] == written
        assert [e.seq for e in await reader.events(4, 3)] == [5, 6, 7]
        assert await reader.events(9, 100) == ()
        assert [e.seq for e in await reader.history("User", "u1", 2)] == [8, 5]
        assert await reader.history("Group", "u1", 2) == ()
        assert await store.reader(2).events(0, 100) == ()

    @scenario
    async def test_a_unit_that_fails_keeps_nothing(self, store: Store) -> None:
        await refused(ZeroDivisionError, store.write(DIRECTORY, _fail_after("anna")))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "anna") is None
        assert await reader.owner_of("User", "userName", "anna") is None
        assert await reader.events(0, 10) == ()

    @scenario
    async def test_a_unit_that_fails_does_not_disturb_the_others(self, store: Store) -> None:
        works = [
            _fail_after(f"u{n}") if n % 3 == 0 else put({"userName": f"u{n}"}, f"u{n}") for n in range(30)
        ]
        results = await asyncio.gather(*(store.write(DIRECTORY, w) for w in works), return_exceptions=True)
        assert [isinstance(r, ZeroDivisionError) for r in results] == [n % 3 == 0 for n in range(30)]
        assert await found(store, listed()) == [f"u{n}" for n in range(30) if n % 3]
        assert (await store.write(DIRECTORY, lambda tx: tx.next_seq())) == 21

    @scenario
    async def test_a_savepoint_undoes_what_is_inside_it(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "outer"}, "outer")
            async with tx.savepoint():
                await add(tx, {"userName": "kept"}, "kept")
                try:
                    async with tx.savepoint():
                        await add(tx, {"userName": "undone"}, "undone")
                        await tx.append(event())
                        raise ZeroDivisionError
                except ZeroDivisionError:
                    assert await tx.get("User", "undone") is None
            await add(tx, {"userName": "undone"}, "last")

        await store.write(DIRECTORY, work)
        assert await found(store, listed()) == ["outer", "kept", "last"]
        assert await store.reader(DIRECTORY).events(0, 10) == ()
        assert await store.reader(DIRECTORY).count("User") == 3

    @scenario
    async def test_a_unit_sees_what_it_did_and_others_do_not_yet(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "anna"}, "anna")
            assert (await tx.search(listed('userName eq "ANNA"'))).total == 1
            assert await tx.count("User") == 1
            assert await store.reader(DIRECTORY).get("User", "anna") is None
            assert await store.reader(DIRECTORY).count("User") == 0

        await store.write(DIRECTORY, work)
        assert await store.reader(DIRECTORY).get("User", "anna") is not None

    @scenario
    async def test_a_unit_may_write_nothing(self, store: Store) -> None:
        assert await store.write(DIRECTORY, lambda tx: tx.count("User")) == 0


async def _erase(store: Store, kind: str, id: str) -> bool:
    return await store.write(DIRECTORY, lambda tx: tx.erase(kind, id))


def _revive(stored: Stored) -> Work[None]:
    async def work(tx: Writer) -> None:
        await tx.revive(stored._replace(seq=await tx.next_seq()), indexed(stored))

    return work


def _fail_after(name: str) -> Work[Stored]:
    async def work(tx: Writer) -> Stored:
        await add(tx, {"userName": name}, name)
        await tx.append(event(name))
        raise ZeroDivisionError

    return work
