"""Administrators, their sessions and set-up links over the management API."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, fill, problem, run, walk
from service.phone import equip

from rosterd.service.keys import ADMINISTRATORS_WRITE, SCOPES
from rosterd.service.sessions import Place
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER

PASSWORD = "correct horse battery"
HOME = Place("192.0.2.1", "Browser", "")
LINKS = "/directories/acme/connections/okta/setup-links"


async def made(world: World, name: str = "Ann", role: str = VIEWER, **more: Any) -> dict[str, Any]:
    response = await world.api.post("/administrators", json={"name": name, "role": role, **more})
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


async def session(world: World, id: str) -> str:
    """The value of a new session of an administrator."""
    found = await world.service.access.administrators.find(id)
    return await world.service.access.sessions.open(found, HOME, way="test")


async def lives(world: World, value: str) -> bool:
    return await world.service.access.sessions.visitor(value, HOME) is not None


def test_an_administrator_is_made_read_changed_and_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await made(world, "root", OWNER)
        ann = await made(world, directory="acme", password=PASSWORD)
        here = f"/administrators/{ann['id']}"
        assert (await world.api.get(here)).json() == ann
        assert ann == {
            "id": ann["id"], "name": "Ann", "role": VIEWER, "directory": "acme", "disabled": False,
            "hasPassword": True, "secondFactor": False, "issuer": None, "subject": None,
            "created": ann["created"], "lastLogin": None,
        }  # fmt: skip
        await world.service.access.login.by_password("ann", PASSWORD, HOME)
        value = await session(world, ann["id"])
        changed = (await world.api.patch(here, json={"role": OPERATOR, "directory": None})).json()
        assert (changed["role"], changed["directory"]) == (OPERATOR, None)
        assert changed["lastLogin"] is not None
        assert await lives(world, value)
        disabled = (await world.api.patch(here, json={"disabled": True})).json()
        assert disabled["disabled"] is True
        assert not await lives(world, value)
        again = (await world.api.patch(here, json={"disabled": False, "password": None})).json()
        assert (again["disabled"], again["hasPassword"]) == (False, False)
        assert (await world.api.patch(here, json={})).json() == again
        assert (await world.api.delete(here)).status_code == 204
        problem(await world.api.get(here), 404)
        problem(await world.api.delete(here), 404)
        told = [entry["action"] for entry in await walk(world.api, "/audit", action="administrator.")]
        assert told[::-1] == ["administrator.created"] * 2 + ["administrator.updated"] * 3 + [
            "administrator.removed"
        ]

    run(tmp_path, test)


def test_a_second_factor_is_seen_and_removed_by_who_may(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await made(world, "root", OWNER)
        access = world.service.access
        for role in (VIEWER, OWNER):
            ann = await made(world, f"ann-{role}", role, password=PASSWORD)
            here = f"/administrators/{ann['id']}"
            problem(await world.api.delete(f"{here}/second-factor"), 404)
            found = await access.administrators.find(ann["id"])
            await equip(access.second_factors, found)
            value = await session(world, ann["id"])
            assert (await world.api.get(here)).json()["secondFactor"] is True
            async with await world.client(scopes=[ADMINISTRATORS_WRITE]) as few:
                problem(await few.delete(f"{here}/second-factor"), 403)
            assert await lives(world, value)
            assert (await world.api.delete(f"{here}/second-factor")).status_code == 204
            assert (await world.api.get(here)).json()["secondFactor"] is False
            assert not await lives(world, value)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"name": "ann"}, 400, "role"),
        ({"name": "ann", "role": "set-up"}, 400, "role"),
        ({"name": " ann", "role": VIEWER}, 400, "name"),
        ({"name": "ROOT", "role": VIEWER}, 409, "already"),
        ({"name": "ann", "role": VIEWER, "password": "short"}, 400, "password"),
        ({"name": "ann", "role": VIEWER, "password": "aaaaaaaaaaaaaaa"}, 400, "password"),
        ({"name": "ann", "role": VIEWER, "directory": "nowhere"}, 404, "nowhere"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, body: dict[str, Any], status: int, words: str) -> None:
    async def test(world: World) -> None:
        await made(world, "root", OWNER)
        told = problem(await world.api.post("/administrators", json=body), status)
        assert words in str(told)
        assert len(await walk(world.api, "/administrators")) == 1

    run(tmp_path, test)


def test_the_last_owner_stays(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        root = await made(world, "root", OWNER)
        here = f"/administrators/{root['id']}"
        for body in ({"role": VIEWER}, {"disabled": True}, {"directory": "acme"}):
            assert "last enabled owner" in problem(await world.api.patch(here, json=body), 409)["detail"]
        problem(await world.api.delete(here), 409)
        assert (await world.api.get(here)).json() == root

    run(tmp_path, test)


def test_administrators_come_by_name_and_page(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for name in ("bob", "Änn", "Ann", "zoe"):
            await made(world, name)
        found = await walk(world.api, "/administrators", limit=1)
        assert [one["name"] for one in found] == ["Ann", "bob", "zoe", "Änn"]

    run(tmp_path, test)


def test_only_a_key_with_every_scope_makes_and_changes_owners(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        root, ann = await made(world, "root", OWNER, password=PASSWORD), await made(world)
        most = await world.client(scopes=[scope for scope in SCOPES if scope != "settings.write"])
        reading = await world.client(
            scopes=[ADMINISTRATORS_WRITE, *(s for s in SCOPES if s.endswith(".read"))]
        )
        for client in (most, reading):
            problem(await client.post("/administrators", json={"name": "eve", "role": OWNER}), 403)
            problem(await client.patch(f"/administrators/{ann['id']}", json={"role": OWNER}), 403)
            for body in ({"password": PASSWORD + "!"}, {"role": VIEWER}, {"disabled": True}, {}):
                problem(await client.patch(f"/administrators/{root['id']}", json=body), 403)
            problem(await client.delete(f"/administrators/{root['id']}"), 403)
            assert (await client.patch(f"/administrators/{ann['id']}", json={})).status_code == 200
        await world.service.access.login.by_password("root", PASSWORD, HOME)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (VIEWER, "users.read"), (VIEWER, "requests.read"), (VIEWER, "audit.read"), (VIEWER, "settings.read"),
        (OPERATOR, "events.read"), (OPERATOR, "connections.write"), (OPERATOR, "users.write"),
        (OPERATOR, "webhooks.write"),
    ],
)  # fmt: skip
def test_a_key_makes_and_changes_nobody_who_may_do_more_than_it(
    tmp_path: Path, role: str, scope: str
) -> None:
    async def test(world: World) -> None:
        ann = await made(world, "ann", role)
        less = await world.client(scopes=[one for one in SCOPES if one != scope])
        here = f"/administrators/{ann['id']}"
        new = {"name": "eve", "role": role, "password": PASSWORD}
        assert scope in problem(await less.post("/administrators", json=new), 403)["detail"]
        for body in ({"password": PASSWORD}, {"disabled": True}, {"role": VIEWER}):
            problem(await less.patch(here, json=body), 403)
        problem(await less.delete(here), 403)
        assert (await world.api.get(here)).json() == ann

    run(tmp_path, test)


def told(response: httpx.Response, *ids: str) -> str:
    """All that a refusal tells, but for the ids."""
    text = str({k: v for k, v in problem(response, 404).items() if k != "instance"})
    for id in ids:
        text = text.replace(id, "ID")
    return text


def test_a_bound_key_knows_of_those_of_its_directory_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        free = await made(world, "root", OWNER)
        own = await made(world, "own", directory="acme")
        bound = await world.client("acme")
        assert await walk(bound, "/administrators") == [own]
        for foreign in (ids["administrator"], free["id"]):
            for method, rest in (
                ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/sessions"), ("DELETE", "/sessions"),
                ("DELETE", "/sessions/x"),
            ):  # fmt: skip
                there = await bound.request(method, f"/administrators/{foreign}{rest}", json={"role": VIEWER})
                missing = await bound.request(method, f"/administrators/none{rest}", json={"role": VIEWER})
                assert told(there, foreign) == told(missing, "none"), (method, rest)
        eve = {"name": "new", "role": VIEWER}
        assert (await bound.post("/administrators", json=eve)).json()["directory"] == "acme"
        other = await bound.post("/administrators", json={**eve, "name": "x", "directory": "other"})
        nowhere = await bound.post("/administrators", json={**eve, "name": "x", "directory": "nowhere"})
        assert told(other, "other") == told(nowhere, "nowhere")
        here = f"/administrators/{own['id']}"
        problem(await bound.patch(here, json={"directory": None}), 403)
        problem(await bound.patch(here, json={"directory": "other"}), 404)
        assert (await bound.patch(here, json={"role": OPERATOR})).json()["directory"] == "acme"

    run(tmp_path, test)


def test_sessions_are_listed_and_ended(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await made(world)
        first, second, third = [await session(world, ann["id"]) for _ in range(3)]
        here = f"/administrators/{ann['id']}/sessions"
        listed = (await world.api.get(here)).json()
        assert len(listed["items"]) == 3
        assert listed["nextCursor"] is None
        assert {row["address"] for row in listed["items"]} == {HOME.address}
        assert not any(value in str(listed) for value in (first, second, third))
        visitor = await world.service.access.sessions.visitor(first, HOME)
        assert visitor is not None
        assert (await world.api.delete(f"{here}/{visitor.session}")).status_code == 204
        problem(await world.api.delete(f"{here}/{visitor.session}"), 404)
        assert [await lives(world, value) for value in (first, second, third)] == [False, True, True]
        assert (await world.api.delete(here)).status_code == 204
        assert [await lives(world, value) for value in (second, third)] == [False, False]

    run(tmp_path, test)


def test_a_set_up_link_is_made_listed_and_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        response = await world.api.post(LINKS, json={"label": "Ann of Acme", "lifetime": 3600})
        assert response.status_code == 201
        link = response.json()
        path = link.pop("path")
        assert (link["label"], link["state"], link["lastUsed"]) == ("Ann of Acme", "valid", None)
        assert await walk(world.api, LINKS) == [link]
        assert path.startswith(f"/setup/rsl_{link['id']}_")
        async with httpx.AsyncClient(transport=world.site, base_url="http://sp.example") as guest:
            assert (await guest.get(path)).status_code == 200
            assert (await guest.post(path)).status_code == 303
            (used,) = await walk(world.api, LINKS)
            assert used["lastUsed"] is not None
            assert (await world.api.delete(f"{LINKS}/{link['id']}")).status_code == 204
            assert (await world.api.delete(f"{LINKS}/{link['id']}")).status_code == 204
            assert (await guest.get(path)).status_code == 410
        (revoked,) = await walk(world.api, LINKS)
        assert (revoked["state"], revoked["revoked"] is not None) == ("revoked", True)
        problem(await world.api.delete(f"{LINKS}/none"), 404)
        problem(await world.api.post(LINKS, json={"lifetime": 60}), 400)

    run(tmp_path, test)


def test_links_come_by_page_newest_first(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = [(await world.api.post(LINKS, json={})).json()["id"] for _ in range(5)]
        found = [row["id"] for row in await walk(world.api, LINKS, limit=2)]
        assert sorted(found) == sorted(made)
        assert len(set(found)) == 5

    run(tmp_path, test)


def test_a_link_of_another_connection_is_not_there(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        assert (
            await world.api.post("/directories/acme/connections", json={"name": "entra"})
        ).status_code == 201
        for place in ("acme/connections/okta", "acme/connections/entra"):
            there = await world.api.delete(f"/directories/{place}/setup-links/{ids['link']}")
            missing = await world.api.delete(f"/directories/{place}/setup-links/none")
            assert told(there, ids["link"]) == told(missing, "none")
        link = await world.service.access.control.setup_link(ids["link"])
        assert link is not None
        assert link.revoked is None

    run(tmp_path, test)
