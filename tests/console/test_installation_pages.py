"""Audit log, API keys and settings in the console: who may, what is shown once, what is kept."""

import re
from pathlib import Path

import pytest
from console.pages import ORIGIN, Visit, World, run

from rosterd import wiring
from rosterd.console import audit
from rosterd.service import audit as audit_log
from rosterd.service.ports import StoreUnavailable
from rosterd.service.preferences import PREFERENCES
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.testing.scenario import BY

SETTINGS = {
    "eventRetentionDays": "14",
    "requestLogRetentionDays": "3",
    "requestLogBodies": "false",
    "eraseDeletedAfterDays": "",
    "tokenWarningDays": "7",
}


async def key_made(owner: Visit, **fields: object) -> str:
    """The text of a key that the form makes."""
    mark = (await owner.get("/keys")).values("once")[0]
    page = await owner.post(
        "/keys", {"label": "billing", "lifetime": "2592000", "scope": ["users.read"], "once": mark, **fields}
    )
    assert page.status == 200, page.words
    return page.value("key")


def test_while_the_database_is_away_a_page_says_when_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreUnavailable("away")

    async def test(world: World) -> None:
        owner = await world.visit(OWNER)
        monkeypatch.setattr(world.service.control, "create_key", fails)
        mark = (await owner.get("/keys")).values("once")[0]
        form = {"label": "billing", "lifetime": "2592000", "scope": ["users.read"], "once": mark}
        shown = await owner.post("/keys", form)
        assert (shown.status, shown.response.headers["retry-after"]) == (503, "5")

    run(tmp_path, test)


def test_every_setting_has_words(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit(OWNER)
        page = await owner.get("/settings")
        assert not [name for name in PREFERENCES if name in page.words]

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("method", "address", "roles"),
    [
        ("GET", "/audit", {VIEWER, OPERATOR, OWNER}),
        ("GET", "/settings", {VIEWER, OPERATOR, OWNER}),
        ("POST", "/settings", {OWNER}),
        ("GET", "/keys", {OWNER}),
        ("POST", "/keys", {OWNER}),
        ("POST", "/keys/nothing/revoke", {OWNER}),
        ("GET", "/directories/acme/schema", {VIEWER, OPERATOR, OWNER}),
        ("POST", "/directories/acme/schema/attributes", {OWNER}),
        ("POST", "/directories/acme/schema/attributes/remove", {OWNER}),
        ("POST", "/directories/acme/schema/requirements", {OWNER}),
    ],
)
def test_only_those_may_who_may(tmp_path: Path, method: str, address: str, roles: set[str]) -> None:
    async def test(world: World) -> None:
        for role in (VIEWER, OPERATOR, OWNER):
            visit = await world.visit(role)
            page = await (visit.get(address) if method == "GET" else visit.post(address))
            assert (page.status == 403) == (role not in roles), role
        owner, guest = await world.visit(), world.guest()
        if method == "POST":
            assert (await owner.send(address, {"csrf": "wrong"})).status == 403
            assert (await guest.post(address)).status == 401
        else:
            assert (await guest.get(address)).leads_to.startswith("/login?next=")

    run(tmp_path, test)


