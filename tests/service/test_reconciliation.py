"""The application's list held against the directory, and accounts that wait for their identity provider."""

from pathlib import Path
from typing import Any

import pytest
from service.management import World, problem, run

from rosterd.scim import urns
from rosterd.testing.scenario import BY

MAIL = [{"value": "Cyd@x.example", "primary": True}]


async def compare(world: World, *accounts: dict[str, Any]) -> dict[str, Any]:
    reply = await world.api.post("/directories/acme/reconciliation", json={"accounts": list(accounts)})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def adopt(world: World, *accounts: dict[str, Any]) -> list[tuple[str, str]]:
    reply = await world.api.post(
        "/directories/acme/connections/okta/adopt", json={"accounts": list(accounts)}
    )
    assert reply.status_code == 200, reply.text
    return [(one["account"], one["what"]) for one in reply.json()["outcomes"]]


def patch(**values: Any) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "value": values}]}


def test_every_kind_of_difference_is_found_and_nothing_is_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        same = await world.user("same")
        off = await world.user("off", active=False)
        on = await world.user("on")
        gone = await world.user("gone")
        await world.scim.delete(f"/Users/{gone['id']}")
        renamed = await world.user("new-name")
        mailed = await world.user("cyd", emails=MAIL)
        await world.user("missing")
        await world.user("nobody", active=False)
        found = await compare(
            world,
            {"account": "1", "userName": "SAME"},
            {"account": "2", "userName": "off"},
            {"account": "3", "userName": "on", "active": False},
            {"account": "4", "userName": "gone"},
            {"account": "5", "id": renamed["id"], "userName": "old-name"},
            {"account": "6", "email": "cyd@X.example"},
            {"account": "7", "userName": "stranger"},
        )
        told = {(one["what"], one["name"], one["account"], one["id"]) for one in found["findings"]}
        missing = next(one["id"] for one in found["findings"] if one["name"] == "missing")
        assert told == {
            ("should be inactive", "off", "2", off["id"]),
            ("should be active", "on", "3", on["id"]),
            ("should be inactive", "gone", "4", gone["id"]),
            ("renamed", "new-name", "5", renamed["id"]),
            ("missing", "missing", None, missing),
            ("unknown", "stranger", "7", None),
        }
        assert found["counts"] == {
            "agreed": 3, "should be inactive": 2, "should be active": 1, "renamed": 1, "missing": 1,
            "unknown": 1,
        }  # fmt: skip
        assert found["complete"]
        assert same["id"] not in str(found)
        assert mailed["id"] not in str(found)
        users = await world.api.get("/directories/acme/users")
        assert len(users.json()["items"]) == 7

    run(tmp_path, test)


