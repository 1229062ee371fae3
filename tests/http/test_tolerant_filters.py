"""Filters and values as Entra sends them, and what they come to, by profile."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, run

from rosterd.scim import urns
from rosterd.service.control import Policy
from rosterd.testing.scenario import BY

BEHIND = 'emails[type eq "work"].value eq "w@x.example"'


def _user(name: str) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name}


async def profile(world: World, name: str) -> None:
    acme = await world.service.control.directory("acme")
    assert acme is not None
    line = await world.service.control.connection(acme.id, "okta")
    assert line is not None
    await world.service.connections.update(line, by=BY, profile=name)


@pytest.mark.parametrize("name", ["auto", "entra", "okta", "strict"])
def test_filters_that_are_wrong_to_the_letter_are_understood(tmp_path: Path, name: str) -> None:
    async def test(world: World) -> None:
        boss = (await world.user("boss"))["id"]
        mails = [{"type": "work", "value": "w@x.example"}, {"type": "home", "value": "h@x.example"}]
        ann = (await world.user("ann", emails=mails, **{urns.ENTERPRISE_USER: {"manager": {"value": boss}}}))[
            "id"
        ]
        await profile(world, name)
        cases = (
            (BEHIND, [ann]),
            ('emails[type eq "home"].value eq "w@x.example"', []),
            ('emails[type eq "work"] eq "W@x.example"', [ann]),
            ('emails[type eq "work" or type eq "home"].value ew "x.example" and active eq true', [ann]),
            (f'manager eq "{boss}"', [ann]),
            (f'id eq "{ann}" and manager.value eq "{boss}"', [ann]),
            (f'not (manager.value eq "{boss}")', [boss]),
        )
        for text, found in cases:
            queried = await world.scim.get("/Users", params={"filter": text})
            posted = await world.scim.post(
                "/Users/.search", json={"schemas": [urns.SEARCH_REQUEST], "filter": text}
            )
            for reply in (queried, posted):
                if name == "strict":
                    assert (reply.status_code, reply.json()["scimType"]) == (400, "invalidFilter"), text
                else:
                    assert [one["id"] for one in reply.json()["Resources"]] == found, text
        for text in ('emails[type eq "work"].nothing eq "x"', "nothing eq 1", 'emails[type eq "work"] and'):
            wrong = await world.scim.get("/Users", params={"filter": text})
            assert (wrong.status_code, wrong.json()["scimType"]) == (400, "invalidFilter")

    run(tmp_path, test)


@pytest.mark.parametrize("name", ["auto", "entra", "okta"])
def test_a_manager_whose_value_is_empty_goes(tmp_path: Path, name: str) -> None:
    async def test(world: World) -> None:
        await profile(world, name)
        given = {urns.ENTERPRISE_USER: {"manager": {"value": "m"}, "department": "d"}}
        ann = (await world.user("ann", **given))["id"]
        operation = {"op": "replace", "path": f"{urns.ENTERPRISE_USER}:manager.value", "value": ""}
        body = {"schemas": [urns.PATCH_OP], "Operations": [operation]}
        assert (await world.scim.patch(f"/Users/{ann}", json=body)).status_code in (200, 204)
        left = (await world.scim.get(f"/Users/{ann}")).json()
        assert left[urns.ENTERPRISE_USER] == {"department": "d"}

    run(tmp_path, test)


def test_anothers_user_keeps_its_external_id_and_its_version(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", externalId="A-1", title="old")
        acme = await world.service.control.directory("acme")
        assert acme is not None
        hr = await world.service.connections.create(acme, "hr", by=BY, policy=Policy(reach="directory"))
        _, token = await world.service.tokens.issue(acme.id, hr.id, by=BY)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            transport=world.site, base_url="http://sp.example/scim/v2", headers=headers
        ) as other:
            body = {**_user("ann"), "externalId": "B-1", "title": "new", "active": True}
            at = f"/Users/{ann['id']}"
            versions = [(await other.put(at, json=body)).json()["meta"]["version"] for _ in range(3)]
            operations = [{"op": "replace", "value": {"externalId": "B-1"}}]
            await other.patch(at, json={"schemas": [urns.PATCH_OP], "Operations": operations})
        assert versions == ['W/"2"'] * 3
        seen = (await world.scim.get(at)).json()
        assert (seen["externalId"], seen["meta"]["version"]) == ("A-1", 'W/"2"')
        events = (await world.api.get("/events?directory=acme&types=user.updated")).json()["events"]
        assert [event["data"]["after"] for event in events] == [{"title": "new"}]

    run(tmp_path, test)


def test_a_change_of_name_and_members_moves_the_version_by_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = (await world.user("ann"))["id"]
        team = (await world.group("team"))["id"]
        operations = [
            {"op": "replace", "value": {"id": team, "displayName": "crew"}},
            {"op": "add", "path": "members", "value": [{"value": ann}]},
        ]
        body = {"schemas": [urns.PATCH_OP], "Operations": operations}
        assert (await world.scim.patch(f"/Groups/{team}", json=body)).status_code == 200
        body = {"schemas": [urns.GROUP], "displayName": "band", "members": []}
        replaced = (await world.scim.put(f"/Groups/{team}", json=body)).json()
        assert replaced["meta"]["version"] == 'W/"3"'

    run(tmp_path, test)
