"""All operations of a bulk request have one budget, counted in steps; what is ordinary never meets it."""

from pathlib import Path
from typing import Any

import pytest
from service.world import World, group, run, user

from rosterd.scim import effort, urns
from rosterd.scim.effort import MOST_STEPS, SHARE, Budget
from rosterd.scim.errors import PayloadTooLarge
from rosterd.service import bulk

MANY = [{"value": f"v{number}", "type": "work"} for number in range(500)]
CHOOSING = 'entitlements[type eq "work" and value eq "v1"].display'


def patch(id: str, *operations: dict[str, Any], path: str = "/Users") -> dict[str, Any]:
    data = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    return {"method": "PATCH", "path": f"{path}/{id}", "data": data}


def dear(id: str, name: str) -> dict[str, Any]:
    """A PATCH that goes through all entitlements, and changes one."""
    return patch(id, *[{"op": "replace", "path": CHOOSING, "value": name}] * 20)


def title(id: str, value: str) -> dict[str, Any]:
    return patch(id, {"op": "replace", "path": "title", "value": value})


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


async def people(world: World, *names: str) -> list[str]:
    return [(await world.create({**user(name), "entitlements": MANY})).row.id for name in names]


def test_what_is_beyond_the_budget_is_refused_by_itself_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        ids = await people(world, "ann", "bob", "carla")
        small = (await world.create(user("dora"))).row.id
        # One takes more than 20 * 1000 * 2 steps, and 4 * 1000 for the resource.
        monkeypatch.setattr(effort, "MOST_STEPS", 100_000)
        results = await world.bulk(
            dear(ids[0], "a"), dear(ids[1], "b"), dear(ids[2], "c"), title(small, "d"), dear(ids[0], "e")
        )
        assert statuses(results) == ["200", "200", "413", "200", "413"]
        error = results[2]["response"]
        assert error["status"] == "413"
        assert error["detail"].startswith("The operation would take ")
        assert "Send it in another bulk request" in error["detail"]
        versions = [view.row.version for view in (await world.page()).views]
        assert versions == [2, 2, 1, 2]
        assert statuses(await world.bulk(dear(ids[2], "c"), dear(ids[0], "e"))) == ["200", "200"]

    run(tmp_path, test)


def test_fail_on_errors_counts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        ids = await people(world, "ann", "bob")
        monkeypatch.setattr(effort, "MOST_STEPS", 60_000)
        done = [dear(ids[0], "a"), dear(ids[1], "b"), title(ids[0], "c")]
        assert statuses(await world.bulk(*done, failOnErrors=1)) == ["200", "413"]

    run(tmp_path, test)


def test_an_operation_that_takes_no_more_than_its_share_is_never_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        (ann,) = await people(world, "ann")
        row = await world.store.reader(1).get("User", ann)
        assert row is not None
        # The resource as it is, and three words of the operation that may have been a path.
        steps = effort.handled(row.document) + 3 * 10
        monkeypatch.setattr(effort, "MOST_STEPS", 0)
        monkeypatch.setattr(effort, "SHARE", steps)
        assert statuses(await world.bulk(title(ann, "x"))) == ["200"]
        monkeypatch.setattr(effort, "SHARE", steps - 1)
        assert statuses(await world.bulk(title(ann, "y"))) == ["413"]

    run(tmp_path, test)


def test_an_operation_on_a_large_resource_counts_by_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        ann, bob = await people(world, "ann", "bob")
        monkeypatch.setattr(effort, "MOST_STEPS", 4 * 1500)
        monkeypatch.setattr(effort, "SHARE", 0)
        put = {"method": "PUT", "path": f"/Users/{bob}", "data": user("bob")}
        assert statuses(await world.bulk(title(ann, "x"), title(ann, "y"), put)) == ["200", "413", "413"]
        made = {"method": "POST", "path": "/Users", "bulkId": "1"}
        first, second = ({**made, "bulkId": name, "data": {**user(name), "roles": MANY}} for name in "12")
        assert statuses(await world.bulk(first, second)) == ["201", "413"]

    run(tmp_path, test)


