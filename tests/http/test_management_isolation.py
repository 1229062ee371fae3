"""A key that is bound to a directory can neither see nor guess anything of another one."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, problem, run, walk

from rosterd.http.api.route import ApiRoute
from rosterd.http.api.routes import ROUTES
from rosterd.scim import urns
from rosterd.testing.scenario import BY

BODIES: dict[str, dict[str, Any]] = {
    "/directories/{directory}/connections": {"name": "new"},
    "/directories/{directory}/connections/{connection}/state": {"move": "pause"},
}
IN_QUERY = ("/events", "/snapshot")
SCOPED = [r for r in ROUTES if "{directory}" in r.template or r.template in IN_QUERY]
NESTED = [r for r in SCOPED if re.search(r"\{(token|client|user|group)\}", r.template)]


def label(route: ApiRoute) -> str:
    return f"{route.method} {route.template}"


async def fill(world: World) -> dict[str, str]:
    """Put something of each kind into directory ``other``; the ids."""
    service = world.service
    home = await service.control.directory("other")
    assert home is not None
    connection = await service.control.connection(home.id, "okta")
    assert connection is not None
    token, text = await service.tokens.issue(home.id, connection.id, by=BY)
    client, _ = await service.clients.create(home.id, connection.id, by=BY)
    scim = httpx.AsyncClient(
        transport=world.site,
        base_url="http://sp.example/scim/v2",
        headers={"Authorization": f"Bearer {text}"},
    )
    user = (await scim.post("/Users", json={"schemas": [urns.USER], "userName": "eve"})).json()
    group = {"schemas": [urns.GROUP], "displayName": "Spies", "members": [{"value": user["id"]}]}
    made = (await scim.post("/Groups", json=group)).json()
    return {
        "connection": "okta",
        "token": token.id,
        "client": client.id,
        "user": user["id"],
        "group": made["id"],
    }


async def ask(
    client: httpx.AsyncClient, route: ApiRoute, directory: str, ids: dict[str, str]
) -> httpx.Response:
    path = route.template
    for name, value in {**ids, "directory": directory}.items():
        path = path.replace(f"{{{name}}}", value)
    params = {"directory": directory} if route.template in IN_QUERY else {}
    return await client.request(route.method, path, json=BODIES.get(route.template, {}), params=params)


def told(response: httpx.Response, *names: str) -> tuple[int, str, set[str]]:
    """All that a reply tells but for the request's id and the name that was asked for."""
    text = str({k: v for k, v in problem(response, 404).items() if k != "instance"})
    for name in names:
        text = text.replace(name, "NAME")
    return response.status_code, text, set(response.headers)


def test_every_route_is_looked_at() -> None:
    others = {r.template for r in ROUTES} - {r.template for r in SCOPED}
    assert others == {"/openapi.json", "/directories"}


@pytest.mark.parametrize("route", SCOPED, ids=label)
def test_another_directory_is_as_one_that_is_not_there(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        bound = await world.client("acme")
        there = await ask(bound, route, "other", ids)
        missing = await ask(bound, route, "wherever", ids)
        assert told(there, "other") == told(missing, "wherever")
        free = await ask(world.api, route, "other", ids)
        assert free.status_code < 300, f"the request is not one that works: {free.text}"

    run(tmp_path, test)


@pytest.mark.parametrize("route", NESTED, ids=label)
def test_an_id_of_another_directory_is_as_one_that_is_not_there(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        nothing = {name: value if name == "connection" else "nothing" for name, value in ids.items()}
        for client in (await world.client("acme"), world.api):
            there = await ask(client, route, "acme", ids)
            missing = await ask(client, route, "acme", nothing)
            assert told(there, *ids.values()) == told(missing, "okta", "nothing")

    run(tmp_path, test)


def test_a_list_of_directories_shows_the_own_one_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        bound = await world.client("acme")
        assert [d["name"] for d in await walk(bound, "/directories")] == ["acme"]
        refusals = []
        for name in ("other", "wherever", "acme"):
            response = await bound.post("/directories", json={"name": name})
            refusals.append(problem(response, 403)["detail"])
        assert len(set(refusals)) == 1

    run(tmp_path, test)


def test_a_bound_key_works_in_its_own_directory(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        bound = await world.client("acme")
        assert [u["name"] for u in await walk(bound, "/directories/acme/users")] == ["ann"]
        assert (await bound.get("/directories/acme")).json()["users"] == 1
        assert (await bound.get("/events")).json()["events"]

    run(tmp_path, test)
