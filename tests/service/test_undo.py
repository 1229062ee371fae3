"""Undo: what is given back, what is left alone and why, and that it can be broken off and run again."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from service.undoing import moment, pause, preview, undo_of, undone
from service.world import START, World, group, run, user

from rosterd.scim import amount, errors, urns
from rosterd.service import inverse, undo
from rosterd.service.limits import Limits
from rosterd.service.undo import Plan
from rosterd.testing.scenario import BY


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def counted(plan: Plan) -> dict[str, int]:
    return {name: count for name, count in plan.counts.items() if count}


async def members(world: World, id: str) -> list[str]:
    return [m.value for m in await world.store.reader(1).members(id)]


def test_each_kind_of_change_is_counted_told_and_given_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, bob, cid, dan = [await world.create(user(n, f"x-{n}")) for n in ("ann", "bob", "cid", "dan")]
        staff = await world.create(group("Staff", ann.row.id, bob.row.id, "later"))
        since = moment(world)
        made = await world.create(user("new"))
        await world.patch(ann, replaced("title", "Boss"), replaced(f"{urns.ENTERPRISE_USER}:costCenter", "c"))
        await world.patch(bob, replaced("active", False))
        await world.delete(cid)
        operations = ({"op": "add", "path": "members", "value": [{"value": dan.row.id}]},)
        await world.patch(staff, *operations, {"op": "remove", "path": f'members[value eq "{ann.row.id}"]'})
        await world.patch(staff, {"op": "remove", "path": 'members[value eq "later"]'})
        expected = {
            "deleted": 1, "revived": 1, "updated": 1, "activated": 1, "membersAdded": 2, "membersRemoved": 1,
        }  # fmt: skip
        seen = await preview(world, since)
        assert counted(seen) == expected
        assert {(o.verb, o.name) for o in seen.changes} == {
            ("deleted", "new"), ("revived", "cid"), ("updated", "ann"), ("activated", "bob"),
            ("members", "Staff"),
        }  # fmt: skip
        assert await world.store.reader(1).get("User", made.row.id), "a preview changes nothing"
        plan = await undone(world, since)
        assert counted(plan) == expected
        told = {o.name: o.step.attributes for o in plan.changes if o.step.attributes}
        assert told == {"ann": ("title", f"{urns.ENTERPRISE_USER}:costCenter"), "bob": ("active",)}
        assert "title" not in await world.read(ann)
        assert (await world.read(ann))["schemas"] == [urns.USER]
        assert (await world.read(bob))["active"] is True
        assert (await world.read(cid))["externalId"] == "x-cid"
        assert await members(world, staff.row.id) == [ann.row.id, bob.row.id]
        assert [m.value for m in await world.store.reader(1).pending(staff.row.id)] == ["later"]
        gone = await world.store.reader(1).find_deleted("User", made.row.id)
        assert gone is not None
        entry = (await world.store.audit_page(1, None, 1))[0].entry
        assert (entry.action, entry.target) == ("connection.undone", "connection 'default'")
        assert entry.after == {"since": "2027-01-15T08:00:01.005Z", **expected}

    run(tmp_path, test)


def test_the_events_of_an_undo_say_so_and_carry_the_connection(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        since = moment(world)
        await world.patch(ann, replaced("active", False))
        await world.delete(ann)
        before = len(await world.events())
        await undone(world, since)
        new = await world.store.reader(1).events(before, 10)
        assert [(e.event.type, e.event.connection, e.event.data["undo"]) for e in new] == [
            ("user.activated", 1, {"since": "2027-01-15T08:00:01.001Z"})
        ]
        assert new[0].event.data["revived"] is True
        assert new[0].event.data["after"]["active"] is True

    run(tmp_path, test)


def test_what_others_changed_since_is_left_alone_attribute_by_attribute(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        hr = world.other(reach="directory")
        ann = await world.create(user("ann", title="Clerk", nickName="A"))
        since = moment(world)
        await world.patch(ann, replaced("title", "Boss"), replaced("nickName", "B"))
        await world.patch(ann, replaced("title", "Queen"), caller=hr)
        made = await world.create(user("made"))
        await world.patch(made, replaced("title", "Own"), caller=hr)
        gone = await world.create(user("gone"))
        since_gone = await world.create(user("kept"))
        for plan in (await preview(world, since), await undone(world, since)):
            found = {(o.name, attribute) for o in plan.conflicts for attribute, _ in o.step.conflicts}
            assert found == {("ann", "title"), ("made", None)}
            assert counted(plan) == {"updated": 1, "deleted": 2, "conflicts": 2}
        now = await world.read(ann)
        assert (now["title"], now["nickName"]) == ("Queen", "A")
        assert (await world.read(made))["title"] == "Own"
        for one in (gone, since_gone):
            assert await world.store.reader(1).get("User", one.row.id) is None

    run(tmp_path, test)


def test_what_others_did_in_between_is_what_comes_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        hr = world.other(reach="directory")
        ann = await world.create(user("ann", title="first"))
        since = moment(world)
        for caller, title in ((None, "second"), (hr, "third"), (None, "fourth")):
            await world.patch(ann, replaced("title", title), caller=caller)
        await undone(world, since)
        assert (await world.read(ann))["title"] == "third"

    run(tmp_path, test)


def test_a_name_that_is_taken_meanwhile_is_a_conflict(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        hr = world.other()
        ann, bob = await world.create(user("Ann")), await world.create(user("bob", title="Old"))
        since = moment(world)
        await world.delete(ann)
        await world.patch(bob, replaced("userName", "robert"), replaced("title", "New"))
        for name in ("ANN", "bob"):
            await world.create(user(name), hr)
        for plan in (await preview(world, since), await undone(world, since)):
            assert counted(plan) == {"conflicts": 2}
            reasons = {o.name: o.step.conflicts for o in plan.conflicts}
            assert reasons["Ann"] == (("userName", "'Ann' is used by id-0003 now"),)
            assert reasons["robert"] == (("userName", "'bob' is used by id-0004 now"),)
        assert (await world.read(bob))["title"] == "New"

    run(tmp_path, test)


def test_names_that_went_round_in_a_circle_go_back(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [await world.create(user(f"u{n}")) for n in range(5)]
        since = moment(world)
        await world.patch(people[0], replaced("userName", "aside"))
        for number in range(1, 5):
            await world.patch(people[number], replaced("userName", f"u{number - 1}"))
        await world.patch(people[0], replaced("userName", "u4"))
        assert counted(await preview(world, since)) == {"updated": 5}
        assert counted(await undone(world, since)) == {"updated": 5}
        assert [(await world.read(one))["userName"] for one in people] == [f"u{n}" for n in range(5)]
        for n in range(5):
            assert await world.store.reader(1).owner_of("User", "userName", f"u{n}") == people[n].row.id

    run(tmp_path, test)


def test_what_was_erased_cannot_come_back_and_is_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        eraser = world.with_policy(on_delete="erase")
        ann, bob = await world.create(user("ann")), await world.create(user("bob"))
        team = await world.create(group("Team", ann.row.id, bob.row.id))
        since = moment(world)
        await world.delete(ann, eraser)
        await world.delete(bob)
        assert counted(await preview(world, since)) == {"lost": 1, "revived": 1, "membersAdded": 2}
        plan = await undone(world, since)
        assert counted(plan) == {"lost": 1, "revived": 1, "membersAdded": 1}
        assert [(o.id, o.step.lost) for o in plan.lost] == [
            (ann.row.id, "it was erased and nothing of it is kept")
        ]
        assert await members(world, team.row.id) == [bob.row.id]
        assert await world.store.reader(1).pending(team.row.id) == ()

    run(tmp_path, test)


def test_a_deleted_group_comes_back_with_its_members_and_its_place_in_others(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [(await world.create(user(f"u{n}"))).row.id for n in range(3)]
        team = await world.create(group("Team", *people, "later"))
        whole = await world.create(group("Whole", team.row.id))
        since = moment(world)
        await world.delete(team)
        assert [e[0] for e in await world.events()][-4:] == [
            "group.member_removed", "group.member_removed", "group.member_removed", "group.deleted",
        ]  # fmt: skip
        await undone(world, since)
        assert await members(world, team.row.id) == people
        assert await members(world, whole.row.id) == [team.row.id]
        assert [m.value for m in await world.store.reader(1).pending(team.row.id)] == ["later"]

    run(tmp_path, test)


def test_a_connection_that_is_active_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        since = moment(world)
        ann = await world.create(user("ann"))
        home = world.caller
        with pytest.raises(errors.Conflict, match="rosterd connection pause default --directory default"):
            await undo_of(world).run(home.directory, home.connection, since, by=BY)
        assert await world.read(ann)

    run(tmp_path, test)


def test_a_time_to_come_and_events_that_are_not_kept_are_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for name in ("ann", "bob", "cid"):
            await world.create(user(name))
        with pytest.raises(errors.InvalidValue, match="still to come"):
            await preview(world, START + 10_000)
        third = (await world.store.reader(1).events(2, 1))[0].event.at
        await world.store.write(1, lambda tx: tx.forget_events(third, 10))
        with pytest.raises(errors.Gone, match=r"go back to 2027-01-15T08:00:00\.00\dZ"):
            await preview(world, third - 1)
        assert counted(await preview(world, third)) == {"deleted": 1}

    run(tmp_path, test)


def test_the_fuse_counts_nothing_of_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.caller = world.with_policy(limits=Limits(fuse_count=2))
        since = moment(world)
        for n in range(6):
            await world.create(user(f"u{n}"))
        assert counted(await undone(world, since)) == {"deleted": 6}
        assert await world.store.write(1, lambda tx: tx.loss(1)) is None

    run(tmp_path, test)


class Crash(Exception):
    """The process is gone."""


def test_a_run_that_was_broken_off_goes_on_when_it_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "PORTION", 2)
    monkeypatch.setattr(undo, "MEMBER_PORTION", 2)

    async def test(world: World) -> None:
        people = [await world.create(user(f"u{n}", f"x{n}")) for n in range(9)]
        team = await world.create(group("Team", *(one.row.id for one in people)))
        found = [await world.read(one) for one in people]
        since = moment(world)
        for number, one in enumerate(people):
            await world.patch(one, replaced("title", "Boss"))
            if number % 2:
                await world.delete(one)
            await world.create(user(f"new{number}"))
        await world.patch(team, {"op": "remove", "path": "members"})
        await pause(world)
        write, runs = world.store.write, 0
        while True:
            left = [3]

            async def counted_write(directory: int, work: Any, left: list[int] = left) -> Any:
                if left[0] == 0:
                    raise Crash
                left[0] -= 1
                return await write(directory, work)

            world.store.write = counted_write  # type: ignore[method-assign]
            runs += 1
            try:
                home = world.caller
                await undo_of(world).run(home.directory, home.connection, since, by=BY)
                break
            except Crash:
                assert runs < 30
            finally:
                world.store.write = write  # type: ignore[method-assign]
        assert runs > 3
        for before, one in zip(found, people, strict=True):
            now = await world.read(one)
            assert {k: v for k, v in now.items() if k != "meta"} == {
                k: v for k, v in before.items() if k != "meta"
            }
        assert len(await members(world, team.row.id)) == 9
        assert (await world.page()).total == 9
        entries = await world.store.audit_page(1, None, 100, "connection.")
        told = [row.entry.action for row in entries if "undo" in row.entry.action][::-1]
        assert told[0] == "connection.undo_begun"
        assert told[1:-1] == ["connection.undo_begun"] * (len(told) - 2)
        assert told[-1] == "connection.undone"

    run(tmp_path, test)


def test_a_story_of_many_pages_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "STORY_PAGE", 3)

    async def test(world: World) -> None:
        ann = await world.create(user("ann", title="first"))
        since = moment(world)
        for number in range(10):
            await world.patch(ann, replaced("title", str(number)))
        assert counted(await undone(world, since)) == {"updated": 1}
        assert (await world.read(ann))["title"] == "first"

    run(tmp_path, test)


def test_only_the_first_hundred_are_told_by_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        since = moment(world)
        for n in range(103):
            await world.create(user(f"u{n}"))
        plan = await undone(world, since)
        assert (counted(plan), len(plan.changes)) == ({"deleted": 103}, 100)

    run(tmp_path, test)


def test_of_each_kind_the_first_hundred_are_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        old = [await world.create(user(f"old{n}")) for n in range(103)]
        since = moment(world)
        for one in old:
            await world.patch(one, {"op": "replace", "path": "active", "value": False})
        await world.create(user("new"))
        plan = await undone(world, since)
        assert counted(plan) == {"activated": 103, "deleted": 1}
        assert Counter(one.verb for one in plan.changes) == {"activated": 100, "deleted": 1}

    run(tmp_path, test)


def test_a_resource_gets_back_what_it_had_but_not_the_sum_of_two_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is too much by itself is left, and the others are given back."""

    async def test(world: World) -> None:
        other = world.other(reach="directory")
        ann, bob, cid, dan = [
            await world.create(user(n, f"x-{n}", displayName="d" * 60)) for n in ("ann", "bob", "cid", "dan")
        ]
        since = moment(world)
        for person in (ann, bob, cid):
            await world.patch(person, replaced("displayName", "short"))
        await world.delete(dan)
        await world.patch(ann, replaced("name", {"formatted": "f" * 60}), caller=other)
        await world.patch(bob, replaced("nickName", "n"), caller=other)
        # All of them had as much before, but ann never had both.
        for name, bound in (("MOST_SEARCHED", 70), ("SMALL", 0)):
            monkeypatch.setattr(amount, name, bound)
        expected = {"updated": 2, "revived": 1, "conflicts": 1}
        for plan in (await preview(world, since), await undone(world, since)):
            assert counted(plan) == expected
            (left,) = plan.conflicts
            ((attribute, reason),) = left.step.conflicts
            assert (left.name, attribute, left.verb) == ("ann", None, "")
            assert reason.startswith("with what was changed by others since, 123 characters are too many; ")
        for person, name in ((ann, "short"), (bob, "d" * 60), (cid, "d" * 60), (dan, "d" * 60)):
            assert (await world.read(person))["displayName"] == name
        assert (await world.read(ann))["name"] == {"formatted": "f" * 60}

    run(tmp_path, test)