def test_the_audit_log_says_who_changed_what(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        await owner.post("/settings", SETTINGS)
        page = await owner.get("/audit")
        assert "Settings updated" in page.words
        assert "by administrator owner" in page.words
        assert "eventRetentionDays 30 14" in page.words
        assert "Token created" in page.words
        only = await owner.get("/audit", action="settings.")
        assert "Settings updated" in only.words
        assert "Token created" not in only.words.split("Search")[1]
        of_acme = (await owner.get("/audit", directory="acme")).words.split("Search")[1]
        assert "Token created" in of_acme
        assert "Settings updated" not in of_acme
        for query in ({"action": "x"}, {"after": "x"}):
            assert (await owner.get("/audit", **query)).status == 400
        assert (await owner.get("/audit", directory="nowhere")).status == 404

    run(tmp_path, test)


def test_the_audit_log_of_a_bound_visitor_is_that_of_the_directory(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.service.keys.create(by=BY, label="for all")
        bound = await world.visit(VIEWER, directory="other")
        for query in ({}, {"directory": "acme"}):
            page = (await bound.get("/audit", **query)).words
            assert "Connection created" in page
            assert "acme" not in page
            assert "Token created" not in page
            assert "Key created" not in page

    run(tmp_path, test)


def test_a_key_is_shown_once_works_and_is_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        text = await key_made(owner)
        listed = await owner.get("/keys")
        assert text not in listed.html
        assert "billing" in listed.words
        headers = {"Authorization": f"Bearer {text}"}
        users = f"{ORIGIN}/api/v1/directories/acme/users"
        assert (await world.scim.get(users, headers=headers)).status_code == 200
        id = text.split("_")[1]
        assert (await owner.post(f"/keys/{id}/revoke")).status == 400
        done = await owner.post(f"/keys/{id}/revoke", confirm="yes")
        assert "billing is revoked" in (await owner.follow(done)).words
        assert (await world.scim.get(users, headers=headers)).status_code == 401

    run(tmp_path, test)


def test_a_form_that_is_sent_again_makes_no_second_key(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        mark = (await owner.get("/keys")).values("once")[0]
        form = {"label": "one", "lifetime": "2592000", "scope": ["users.read"], "once": mark}
        assert (await owner.post("/keys", form)).status == 200
        assert (await owner.post("/keys", form)).status == 409
        assert (await owner.post("/keys", {**form, "once": "made up"})).status == 409
        assert len(await world.service.control.keys()) == 1

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"scope": []}, "Check at least one"),
        ({"scope": ["everything"]}, "Check at least one"),
        ({"directory": "nowhere"}, "There is no directory 'nowhere'"),
        ({"lifetime": "5"}, "New API key"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_key_is_told_on_the_form(
    tmp_path: Path, fields: dict[str, object], word: str
) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        mark = (await owner.get("/keys")).values("once")[0]
        form = {"label": "my label", "lifetime": "2592000", "scope": ["users.read"], "once": mark, **fields}
        page = await owner.post("/keys", form)
        assert page.status == 400
        assert word in page.words
        assert page.value("label") == "my label"
        assert await world.service.control.keys() == ()

    run(tmp_path, test)


def test_a_bound_owner_makes_and_sees_keys_of_the_directory_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        whole, text = await world.service.keys.create(by=BY, label="for all")
        bound = await world.visit(OWNER, directory="other")
        made = await key_made(bound, directory="acme")
        page = await bound.get("/keys")
        assert "for all" not in page.words
        assert "billing" in page.words
        for asked, status in (("other", 200), ("acme", 404)):
            reply = await world.scim.get(
                f"{ORIGIN}/api/v1/directories/{asked}/users", headers={"Authorization": f"Bearer {made}"}
            )
            assert reply.status_code == status
        assert (await bound.post(f"/keys/{whole.id}/revoke", confirm="yes")).status == 404
        assert (await bound.get("/settings")).status == 403
        assert (await bound.post("/settings", SETTINGS)).status == 403
        reply = await world.scim.get(
            f"{ORIGIN}/api/v1/directories", headers={"Authorization": f"Bearer {text}"}
        )
        assert reply.status_code == 200

    run(tmp_path, test)


def test_settings_are_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        assert (await owner.get("/settings")).value("eventRetentionDays") == "30"
        done = await owner.post("/settings", SETTINGS)
        page = await owner.follow(done)
        assert "The settings are kept" in page.words
        assert page.value("eventRetentionDays") == "14"
        assert page.value("eraseDeletedAfterDays") == "0"
        assert (await world.service.preferences.get()).request_log_bodies is False
        wrong = await owner.post("/settings", {**SETTINGS, "eventRetentionDays": "often"})
        assert wrong.status == 400
        assert wrong.value("eventRetentionDays") == "often"
        assert "A whole number from 0 to 36,500" in wrong.words
        assert (await world.service.preferences.get()).event_retention_days == 14

    run(tmp_path, test)


def test_what_the_environment_fixes_is_not_for_choosing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        page = await owner.get("/settings")
        assert "Fixed by ROSTERD_EVENT_RETENTION_DAYS" in page.words
        assert page.value("eventRetentionDays") == "9"
        assert (await owner.post("/settings", SETTINGS)).status == 303
        assert (await world.service.preferences.get()).event_retention_days == 9

    run(tmp_path, test, event_retention_days=9)


def test_the_facts_of_the_process_hold_no_secret(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit(VIEWER)).get("/settings")
        for words in ("rosterd ", "MiB, schema version", "http://console.example", "ROSTERD_BASE_URL"):
            assert words in page.words
        assert "a-client-secret" not in page.html

    run(tmp_path, test, base_url="http://console.example", oidc_client_secret="a-client-secret")


def test_everything_that_is_written_down_can_be_looked_for() -> None:
    files = [*Path(audit_log.__file__).parent.glob("*.py"), *Path(wiring.__file__).parent.glob("*.py")]
    text = "\n".join(file.read_text() for file in files)
    written = set(re.findall(r'"([a-z_]+\.)(?:[a-z_]+ed)"', text)) - {"user.", "group."}  # these are events
    assert {"token.", "key.", "login.", "session.", "connection."} < written
    assert written == {prefix for prefix, _ in audit.ACTIONS}
