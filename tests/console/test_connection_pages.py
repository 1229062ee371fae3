"""Connections and all that belongs to them in the console: who may, what is shown, what is done."""

import asyncio
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
from console.pages import ORIGIN, Shown, Visit, World, run

from rosterd.console import clients, connections, directories, links, overview, policy, setup, tokens, undo
from rosterd.console.once import HOLDS, NEW, OLD, USED, Once
from rosterd.console.route import Page
from rosterd.console.routes import PAGES, match
from rosterd.service.visitor import OPERATOR, OWNER, ROLES, VIEWER
from rosterd.store.sqlite import open_sqlite
from rosterd.testing.scenario import BY

OKTA = "/directories/acme/connections/okta"
MODULES = (clients, connections, directories, links, overview, policy, setup, tokens, undo)
OURS = [page for module in MODULES for page in module.PAGES]
POLICY = {
    "name": "okta", "reach": "own", "on_delete": "deactivate",
    "read_rate": "1", "write_rate": "0", "burst": "5",
    "fuse_count": "7", "fuse_percent": "20", "fuse_window": "600",
}  # fmt: skip


def address(page: Page, directory: str = "acme", connection: str = "okta") -> str:
    """An address of a page; parts that are neither directory nor connection name nothing that is there."""
    path = page.template.replace("{directory}", directory).replace("{connection}", connection)
    return "/".join("0123456789ab" if part.startswith("{") else part for part in path.split("/"))


async def ask(visit: Visit, page: Page, **where: str) -> Shown:
    if page.method == "GET":
        return await visit.get(address(page, **where))
    return await visit.post(address(page, **where))


def name(page: Page) -> str:
    return f"{page.method} {page.template}"