def test_an_id_says_more_than_a_name_and_a_name_more_than_an_address(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        shared = [{"value": "team@x.example", "primary": True}]
        await world.user("first", emails=shared)
        await world.user("second", emails=shared)
        third = await world.user("third", emails=shared)
        found = await compare(
            world,
            {"account": "1", "userName": "first", "id": third["id"]},
            {"account": "2", "email": "team@x.example"},
            {"account": "3", "userName": "second", "email": "team@x.example"},
        )
        told = {(one["what"], one["name"], one["account"]) for one in found["findings"]}
        assert told == {("renamed", "third", "1")}
        assert found["counts"] == {"renamed": 1, "agreed": 2}

    run(tmp_path, test)


def test_of_two_accounts_with_one_name_the_second_is_told_to_be_so(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("mia@x.example")
        found = await compare(
            world,
            {"account": "10", "userName": "mia@x.example"},
            {"account": "11", "userName": "MIA@x.example"},
            {"account": "12", "userName": "new"},
        )
        told = {one["account"]: one["detail"] for one in found["findings"]}
        assert told["11"] == "Account 10 has the same user name. Only one of them can be provisioned."
        assert told["12"].startswith("Nobody provisioned it. Adopt it")

    run(tmp_path, test)


def test_an_account_told_twice_is_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        twice = {"accounts": [{"account": "1"}, {"account": "1"}]}
        refused = await world.api.post("/directories/acme/reconciliation", json=twice)
        assert "'1' is there twice" in problem(refused, 400)["detail"]

    run(tmp_path, test)


def test_the_first_post_finds_an_adopted_account_and_the_second_a_conflict(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.group("Waiting", "00u1")
        account = {"account": "1", "userName": "Ann@x.example", "email": "ann@x.example", "active": True}
        assert await adopt(world, account) == [("1", "adopted")]
        assert await adopt(world, account) == [("1", "there already")]
        assert (await compare(world, account))["counts"] == {"agreed": 1}
        found = await world.scim.get("/Users", params={"filter": 'userName eq "ann@x.example"'})
        adopted = found.json()["Resources"][0]
        assert (adopted["active"], adopted["emails"][0]["value"]) == (True, "ann@x.example")
        body = {"schemas": [urns.USER], "userName": "ann@X.example", "externalId": "00u1", "title": "T"}
        first = await world.scim.post("/Users", json=body)
        assert (first.status_code, first.json()["id"]) == (201, adopted["id"])
        assert (first.json()["title"], first.json()["externalId"]) == ("T", "00u1")
        assert "emails" not in first.json()
        assert [group["display"] for group in first.json()["groups"]] == ["Waiting"]
        again = await world.scim.post("/Users", json=body)
        assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
        events = (await world.api.get("/events", params={"directory": "acme", "types": "user.*"})).json()
        assert [event["type"] for event in events["events"]] == ["user.created", "user.updated"]

    run(tmp_path, test)


@pytest.mark.parametrize("change", [patch(title="T"), patch(active=False)])
def test_an_account_that_its_provider_has_changed_is_not_found_by_a_post(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        await adopt(world, {"account": "1", "userName": "ann"})
        found = await world.scim.get("/Users", params={"filter": 'userName eq "ann"'})
        await world.scim.patch(f"/Users/{found.json()['Resources'][0]['id']}", json=change)
        again = await world.scim.post("/Users", json={"schemas": [urns.USER], "userName": "ann"})
        assert again.status_code == 409

    run(tmp_path, test)


def test_an_adopted_account_waits_for_its_own_connection_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.api.post("/directories/acme/connections", json={"name": "entra"})
        token = (await world.api.post("/directories/acme/connections/entra/tokens", json={})).json()["token"]
        await adopt(world, {"account": "1", "userName": "ann"})
        other = {"Authorization": f"Bearer {token}"}
        body = {"schemas": [urns.USER], "userName": "ann"}
        refused = await world.scim.post("/Users", json=body, headers=other)
        assert refused.status_code == 409
        assert (await world.scim.post("/Users", json=body)).status_code == 201

    run(tmp_path, test)


def test_one_that_cannot_be_adopted_is_told_and_the_others_are(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        outcomes = await adopt(world, {"account": "1"}, {"account": "2", "userName": "bob", "active": False})
        assert outcomes == [("1", "failed"), ("2", "adopted")]
        states = (await world.api.get("/directories/acme/users", params={"state": "inactive"})).json()
        assert [user["name"] for user in states["items"]] == ["bob"]
        entries = (await world.api.get("/audit", params={"action": "accounts.adopted"})).json()["items"]
        assert [entry["after"] for entry in entries] == [{"count": 1}]

    run(tmp_path, test)


def test_nothing_of_an_erased_user_waits_for_its_identity_provider(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        assert await adopt(world, {"account": "1", "userName": "Ann"}) == [("1", "adopted")]
        directory = await world.service.control.directory("acme")
        assert directory is not None
        store = world.service.store
        id = await store.write(directory.id, lambda tx: tx.adopted("ann"))
        await world.service.erasure.erase(directory, "User", id or "", by=BY)
        assert await store.write(directory.id, lambda tx: tx.adopted("ann")) is None

    run(tmp_path, test)
