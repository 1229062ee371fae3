"""Members named by externalId or userName, states that are taken away and externalIds that say nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.postgres_server import namespace
from service.management import World, run

from rosterd.scim import urns
from rosterd.service.control import Policy
from rosterd.testing.scenario import BY, ENTRY

Settings = dict[str, Any]
GROUPS = "/directories/acme/groups"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Settings]:
    if request.param == "sqlite":
        yield {}
    else:
        with namespace() as url:
            yield {"database_url": url}


async def another(world: World, reach: str = "own") -> httpx.AsyncClient:
    """A client of a second connection of the directory."""
    control = world.service.control
    home = await control.directory("acme")
    assert home is not None
    made = await control.create_connection(home.id, "b", "auto", Policy(reach), 1, ENTRY)
    _, token = await world.service.tokens.issue(home.id, made.id, by=BY)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=world.site, base_url="http://sp.example/scim/v2", headers=headers)


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name, **more}


def listed(*members: str) -> list[dict[str, str]]:
    return [{"value": member} for member in members]


async def patched(world: World, path: str, *operations: dict[str, Any]) -> dict[str, Any]:
    body = {"schemas": [urns.PATCH_OP], "Operations": operations}
    response = await world.scim.patch(path, json=body)
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()
    return changed


async def members(world: World, group: str) -> list[str]:
    found = (await world.scim.get(f"/Groups/{group}")).json().get("members", [])
    return sorted(member["value"] for member in found)


async def pending(world: World, group: str) -> list[str]:
    found = await world.api.get(f"{GROUPS}/{group}/pending")
    assert found.status_code == 200, found.text
    return [value["value"] for value in found.json()["items"]]


async def events(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    """Type, resource and data of the whole feed."""
    feed = await world.service.store.reader(1).events(0, 1000)
    return [(each.event.type, each.event.resource, dict(each.event.data)) for each in feed]


REACHES = [
    # reach of the other connection, what it makes, whether that joins the group that waits for X and ann@x
    ("own", {"userName": "intruder", "externalId": "X"}, False),
    ("own", {"userName": "ann@x"}, False),
    ("own", {"userName": "X"}, False),
    ("directory", {"userName": "intruder", "externalId": "X"}, False),
    ("directory", {"userName": "ann@x"}, True),
]


@pytest.mark.parametrize(("reach", "made", "joins"), REACHES)
def test_a_connection_joins_no_group_that_it_may_not_change(
    tmp_path: Path, engine: Settings, reach: str, made: dict[str, Any], joins: bool
) -> None:
    async def test(world: World) -> None:
        group = (await world.group("Admins", "X", "ann@x"))["id"]
        async with await another(world, reach) as other:
            first = await other.post("/Users", json=user("first"))
            for send in (
                other.post("/Users", json={"schemas": [urns.USER], **made}),
                other.put(f"/Users/{first.json()['id']}", json=user("first", externalId="X")),
            ):
                response = await send
                assert response.status_code in (200, 201), response.text
            found = await other.get("/Users", params={"filter": f'userName eq "{made["userName"]}"'})
            someone = [resource["id"] for resource in found.json()["Resources"]]
        assert await members(world, group) == (someone if joins else [])
        assert await pending(world, group) == (["X"] if joins else ["X", "ann@x"])
        body = {"schemas": [urns.GROUP], "displayName": "Admins", "members": listed("X", "ann@x")}
        assert (await world.scim.put(f"/Groups/{group}", json=body)).status_code == 200
        assert await members(world, group) == (someone if joins else [])
        mine = (await world.user("mine", externalId="X"))["id"]
        assert await members(world, group) == sorted([mine, *(someone if joins else [])])

    run(tmp_path, test, **engine)


def test_who_writes_the_group_may_name_anybody_of_the_directory_by_user_name(
    tmp_path: Path, engine: Settings
) -> None:
    async def test(world: World) -> None:
        async with await another(world) as other:
            ann = (await other.post("/Users", json=user("Ann@x", externalId="X"))).json()["id"]
        group = (await world.group("Admins", "X"))["id"]
        assert (await members(world, group), await pending(world, group)) == ([], ["X"])
        await patched(world, f"/Groups/{group}", {"op": "add", "path": "members", "value": listed("ann@X")})
        assert (await members(world, group), await pending(world, group)) == ([ann], ["X"])

    run(tmp_path, test, **engine)


@pytest.mark.parametrize("name", ["X3", "Ann@x", "ann@X", "ID"])
def test_a_value_means_the_same_in_each_operation_and_whichever_came_first(
    tmp_path: Path, engine: Settings, name: str
) -> None:
    async def test(world: World) -> None:
        first = (await world.group("First", *([] if name in ("ID", "ann@X") else [name])))["id"]
        ann = (await world.user("Ann@x", externalId="X3"))["id"]
        value = ann if name == "ID" else name
        if name in ("ID", "ann@X"):
            await patched(world, f"/Groups/{first}", {"op": "add", "path": "members", "value": listed(value)})
        group = await world.group("Second", value)
        path = f"/Groups/{group['id']}"
        assert [member["value"] for member in group["members"]] == [ann]
        assert await members(world, first) == [ann]
        body = {"schemas": [urns.GROUP], "displayName": "Second", "members": listed(value)}
        for _ in range(2):
            again = await world.scim.put(path, json=body)
            assert [member["value"] for member in again.json()["members"]] == [ann]
            assert again.json()["meta"]["version"] == 'W/"1"'
            for op in ("add", "replace"):
                again = await patched(world, path, {"op": op, "path": "members", "value": listed(value)})
                assert again["meta"]["version"] == 'W/"1"'
        removals: list[dict[str, Any]] = [
            {"op": "remove", "path": f'members[value eq "{value}"]'},
            {"op": "remove", "path": "members", "value": listed(value)},
        ]
        for version, removal in zip((2, 4), removals, strict=True):
            gone = await patched(world, path, removal)
            assert "members" not in gone
            assert gone["meta"]["version"] == f'W/"{version}"'
            back = await patched(world, path, {"op": "add", "path": "members", "value": listed(value)})
            assert [member["value"] for member in back["members"]] == [ann]
        assert await pending(world, group["id"]) == await pending(world, first) == []
        told = [
            one for one in await events(world) if one[0].startswith("group.member") and one[1] == group["id"]
        ]
        assert [(type.removeprefix("group.member_"), data) for type, _, data in told] == [
            (verb, {"members": [ann], "count": 1}) for verb in ("added", "removed") * 2
        ] + [("added", {"members": [ann], "count": 1})]

    run(tmp_path, test, **engine)


def test_who_is_deleted_leaves_the_group_and_comes_back_without_it(tmp_path: Path, engine: Settings) -> None:
    async def test(world: World) -> None:
        ann = (await world.user("ann@x", externalId="X3"))["id"]
        group = (await world.group("G", "X3"))["id"]
        await world.scim.delete(f"/Users/{ann}")
        assert (await members(world, group), await pending(world, group)) == ([], [])
        await patched(world, f"/Groups/{group}", {"op": "add", "path": "members", "value": listed("X3")})
        assert await pending(world, group) == ["X3"]
        assert (await world.user("ann@x", externalId="X3"))["id"] == ann
        assert (await members(world, group), await pending(world, group)) == ([ann], [])

    run(tmp_path, test, **engine)


def test_a_group_is_no_member_of_itself_by_another_name(tmp_path: Path, engine: Settings) -> None:
    async def test(world: World) -> None:
        body = {"schemas": [urns.GROUP], "displayName": "G", "externalId": "G1", "members": listed("G1")}
        refused = await world.scim.post("/Groups", json=body)
        assert refused.status_code == 400
        assert "cannot be a member of itself" in refused.json()["detail"]
        group = await world.scim.post("/Groups", json={**body, "externalId": None})
        assert await pending(world, group.json()["id"]) == ["G1"]
        refused = await world.scim.patch(
            f"/Groups/{group.json()['id']}",
            json={
                "schemas": [urns.PATCH_OP],
                "Operations": [{"op": "add", "path": "externalId", "value": "G1"}],
            },
        )
        assert refused.status_code == 400
        assert await pending(world, group.json()["id"]) == ["G1"]

    run(tmp_path, test, **engine)


@pytest.mark.parametrize("nothing", ["", " ", "\t\u00a0"])
def test_an_external_id_that_says_nothing_is_none(tmp_path: Path, engine: Settings, nothing: str) -> None:
    async def test(world: World) -> None:
        group = (await world.group("G", " "))["id"]
        first = await world.user("ns", externalId=nothing, displayName="First person")
        assert "externalId" not in first
        await world.scim.delete(f"/Users/{first['id']}")
        second = await world.user("ns", externalId=nothing)
        assert second["id"] != first["id"]
        found = await world.scim.get("/Users", params={"filter": f"externalId eq {json.dumps(nothing)}"})
        assert (found.status_code, found.json()["totalResults"]) == (200, 0)
        path = f"/Users/{second['id']}"
        given = await patched(world, path, {"op": "add", "path": "externalId", "value": "X"})
        assert given["externalId"] == "X"
        taken = await patched(world, path, {"op": "replace", "path": "externalId", "value": nothing})
        assert "externalId" not in taken
        again = await world.scim.put(path, json=user("ns", externalId=nothing))
        assert "externalId" not in again.json()
        assert (await members(world, group), await pending(world, group)) == ([], [" "])

    run(tmp_path, test, **engine)


def test_a_required_external_id_must_say_something(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        asked = {"requirements": {"User": {"required": ["externalId"]}}}
        assert (await world.api.put("/directories/acme/requirements", json=asked)).status_code == 200
        for nothing in ("", " "):
            refused = await world.scim.post("/Users", json=user("ann", externalId=nothing))
            assert refused.status_code == 400
            assert refused.json()["detail"].startswith("externalId: a value is required")

    run(tmp_path, test)


TAKEN_AWAY = [
    {"op": "replace", "path": "active", "value": None},
    {"op": "remove", "path": "active"},
    {"op": "replace", "value": {"active": None}},
]


@pytest.mark.parametrize("operation", TAKEN_AWAY)
def test_who_says_nothing_of_the_state_counts_as_active_and_is_found_by_not_inactive(
    tmp_path: Path, engine: Settings, operation: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", active=False)
        changed = await patched(world, f"/Users/{ann['id']}", operation)
        assert "active" not in changed
        for filter, there in (("not (active eq false)", [ann["id"]]), ("active eq true", [])):
            found = (await world.scim.get("/Users", params={"filter": filter})).json()
            assert [resource["id"] for resource in found["Resources"]] == there, filter
        delta = {"before": {"active": False}, "after": {}}
        assert (await events(world))[-1] == ("user.activated", ann["id"], delta)
        again = {"schemas": [urns.USER], "userName": "ann"}
        put = await world.scim.put(f"/Users/{ann['id']}", json=again)
        assert put.json()["active"] is True

    run(tmp_path, test, **engine)
