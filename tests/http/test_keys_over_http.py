"""API keys and settings by the management API: no key gives more than it has, and a text is shown once."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import BASE, World, problem, run, walk

from rosterd.service.keys import SCOPES, key_id

GIVER = ("keys.read", "keys.write", "users.read")


def with_key(world: World, text: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {text}"}
    return httpx.AsyncClient(transport=world.site, base_url=BASE, headers=headers)


def test_a_key_that_was_made_works_until_it_is_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        body = {"label": "app", "directory": "acme", "scopes": ["users.read"], "lifetime": 3600}
        response = await world.api.post("/keys", json=body)
        assert response.status_code == 201, response.text
        made = response.json()
        text = made.pop("key")
        assert key_id(text) == made["id"]
        assert {name: made[name] for name in ("label", "directory", "scopes", "state")} == {
            "label": "app",
            "directory": "acme",
            "scopes": ["users.read"],
            "state": "valid",
        }
        app = with_key(world, text)
        assert (await app.get("/directories/acme/users")).status_code == 200
        problem(await app.get("/directories/other/users"), 404)
        problem(await app.get("/keys"), 403)
        await world.service.note_use()
        read = await world.api.get(f"/keys/{made['id']}")
        assert read.json() == made | {"lastUsed": read.json()["lastUsed"]}
        assert read.json()["lastUsed"]
        assert text not in read.text
        assert (await world.api.delete(f"/keys/{made['id']}")).status_code == 204
        problem(await app.get("/directories/acme/users"), 401)
        assert (await world.api.get(f"/keys/{made['id']}")).json()["state"] == "revoked"

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("bound", "body", "status"),
    [
        (None, {}, 201),
        (None, {"scopes": ["users.read"]}, 201),
        (None, {"directory": "acme"}, 201),
        (None, {"scopes": ["users.read", "audit.read"]}, 403),
        (None, {"directory": "nowhere"}, 404),
        ("acme", {}, 201),
        ("acme", {"directory": "acme", "scopes": ["keys.write"]}, 201),
        ("acme", {"directory": "other"}, 404),
        ("acme", {"scopes": ["directories.read"]}, 403),
        (None, {"lifetime": 59}, 400),
        (None, {"scopes": ["all"]}, 400),
        (None, {"scopes": []}, 400),
        (None, {"label": "x" * 201}, 400),
    ],
)
def test_no_key_gives_more_than_it_has(
    tmp_path: Path, bound: str | None, body: dict[str, Any], status: int
) -> None:
    async def test(world: World) -> None:
        giver = await world.client(bound, scopes=GIVER)
        before = await walk(world.api, "/keys")
        response = await giver.post("/keys", json=body)
        assert response.status_code == status, response.text
        after = await walk(world.api, "/keys")
        if status != 201:
            assert after == before
            return
        made = next(key for key in after if key["id"] == response.json()["id"])
        assert set(made["scopes"]) <= set(GIVER)
        assert made["scopes"] == body.get("scopes", list(GIVER))
        assert made["directory"] == body.get("directory", bound)

    run(tmp_path, test)


def test_keys_are_listed_newest_first_without_their_texts(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        texts = [(await world.api.post("/keys", json={"label": f"k{n}"})).json()["key"] for n in range(3)]
        listed = await walk(world.api, "/keys", limit=2)
        assert {key["label"] for key in listed} == {"k0", "k1", "k2", "all"}
        assert [k["created"] for k in listed] == sorted((k["created"] for k in listed), reverse=True)
        assert next(k for k in listed if k["label"] == "all")["scopes"] == list(SCOPES)
        assert not any(text[-40:] in str(listed) for text in texts)

    run(tmp_path, test)


def test_a_repeated_creation_makes_one_key_and_shows_its_text_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        headers = {"Idempotency-Key": "once"}
        assert (await world.api.post("/keys", json={"label": "x"}, headers=headers)).status_code == 201
        problem(await world.api.post("/keys", json={"label": "x"}, headers=headers), 409)
        assert sorted(key["label"] for key in await walk(world.api, "/keys")) == ["all", "x"]

    run(tmp_path, test)


def test_settings_are_changed_one_by_one_and_taken_back_with_null(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        before = (await world.api.get("/settings")).json()
        assert before == {
            "eventRetentionDays": 30,
            "requestLogRetentionDays": 7,
            "requestLogBodies": True,
            "eraseDeletedAfterDays": 0,
            "tokenWarningDays": 30,
            "signingKeyDays": 90,
            "secondFactorRequired": False,
            "fixed": [],
        }
        changed = await world.api.patch(
            "/settings", json={"eventRetentionDays": 0, "requestLogBodies": False}
        )
        assert changed.json() == before | {"eventRetentionDays": 0, "requestLogBodies": False}
        assert (await world.api.get("/settings")).json() == changed.json()
        back = {"eventRetentionDays": None, "requestLogBodies": None}
        assert (await world.api.patch("/settings", json=back)).json() == before

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"eventRetentionDays": -1}, "/eventRetentionDays"),
        ({"eventRetentionDays": "7"}, "/eventRetentionDays"),
        ({"eventRetentionDays": True}, "/eventRetentionDays"),
        ({"requestLogBodies": 1}, "/requestLogBodies"),
        ({"retention": 1}, "/retention"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_place(tmp_path: Path, body: Any, pointer: str) -> None:
    async def test(world: World) -> None:
        refused = problem(await world.api.patch("/settings", json=body), 400)
        assert [fault["pointer"] for fault in refused["errors"]] == [pointer]

    run(tmp_path, test)


def test_what_the_environment_fixes_is_told_and_refused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        assert (await world.api.get("/settings")).json()["fixed"] == ["eventRetentionDays"]
        refused = problem(await world.api.patch("/settings", json={"eventRetentionDays": 5}), 409)
        assert "ROSTERD_EVENT_RETENTION_DAYS" in refused["detail"]
        assert (await world.api.get("/settings")).json()["eventRetentionDays"] == 14

    run(tmp_path, test, event_retention_days=14)
