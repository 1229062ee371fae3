"""Whom a member value names that is no id, whatever the engine."""

# ruff: noqa: D102 - the name of a test is its sentence

from typing import Final

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange, Store
from rosterd.testing.membership_contract import adding, member, member_ids, pending_values
from rosterd.testing.scenario import CONNECTION, DIRECTORY, group, put, retain, scenario, users

OTHER: Final = CONNECTION + 1
"""Another connection of the directory."""


async def named(store: Store, of: str = "g") -> None:
    """A group and users, one of another connection and one of another directory."""
    await group(store, of)
    await store.write(DIRECTORY, put({"userName": "Ann@x"}, "id-1", external_id="x-1"))
    await store.write(DIRECTORY, put({"userName": "x-1"}, "id-2", external_id="x-2"))
    await store.write(DIRECTORY, put({"userName": "Ben@X"}, "ben", external_id="x-9", connection=OTHER))
    carl = await store.write(DIRECTORY, put({"userName": "carl@x"}, "carl", external_id="nobody"))
    await store.write(DIRECTORY, retain(carl))
    await store.write(2, put({"userName": "nobody"}, "elsewhere", external_id="nobody"))


class NamingContract:
    """Part of ``StoreContract``."""

    @scenario
    async def test_a_value_is_an_id_else_an_external_id_of_the_groups_connection_else_a_user_name(
        self, store: Store
    ) -> None:
        await named(store)
        wanted = ("x-1", "BEN@x", "id-2", "x-9", "nobody", " ")
        change = await store.write(DIRECTORY, adding("g", *wanted, display="D"))
        assert change == MemberChange(added=("id-1", "ben", "id-2"), pending_added=("x-9", "nobody", " "))
        assert await store.reader(DIRECTORY).members("g", limit=1) == (Member("ben", "User", "D"),)
        for again in (adding("g", *wanted), lambda tx: tx.replace_members("g", member(*wanted, display="D"))):
            assert await store.write(DIRECTORY, again) == MemberChange()
        gone = await store.write(
            DIRECTORY, lambda tx: tx.replace_members("g", member("x-2", "x-1", "nobody"))
        )
        assert gone == MemberChange(
            removed=("ben",), pending_removed=(" ", "x-9"), renamed=("id-2", "id-1", "nobody")
        )
        taken = await store.write(
            DIRECTORY, lambda tx: tx.remove_members("g", ["x-1", "ben@X", "nobody", "CARL@x", "x-9", "x-1"])
        )
        assert taken == MemberChange(removed=("id-1",), pending_removed=("nobody",))
        assert await member_ids(store, "g") == ["id-2"]

    @scenario
    async def test_somebody_who_is_named_twice_is_one_member(self, store: Store) -> None:
        await named(store)
        change = await store.write(DIRECTORY, adding("g", "ann@x", "id-1", "x-1"))
        assert change == MemberChange(added=("id-1",))
        change = await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["ann@x", "x-1"]))
        assert change == MemberChange(removed=("id-1",))

    @scenario
    async def test_an_id_of_somebody_who_lives_is_no_name_of_another(self, store: Store) -> None:
        await named(store)
        await store.write(DIRECTORY, put({"userName": "d@x"}, "dora", external_id="id-1"))
        await store.write(DIRECTORY, adding("g", "dora"))
        assert not await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["id-1"]))
        change = await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member("id-1")))
        assert change == MemberChange(added=("id-1",), removed=("dora",))

    @scenario
    async def test_of_several_with_one_external_id_a_member_is_meant_else_the_first(
        self, store: Store
    ) -> None:
        await named(store)
        for id in ("z", "y"):
            await store.write(DIRECTORY, put({"userName": id}, id, external_id="same"))
        assert (await store.write(DIRECTORY, adding("g", "same"))).added == ("z",)
        await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member("y")))
        assert not await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member("same")))
        change = await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["same"]))
        assert change == MemberChange(removed=("y",))

    @scenario
    async def test_a_pending_value_that_names_somebody_by_now_is_resolved_when_it_is_given_again(
        self, store: Store
    ) -> None:
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "x-1", "ann@x", "x-2", display="Announced"))
        await named(store, of="h")
        await store.write(DIRECTORY, adding("g", "id-2"))
        assert not await store.write(
            DIRECTORY, lambda tx: tx.add_members("g", member("x-1", "ann@x"), named=False)
        )
        change = await store.write(DIRECTORY, adding("g", "ann@x", "x-1"))
        assert change == MemberChange(added=("id-1",), resolved=("ann@x", "x-1"))
        assert (await store.reader(DIRECTORY).members("g"))[0] == Member("id-1", "User", "Announced")
        change = await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["x-2"], named=False))
        assert change == MemberChange(pending_removed=("x-2",))
        change = await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["x-2"]))
        assert change == MemberChange(removed=("id-2",))
        assert await pending_values(store, "g") == []

    @scenario
    async def test_what_is_pending_does_not_come_to_name_somebody_of_another_connection(
        self, store: Store
    ) -> None:
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "ben@x", "x-1"))
        await named(store, of="h")
        for again in (
            adding("g", "ben@x"),
            lambda tx: tx.replace_members("g", member("ben@x", "x-1")),
            lambda tx: tx.replace_members("g", member("ben@x", "id-1")),
        ):
            await store.write(DIRECTORY, again)
            assert await pending_values(store, "g") in (["ben@x"], ["ben@x", "x-1"])
        assert await member_ids(store, "g") == ["id-1"]
        change = await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["ben@x"]))
        assert change == MemberChange(pending_removed=("ben@x",))
        assert await store.write(DIRECTORY, adding("g", "ben@x")) == MemberChange(added=("ben",))

    @scenario
    async def test_names_of_a_connections_own_resolve_only_in_groups_that_it_made(self, store: Store) -> None:
        await group(store, "g")
        await store.write(DIRECTORY, put({"displayName": "H"}, "h", "Group", connection=OTHER))
        for one in ("g", "h"):
            await store.write(DIRECTORY, adding(one, "x-1", "ann@x", "both"))
        await users(store, ["a"])
        for own, names, expected in (
            (["x-1", "both", "x-1"], ["both"], {"g": ("both", "x-1"), "h": ("both",)}),
            (["x-1"], ["ann@x"], {"g": ("ann@x",), "h": ("ann@x",)}),
            (["x-1"], [], {}),
        ):
            changes = await store.write(
                DIRECTORY,
                lambda tx, names=names, own=own: tx.resolve_pending("a", names, own, CONNECTION),  # type: ignore[misc]
            )
            assert {one: change.resolved for one, change in changes.items()} == expected
        assert await pending_values(store, "h") == ["x-1"]
