"""A key that is bound to a directory can neither see nor guess anything of another one."""

import re
from pathlib import Path

import httpx
import pytest
from service.management import BODIES, World, address, fill, label, problem, run, walk

from rosterd.http.api.route import ApiRoute
from rosterd.http.api.routes import ROUTES

IN_QUERY = ("/events", "/snapshot", "/audit", "/requests", "/requests/{request}")
SCOPED = [r for r in ROUTES if "{directory}" in r.template or r.template in IN_QUERY]
NESTED = [r for r in SCOPED if re.search(r"\{(token|client|user|group|link|request)\}", r.template)]


async def ask(
    client: httpx.AsyncClient, route: ApiRoute, directory: str, ids: dict[str, str]
) -> httpx.Response:
    path = address(route, directory, ids)
    params = {"directory": directory} if route.template in IN_QUERY else {}
    return await client.request(route.method, path, json=BODIES.get(label(route), {}), params=params)


def told(response: httpx.Response, *names: str) -> tuple[int, str, set[str]]:
    """All that a reply tells but for the request's id and the name that was asked for."""
    text = str({k: v for k, v in problem(response, 404).items() if k != "instance"})
    for name in names:
        text = text.replace(name, "NAME")
    return response.status_code, text, set(response.headers)


def test_every_route_is_looked_at() -> None:
    others = {r.template for r in ROUTES} - {r.template for r in SCOPED}
    others -= {template for template in others if template.startswith("/webhooks")}  # test_webhooks_over_http
    others -= {"/sets/{stream}/poll", "/signing-keys", "/signing-keys/rotate"}  # test_sets_over_http
    others -= {template for template in others if template.startswith("/administrators")}  # test_access_…
    assert others == {"/openapi.json", "/directories", "/keys", "/keys/{key}", "/settings"}


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


def test_a_bound_key_sees_and_makes_keys_and_entries_of_its_directory_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        bound = await world.client("acme")
        (own,) = await walk(bound, "/keys")
        assert own["directory"] == "acme"
        for method in ("GET", "DELETE"):
            there = await bound.request(method, f"/keys/{ids['key']}")
            missing = await bound.request(method, "/keys/nothing")
            assert told(there, ids["key"]) == told(missing, "nothing")
        made = (await bound.post("/keys", json={"label": "x"})).json()
        assert (made["directory"], made["scopes"]) == ("acme", own["scopes"])
        assert {entry["directory"] for entry in await walk(bound, "/audit")} == {"acme"}
        for method in ("GET", "PATCH"):
            problem(await bound.request(method, "/settings", json={}), 403)

    run(tmp_path, test)


def test_a_bound_key_works_in_its_own_directory(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        bound = await world.client("acme")
        assert [u["name"] for u in await walk(bound, "/directories/acme/users")] == ["ann"]
        assert (await bound.get("/directories/acme")).json()["users"] == 1
        assert (await bound.get("/events")).json()["events"]

    run(tmp_path, test)
