"""Push Group: members are mapped when they exist, and when they appear."""

from pathlib import Path
from typing import Any

import pytest
from service.world import GROUP, World, group, run, user

from rosterd.scim import errors
from rosterd.store.sqlite_held import Held


def members(document: dict) -> list[str]:
    return sorted(m["value"] for m in document.get("members", []))


@pytest.mark.parametrize("named_by", ["userName", "externalId"])
def test_a_member_who_does_not_exist_yet_is_mapped_when_they_appear(tmp_path: Path, named_by: str) -> None:
    async def test(world: World) -> None:
        value = {"userName": "bob", "externalId": "00u2"}[named_by]
        ann = await world.create(user("ann"))
        engineers = await world.create(group("Engineers", ann.row.id, value))
        assert members(await world.read(engineers)) == [ann.row.id]
        assert [m.value for m in await world.store.reader(1).pending(engineers.row.id)] == [value]
        bob = await world.create(user("bob", "00u2"))
        assert bob.memberships and bob.memberships[0].group == engineers.row.id
        now = await world.read(engineers)
        assert members(now) == sorted([ann.row.id, bob.row.id]) and now["meta"]["version"] == 'W/"2"'
        assert await world.store.reader(1).pending(engineers.row.id) == ()
        assert (await world.events())[-1] == (
            "group.member_added",
            engineers.row.id,
            {"members": [bob.row.id], "count": 1, "resolved": [value]},
        )

    run(tmp_path, test)


def test_a_user_who_is_renamed_into_a_pending_member_becomes_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        engineers = await world.create(group("Engineers", "bob"))
        bob = await world.create(user("robert"))
        await world.patch(bob, {"op": "replace", "value": {"userName": "bob"}})
        assert members(await world.read(engineers)) == [bob.row.id]

    run(tmp_path, test)


