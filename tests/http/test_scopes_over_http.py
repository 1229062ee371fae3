"""A token that is for one resource type knows of that one only, whatever it asks."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, problem, run

from rosterd.scim import urns
from rosterd.testing.scenario import BY

USER = {"schemas": [urns.USER], "userName": "ann"}
GROUP = {"schemas": [urns.GROUP], "displayName": "Staff"}
SEARCH = {"schemas": [urns.SEARCH_REQUEST]}
PATCH = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]}
BULK: dict[str, Any] = {
    "schemas": [urns.BULK_REQUEST],
    "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": USER},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": GROUP},
    ],
}


async def scim(world: World, *scopes: str) -> httpx.AsyncClient:
    home = await world.service.control.directory("acme")
    assert home is not None
    connection = await world.service.control.connection(home.id, "okta")
    assert connection is not None
    _, text = await world.service.tokens.issue(home.id, connection.id, scopes=scopes, by=BY)
    return httpx.AsyncClient(
        transport=world.site,
        base_url="http://sp.example/scim/v2",
        headers={"Authorization": f"Bearer {text}"},
    )


# Scopes, then what each request is answered with; "{user}" and "{group}" are there.
REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/Users", None),
    ("GET", "/Users/{user}", None),
    ("POST", "/Users/.search", SEARCH),
    ("PATCH", "/Users/{user}", PATCH),
    ("PUT", "/Users/{user}", USER),
    ("GET", "/Groups", None),
    ("GET", "/Groups/{group}", None),
    ("PUT", "/Groups/{group}", GROUP),
    ("GET", "/", None),
    ("POST", "/.search", SEARCH),
    ("POST", "/Bulk", BULK),
    ("GET", "/Schemas", None),
    ("GET", "/ResourceTypes/Group", None),
    ("GET", "/Nothing", None),
]  # fmt: skip
ANSWERS: dict[tuple[str, ...], list[int]] = {
    ("scim.read", "scim.write"): [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 404],
    ("scim.read:User",): [200, 200, 200, 403, 403, 403, 403, 403, 200, 200, 403, 200, 200, 404],
    ("scim.write:User",): [403, 403, 403, 200, 200, 403, 403, 403, 403, 403, 200, 200, 200, 403],
    ("scim.read:User", "scim.write:Group"): [
        200, 200, 200, 403, 403, 403, 403, 200, 200, 200, 200, 200, 200, 404,
    ],
    ("scim.write:Group", "scim.read"): [200, 200, 200, 403, 403, 200, 200, 200, 200, 200, 200, 200, 200, 404],
}  # fmt: skip


@pytest.mark.parametrize("scopes", ANSWERS, ids=" ".join)
def test_every_request_asks_for_the_scope_of_its_type(tmp_path: Path, scopes: tuple[str, ...]) -> None:
    async def test(world: World) -> None:
        ids = {"user": (await world.user("ann"))["id"], "group": (await world.group("Staff"))["id"]}
        client = await scim(world, *scopes)
        answers = []
        for method, path, body in REQUESTS:
            response = await client.request(method, path.format(**ids), json=body)
            answers.append(response.status_code)
        assert answers == ANSWERS[scopes]

    run(tmp_path, test)


def test_lists_over_all_types_and_bulk_know_the_permitted_ones(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        user = await world.user("ann")
        await world.group("Staff", user["id"])
        reader = await scim(world, "scim.read:User")
        listed = (await reader.get("/")).json()
        assert [r["meta"]["resourceType"] for r in listed["Resources"]] == ["User"]
        assert listed["totalResults"] == 1
        assert listed["Resources"][0]["groups"][0]["display"] == "Staff"
        found = await reader.get("/", params={"filter": 'displayName eq "Staff"'})
        assert found.json()["totalResults"] == 0
        refused = (await reader.get("/Groups")).json()["detail"]
        assert (
            refused == "This token has no 'scim.read' or 'scim.read:Group' scope; create a token that has it."
        )

        writer = await scim(world, "scim.write:Group")
        results = (await writer.post("/Bulk", json=BULK)).json()["Operations"]
        assert [r["status"] for r in results] == ["403", "201"]
        assert "scim.write:User" in results[0]["response"]["detail"]

    run(tmp_path, test)


WRONG: dict[str, str] = {
    "scim.read:Users": "names no resource type of the directory; it has User, Group",
    "scim.admin": "must be out of scim.read, scim.write",
    "scim.read:": "must be out of scim.read, scim.write",
    "scim.read:User:x": "must be out of scim.read, scim.write",
}


@pytest.mark.parametrize("scope", WRONG)
def test_a_scope_that_means_nothing_is_refused(tmp_path: Path, scope: str) -> None:
    async def test(world: World) -> None:
        at = "/directories/acme/connections/okta"
        for address in (f"{at}/tokens", f"{at}/clients"):
            response = await world.api.post(address, json={"scopes": [scope]})
            told = problem(response, 400)
            assert WRONG[scope] in told["detail"] or "does not fit" in told["detail"]

    run(tmp_path, test)


def test_a_client_gives_its_tokens_as_much_or_less(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        at = "/directories/acme/connections/okta/clients"
        made = (await world.api.post(at, json={"scopes": ["scim.read", "scim.write:Group"]})).json()
        outside = httpx.AsyncClient(transport=world.site, base_url="http://sp.example")

        async def fetch(scope: str | None) -> tuple[int, Any]:
            form = {
                "grant_type": "client_credentials",
                "client_id": made["id"],
                "client_secret": made["clientSecret"],
                **({"scope": scope} if scope else {}),
            }
            response = await outside.post("/oauth/token", data=form)
            return response.status_code, response.json().get("scope") or response.json().get("error")

        assert await fetch(None) == (200, "scim.read scim.write:Group")
        assert await fetch("scim.read:User") == (200, "scim.read:User")
        assert await fetch("scim.write:Group scim.read") == (200, "scim.write:Group scim.read")
        for more in ("scim.write", "scim.write:User", "scim.read:Robot", "scim.read:"):
            assert await fetch(more) == (400, "invalid_scope")

    run(tmp_path, test)


def test_a_type_of_the_directorys_own_has_scopes(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        definitions = {
            "schemas": [{"id": "urn:example:Device", "attributes": [{"name": "serial"}]}],
            "resourceTypes": [{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}],
        }
        response = await world.api.post("/directories/acme/definitions", json=definitions)
        assert response.status_code == 200
        client = await scim(world, "scim.write:Device", "scim.read:Device")
        device = {"schemas": ["urn:example:Device"], "serial": "1"}
        assert (await client.post("/Devices", json=device)).status_code == 201
        assert (await client.get("/")).json()["totalResults"] == 1
        assert (await client.post("/Users", json=USER)).status_code == 403

    run(tmp_path, test)
