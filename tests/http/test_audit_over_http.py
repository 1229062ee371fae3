"""Every change by the management API leaves exactly one entry in the audit log, and none holds a secret."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import BODIES, World, address, fill, label, problem, run, walk

from rosterd.http.api.route import ApiRoute
from rosterd.http.api.routes import ROUTES
from rosterd.service.audit import API_KEY, COMMAND_LINE

NOTHING = ""  # it only looks, though it is a POST
CHANGES = [route for route in ROUTES if route.method not in ("GET", "HEAD")]
ACTIONS = {
    "POST /signing-keys/rotate": "set-key.rotated",
    "POST /sets/{stream}/poll": NOTHING,
    "POST /directories": "directory.created",
    "DELETE /directories/{directory}": "directory.deleted",
    "POST /directories/{directory}/definitions": "directory.defined",
    "POST /directories/{directory}/connections": "connection.created",
    "PATCH /directories/{directory}/connections/{connection}": "connection.updated",
    "DELETE /directories/{directory}/connections/{connection}": "connection.deleted",
    "POST /directories/{directory}/connections/{connection}/state": "connection.paused",
    "POST /directories/{directory}/connections/{connection}/tokens": "token.created",
    "POST /directories/{directory}/connections/{connection}/tokens/{token}/rotate": "token.rotated",
    "DELETE /directories/{directory}/connections/{connection}/tokens/{token}": "token.revoked",
    "POST /directories/{directory}/connections/{connection}/clients": "client.created",
    "POST /directories/{directory}/connections/{connection}/clients/{client}/rotate": "client.rotated",
    "DELETE /directories/{directory}/connections/{connection}/clients/{client}": "client.revoked",
    "PUT /directories/{directory}/schemas/{urn}": "extension.defined",
    "DELETE /directories/{directory}/schemas/{urn}": "extension.removed",
    "PUT /directories/{directory}/requirements": "directory.required",
    "POST /directories/{directory}/connections/{connection}/setup-links": "setup_link.created",
    "DELETE /directories/{directory}/connections/{connection}/setup-links/{link}": "setup_link.revoked",
    "POST /directories/{directory}/connections/{connection}/undo": "connection.undone",
    "POST /directories/{directory}/users/{user}/erase": "account.erased",
    "PUT /directories/{directory}/mapping": "mapping.updated",
    "POST /directories/{directory}/mapping/preview": NOTHING,
    "POST /directories/{directory}/reconciliation": NOTHING,
    "POST /directories/{directory}/connections/{connection}/adopt": "accounts.adopted",
    "POST /administrators": "administrator.created",
    "PATCH /administrators/{administrator}": "administrator.updated",
    "DELETE /administrators/{administrator}": "administrator.removed",
    "DELETE /administrators/{administrator}/second-factor": "administrator.second_factor_removed",
    "DELETE /administrators/{administrator}/sessions": "session.revoked",
    "DELETE /administrators/{administrator}/sessions/{session}": "session.revoked",
    "POST /keys": "key.created",
    "DELETE /keys/{key}": "key.revoked",
    "PATCH /settings": "settings.updated",
    "POST /webhooks": "webhook.created",
    "PATCH /webhooks/{webhook}": "webhook.updated",
    "DELETE /webhooks/{webhook}": "webhook.removed",
    "POST /webhooks/{webhook}/secret/rotate": "webhook.rotated",
    "POST /webhooks/{webhook}/state": "webhook.disabled",
    "POST /webhooks/{webhook}/test": "webhook.tested",
    "POST /webhooks/{webhook}/replay": "webhook.replayed",
}
"""What each changing route writes; a new route needs a row here, in ``BODIES`` and something to ``fill``."""
SECRET = re.compile(r"r[a-z]{2}_[0-9A-Za-z]{12}_[0-9A-Za-z]{20,}|rss_|digest")


async def entries(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    return await walk(client, "/audit", **query)


def secrets(reply: Any) -> set[str]:
    """The texts in a reply that are shown once."""
    names = {"token", "clientSecret", "key", "secret", "password", "url", "path"}
    if "maxEvents" in reply:  # a webhook, whose address is no secret
        names.discard("url")
    return {v for k, v in reply.items() if k in names}


def test_every_changing_route_is_known() -> None:
    assert {label(route) for route in CHANGES} == set(ACTIONS)


@pytest.mark.parametrize("route", [r for r in CHANGES if label(r) in ACTIONS], ids=label)
def test_a_change_leaves_one_entry_without_a_secret(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        body = BODIES.get(label(route), {})
        if label(route).endswith("/undo"):
            await world.api.post("/directories/other/connections/okta/state", json={"move": "pause"})
            body = {**body, "preview": False}
        before = await entries(world.api)
        response = await world.api.request(route.method, address(route, "other", ids), json=body)
        assert response.status_code < 300, response.text
        entry, *rest = after = await entries(world.api)
        if ACTIONS[label(route)] == NOTHING:
            assert after == before
            return
        begun = [one for one in rest if one["action"] == "connection.undo_begun"]  # of many transactions
        former = [{**one, "directory": (one["directory"] or "").partition("#")[0] or None} for one in rest]
        assert former == [*begun, *before]
        assert len(begun) == label(route).endswith("/undo")
        assert entry["action"] == ACTIONS[label(route)]
        assert entry["requestId"] == response.headers["x-request-id"]
        assert entry["by"] | {"id": ""} == {"kind": API_KEY, "name": "all", "id": "", "address": "127.0.0.1"}
        assert entry["before"] != entry["after"] or not entry["after"]
        assert not SECRET.search(json.dumps(entry))
        shown = response.json() if response.content else {}
        assert not any(text in json.dumps(entry) for text in secrets(shown))
        assert route.secret == bool(secrets(shown))

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/directories/acme/connections/okta", {"profile": "auto"}),
        ("PATCH", "/directories/acme/connections/okta", {}),
        ("POST", "/directories/acme/connections/okta/state", {"move": "resume"}),
        ("POST", "/directories/acme/definitions", {}),
        ("PATCH", "/settings", {"eventRetentionDays": None}),
        ("POST", "/directories", {"name": "acme"}),
        ("POST", "/directories/acme/connections", {"name": "okta"}),
        ("DELETE", "/keys/nothing", None),
    ],
)
def test_a_request_that_changes_nothing_leaves_none(
    tmp_path: Path, method: str, path: str, body: Any
) -> None:
    async def test(world: World) -> None:
        before = await entries(world.api)
        await world.api.request(method, path, json=body)
        assert await entries(world.api) == before

    run(tmp_path, test)


def test_an_entry_says_what_differs_and_who_did_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        connection = "/directories/acme/connections/okta"
        await world.api.patch(connection, json={"profile": "okta", "limits": {"fuseCount": 10}})
        await world.api.post(f"{connection}/state", json={"move": "disable", "reason": "contract has ended"})
        disabled, updated = (await entries(world.api, directory="acme"))[:2]
        assert updated["target"] == disabled["target"] == "connection 'okta'"
        assert updated["directory"] == "acme"
        assert updated["before"] == {"profile": "auto", "fuseCount": 0}
        assert updated["after"] == {"profile": "okta", "fuseCount": 10}
        assert disabled["before"] == {"state": "active", "reason": ""}
        assert disabled["after"] == {"state": "disabled", "reason": "contract has ended"}
        shown = (await world.api.get(connection)).json()["state"]
        assert shown["by"] == "API key 'all'"

    run(tmp_path, test)


def test_entries_are_found_by_directory_and_action(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await fill(world)
        everything = await entries(world.api, limit=2)
        assert [e["seq"] for e in everything] == sorted((e["seq"] for e in everything), reverse=True)
        own = [e for e in everything if e["directory"] == "other"]
        assert await entries(world.api, directory="other", limit=1) == own
        assert await entries(world.api, action="token.") == [
            e for e in everything if e["action"].startswith("token.")
        ]
        assert [e["target"] for e in await entries(world.api, action="directory.created")] == [
            "directory 'other'",
            "directory 'acme'",
        ]
        assert COMMAND_LINE in {e["by"]["kind"] for e in everything}
        for action in ("*", "token.*", "Token", ""):
            problem(await world.api.get("/audit", params={"action": action}), 400)

    run(tmp_path, test)
