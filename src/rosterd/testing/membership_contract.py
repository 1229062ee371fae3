"""What holds for group membership, whatever the engine."""

# ruff: noqa: D102 - the name of a test is its sentence

from collections.abc import Mapping

from rosterd.scim.membership import Member
from rosterd.service.ports import MemberChange, Membership, Query, Reader, Store, Writer
from rosterd.testing.scenario import (
    DIRECTORY,
    GROUP,
    USER,
    Work,
    add,
    found,
    group,
    listed,
    put,
    retain,
    scenario,
    users,
)


def member(*values: str, display: str | None = None) -> list[Member]:
    """Members as a client names them."""
    return [Member(value, None, display) for value in values]


def adding(group: str, *values: str, display: str | None = None) -> Work[MemberChange]:
    """The unit of work that adds members."""
    return lambda tx: tx.add_members(group, member(*values, display=display))


async def member_ids(store: Store, group: str) -> list[str]:
    """Who is in a group."""
    return [m.value for m in await store.reader(DIRECTORY).members(group)]


async def pending_values(store: Store, group: str) -> list[str]:
    """Whom a group waits for."""
    return [m.value for m in await store.reader(DIRECTORY).pending(group)]


class MembershipContract:
    """Part of ``StoreContract``."""

    @scenario
    async def test_who_lives_becomes_a_member_and_the_rest_is_pending(self, store: Store) -> None:
        await users(store, ["b", "a"])
        for name in ("g", "h"):
            await group(store, name)
        await store.write(2, put({"userName": "elsewhere"}, "elsewhere"))
        change = await store.write(DIRECTORY, adding("g", "b", "nobody", "h", "a", "b", "elsewhere"))
        assert change == MemberChange(added=("b", "h", "a"), pending_added=("nobody", "elsewhere"))
        assert await member_ids(store, "g") == ["a", "b", "h"]
        assert await pending_values(store, "g") == ["elsewhere", "nobody"]
        again = await store.write(DIRECTORY, adding("g", "a", "nobody", "b"))
        assert again == MemberChange()
        assert not again

    @scenario
    async def test_the_groups_that_somebody_is_directly_in_are_counted(self, store: Store) -> None:
        await users(store, ["a", "b", "c"])
        for name in ("g", "h", "outer"):
            await group(store, name)
        await store.write(DIRECTORY, adding("g", "a", "b"))
        await store.write(DIRECTORY, adding("h", "a"))
        await store.write(DIRECTORY, adding("outer", "g"))
        reader = store.reader(DIRECTORY)
        assert await reader.group_counts(["a", "b", "c", "g", "nobody"]) == {"a": 2, "b": 1, "g": 1}
        assert await reader.group_counts([]) == {}
        assert await store.reader(2).group_counts(["a"]) == {}

    @scenario
    async def test_a_group_tells_how_many_members_it_has_and_which_if_they_are_few(
        self, store: Store
    ) -> None:
        await users(store, ["a", "b", "c"])
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", "b", "c", "pending"))
        reader = store.reader(DIRECTORY)
        few = [await reader.few_members("g", most) for most in (0, 2, 3, 4)]
        assert few == [None, None, *[await reader.members("g")] * 2]
        assert [await reader.few_members("nothing", most) for most in (0, 1)] == [(), ()]
        assert [await reader.member_count("g", most) for most in (0, 2, 3, 4)] == [0, 2, 3, 3]
        assert await reader.member_count("nothing", 5) == 0
        assert await store.reader(2).member_count("g", 5) == 0
        assert await store.reader(2).few_members("g", 0) == ()

    @scenario
    async def test_members_are_rendered_with_kind_and_a_name(self, store: Store) -> None:
        await group(store, "g")
        await group(store, "h", "House")
        await store.write(DIRECTORY, put({"userName": "Anna", "displayName": "Anna A"}, "a"))
        await store.write(DIRECTORY, put({"userName": "Bert", "displayName": ""}, "b"))
        await store.write(DIRECTORY, put({"userName": "carl"}, "c"))
        await store.write(DIRECTORY, adding("g", "a", "b", "h"))
        await store.write(DIRECTORY, adding("g", "c", display="Carl by the client"))
        reader = store.reader(DIRECTORY)
        everybody = (
            Member("a", "User", "Anna A"),
            Member("b", "User", "Bert"),
            Member("c", "User", "Carl by the client"),
            Member("h", "Group", "House"),
        )
        assert await reader.members("g") == everybody
        assert await reader.members("g", limit=2) == everybody[:2]
        assert await reader.members("g", after="b") == everybody[2:]
        assert await reader.members("g", after="a", limit=2) == everybody[1:3]
        assert await reader.members("h") == ()

    @scenario
    async def test_a_display_that_is_given_replaces_the_former(self, store: Store) -> None:
        await users(store, ["a"])
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", "later", display="One"))
        change = await store.write(DIRECTORY, adding("g", "a", "later", display="Two"))
        assert change == MemberChange(renamed=("a", "later"))
        assert change
        assert not await store.write(DIRECTORY, adding("g", "a", "later"))
        assert await store.reader(DIRECTORY).members("g") == (Member("a", "User", "Two"),)
        assert await store.reader(DIRECTORY).pending("g") == (Member("later", None, "Two"),)

    @scenario
    async def test_removal_takes_members_and_pending_values_and_ignores_others(self, store: Store) -> None:
        await users(store, ["a", "b", "c"])
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", "b", "c", "later"))
        change = await store.write(
            DIRECTORY, lambda tx: tx.remove_members("g", ["c", "nobody", "later", "a", "c"])
        )
        assert change == MemberChange(removed=("c", "a"), pending_removed=("later",))
        assert await member_ids(store, "g") == ["b"]
        assert await pending_values(store, "g") == []
        assert not await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["c"]))

    @scenario
    async def test_replacement_changes_only_what_differs(self, store: Store) -> None:
        await users(store, ["a", "b", "c", "d"])
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", "b", "x", "y", display="D"))
        wanted = [*member("b", "y", display="D"), *member("c", "z")]
        change = await store.write(DIRECTORY, lambda tx: tx.replace_members("g", wanted))
        assert change == MemberChange(("c",), ("a",), ("z",), ("x",))
        assert await member_ids(store, "g") == ["b", "c"]
        assert await pending_values(store, "g") == ["y", "z"]
        assert not await store.write(DIRECTORY, lambda tx: tx.replace_members("g", wanted))
        bare = await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member("b", "y", "c", "z")))
        assert bare == MemberChange(renamed=("b", "y"))
        assert (await store.reader(DIRECTORY).members("g", limit=1))[0].display == "b"
        cleared = await store.write(DIRECTORY, lambda tx: tx.replace_members("g", ()))
        assert cleared == MemberChange(removed=("b", "c"), pending_removed=("y", "z"))
        assert await member_ids(store, "g") == []

    @scenario
    async def test_a_value_that_has_come_to_life_is_no_longer_pending(self, store: Store) -> None:
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", display="Announced"))
        await users(store, ["a"])
        change = await store.write(DIRECTORY, adding("g", "a"))
        assert change == MemberChange(added=("a",), pending_removed=("a",))
        assert await store.reader(DIRECTORY).members("g") == (Member("a", "User", "Announced"),)
        assert await pending_values(store, "g") == []

    @scenario
    async def test_pending_values_resolve_to_the_resource_they_name(self, store: Store) -> None:
        for name in ("g", "h", "i", "j"):
            await group(store, name)
        await store.write(DIRECTORY, adding("g", "anna@x", "id-1", display="Anna"))
        await store.write(DIRECTORY, adding("h", "id-1", "other"))
        await store.write(DIRECTORY, adding("i", "other"))

        async def work(tx: Writer) -> Mapping[str, MemberChange]:
            await add(tx, {"userName": "anna@x"}, "id-1")
            await tx.add_members("j", member("id-1"))
            return await tx.resolve_pending("id-1", ["anna@x", "nobody"])

        assert await store.write(DIRECTORY, work) == {
            "g": MemberChange(added=("id-1",), resolved=("anna@x", "id-1")),
            "h": MemberChange(added=("id-1",), resolved=("id-1",)),
        }
        assert await store.reader(DIRECTORY).members("g") == (Member("id-1", "User", "Anna"),)
        assert await member_ids(store, "h") == ["id-1"]
        assert [await pending_values(store, name) for name in "ghij"] == [[], ["other"], ["other"], []]
        assert await store.write(DIRECTORY, lambda tx: tx.resolve_pending("id-1", ["anna@x"])) == {}

    @scenario
    async def test_who_is_a_member_already_is_not_so_again(self, store: Store) -> None:
        await users(store, ["a"])
        await group(store, "g")
        await store.write(DIRECTORY, adding("g", "a", "a@x"))
        change = await store.write(DIRECTORY, lambda tx: tx.resolve_pending("a", ["a@x"]))
        assert change == {"g": MemberChange(resolved=("a@x",))}
        assert await member_ids(store, "g") == ["a"]
        assert await pending_values(store, "g") == []

    @scenario
    async def test_memberships_are_direct_and_through_other_groups(self, store: Store) -> None:
        await users(store, ["a", "b", "c"])
        for name in ("outer", "middle", "inner", "alone"):
            await group(store, name, name.title())
        await store.write(DIRECTORY, adding("outer", "middle", "b"))
        await store.write(DIRECTORY, adding("middle", "inner"))
        await store.write(DIRECTORY, adding("inner", "a"))
        await store.write(DIRECTORY, adding("alone", "a"))
        reader = store.reader(DIRECTORY)
        assert await reader.memberships(["a", "b", "c", "inner", "nobody"]) == {
            "a": (
                Membership("inner", "Inner", True),
                Membership("alone", "Alone", True),
                Membership("outer", "Outer", False),
                Membership("middle", "Middle", False),
            ),
            "b": (Membership("outer", "Outer", True),),
            "inner": (Membership("middle", "Middle", True), Membership("outer", "Outer", False)),
        }
        assert await reader.memberships([]) == {}
        assert await store.reader(2).memberships(["a"]) == {}

    @scenario
    async def test_a_resource_comes_with_the_groups_it_is_in(self, store: Store) -> None:
        await users(store, ["a", "b", "c"])
        for name in ("g", "h", "i"):
            await group(store, name, name.upper())
        for outer, inner in (("g", "h"), ("h", "i"), ("i", "g"), ("i", "a"), ("h", "a"), ("g", "b")):
            await store.write(DIRECTORY, adding(outer, inner))
        await store.write(2, put({"userName": "a"}, "a"))

        async def looked(reader: Reader) -> None:
            for kind, id in (("User", "a"), ("User", "b"), ("User", "c"), ("Group", "g")):
                row = await reader.get(kind, id)
                assert row is not None
                groups = (await reader.memberships([id])).get(id, ())
                assert await reader.get_with_groups(kind, id) == (row, groups)
            assert [g.group for g in (await reader.memberships(["a"]))["a"]] == ["h", "i", "g"]
            for kind, id in (("Group", "a"), ("User", "g"), ("User", "nobody"), ("User", "\0")):
                assert await reader.get_with_groups(kind, id) is None
            of_users = await reader.memberships(["a", "b", "c"])
            grouped = frozenset(("User",))
            for query, ids in (
                (listed(grouped=grouped), "ab"),
                (Query({USER: None, GROUP: None}, None, 10, grouped=grouped), "ab"),
                (listed('userName eq "A"', grouped=grouped), "a"),
                (listed('userName eq "c"', grouped=grouped), ""),
                (listed('userName eq "nobody"', grouped=grouped), ""),
                (listed('userName eq "a"'), ""),
                (listed(), ""),
                (listed('displayName eq "H"', GROUP, grouped=grouped), ""),
            ):
                assert (await reader.search(query)).groups == {id: of_users[id] for id in ids}

        await looked(store.reader(DIRECTORY))
        await store.write(DIRECTORY, looked)
        elsewhere = await store.reader(2).get_with_groups("User", "a")
        assert elsewhere is not None
        assert elsewhere[1] == ()

    @scenario
    async def test_groups_in_a_circle_are_each_named_once(self, store: Store) -> None:
        await users(store, ["a"])
        for name in ("g", "h", "i"):
            await group(store, name)
        for outer, inner in (("g", "h"), ("h", "i"), ("i", "g"), ("g", "a"), ("i", "a")):
            await store.write(DIRECTORY, adding(outer, inner))
        memberships = await store.reader(DIRECTORY).memberships(["a", "g"])
        assert [(m.group, m.direct) for m in memberships["a"]] == [("g", True), ("i", True), ("h", False)]
        assert [(m.group, m.direct) for m in memberships["g"]] == [("i", True), ("h", False)]
        assert await found(store, listed('groups.value eq "h"')) == ["a"]

    @scenario
    async def test_groups_with_a_member_are_known(self, store: Store) -> None:
        await users(store, ["a"])
        for name in ("h", "g"):
            await group(store, name)
            await store.write(DIRECTORY, adding(name, "a"))
        assert await store.write(DIRECTORY, lambda tx: tx.groups_with("a")) == ("g", "h")
        assert await store.write(DIRECTORY, lambda tx: tx.groups_with("b")) == ()

    @scenario
    async def test_whoever_goes_leaves_every_group(self, store: Store) -> None:
        anna, _ = await users(store, ["a", "b"])
        for name in ("g", "h"):
            await group(store, name)
        await store.write(DIRECTORY, adding("g", "a", "b", "h"))
        await store.write(DIRECTORY, adding("h", "a", "later"))
        await store.write(DIRECTORY, retain(anna))
        assert await member_ids(store, "g") == ["b", "h"]
        await store.write(DIRECTORY, lambda tx: tx.erase("Group", "h"))
        assert await member_ids(store, "g") == ["b"]
        assert await pending_values(store, "h") == []
        assert await store.write(DIRECTORY, adding("g", "a")) == MemberChange(pending_added=("a",))

    @scenario
    async def test_a_change_of_one_among_many_says_so(self, store: Store) -> None:
        names = [f"u{n:04}" for n in range(500)]
        await users(store, names)
        await group(store, "g")
        assert (await store.write(DIRECTORY, adding("g", *names))).added == tuple(names)
        change = await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member(*names[1:])))
        assert change == MemberChange(removed=("u0000",))
        assert await store.write(DIRECTORY, adding("g", "u0000", "u0001")) == MemberChange(added=("u0000",))
        assert len(await member_ids(store, "g")) == 500

    @scenario
    async def test_a_value_with_a_null_character_names_nobody(self, store: Store) -> None:
        await users(store, ["a"])
        await group(store, "g")
        assert not (await store.write(DIRECTORY, adding("g", "a\0b"))).added
        await store.write(DIRECTORY, adding("g", "a"))
        assert not (await store.write(DIRECTORY, lambda tx: tx.remove_members("g", ["a\0"]))).removed
        await store.write(DIRECTORY, lambda tx: tx.replace_members("g", member("a\0")))
        assert await member_ids(store, "g") == []
