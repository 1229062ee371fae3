"""The contract of a store, as tests: what a connection changed, stories, owed erasures, rewritten events."""

# ruff: noqa: D102 - the name of a test is its sentence

from dataclasses import replace

from rosterd.scim.membership import Member
from rosterd.service.past import Owed
from rosterd.service.ports import Store, Writer
from rosterd.testing.scenario import AT, CONNECTION, DIRECTORY, event, group, put, retain, scenario

OWED = Owed("User", "b", CONNECTION, "request", ("b@x",), 7)


class PastContract:
    """Mixed into ``StoreContract``."""

    @scenario
    async def test_what_a_connection_changed_is_walked_by_id(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            for resource, kind, connection, at in (
                ("c", "User", CONNECTION, AT), ("a", "User", CONNECTION, AT), ("g", "Group", CONNECTION, AT),
                ("a", "User", CONNECTION, AT + 1), ("b", "User", CONNECTION + 1, AT),
                ("old", "User", CONNECTION, AT - 1), ("7", "Connection", CONNECTION, AT),
                ("late", "User", CONNECTION, AT),
            ):  # fmt: skip
                await tx.append(event(resource, kind)._replace(connection=connection, at=at))

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        first = await reader.changed_by(CONNECTION, AT, 7, "", 2)
        assert first == (("User", "a"), ("User", "c"))
        assert await reader.changed_by(CONNECTION, AT, 7, "c", 2) == (("Group", "g"),)
        assert await reader.changed_by(CONNECTION, AT + 1, 8, "", 9) == (("User", "a"),)
        assert await store.reader(2).changed_by(CONNECTION, AT, 7, "", 9) == ()

    @scenario
    async def test_a_story_goes_on_from_a_time_and_a_number(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            for n in range(4):
                await tx.append(event("u", n=n)._replace(at=AT + n))
                await tx.append(event("other"))

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        page = await reader.story("User", "u", AT + 1, 0, 2)
        assert [e.event.data["n"] for e in page] == [1, 2]
        rest = await reader.story("User", "u", AT + 1, page[-1].seq, 2)
        assert [e.event.data["n"] for e in rest] == [3]
        assert await reader.story("Group", "u", AT, 0, 9) == ()

    @scenario
    async def test_events_that_tell_a_pending_value_are_found_and_rewritten(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await tx.append(event("g", "Group", pending=["a@x", "b@x"]))
            await tx.append(event("g", "Group", members=["b@x"]))
            await tx.append(event("h", "Group", resolved=["b@x"]))
            await tx.append(event("g", "Group", pending=["b@xy"]))

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        assert [e.seq for e in await reader.mentioning(["b@x", "z"], 0, 9)] == [1, 3]
        assert [e.seq for e in await reader.mentioning(["b@x"], 1, 9)] == [3]
        assert [e.seq for e in await reader.mentioning(["b@x"], 0, 2)] == [1]
        await store.write(DIRECTORY, lambda tx: tx.rewrite(1, {"pending": ["a@x"]}))
        assert [dict(e.event.data) for e in await reader.events(0, 1)] == [{"pending": ["a@x"]}]
        assert [e.seq for e in await reader.mentioning(["b@x"], 0, 9)] == [3]

    @scenario
    async def test_values_are_dropped_wherever_a_group_waits_for_them(self, store: Store) -> None:
        for id in ("g", "h"):
            await group(store, id)
            waiting = [Member("a@x"), Member("b@x")]
            await store.write(DIRECTORY, lambda tx, id=id, w=waiting: tx.add_members(id, w))  # type: ignore[misc]
        await store.write(DIRECTORY, lambda tx: tx.drop_pending(["b@x", "nobody"]))
        for id in ("g", "h"):
            assert [m.value for m in await store.reader(DIRECTORY).pending(id)] == ["a@x"]

    @scenario
    async def test_or_where_a_group_of_one_connection_does(self, store: Store) -> None:
        for id, connection in (("g", CONNECTION), ("h", CONNECTION + 1)):
            await store.write(DIRECTORY, put({"displayName": id}, id, "Group", connection=connection))
            await store.write(DIRECTORY, lambda tx, id=id: tx.add_members(id, [Member("1"), Member("2")]))  # type: ignore[misc]
        await store.write(DIRECTORY, lambda tx: tx.drop_pending(["1"], CONNECTION))
        left = [[m.value for m in await store.reader(DIRECTORY).pending(id)] for id in ("g", "h")]
        assert left == [["2"], ["1", "2"]]

    @scenario
    async def test_those_deleted_long_ago_come_first(self, store: Store) -> None:
        for id, at in (("a", AT + 3), ("b", AT + 1), ("c", AT + 2), ("d", AT + 4)):
            row = await store.write(DIRECTORY, put({"userName": id}, id))
            await store.write(DIRECTORY, retain(row, at))
        await store.write(DIRECTORY, put({"userName": "live"}, "live"))
        reader = store.reader(DIRECTORY)
        assert await reader.deleted_before("User", AT + 4, 9) == ("b", "c", "a")
        assert await reader.deleted_before("User", AT + 4, 2) == ("b", "c")
        assert await reader.deleted_before("Group", AT + 4, 9) == ()
        assert await store.reader(2).deleted_before("User", AT + 4, 9) == ()

    @scenario
    async def test_what_is_owed_is_kept_until_it_is_paid(self, store: Store) -> None:
        more = replace(OWED, names=("b@x", "b@y"))
        for owed in (OWED, replace(OWED, id="a"), more):
            await store.write(DIRECTORY, lambda tx, owed=owed: tx.owe(owed))  # type: ignore[misc]
        reader = store.reader(DIRECTORY)
        assert await reader.owed(9) == (replace(OWED, id="a"), more)
        assert await reader.owed(1) == (replace(OWED, id="a"),)
        assert await store.reader(2).owed(9) == ()
        assert await store.write(DIRECTORY, lambda tx: tx.paid(OWED)) is True
        assert await store.write(DIRECTORY, lambda tx: tx.paid(OWED)) is False
        assert await reader.owed(9) == (replace(OWED, id="a"),)