def test_choosing_among_members_counts_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        staff = (await world.create(group("Staff", *(f"id{number}" for number in range(100))))).row.id
        nobody = patch(staff, {"op": "remove", "path": 'members[display eq "x"]'}, path="/Groups")
        one = patch(staff, {"op": "remove", "path": 'members[value eq "id1"]'}, path="/Groups")
        monkeypatch.setattr(effort, "MOST_STEPS", 2 * (260 + 100 * 6))
        monkeypatch.setattr(effort, "SHARE", 260)
        results = await world.bulk(nobody, nobody, nobody, one)
        assert statuses(results) == ["200", "200", "413", "200"]
        assert "chooses among all members" in results[2]["response"]["detail"]

    run(tmp_path, test)


def test_many_operations_on_members_count_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        staff = (await world.create(group("Staff"))).row.id
        add = {"op": "add", "path": "members", "value": [{"value": "x"}]}
        monkeypatch.setattr(effort, "MOST_STEPS", 20 * 300)
        remove = {"op": "remove", "path": 'members[value eq "x"]'}
        several = patch(staff, *[add, remove] * 10, path="/Groups")
        results = await world.bulk(several, several, patch(staff, add, path="/Groups"))
        assert statuses(results) == ["200", "413", "200"]

    run(tmp_path, test)


def test_reading_paths_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        ann = (await world.create(user("ann"))).row.id
        monkeypatch.setattr(effort, "MOST_STEPS", 0)
        names = {f'emails[type eq "w{number}"].value': "a@x" for number in range(5)}
        sent = patch(ann, {"op": "add", "value": {"title": "x", **names}})
        for share, status in ((10 + 10 + 5 * 100 - 1, "413"), (effort.SHARE, "200")):
            monkeypatch.setattr(effort, "SHARE", share)
            assert statuses(await world.bulk(sent)) == [status]

    run(tmp_path, test)


def test_the_members_of_all_operations_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        made = await world.create(group("Staff"))
        add = {"op": "add", "path": "members", "value": [{"value": f"x{number}"} for number in range(4)]}
        without_path = {"op": "add", "value": {"Members": add["value"]}}
        monkeypatch.setattr(effort, "MOST_SEATED", 7)
        with pytest.raises(PayloadTooLarge, match=r"^8 members are too many in one request; 7 are taken"):
            await world.patch(made, add, without_path)
        for members in (["a"] * 8, [1] * 8):
            with pytest.raises(PayloadTooLarge, match=r"^8 members "):
                await world.create({**group("Others"), "members": members})
            with pytest.raises(PayloadTooLarge, match=r"^8 members "):
                await world.replace(made, {**group("Staff"), "MEMBERS": members})
        once = patch(made.row.id, add, path="/Groups")
        few = patch(made.row.id, {**add, "value": add["value"][:3]}, path="/Groups")
        monkeypatch.setattr(bulk, "CHUNK", 1)
        assert statuses(await world.bulk(once, once, few, few)) == ["200", "413", "200", "413"]

    run(tmp_path, test)


@pytest.mark.parametrize(
    "many", ["values", "members", "groups that wait", "groups that are left", "dissolved"]
)
def test_a_transaction_ends_when_it_has_done_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: str
) -> None:
    async def test(world: World) -> None:
        ids = await people(world, *(f"user{number}" for number in range(6)))
        staff = (await world.create(group("Staff"))).row.id
        done = [title(id, "x") for id in ids]
        if many == "members":
            add = {"op": "add", "path": "members", "value": [{"value": f"x{n}"} for n in range(200)]}
            done = [patch(staff, add, path="/Groups") for _ in ids]
        elif many == "groups that wait":  # 60 for each
            for number in range(60):
                await world.create(group(f"g{number}", *(f"new{n}" for n in range(6))))
            done = [
                {"method": "POST", "path": "/Users", "bulkId": name, "data": user(name)}
                for name in (f"new{n}" for n in range(6))
            ]
        elif many == "groups that are left":
            for number in range(60):
                await world.create(group(f"g{number}", *ids))
            done = [{"method": "DELETE", "path": f"/Users/{id}"} for id in ids]
        elif many == "dissolved":
            made = [await world.create(group("g", *(f"x{n}" for n in range(300)))) for _ in ids]
            done = [{"method": "DELETE", "path": f"/Groups/{view.row.id}"} for view in made]
        transactions = 0
        write = world.store.write

        def counted(*arguments: Any) -> Any:
            nonlocal transactions
            transactions += 1
            return write(*arguments)

        monkeypatch.setattr(world.store, "write", counted)
        if many in ("values", "members"):
            assert statuses(await world.bulk(*done)) == ["200"] * 6
            assert transactions == 1
            transactions = 0
        monkeypatch.setattr(bulk, "PORTION", 6000)
        assert len({*statuses(await world.bulk(*done))} - {"200", "201", "204"}) == 0
        assert transactions == (3 if many in ("values", "members") else 6)

    run(tmp_path, test)


