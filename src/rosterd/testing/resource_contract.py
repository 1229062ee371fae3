"""What holds for resources, unique values, events and transactions, whatever the engine."""

import asyncio
import random
from dataclasses import replace

from rosterd.service.ports import Store, Stored, UniqueViolation, Writer
from rosterd.testing.scenario import (
    AT,
    CONNECTION,
    DIRECTORY,
    add,
    dump,
    event,
    found,
    indexed,
    listed,
    refused,
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
        other = await store.write(2, lambda tx: add(tx, {"userName": "A"}, "a"))
        assert await store.reader(2).get("User", "a") == other
        assert other.seq == 1
        assert await store.reader(2).owner_of("User", "userName", "a") == "a"

    @scenario
    async def test_an_update_replaces_all_but_order_and_birth(self, store: Store) -> None:
        (before,) = await users(store, ["a"])
        changed = replace(
            before, seq=99, version=2, created=1, modified=AT + 1, external_id="x", connection=8,
            document=dump({"userName": "B", "displayName": "Bee"}),
        )  # fmt: skip
        await store.write(DIRECTORY, lambda tx: tx.update(changed, indexed(before), indexed(changed)))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "a") == replace(changed, seq=before.seq, created=before.created)
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
        assert await store.reader(DIRECTORY).get("User", "a") == replace(before, version=2, modified=AT + 5)
        assert await store.write(DIRECTORY, lambda tx: tx.touch("User", "b", AT)) is None

    @scenario
    async def test_a_unique_value_is_taken_once_per_kind(self, store: Store) -> None:
        await users(store, ["anna"])
        attempt = store.write(DIRECTORY, lambda tx: add(tx, {"userName": "ANNA"}, "other"))
        violation = await refused(UniqueViolation, attempt)
        assert (violation.attribute, violation.value) == ("userName", "anna")
        assert await store.reader(DIRECTORY).get("User", "other") is None
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") == "anna"
        assert await store.reader(DIRECTORY).owner_of("Group", "userName", "anna") is None

    @scenario
    async def test_an_update_cannot_take_anothers_unique_value(self, store: Store) -> None:
        anna, _ = await users(store, ["anna", "bert"])
        changed = replace(anna, document=dump({"userName": "Bert"}))
        update = store.write(DIRECTORY, lambda tx: tx.update(changed, indexed(anna), indexed(changed)))
        await refused(UniqueViolation, update)
        assert await store.reader(DIRECTORY).get("User", "anna") == anna
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") == "anna"
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "bert") == "bert"

    @scenario
    async def test_of_many_who_want_one_name_one_gets_it(self, store: Store) -> None:
        attempts = [
            store.write(DIRECTORY, lambda tx, id=f"u{n}": add(tx, {"userName": "same"}, id))  # type: ignore[misc]
            for n in range(20)
        ]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [result for result in results if isinstance(result, Stored)]
        assert len(winners) == 1
        assert all(isinstance(r, UniqueViolation) for r in results if r is not winners[0])
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "same") == winners[0].id
        assert await store.reader(DIRECTORY).count("User") == 1

    @scenario
    async def test_an_id_is_used_once_and_kept_by_the_retained(self, store: Store) -> None:
        (anna,) = await users(store, ["anna"])
        again = store.write(DIRECTORY, lambda tx: add(tx, {"userName": "other"}, "anna"))
        assert (await refused(UniqueViolation, again)).attribute == "id"
        await store.write(DIRECTORY, lambda tx: tx.retain(anna, indexed(anna), AT))
        again = store.write(DIRECTORY, lambda tx: add(tx, {"userName": "other"}, "anna"))
        assert (await refused(UniqueViolation, again)).attribute == "id"
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "other") is None

    @scenario
    async def test_a_retained_resource_is_out_of_sight_and_its_name_is_free(self, store: Store) -> None:
        (anna,) = await users(store, ["anna"])
        gone = replace(anna, version=2, modified=AT + 1, document=dump({"userName": "anna", "active": False}))
        await store.write(DIRECTORY, lambda tx: tx.retain(gone, indexed(anna), AT + 1))
        reader = store.reader(DIRECTORY)
        assert await reader.get("User", "anna") is None
        assert await reader.find_deleted("User", "anna") == replace(gone, deleted=AT + 1)
        assert await reader.count("User") == 0
        assert await found(store, listed()) == []
        assert await found(store, listed('userName eq "anna"')) == []
        assert await found(store, listed('id eq "anna"')) == []
        await refused(LookupError, store.write(DIRECTORY, lambda tx: tx.retain(gone, indexed(anna), AT)))
        await store.write(DIRECTORY, lambda tx: add(tx, {"userName": "Anna"}, "new"))
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
        await store.write(DIRECTORY, lambda tx: tx.retain(anna, indexed(anna), AT))
        back = replace(
            anna, seq=9, version=3, created=AT + 3, modified=AT + 4, external_id="x", connection=8,
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
        await store.write(DIRECTORY, lambda tx: tx.retain(anna, indexed(anna), AT))
        await store.write(DIRECTORY, lambda tx: add(tx, {"userName": "anna"}, "namesake"))
        await refused(UniqueViolation, store.write(DIRECTORY, lambda tx: tx.revive(anna, indexed(anna))))
        assert await store.reader(DIRECTORY).find_deleted("User", "anna") is not None
        assert await store.reader(DIRECTORY).count("User") == 1

    @scenario
    async def test_an_erased_resource_leaves_nothing(self, store: Store) -> None:
        document = {"userName": "anna", "displayName": "Anna", "emails": [{"value": "A@x"}, {"value": "b@x"}]}
        await store.write(DIRECTORY, lambda tx: add(tx, document, "anna"))
        (bert,) = await users(store, ["bert"])
        await store.write(DIRECTORY, lambda tx: tx.retain(bert, indexed(bert), AT))
        for name in ("anna", "bert"):
            assert await store.write(DIRECTORY, lambda tx, id=name: tx.erase("Group", id)) is False  # type: ignore[misc]
            assert await store.write(DIRECTORY, lambda tx, id=name: tx.erase("User", id)) is True  # type: ignore[misc]
            assert await store.write(DIRECTORY, lambda tx, id=name: tx.erase("User", id)) is False  # type: ignore[misc]
            assert await store.reader(DIRECTORY).get("User", name) is None
            assert await store.reader(DIRECTORY).find_deleted("User", name) is None
        assert await store.reader(DIRECTORY).owner_of("User", "userName", "anna") is None
        assert await found(store, listed('emails eq "a@x"')) == []
        await store.write(DIRECTORY, lambda tx: add(tx, document, "anna"))
        assert await found(store, listed('emails eq "a@x"')) == ["anna"]

    @scenario
    async def test_the_count_is_the_number_of_live_resources(self, store: Store) -> None:
        choice = random.Random(4)  # noqa: S311 - reproducible
        live: dict[str, Stored] = {}
        gone: dict[str, Stored] = {}
        for step in range(120):
            action = choice.choice(("insert", "insert", "retain", "revive", "erase", "fail"))
            async with_state = None
