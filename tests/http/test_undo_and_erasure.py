"""Undo and erasure over the management API: what goes in, what comes out, who may."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
from service.management import World, problem, run, walk

from rosterd.scim import urns
from rosterd.scim.index import index
from rosterd.scim.render import format_time
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.request_log import EVERYTHING, Exchange
from rosterd.wiring.ids import now
from rosterd.wiring.journal import Journal

UNDO = "/directories/acme/connections/okta/undo"
STATE = "/directories/acme/connections/okta/state"
USERS = "/directories/acme/users"


async def patched(world: World, id: str, path: str, value: Any) -> None:
    body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}
    assert (await world.scim.patch(f"/Users/{id}", json=body)).status_code == 200


async def told(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    response = await client.post(path, json=body)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def test_an_undo_is_looked_at_refused_while_active_run_and_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann", externalId="x")
        since = format_time(now() + 1)
        while format_time(now()) <= since:
            pass
        await patched(world, ann["id"], "title", "Boss")
        bob = await world.user("bob")
        await world.group("Team", ann["id"], bob["id"])
        seen = await told(world.api, UNDO, since=since, preview=True)
        assert (seen["preview"], seen["since"]) == (True, since)
        assert {n: c for n, c in seen["counts"].items() if c} == {"deleted": 2, "updated": 1}
        assert {(c["type"], c["name"], c["change"], *c["attributes"]) for c in seen["changes"]} == {
            ("User", "ann", "updated", "title"), ("User", "bob", "deleted"), ("Group", "Team", "deleted"),
        }  # fmt: skip
        detail = problem(await world.api.post(UNDO, json={"since": since}), 409)["detail"]
        assert "rosterd connection pause okta --directory acme" in detail
        await told(world.api, STATE, move="pause")
        done = await told(world.api, UNDO, since=since)
        for plan in (seen, done):
            plan["changes"].sort(key=lambda change: change["id"])
        assert {**done, "preview": True} == seen
        assert [u["name"] for u in await walk(world.api, USERS)] == ["ann"]
        assert (await world.api.get(f"{USERS}/{ann['id']}")).json()["resource"].get("title") is None
        history = await walk(world.api, f"{USERS}/{bob['id']}/history")
        assert history[0]["data"]["undo"] == {"since": since}
        assert not any((await told(world.api, UNDO, since=since))["counts"].values())

    run(tmp_path, test)


def test_what_is_no_time_or_to_come_or_not_permitted_is_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for since in (
            "yesterday",
            "2026-11-24",
            "2026-13-24T00:00:00Z",
            "1969-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ):
            problem(await world.api.post(UNDO, json={"since": since, "preview": True}), 400)
        problem(await world.api.post(UNDO, json={}), 400)
        reader = await world.client(scopes=["connections.read", "users.read"])
        problem(await reader.post(UNDO, json={"since": "2026-11-24T00:00:00Z"}), 403)
        ann = await world.user("ann")
        problem(await reader.post(f"{USERS}/{ann['id']}/erase"), 403)
        assert (await world.scim.get(f"/Users/{ann['id']}")).status_code == 200

    run(tmp_path, test)


def test_a_live_and_a_deleted_user_are_erased_and_leave_no_trace_in_the_file(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("annegret@x.example", externalId="EXT-1", displayName="Annegret Quux")
        bob = await world.user("bobolink@x.example", externalId="EXT-2")
        await patched(world, ann["id"], "title", "Chief Zebra")
        assert (await world.scim.get('/Users?filter=userName eq "annegret@x.example"')).status_code == 200
        await world.scim.post("/Users", json={"schemas": [urns.USER], "userName": "ANNEGRET@x.example"})
        await world.scim.delete(f"/Users/{bob['id']}")
        twice = {"headers": {"Idempotency-Key": "k"}, "json": {"accounts": [{"account": "7"}]}}
        reconciled = await world.api.post("/directories/acme/reconciliation", **twice)
        assert "annegret@x.example" in reconciled.text, "the trace is one that is left otherwise"
        writer = await world.client("acme", scopes=["users.write"])
        live = await told(writer, f"{USERS}/{ann['id']}/erase")
        assert (live["id"], live["wasLive"]) == (ann["id"], True)
        assert "create it again" in live["warning"]
        assert await told(writer, f"{USERS}/{bob['id']}/erase") == {
            "id": bob["id"], "wasLive": False, "warning": None,
        }  # fmt: skip
        problem(await writer.post(f"{USERS}/{ann['id']}/erase"), 404)
        problem(await world.api.get(f"{USERS}/{ann['id']}"), 404)
        assert await walk(world.api, USERS, state="deleted") == []
        history = await walk(world.api, f"{USERS}/{ann['id']}/history")
        assert history[0]["type"] == "user.erased"
        assert {str(one["data"]) for one in history} == {"{'erased': True}"}
        entries = [e for e in await walk(world.api, "/audit") if e["action"] == "account.erased"]
        assert [e["target"] for e in entries] == [f"User {bob['id']}", f"User {ann['id']}"]
        left = dumped(tmp_path / "data").casefold()
        assert [t for t in ("annegret", "quux", "zebra", "ext-1", "bobolink", "ext-2") if t in left] == []
        problem(await world.api.post("/directories/acme/reconciliation", **twice), 409)

    run(tmp_path, test)


def test_what_a_server_that_stood_still_logs_after_an_erasure_is_about_nobody(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        home = await world.service.control.directory("acme")
        assert home is not None
        late = Journal(world.service.control, yes)

        def note(at: int, id: str) -> None:
            body = '{"userName": "annegret@x.example"}'
            left = Exchange(
                home.id, 1, "t", at, id, "PATCH", "/Users/x", "filter=annegret", 409, 1, "User", "x",
                "annegret@x.example", body=body, reply=body,
            )  # fmt: skip
            late.note(lambda: left, succeeded=True)

        ann = await world.user("annegret@x.example", displayName="Annegret Quux")
        note(now(), "before")
        await told(world.api, f"{USERS}/{ann['id']}/erase")
        note(now() + 1, "after")
        await late.flush()
        rows = (await world.service.control.exchange_page(home.id, None, None, 9, EVERYTHING)).rows
        assert [row.exchange.request_id for row in rows] == ["after", "before"]
        assert "annegret" in str(rows[0].exchange)
        assert "annegret" not in str(rows[1].exchange).casefold()

    run(tmp_path, test)


async def yes() -> bool:
    return True


def test_the_upkeep_erases_who_was_deleted_long_enough_ago(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann")
        await world.scim.delete(f"/Users/{ann['id']}")
        home = await world.service.control.directory("acme")
        assert home is not None
        await world.service.erase_deleted()
        assert await world.service.store.reader(home.id).find_deleted("User", ann["id"])
        assert (await world.api.patch("/settings", json={"eraseDeletedAfterDays": 1})).status_code == 200
        await world.service.erase_deleted()
        assert await world.service.store.reader(home.id).find_deleted("User", ann["id"]), "not a day ago"

        async def long_ago(tx: Any) -> None:
            row = await tx.find_deleted("User", ann["id"])
            empty = index(orjson.loads(row.document), CORE_MODEL.types["User"])
            await tx.revive(row, empty)
            await tx.retain(row, empty, now() - 2 * 86_400_000)

        await world.service.store.write(home.id, long_ago)
        await world.service.erase_deleted()
        assert await world.service.store.reader(home.id).find_deleted("User", ann["id"]) is None
        assert await world.service.store.reader(home.id).owed(1) == ()

    run(tmp_path, test)


def dumped(data: Path) -> str:
    """All that is in the database, as SQL."""
    (path,) = data.glob("*.db")
    with closing(sqlite3.connect(path)) as stored, closing(sqlite3.connect(":memory:")) as copy:
        stored.backup(copy)
        copy.execute("DROP TABLE parts")  # pieces of three characters, which cannot be dumped
        return "\n".join(copy.iterdump())