def test_every_page_asks_for_its_role(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visits = {role: await world.visit(role) for role in ROLES}
        for page in OURS:
            assert page.role is not None
            for role, visit in visits.items():
                shown = await ask(visit, page)
                allowed = ROLES.index(role) >= ROLES.index(page.role)
                assert (shown.status == 403) is not allowed, f"{name(page)} as {role}: {shown.words[:300]}"
                assert shown.status < 500, f"{name(page)}: {shown.words[:300]}"

    run(tmp_path, test)


def test_a_guest_is_sent_to_the_log_in(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for page in OURS:
            shown = await ask(world.guest(), page)
            if page.method == "GET":
                assert shown.leads_to.startswith("/login?next=")
            else:
                assert shown.status == 401

    run(tmp_path, test)


def test_no_form_is_believed_without_its_token(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner, other = await world.visit(), await world.visit()
        for page in OURS:
            if page.method == "POST":
                for form, headers in (
                    ({}, {}),
                    ({"csrf": other.csrf}, {}),
                    ({"csrf": owner.csrf}, {"Sec-Fetch-Site": "cross-site"}),
                    ({"csrf": owner.csrf}, {"Origin": "http://evil.example"}),
                ):
                    shown = await owner.send(address(page), form, **headers)
                    assert shown.status == 403, name(page)

    run(tmp_path, test)


BELOW_A_DIRECTORY = [page for page in PAGES if "{directory}" in page.template]


def test_another_directory_is_as_one_that_is_not_there(tmp_path: Path) -> None:
    """Every page of the console, for a visitor who is bound to another directory."""

    async def test(world: World) -> None:
        assert len(BELOW_A_DIRECTORY) > 20
        bound = await world.visit(OWNER, directory="other")
        for page in BELOW_A_DIRECTORY:
            foreign = await ask(bound, page, directory="acme")
            missing = await ask(bound, page, directory="nope")
            assert foreign.status == 404, f"{name(page)}: {foreign.status} {foreign.words[:300]}"
            assert _same(foreign, "acme") == _same(missing, "nope"), name(page)
        overview = await bound.get("/")
        assert "acme" not in overview.html
        listed = await bound.get("/directories")
        assert "acme" not in listed.html
        assert (await bound.post("/directories", name="third")).status == 403

    run(tmp_path, test)


def _same(shown: Shown, directory: str) -> tuple[int, str]:
    return shown.status, shown.html.replace(directory, "")


def test_a_set_up_link_opens_its_page_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        guest = await world.visit(connection=world.okta)
        for page in BELOW_A_DIRECTORY:
            if not page.setup:
                assert (await ask(guest, page)).status == 403, name(page)
        second = await world.service.connections.create(world.acme, "second", by=BY)
        for where in (
            f"/directories/acme/connections/{second.name}/setup",
            "/directories/other/connections/okta/setup",
        ):
            assert (await guest.get(where)).status == 404
            assert (await guest.post(where)).status == 404
        shown = await guest.get(f"{OKTA}/setup")
        assert shown.status == 200
        assert "Main" not in shown.html
        made = await guest.post(
            f"{OKTA}/setup", once=shown.values("once")[0], lifetime="31536000", label="By link"
        )
        assert made.value("token").startswith("rst_")

    run(tmp_path, test)


def test_a_set_up_link_leads_to_its_connection_by_whatever_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        guest = await world.visit(connection=world.okta)
        await world.service.connections.update(world.okta, by=BY, name="workforce")
        lost = await guest.get(f"{OKTA}/setup")
        assert lost.status == 404
        assert "To your set-up" in lost.words
        assert (await guest.get("/")).leads_to == "/directories/acme/connections/workforce/setup"

    run(tmp_path, test)


def test_a_connection_is_made_with_the_fuse_on_and_leads_to_its_set_up(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        form = await visit.get("/directories/acme/new-connection")
        chosen = {"name", "reach", "on_delete"}
        usual = {field: form.values(field)[0] for field in POLICY if field not in chosen}
        mark = form.values("once")[0]
        fields = {
            "idp": "onelogin",
            "name": "",
            "reach": "own",
            "on_delete": "deactivate",
            **usual,
            "once": mark,
        }
        made = await visit.post("/directories/acme/connections", fields)
        assert made.leads_to == "/directories/acme/connections/onelogin/setup?idp=onelogin"
        page = await visit.follow(made)
        assert "Connect OneLogin to “acme”" in page.words
        assert "SCIM Bearer Token" in page.words
        assert page.value("url") == f"{ORIGIN}/scim/v2"
        line = await world.service.control.connection(world.acme.id, "onelogin")
        assert line is not None
        assert (line.profile, line.policy.limits.fuse_count, line.policy.limits.fuse_percent) == (
            "auto",
            500,
            10,
        )
        assert (await visit.post("/directories/acme/connections", fields)).status == 409
        fields["once"] = (await visit.get("/directories/acme/new-connection")).values("once")[0]
        again = await visit.post("/directories/acme/connections", fields)
        assert again.leads_to.startswith("/directories/acme/connections/onelogin-2/")

    run(tmp_path, test)


WRONG = [
    ("name", "a b", "1 to 63 letters"),
    ("name", "okta", "has a connection 'okta' already"),
    ("fuse_percent", "200", "from 0 to 100"),
    ("read_rate", "many", "from 0 to 1,000,000"),
    ("reach", "all", "One of: own, directory"),
]


@pytest.mark.parametrize(("field", "value", "told"), WRONG, ids=[f"{f}={v}" for f, v, _ in WRONG])
def test_what_is_wrong_is_told_beside_the_field(tmp_path: Path, field: str, value: str, told: str) -> None:
    async def test(world: World) -> None:
        visit = await world.visit()
        mark = (await visit.get("/directories/acme/new-connection")).values("once")[0]
        fields = {"idp": "ping", **POLICY, "name": "ping", "once": mark, field: value}
        shown = await visit.post("/directories/acme/connections", fields)
        assert shown.status in (400, 409)
        assert told in shown.words
        assert shown.values("fuse_count") == ["7"]
        assert await world.service.control.connection(world.acme.id, "ping") is None

    run(tmp_path, test)


def test_the_policy_is_changed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        changed = {
            **POLICY,
            "profile": "strict",
            "reach": "directory",
            "on_delete": "erase",
            "read_rate": "1,000",
        }
        saved = await visit.post(f"{OKTA}/policy", changed)
        assert saved.leads_to == f"{OKTA}/policy"
        assert "holds from the next request on" in (await visit.follow(saved)).words
        line = await world.service.control.connection(world.acme.id, "okta")
        assert line is not None
        assert (line.profile, line.policy.reach, line.policy.on_delete) == ("strict", "directory", "erase")
        assert (line.policy.limits.read_rate, line.policy.limits.fuse_window) == (1000, 600)
        wrong = await visit.post(f"{OKTA}/policy", {**changed, "burst": "0"})
        assert wrong.status == 400
        assert "A whole number from 1 to 3,600." in wrong.words

    run(tmp_path, test)


def test_a_connection_gets_another_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        await world.service.connections.create(world.acme, "entra", by=BY)
        fields = {**POLICY, "profile": "auto"}
        assert (await visit.get(f"{OKTA}/policy")).values("name") == ["okta"]
        viewed = await (await world.visit(VIEWER)).get(f"{OKTA}/policy")
        assert '<fieldset class="bare" disabled>' in viewed.html, "nothing that a viewer could type into"
        for wrong, status, told in (
            ("", 400, "1 to 63 letters"),
            ("a/b", 400, "1 to 63 letters"),
            ("entra", 409, "has a connection 'entra' already"),
        ):
            shown = await visit.post(f"{OKTA}/policy", {**fields, "name": wrong})
            assert (shown.status, shown.values("name")) == (status, [wrong])
            assert told in shown.words
        saved = await visit.post(f"{OKTA}/policy", {**fields, "name": "workforce"})
        assert saved.leads_to == "/directories/acme/connections/workforce/policy"
        assert "Connection 'okta' is called 'workforce' now." in (await visit.follow(saved)).words
        assert (await visit.get(f"{OKTA}/policy")).status == 404

    run(tmp_path, test)


def test_a_connection_is_paused_and_goes_on(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        refused = await visit.post(f"{OKTA}/state", move="pause", reason="look into it")
        assert refused.status == 400
        assert "Check the box" in refused.words
        assert (await world.scim.get("/Users")).status_code == 200
        paused = await visit.post(f"{OKTA}/state", move="pause", reason="look into it", confirm="yes")
        page = await visit.follow(paused)
        assert "look into it" in page.words
        assert "See what can be undone · Change the policy · Resume it" in page.words
        assert (
            "The connection is paused. When all is as it should be, resume it"
            in (await visit.get(f"{OKTA}/undo")).words
        )
        assert "Resume it" not in (await (await world.visit(VIEWER)).get(OKTA)).words
        assert (await world.scim.get("/Users")).status_code == 503
        assert "Paused" in (await visit.get("/")).words
        await visit.post(f"{OKTA}/state", move="resume", confirm="yes")
        assert (await world.scim.get("/Users")).status_code == 200

    run(tmp_path, test)


def test_a_token_is_shown_once_works_and_is_revoked_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        form = {"label": "Nightly", "lifetime": "315360000", "rights": "read"}
        mark = (await visit.get(f"{OKTA}/tokens")).values("once")[0]
        made = await visit.post(f"{OKTA}/tokens", {**form, "once": mark})
        assert made.status == 200
        assert made.response.headers["cache-control"] == "no-store"
        text = made.value("token")
        assert await _status(world, text) == 200
        again = await visit.post(f"{OKTA}/tokens", {**form, "once": mark})
        assert again.status == 409
        assert again.heading == "This form was sent already"
        listed = await visit.get(f"{OKTA}/tokens")
        assert listed.words.count("Nightly") == 1
        assert text not in listed.html
        id = text.split("_")[1]
        unsure = await visit.post(f"{OKTA}/tokens/{id}/revoke")
        assert unsure.status == 400
        assert await _status(world, text) == 200
        await visit.follow(await visit.post(f"{OKTA}/tokens/{id}/revoke", confirm="yes"))
        assert await _status(world, text) == 401

    run(tmp_path, test)


def test_a_token_is_rotated_with_an_overlap(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        listed = await visit.get(f"{OKTA}/tokens")
        (token,) = await world.service.control.tokens(world.acme.id)
        for overlap, former in (("3600", 200), ("0", 401)):
            mark = (await visit.get(f"{OKTA}/tokens")).values("once")[0]
            made = await visit.post(f"{OKTA}/tokens/{token.id}/rotate", once=mark, overlap=overlap)
            assert await _status(world, made.value("token")) == 200
            assert (await world.scim.get("/Users")).status_code == former
            again = await visit.post(f"{OKTA}/tokens/{token.id}/rotate", once=mark, overlap=overlap)
            assert again.status == 409
            assert f'href="{OKTA}/tokens"' in again.html.partition("</h1>")[2]
        assert listed.status == 200

    run(tmp_path, test)


async def _status(world: World, token: str) -> int:
    async with httpx.AsyncClient(transport=world.site, base_url=ORIGIN) as client:
        reply = await client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
        return reply.status_code


def test_a_client_fetches_a_token_with_what_the_page_shows(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        mark = (await visit.get(f"{OKTA}/clients")).values("once")[0]
        made = await visit.post(f"{OKTA}/clients", label="Script", rights="all", once=mark)
        id, secret = made.value("client-id"), made.value("client-secret")
        assert made.value("curl").split(" -d ")[1:] == [
            f"scimClientId={id}", f"scimClientSecret={secret}", "grantType=password",
        ]  # fmt: skip
        assert await _fetch(world, id, secret) == 200
        assert (await visit.post(f"{OKTA}/clients", label="Script", rights="all", once=mark)).status == 409
        mark = (await visit.get(f"{OKTA}/clients")).values("once")[0]
        fresh = await visit.post(f"{OKTA}/clients/{id}/rotate", overlap="0", once=mark)
        assert await _fetch(world, id, secret) == 401
        assert await _fetch(world, id, fresh.value("client-secret")) == 200
        await visit.post(f"{OKTA}/clients/{id}/revoke", confirm="yes")
        assert await _fetch(world, id, fresh.value("client-secret")) == 401
        assert "Revoked" in (await visit.get(f"{OKTA}/clients")).words

    run(tmp_path, test)


async def _fetch(world: World, id: str, secret: str) -> int:
    async with httpx.AsyncClient(transport=world.site, base_url=ORIGIN) as client:
        form = {"scimClientId": id, "scimClientSecret": secret, "grantType": "password"}
        return (await client.post("/api/v1/token", data=form)).status_code


def test_a_set_up_link_is_made_and_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        mark = (await visit.get(f"{OKTA}/links")).values("once")[0]
        made = await visit.post(f"{OKTA}/links", label="Dana", lifetime="604800", once=mark)
        link = made.value("link")
        assert link.startswith(f"{ORIGIN}/setup/rsl_")
        assert (await world.guest().get(link)).status == 200
        page = await visit.get(f"{OKTA}/links")
        assert "Dana" in page.words
        assert link not in page.html
        id = link.split("_")[1]
        await visit.post(f"{OKTA}/links/{id}/revoke", confirm="yes")
        assert (await world.guest().get(link)).status != 200

    run(tmp_path, test)


def test_the_set_up_page_ticks_off_what_happened(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)

        async def ticked() -> list[str]:
            await world.service.journal.flush()
            html = (await visit.get(f"{OKTA}/setup")).html
            return [
                check
                for check in ("request", "created", "updated", "deactivated", "group", "members")
                if f'class="done" id="check-{check}"' in html
            ]

        assert await ticked() == []
        ann = await world.user("ann")
        assert await ticked() == ["request", "created"]
        title = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
        path = f"/Users/{ann['id']}"
        await world.scim.patch(
            path, json={**title, "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
        )
        assert "updated" in await ticked()
        await world.scim.patch(
            path, json={**title, "Operations": [{"op": "replace", "path": "active", "value": False}]}
        )
        assert "deactivated" in await ticked()
        await world.group("Staff", ann["id"])
        assert await ticked() == ["request", "created", "updated", "deactivated", "group", "members"]

    run(tmp_path, test)


def test_what_failed_is_told_in_plain_words(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        reply = await world.scim.post(
            "/Users", json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
        )
        assert reply.status_code == 400
        await world.service.journal.flush()
        page = await visit.get(f"{OKTA}/setup")
        assert 'class="failed" id="check-created"' in page.html
        assert "tried to create" in page.words
        overview = await visit.get("/")
        assert "1 of 1 request failed in this hour or the last." in overview.words
        assert "Problems" in overview.words

    run(tmp_path, test)


def test_undo_shows_then_does(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        ann = await world.user("ann")
        await world.service.journal.flush()
        since = "2026-01-01T00:00"
        seen = await visit.get(f"{OKTA}/undo", since=since)
        assert "ann" in seen.words
        assert "Pause it first" in seen.words
        active = await visit.post(f"{OKTA}/undo", since=since, confirm="yes")
        assert active.status == 409
        await visit.post(f"{OKTA}/state", move="pause", confirm="yes")
        assert (await visit.post(f"{OKTA}/undo", since=since)).status == 400
        done = await visit.follow(await visit.post(f"{OKTA}/undo", since=since, confirm="yes"))
        assert "Undone: deleted, as the connection had made them: 1" in done.words
        reader = world.service.store.reader(world.acme.id)
        assert await reader.get("User", ann["id"]) is None
        wrong = await visit.get(f"{OKTA}/undo", since="yesterday")
        assert wrong.status == 400
        assert "a date and a time" in wrong.words

    run(tmp_path, test)


def test_a_connection_without_a_token_is_asked_once_to_be_set_up(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit(VIEWER)).get("/directories/other/connections/okta")
        assert page.words.count("Set it up") == 1
        assert "It has no token yet. Set it up" in page.words

    run(tmp_path, test)


def test_a_blown_fuse_leads_to_undo(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OPERATOR)
        careful = {**POLICY, "profile": "auto", "read_rate": "0", "fuse_count": "1", "fuse_percent": "0"}
        await visit.post(f"{OKTA}/policy", careful)
        people = [await world.user(name) for name in ("ann", "bob")]
        for person, status in zip(people, (204, 503), strict=True):
            assert (await world.scim.delete(f"/Users/{person['id']}")).status_code == status
        overview = await visit.get("/")
        assert "Paused by the mass-change fuse: it deactivated or deleted 1 of 2 accounts" in overview.words
        since = (await visit.get(f"{OKTA}/undo")).value("since")
        plan = await visit.get(f"{OKTA}/undo", since=since)
        assert "What would be done" in plan.words
        made = await world.service.store.reader(world.acme.id).events(0, 10)
        at = max(one.event.at for one in made if one.event.type == "user.created") + 1
        text = datetime.fromtimestamp(at / 1000, UTC).isoformat()
        done = await visit.follow(await visit.post(f"{OKTA}/undo", since=text, confirm="yes"))
        assert "Undone: accounts and groups brought back: 1" in done.words
        await visit.post(f"{OKTA}/state", move="resume", confirm="yes")
        assert (await world.scim.get(f"/Users/{people[0]['id']}")).status_code == 200

    run(tmp_path, test)


def test_an_empty_installation_leads_by_the_hand(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        made = await owner.post("/directories", name="third")
        assert made.leads_to == "/directories/third"
        page = await owner.follow(made)
        assert "Nothing is connected yet." in page.words
        assert 'href="/directories/third/new-connection"' in page.html
        assert (await owner.post("/directories", name="third")).status == 409
        assert (await owner.post("/directories", name="a/b")).status == 400

    run(tmp_path, test)


def test_the_overview_of_many_directories_has_pages(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        for number in range(overview.DIRECTORIES + 5):
            await world.service.directories.create(f"z{number:03}", by=BY)
        first = await owner.get("/")
        assert "This page shows the directories from acme to z017." in first.words
        second = await owner.get(_next(first))
        assert second.status == 200
        assert 'rel="next"' not in second.html

    run(tmp_path, test)


def test_long_lists_have_pages(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(VIEWER)
        for number in range(52):
            await world.service.tokens.issue(world.acme.id, world.okta.id, label=f"number {number}", by=BY)
            await world.service.clients.create(world.acme.id, world.okta.id, label=f"number {number}", by=BY)
            await world.service.access.setup_links.create(world.okta, label=f"number {number}", by=BY)
        for page in ("tokens", "clients", "links"):
            first = await visit.get(f"{OKTA}/{page}")
            second = await visit.get(_next(first))
            labels = [f"number {number}" for number in range(52)]
            seen = [
                label for shown in (first, second) for label in labels if f"<h3>{label}</h3>" in shown.html
            ]
            assert sorted(seen) == sorted(labels), page
            assert 'rel="next"' not in second.html
            assert (await visit.get(f"{OKTA}/{page}", after="nonsense")).status == 400

    run(tmp_path, test)


def _next(shown: Shown) -> str:
    """Where the next page is."""
    return unescape(shown.html.partition('" rel="next"')[0].rpartition('href="')[2])


def test_a_form_is_believed_once_by_whatever_process(tmp_path: Path) -> None:
    now = [1_000_000_000]

    async def spent(mark: str, session: str, *addresses: str) -> list[str]:
        """By processes that do not know of each other but by the file."""
        found = []
        for address in addresses:
            store = await open_sqlite(tmp_path / "rosterd.db")
            found.append(await Once(b"secret", store, lambda: now[0]).spend(mark, session, address))
            await store.close()
        return found

    async def test() -> None:
        store = await open_sqlite(tmp_path / "rosterd.db")
        mark = Once(b"secret", store, lambda: now[0]).mark("r1", "s1")
        assert await spent(mark, "s1", "/a", "/b", "/a") == [NEW, NEW, USED]
        assert await spent(mark, "another", "/a") == [OLD]
        assert await spent("nonsense", "s1", "/a") == [OLD]
        now[0] += HOLDS
        assert await spent(mark, "s1", "/a", "/c") == [USED, NEW]
        now[0] += 1
        assert await spent(mark, "s1", "/a", "/d") == [OLD, OLD]
        await store.close()

    asyncio.run(test())


def test_templates_with_fixed_segments_win() -> None:
    for page in OURS:
        assert match(address(page))[0] == page.template