def test_one_patch_moves_the_version_by_one_and_does_not_return_the_members(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [(await world.create(user(f"user{n}"))).row.id for n in range(5)]
        engineers = await world.create(group("Engineers", people[0]))
        view = await world.patch(
            engineers,
            {"op": "add", "path": "members", "value": [{"value": p} for p in people[1:4]]},
            {"op": "remove", "path": f'members[value eq "{people[0]}"]'},
            {"op": "remove", "path": "members", "value": [{"value": people[1]}]},
            {"op": "replace", "value": {"displayName": "Engineering"}},
        )
        assert view.members is None
        now = await world.read(engineers)
        assert members(now) == people[2:4] and now["displayName"] == "Engineering"
        same = await world.patch(engineers, {"op": "add", "path": "members", "value": [{"value": people[2]}]})
        assert same.row.version == view.row.version

    run(tmp_path, test)


def test_two_replacements_leave_exactly_the_last(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [(await world.create(user(f"user{n}"))).row.id for n in range(6)]
        engineers = await world.create(group("Engineers", *people[:3]))
        for chosen in (people[1:5], [], people[4:]):
            await world.patch(
                engineers, {"op": "replace", "path": "members", "value": [{"value": p} for p in chosen]}
            )
            assert members(await world.read(engineers)) == chosen

    run(tmp_path, test)


def test_a_put_that_does_not_mention_members_keeps_them_unless_strict(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        engineers = await world.create(group("Engineers", ann.row.id))
        renamed = {"schemas": group("x")["schemas"], "displayName": "Engineering"}
        await world.replace(engineers, renamed)
        assert members(await world.read(engineers)) == [ann.row.id]
        await world.replace(engineers, renamed, world.with_profile("strict"))
        assert members(await world.read(engineers)) == []

    run(tmp_path, test)


def test_groups_of_a_user_are_direct_and_indirect_and_circles_end(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        inner = await world.create(group("Inner", ann.row.id))
        middle = await world.create(group("Middle", inner.row.id))
        outer = await world.create(group("Outer", middle.row.id))
        await world.patch(
            inner, {"op": "add", "path": "members", "value": [{"value": outer.row.id}]}
        )  # a circle
        groups = {g["display"]: g["type"] for g in (await world.read(ann))["groups"]}
        assert groups == {"Inner": "direct", "Middle": "indirect", "Outer": "indirect"}
        types = {m["value"]: m["type"] for m in (await world.read(inner))["members"]}
        assert types == {ann.row.id: "User", outer.row.id: "Group"}

    run(tmp_path, test)


def test_a_group_is_no_member_of_itself(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        engineers = await world.create(group("Engineers"))
        with pytest.raises(errors.InvalidValue, match="member of itself"):
            await world.patch(
                engineers, {"op": "add", "path": "members", "value": [{"value": engineers.row.id}]}
            )

    run(tmp_path, test)


def test_a_deleted_user_leaves_their_groups_and_a_deleted_group_its_users(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, bob = await world.create(user("ann")), await world.create(user("bob"))
        engineers = await world.create(group("Engineers", ann.row.id, bob.row.id))
        await world.delete(ann)
        now = await world.read(engineers)
        assert members(now) == [bob.row.id] and now["meta"]["version"] == 'W/"2"'
        await world.delete(engineers)
        assert "groups" not in await world.read(bob)
        assert (await world.page(type=GROUP)).total == 0
        told = await world.events()
        assert [e[0] for e in told][-4:] == [
            "group.member_removed",
            "user.deleted",
            "group.member_removed",
            "group.deleted",
        ]
        assert told[-2][1:] == (engineers.row.id, {"members": [bob.row.id], "count": 1})

    run(tmp_path, test)


def test_a_member_is_shown_as_the_client_named_them(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", displayName="Ann Lee"))
        body = group("Engineers")
        body["members"] = [{"value": ann.row.id, "display": "The boss"}]
        engineers = await world.create(body)
        plain = await world.create(group("Plain", ann.row.id))
        assert [m["display"] for m in (await world.read(engineers))["members"]] == ["The boss"]
        assert [m["display"] for m in (await world.read(plain))["members"]] == ["Ann Lee"]
        where = 'members[display eq "The boss"]'
        await world.patch(engineers, {"op": "replace", "path": f"{where}.display", "value": "A"})
        assert [m["display"] for m in (await world.read(engineers))["members"]] == ["A"]
        await world.patch(engineers, {"op": "remove", "path": 'members[display eq "a"].display'})
        assert [m["display"] for m in (await world.read(engineers))["members"]] == ["Ann Lee"]
        await world.patch(engineers, {"op": "remove", "path": 'members[display sw "Ann"]'})
        assert members(await world.read(engineers)) == []

    run(tmp_path, test)


def test_values_that_are_no_ids_cost_one_statement_more_for_all_of_a_request(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [(await world.create(user(f"user{n}", f"x{n}"))).row.id for n in range(30)]
        engineers = await world.create(group("Engineers"))
        sent: list[str] = []
        world.store._writer._connection.set_trace_callback(sent.append)

        async def cost(op: str, *values: str) -> int:
            sent.clear()
            each = ({"op": op, "path": "members", "value": [{"value": value}]} for value in values)
            await world.patch(engineers, *each)
            return len(sent)

        for op in ("add", "remove"):
            one = await cost(op, people[0])
            assert await cost(op, *people[1:10]) == one
            more = 1 if op == "add" else 3  # a removal asks for pending values first
            names = [f"x{n}" for n in range(10, 20)], [f"USER{n}" for n in range(20, 30)]
            assert [await cost(op, *several) for several in names] == [one + more] * 2

    run(tmp_path, test)


def test_who_comes_to_and_leaves_many_groups_takes_no_more_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        statements = 0
        run_one = Held.run

        def counted(held: Held, *given: Any) -> Any:
            nonlocal statements
            statements += 1
            return run_one(held, *given)

        monkeypatch.setattr(Held, "run", counted)
        taken = []
        for name, number in (("ann", 2), ("bob", 40)):
            for each in range(number):
                await world.create(group(f"{name}-{each}", name))
            before = statements
            view = await world.create(user(name))
            assert view.memberships is not None and len(view.memberships) == number
            await world.delete(view)
            taken.append(statements - before)
        assert taken[0] == taken[1]

    run(tmp_path, test)