def test_what_is_ordinary_takes_no_more_than_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests that a thousand people need who have much: no operation draws on the budget."""

    async def test(world: World) -> None:
        monkeypatch.setattr(effort, "MOST_STEPS", 0)
        more = {
            "name": {"givenName": "Ann", "familyName": "Example", "formatted": "Ann Example"},
            "emails": [{"value": f"a{n}@example.com", "type": "work"} for n in range(5)],
            "phoneNumbers": [{"value": f"+1 555 010{n}", "type": "mobile"} for n in range(3)],
            "addresses": [{"type": "work", "locality": "Town", "country": "US", "postalCode": "1"}] * 2,
            "entitlements": MANY[:10],
            "roles": MANY[:10],
            "photos": [{"value": "https://example.com/" + "x" * 2000, "type": "photo"}],
            urns.ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "x"}},
        }
        posts = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{n}", "data": {**user(f"user{n}"), **more}}
            for n in range(1000)
        ]
        results = await world.bulk(*posts)
        assert set(statuses(results)) == {"201"}
        ids = [result["location"].rsplit("/", 1)[1] for result in results]
        okta = ({"op": "replace", "value": {"active": False, "title": "x"}},)
        entra = (
            {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.com"},
            {"op": "Add", "path": 'phoneNumbers[type eq "fax"].value', "value": "+1 555 0199"},
            *(
                {"op": "Replace", "path": f"name.{part}", "value": "x"}
                for part in ("givenName", "familyName")
            ),
            {"op": "Add", "path": f"{urns.ENTERPRISE_USER}:manager", "value": "y"},
            *({"op": "Add", "path": path, "value": "x"} for path in ("title", "displayName", "nickName")),
            {"op": "Replace", "path": 'addresses[type eq "work"].locality', "value": "City"},
            {"op": "Replace", "path": "active", "value": "True"},
        )
        ping = (
            *({"op": "add", "path": "entitlements", "value": [{"value": f"new{n}"}]} for n in range(5)),
            {"op": "remove", "path": 'roles[value eq "v3"]'},
        )
        for operations in (okta, entra, ping):
            results = await world.bulk(*[patch(id, *operations) for id in ids])
            assert set(statuses(results)) == {"200"}
        staff = (await world.create(group("Staff", *ids))).row.id
        join = {"op": "add", "path": "members", "value": [{"value": id} for id in ids[:100]]}
        leave = [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids[:15]]
        results = await world.bulk(*[patch(staff, *each, path="/Groups") for each in ([join], leave)] * 20)
        assert set(statuses(results)) == {"200"}

    run(tmp_path, test)


def test_a_budget_is_drawn_on_by_what_takes_more_than_its_share() -> None:
    budget = Budget()
    for _ in range(10):
        budget.take(SHARE)
        budget.settle()
    assert (budget.spent, budget.turn) == (0, 10 * SHARE)
    budget.take(SHARE)
    budget.take(MOST_STEPS - SHARE)
    budget.settle()
    assert budget.spent == MOST_STEPS
    budget.take(SHARE)
    with pytest.raises(PayloadTooLarge, match=f"would take {SHARE + 1} steps, and 0 are left"):
        budget.take(1)
    with pytest.raises(PayloadTooLarge, match="no steps are left"):
        budget.require_some()
