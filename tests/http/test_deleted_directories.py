"""What is asked of a directory that was deleted, by whatever leads to it, is answered as for none."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, fill, problem, run, walk

from rosterd.console.cookies import SESSION
from rosterd.http.api.feed import EVENT_STREAM
from rosterd.scim import errors, urns
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service import feed as feeds
from rosterd.service.caller import Caller
from rosterd.service.connections import commit
from rosterd.service.sessions import Place
from rosterd.service.visitor import VIEWER
from rosterd.testing.scenario import BY

PLACE = Place("192.0.2.1", "Browser", "")


async def console(world: World, value: str) -> int:
    cookies = {SESSION: value}
    async with httpx.AsyncClient(
        transport=world.site, base_url="http://sp.example", cookies=cookies
    ) as browser:
        return (await browser.get("/account")).status_code


async def ways(world: World) -> dict[str, Callable[[], Awaitable[int]]]:
    """By what something is asked of the directory ``acme``, and the status of the reply."""
    service = world.service
    acme = await service.control.directory("acme")
    assert acme is not None
    okta = await service.control.connection(acme.id, "okta")
    assert okta is not None
    bound = await world.client("acme")
    bare = httpx.AsyncClient(transport=world.site, base_url="http://sp.example")
    client, secret = await service.clients.create(acme.id, okta.id, by=BY)
    link, _ = await service.access.setup_links.create(okta, by=BY)
    visited = await service.access.sessions.open_setup(link, PLACE)
    administrator = await service.access.administrators.create("ada", VIEWER, directory=acme.id, by=BY)
    logged_in = await service.access.sessions.open(administrator, PLACE, way="test")
    hook, _ = await service.webhooks.create("https://app.example/", directory=acme.id, by=BY)
    form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret}

    def status(http: httpx.AsyncClient, method: str, path: str, **more: Any) -> Callable[[], Awaitable[int]]:
        async def ask() -> int:
            return (await http.request(method, path, **more)).status_code

        return ask

    return {
        "SCIM read 200 401": status(world.scim, "GET", "/Users"),
        "SCIM write 400 401": status(world.scim, "POST", "/Users", json={}),
        "client 200 401": status(bare, "POST", "/oauth/token", data=form),
        "bound key 200 401": status(bound, "GET", "/directories/acme"),
        "bound key's feed 200 401": status(bound, "GET", "/events"),
        "free key 200 404": status(world.api, "GET", "/directories/acme"),
        "free key's feed 200 404": status(world.api, "GET", "/events?directory=acme"),
        "its connections 200 404": status(world.api, "GET", "/directories/acme/connections"),
        "its webhook 200 404": status(world.api, "GET", f"/webhooks/{hook.id}"),
        "its administrator 200 404": status(world.api, "GET", f"/administrators/{administrator.id}"),
        "its page 200 303": lambda: console(world, logged_in),
        "its set-up page 200 303": lambda: console(world, visited),
        "again 204 404": status(world.api, "DELETE", "/directories/acme"),
    }


def test_everything_that_leads_to_it_ends_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await fill(world)
        found = await ways(world)
        delete = found.pop("again 204 404")
        for name, ask in found.items():
            if "page" not in name:
                assert await ask() == int(name.split()[-2]), name
        others = [await walk(world.api, path) for path in ("/directories/other/users", "/keys", "/webhooks")]
        assert await delete() == 204
        for name, ask in {**found, "again 204 404": delete}.items():
            assert await ask() == int(name.split()[-1]), name
        assert [one["name"] for one in await walk(world.api, "/directories")] == ["other"]
        assert await walk(world.api, "/directories/other/users") == others[0]
        for path, before in (("/keys", others[1]), ("/webhooks", others[2])):
            assert [one for one in before if one["directory"] != "acme"] == await walk(world.api, path)
        assert {one["directory"] for one in await walk(world.api, "/administrators")} == {"other"}
        (entry, *_) = await walk(world.api, "/audit")
        assert (entry["action"], entry["target"]) == ("directory.deleted", "directory 'acme'")
        assert entry["before"]["users"] == 0
        assert entry["directory"].startswith("acme#")

    run(tmp_path, test)


def test_a_directory_of_the_same_name_has_nothing_of_the_former_one(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        cursor = (await world.api.get("/events", params={"directory": "acme"})).json()["next"]
        former = (await world.api.get("/events", params={"directory": "acme"})).json()["events"]
        await world.api.delete("/directories/acme")
        assert (await world.api.post("/directories", json={"name": "acme"})).status_code == 201
        assert (await world.api.get("/directories/acme")).json()["users"] == 0
        assert (await world.scim.get("/Users")).status_code == 401
        assert (await world.api.get("/events", params={"directory": "acme"})).json()["events"] == []
        problem(await world.api.get("/events", params={"directory": "acme", "after": cursor}), 400)
        await world.api.post("/directories/acme/connections", json={"name": "okta"})
        await world.api.post("/directories/acme/connections/okta/state", json={"move": "pause"})
        (event,) = (await world.api.get("/events", params={"directory": "acme"})).json()["events"]
        assert event["id"] not in [one["id"] for one in former]

    run(tmp_path, test)


def test_a_key_that_is_bound_to_it_cannot_delete_it_nor_one_without_the_scope(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        bound, reader = await world.client("acme"), await world.client(scopes=("directories.read",))
        for client in (bound, reader):
            problem(await client.delete("/directories/acme"), 403)
        problem(await bound.delete("/directories/other"), 404)
        assert len(await walk(world.api, "/directories")) == 2

    run(tmp_path, test)


@pytest.mark.parametrize("bound", [True, False])
def test_who_follows_its_feed_is_told_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: bool
) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT", 1)

    async def test(world: World) -> None:
        client = await world.client("acme") if bound else world.api
        await world.user("ann")
        ask = client.get("/events", params={"directory": "acme"}, headers={"Accept": EVENT_STREAM})
        stream = asyncio.create_task(ask)  # the reply is whole once the stream has ended
        await asyncio.sleep(0)
        await world.api.delete("/directories/acme")
        again = await world.service.directories.create("acme", by=BY)
        assert again
        reply = await asyncio.wait_for(stream, 20)
        assert reply.status_code in (200, 401, 404)
        assert reply.text.count("data:") <= 1

    run(tmp_path, test)


def test_a_change_that_was_admitted_before_is_not_made(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        service = world.service
        acme = await service.control.directory("acme")
        assert acme is not None
        okta = await service.control.connection(acme.id, "okta")
        assert okta is not None
        await world.user("ann")
        await world.api.delete("/directories/acme")
        last = await service.store.reader(acme.id).last()
        attempts = (
            service.connections.create(acme, "late", by=BY),
            service.connections.move(okta, "enable", by=BY),
            service.tokens.issue(acme.id, okta.id, by=BY),
            service.keys.create(directory=acme.id, by=BY),
            service.webhooks.create("https://app.example/", directory=acme.id, by=BY),
            service.access.administrators.create("late", VIEWER, directory=acme.id, by=BY),
            service.extensions.put(acme, "urn:x:late:User", [{"name": "late"}], by=BY),
            service.removal.remove(acme, by=BY),
        )
        for attempt in attempts:
            with pytest.raises(Exception, match=r"was deleted meanwhile|no directory 'acme' any more"):
                await attempt
        assert await service.store.reader(acme.id).last() == last
        (entry, *_) = await walk(world.api, "/audit")
        assert entry["action"] == "directory.deleted"

    run(tmp_path, test)


def test_a_change_that_was_under_way_is_told_that_its_token_is_none(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        service = world.service
        acme = await service.control.directory("acme")
        assert acme is not None
        (token, *_) = await service.control.tokens(acme.id)
        known = await service.control.credential(token.id)
        assert known is not None
        await service.removal.remove(acme, by=BY)
        caller = Caller.within(acme, known.connection, CORE_MODEL, "r")
        body = {"schemas": [urns.USER], "userName": "late"}
        unit = service.commands.create(caller, CORE_MODEL.types["User"], body)
        with pytest.raises(errors.Unauthorized, match="'acme' was deleted"):
            await commit(service.store, caller, unit)

    run(tmp_path, test)