def test_what_an_undo_gave_back_counts_as_a_change_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        other = world.other(reach="directory")
        ann = await world.create(user("ann", "x-ann", displayName="d" * 60))
        earlier = moment(world)
        await world.patch(ann, replaced("displayName", "short"))
        await world.patch(ann, replaced("name", {"formatted": "f" * 60}), caller=other)
        since = moment(world)
        await world.patch(ann, {"op": "remove", "path": "name"}, caller=other)
        assert counted(await undone(world, earlier))["updated"] == 1
        for name, bound in (("MOST_SEARCHED", 70), ("SMALL", 0)):
            monkeypatch.setattr(amount, name, bound)
        assert counted(await undone(world, since, other)) == {"conflicts": 1}
        assert "name" not in await world.read(ann)

    run(tmp_path, test)


def test_whoever_would_have_to_give_way_and_becomes_too_large_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        other = world.other(reach="directory")
        ann = await world.create(user("ann", "x-ann"))
        dan = await world.create(user("dan", "x-dan", displayName="d" * 60))
        since = moment(world)
        await world.patch(ann, replaced("userName", "anna"))
        await world.patch(dan, replaced("userName", "ann"), replaced("displayName", "short"))
        await world.patch(dan, replaced("name", {"formatted": "f" * 60}), caller=other)
        for name, bound in (("MOST_SEARCHED", 70), ("SMALL", 0)):
            monkeypatch.setattr(amount, name, bound)
        for plan in (await preview(world, since), await undone(world, since)):
            assert counted(plan) == {"conflicts": 2}
            told = {left.name: left.step.conflicts[0] for left in plan.conflicts}
            assert told["anna"] == ("userName", f"'ann' is used by {dan.row.id} now")
            assert told["ann"][0] is None
        assert (await world.read(ann))["userName"] == "anna"

    run(tmp_path, test)
