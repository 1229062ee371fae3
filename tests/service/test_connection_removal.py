"""Deleting a connection: what must be gone before, what an heir gets, what is told, and what ends."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import World, run

from rosterd.scim import errors, urns
from rosterd.service import connection_removal
from rosterd.service.caller import Caller
from rosterd.service.connections import commit
from rosterd.service.control import Connection, Directory
from rosterd.testing.scenario import BY

Test = Callable[[World, Directory, Connection, Connection], Awaitable[None]]


def play(path: Path, test: Test) -> None:
    """A test with directory ``acme``, its connection ``okta`` and another one, ``entra``."""

    async def main(world: World) -> None:
        acme = await world.service.control.directory("acme")
        assert acme is not None
        okta = await world.service.control.connection(acme.id, "okta")
        assert okta is not None
        await test(world, acme, okta, await world.service.connections.create(acme, "entra", by=BY))

    run(path, main)


async def provisioner(world: World, connection: Connection) -> httpx.AsyncClient:
    """An identity provider that speaks for the connection."""
    _, token = await world.service.tokens.issue(connection.directory, connection.id, by=BY)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=world.site, base_url="http://sp.example/scim/v2", headers=headers)


async def told(world: World, directory: Directory) -> list[tuple[str, Any]]:
    """The types and data of the events about connections."""
    page = await world.service.store.reader(directory.id).feed(0, 99, ("connection.*",))
    return [(stored.event.type, stored.event.data) for stored in page.events]


async def names(world: World, directory: Directory) -> list[str]:
    return [one.name for one in await world.service.control.connections(directory.id)]


def test_one_that_still_has_users_or_groups_is_not_deleted(tmp_path: Path) -> None:
    async def test(world: World, acme: Directory, okta: Connection, entra: Connection) -> None:
        users = [(await world.user(name))["id"] for name in ("ann", "bob")]
        group = (await world.group("staff", *users))["id"]
        for left in ("2 in /Users, 1 in /Groups", "1 in /Users, 1 in /Groups", "1 in /Groups"):
            with pytest.raises(errors.Conflict, match=f"still has resources of its own: {left}"):
                await world.service.connection_removal.remove(acme, okta, by=BY)
            assert await names(world, acme) == ["entra", "okta"]
            assert await told(world, acme) == []
            if users:
                assert (await world.scim.delete(f"/Users/{users.pop()}")).status_code == 204
        assert (await world.scim.delete(f"/Groups/{group}")).status_code == 204
        assert await world.service.connection_removal.remove(acme, okta, by=BY) == 0
        assert await names(world, acme) == ["entra"]
        assert await told(world, acme) == [
            ("connection.deleted", {"connection": "okta", "by": "an administrator (a test)"})
        ]
        assert (await world.scim.get("/Users")).status_code == 401

    play(tmp_path, test)


def test_an_heir_goes_on_with_every_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_removal, "PORTION", 2)

    async def test(world: World, acme: Directory, okta: Connection, entra: Connection) -> None:
        ids = [
            (await world.user(f"user{number}", externalId=f"x{number}", active=number != 3))["id"]
            for number in range(6)
        ]
        group = (await world.group("staff", *ids))["id"]
        assert (await world.scim.delete(f"/Users/{ids[5]}")).status_code == 204
        heir = await provisioner(world, entra)
        assert (await heir.patch(f"/Users/{ids[0]}", json={})).status_code in (400, 403)
        assert await world.service.connection_removal.remove(acme, okta, by=BY, heir=entra) == 7
        assert await names(world, acme) == ["entra"]
        assert [type for type, _ in await told(world, acme)] == ["connection.disabled", "connection.deleted"]
        assert (await told(world, acme))[-1][1]["heir"] == "entra"
        found = (await heir.get("/Users", params={"filter": 'userName eq "user1"'})).json()["Resources"]
        assert [one["id"] for one in found] == [ids[1]]
        changed = await heir.patch(
            f"/Users/{ids[1]}",
            json={
                "schemas": [urns.PATCH_OP],
                "Operations": [{"op": "replace", "value": {"externalId": "e1", "active": False}}],
            },
        )
        assert (changed.status_code, changed.json()["externalId"]) == (200, "e1")
        members = (await heir.get(f"/Groups/{group}")).json()["members"]
        assert sorted(one["value"] for one in members) == sorted(ids[:5])
        again = await heir.post(
            "/Users", json={"schemas": [urns.USER], "userName": "user5", "externalId": "x5"}
        )
        assert (again.status_code, again.json()["id"]) == (201, ids[5])
        (entry,) = [
            row.entry
            for row in await world.service.control.audit_page(acme.id, None, 99)
            if row.entry.action == "connection.deleted"
        ]
        assert (entry.target, entry.before["name"]) == ("connection 'okta'", "okta")
        assert entry.after == {"heir": "entra", "handedOver": 7}

    play(tmp_path, test)


def test_what_it_did_keeps_its_name(tmp_path: Path) -> None:
    async def test(world: World, acme: Directory, okta: Connection, entra: Connection) -> None:
        ann = (await world.user("ann"))["id"]
        assert (await world.scim.delete(f"/Users/{ann}")).status_code == 204
        await world.service.connection_removal.remove(acme, okta, by=BY)
        again = await world.service.connections.create(acme, "okta", by=BY)
        assert again.id not in (okta.id, entra.id)
        account = (await world.api.get(f"/directories/acme/users/{ann}")).json()
        assert (account["state"], account["connection"]) == ("deleted", "okta")
        events = (await world.api.get("/events?directory=acme")).json()["events"]
        assert {event["cause"]["connection"] for event in events} == {"okta"}
        bare = await provisioner(world, again)
        made = await bare.post("/Users", json={"schemas": [urns.USER], "userName": "ann"})
        assert (made.status_code, made.json()["id"] == ann) == (201, False)

    play(tmp_path, test)


def test_an_heir_that_cannot_be_gets_nothing(tmp_path: Path) -> None:
    async def test(world: World, acme: Directory, okta: Connection, entra: Connection) -> None:
        remove = world.service.connection_removal.remove
        await world.user("ann")
        with pytest.raises(errors.InvalidValue, match="to itself"):
            await remove(acme, okta, by=BY, heir=okta)
        await remove(acme, entra, by=BY)
        with pytest.raises(errors.NotFound, match="no connection 'entra' any more"):
            await remove(acme, okta, by=BY, heir=entra)
        assert await world.service.control.connections(acme.id) == (okta,)
        with pytest.raises(errors.NotFound, match="no connection 'entra' any more"):
            await remove(acme, entra, by=BY)
        with pytest.raises(errors.NotFound, match="no connection 'entra' any more"):
            await world.service.connections.move(entra, "enable", by=BY)

    play(tmp_path, test)


def test_a_change_that_was_under_way_is_refused(tmp_path: Path) -> None:
    async def test(world: World, acme: Directory, okta: Connection, entra: Connection) -> None:
        service = world.service
        known = await service.control.credential(
            next(token.id for token in await service.control.tokens(acme.id, okta.id))
        )
        await service.connection_removal.remove(acme, okta, by=BY)
        assert known is not None
        caller = Caller.within(acme, known.connection, service.admission.model_of(acme), "r")
        kind = caller.model.types["User"]
        unit = service.commands.create(caller, kind, {"schemas": [urns.USER], "userName": "late"})
        with pytest.raises(errors.Unauthorized, match="'okta' was deleted"):
            await commit(service.store, caller, unit)
        assert await service.store.reader(acme.id).count("User") == 0

    play(tmp_path, test)
