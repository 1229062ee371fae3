"""Users and groups in the console: found, narrowed down, shown in full, erased; isolated and escaped."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from console.pages import Shown, World, run, told

from rosterd.console import accounts, groups, history
from rosterd.service.control import Policy
from rosterd.service.request_log import EVERYTHING
from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.testing.scenario import BY

USERS, GROUPS = "/directories/acme/users", "/directories/acme/groups"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCRIPT = "<script>alert(1)</script>"
ANNA: dict[str, Any] = {
    "displayName": "Anna Berg",
    "name": {"givenName": "Anna", "familyName": "Berg"},
    "emails": [{"value": "Boss@acme.example", "primary": True}, {"value": "anna@home.example"}],
    "externalId": "00u1",
}


async def replace(world: World, path: str, **value: Any) -> None:
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]}
    assert (await world.scim.patch(path, json=body)).status_code in (200, 204)


async def known(world: World) -> dict[str, str]:
    """anna (active), bert (inactive), carl (deleted) and dora, by another connection; their ids."""
    ids = {"anna": (await world.user("anna@acme.example", **ANNA))["id"]}
    ids["bert"] = (await world.user("bert@acme.example", active=False))["id"]
    ids["carl"] = (await world.user("carl@acme.example", externalId="00u3"))["id"]
    assert (await world.scim.delete(f"/Users/{ids['carl']}")).status_code == 204
    entra = await world.service.connections.create(world.acme, "entra", by=BY, policy=Policy())
    _, token = await world.service.tokens.issue(world.acme.id, entra.id, by=BY)
    made = await world.scim.post(
        "/Users",
        json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dora@acme.example"},
        headers={"Authorization": f"Bearer {token}"},
    )
    ids["dora"] = made.json()["id"]
    return ids


def listed(page: Shown, ids: dict[str, str]) -> set[str]:
    """Who is linked to on a page."""
    return {name for name, id in ids.items() if f"/users/{id}" in page.html}


def links(page: Shown, part: str) -> list[str]:
    """The addresses on a page with a part in them."""
    return [unescape(one) for one in re.findall(r'href="([^"]*)"', page.html) if part in one]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"anna", "bert", "dora"}),
        ({"state": "active"}, {"anna", "dora"}),
        ({"state": "inactive"}, {"bert"}),
        ({"state": "deleted"}, {"carl"}),
        ({"connection": "okta"}, {"anna", "bert"}),
        ({"connection": "entra"}, {"dora"}),
        ({"connection": "okta", "state": "deleted"}, {"carl"}),
        ({"connection": "entra", "state": "inactive"}, set()),
        ({"q": "anna@"}, {"anna"}),
        ({"q": "ANNA"}, {"anna"}),
        ({"q": "berg"}, {"anna"}),
        ({"q": "boss"}, {"anna"}),
        ({"q": "anna@home"}, {"anna"}),
        ({"q": " anna b "}, {"anna"}),
        ({"q": "00u1"}, {"anna"}),
        ({"q": "00u3"}, {"carl"}),
        ({"q": "{carl}"}, {"carl"}),
        ({"q": "{anna}"}, {"anna"}),
        ({"q": "00u1", "connection": "entra"}, set()),
        ({"q": "00u"}, set()),
        ({"q": "bert", "state": "active"}, set()),
        ({"q": "bert", "state": "inactive"}, {"bert"}),
        ({"q": "d", "connection": "okta"}, set()),
        ({"q": "%"}, set()),
        ({"q": SCRIPT}, set()),
    ],
    ids=told,
)
def test_users_are_found(tmp_path: Path, query: dict[str, str], names: set[str]) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        viewer = await world.visit(VIEWER)
        page = await viewer.get(USERS, **{key: value.format(**ids) for key, value in query.items()})
        assert page.status == 200
        assert page.heading == "Users"
        assert listed(page, ids) == names
        assert all(page.html.count(f"/users/{ids[name]}") == 1 for name in names)
        if not names:
            assert "No user fits." in page.words
        assert SCRIPT not in page.html

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"state": "sleeping"}, "active, inactive, deleted"),
        ({"connection": "nobody"}, "okta"),
        ({"after": "x"}, "first page"),
        ({"after": "WzEsMl0"}, "first page"),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, query: dict[str, str], word: str) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit()).get(USERS, **query)
        assert page.status == 400
        assert word in page.words

    run(tmp_path, test)


@pytest.mark.parametrize(
    "query", [{}, {"q": "u"}, {"q": "u", "state": "active"}, {"connection": "okta"}], ids=str
)
def test_a_walk_meets_everybody_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, str]
) -> None:
    monkeypatch.setattr(accounts, "PAGE", 3)

    async def test(world: World) -> None:
        ids = {}
        for n in range(8):
            name = f"u{n}@acme.example"
            # Found by its userName, its display name and an address: it must come once all the same.
            made = await world.user(
                name, displayName=f"U {n}", emails=[{"value": f"u-{n}@x"}, {"value": name}]
            )
            ids[str(n)] = made["id"]
        viewer = await world.visit(VIEWER)
        page, found, pages = await viewer.get(USERS, **query), list[str](), 0
        while pages < 10:
            pages += 1
            found += [name for name in ids if f"/users/{ids[name]}" in page.html]
            following = [
                part.split('"')[0] for part in page.html.split('href="') if "after=" in part.split('"')[0]
            ]
            if not following:
                break
            page = await viewer.get(following[0].replace("&amp;", "&"))
            assert "First page" in page.words
        assert sorted(found) == sorted(ids)
        assert pages == 3

    run(tmp_path, test)


def test_the_page_of_a_user_shows_everything(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        staff = await world.group("Staff", ids["anna"])
        await world.group("Company", staff["id"])
        await replace(world, f"/Users/{ids['anna']}", title="Director")
        await world.service.journal.flush()
        page = await (await world.visit(VIEWER)).get(f"{USERS}/{ids['anna']}")
        assert page.status == 200
        assert page.heading == "Anna Berg"
        for words in (
            "Active",
            "Kept by okta externalId 00u1",
            "name.familyName Berg",
            "emails Boss@acme.example (primary) anna@home.example",
            "Staff directly",
            "Company through a group that is in it",
            "Changed by okta",
            "title none Director",
            "Created by okta",
            '"userName": "anna@acme.example"',
            f"PATCH /Users/{ids['anna']}",
        ):
            assert words in page.words, words
        assert 'title="The family name of the User' in page.html
        assert "Erase" not in page.words
        assert f"/requests?resource={ids['anna']}" in page.html

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("bert", ("Inactive", "This user is switched off")),
        ("carl", ("Deleted", "this account comes back under its old id", "Deleted by okta")),
    ],
)
def test_the_page_says_what_a_state_means(tmp_path: Path, who: str, words: tuple[str, ...]) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        page = await (await world.visit(VIEWER)).get(f"{USERS}/{ids[who]}")
        assert page.status == 200
        for word in words:
            assert word in page.words, word

    run(tmp_path, test)


def test_groups_that_wait_for_somebody_are_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        staff = await world.group("Staff", ids["carl"], ids["anna"])
        viewer = await world.visit(VIEWER)
        assert f"Staff waits for {ids['carl']}" in (await viewer.get(f"{USERS}/{ids['carl']}")).words
        page = await viewer.get(f"{GROUPS}/{staff['id']}")
        assert "nobody has that id yet" in page.words
        assert ids["carl"] in page.words
        assert "Members 1" in page.words

    run(tmp_path, test)


def test_a_history_leads_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", 2)

    async def test(world: World) -> None:
        ids = await known(world)
        for n in range(3):
            await replace(world, f"/Users/{ids['anna']}", title=f"title-{n}")
        viewer = await world.visit(VIEWER)
        page = await viewer.get(f"{USERS}/{ids['anna']}")
        assert "title-1 title-2" in page.words
        assert "none title-0" not in page.words
        address = page.html.split("?history=")[1].split('"')[0]
        older = await viewer.get(f"{USERS}/{ids['anna']}", history=address)
        assert "none title-0" not in older.words.split("Recent requests")[0] or "Created by" in older.words
        assert "Created by okta" in older.words
        assert "title-1 title-2" not in older.words.split("Recent requests")[0]

    run(tmp_path, test)


def test_the_members_of_a_group_lead_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MEMBERS", 2)

    async def test(world: World) -> None:
        ids = sorted([(await world.user(f"u{n}@acme.example"))["id"] for n in range(5)])
        staff = await world.group("Staff", *ids)
        viewer, found = await world.visit(VIEWER), list[str]()
        address = f"{GROUPS}/{staff['id']}"
        for _ in range(3):
            page = await viewer.get(address)
            assert "Members 5" in page.words
            table = page.html.split('id="members"')[1].split("</section>")[0]
            found += [id for id in ids if f"/users/{id}" in table]
            address = (links(page, "members=") or [address])[-1]
        assert found == ids

    run(tmp_path, test)


def test_the_list_of_groups_counts_members_and_not_too_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "COUNTED", 2)

    async def test(world: World) -> None:
        ids = [(await world.user(f"u{n}@acme.example"))["id"] for n in range(3)]
        await world.group("All", *ids)
        await world.group("Two", *ids[:2])
        page = await (await world.visit(VIEWER)).get(GROUPS)
        assert "All Active more than 2" in page.words
        assert "Two Active 2" in page.words
        assert "2 in acme" in page.words
        assert "Two" not in (await (await world.visit(VIEWER)).get(GROUPS, q="al")).words

    run(tmp_path, test)


def test_names_are_text_wherever_they_stand(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        person = {"displayName": SCRIPT, "title": SCRIPT, "emails": [{"value": SCRIPT, "type": SCRIPT}]}
        user = await world.user(SCRIPT, externalId=SCRIPT, **person)
        group = await world.group(SCRIPT, user["id"], SCRIPT)
        await replace(world, f"/Users/{user['id']}", title=f"{SCRIPT}2")
        await world.scim.post("/Users", json={"schemas": [], "userName": SCRIPT})
        await world.scim.get("/Users", params={"filter": f'userName eq "{SCRIPT}"'})
        await world.service.journal.flush()
        owner = await world.visit()
        addresses = [
            USERS, f"{USERS}?q={SCRIPT}", f"{USERS}/{user['id']}", GROUPS, f"{GROUPS}/{group['id']}",
            "/directories/acme/requests", f"/directories/acme/requests?q={SCRIPT}", f"{USERS}/{SCRIPT[1:8]}",
        ]  # fmt: skip
        log = await world.service.control.exchange_page(world.acme.id, None, None, 10, EVERYTHING)
        addresses += [f"/directories/acme/requests/{row.seq}" for row in log.rows]
        for address in addresses:
            page = await owner.get(address)
            assert page.status in (200, 404)
            assert "<script>alert" not in page.html, address
        assert "&lt;script&gt;alert(1)" in (await owner.get(USERS)).html

    run(tmp_path, test)


def test_a_user_is_erased_by_whoever_may_and_means_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        address = f"{USERS}/{ids['anna']}"
        operator, viewer = await world.visit(OPERATOR), await world.visit(VIEWER)
        right = {"confirm": "yes", "name": "anna@acme.example"}
        assert (await viewer.post(f"{address}/erase", right)).status == 403
        for fields, word in (
            ({**right, "confirm": ""}, "Check the box"),
            ({**right, "name": "bert@acme.example"}, "not the user name of this user"),
        ):
            page = await operator.post(f"{address}/erase", fields)
            assert page.status == 400
            assert word in page.words
        assert (await operator.send(f"{address}/erase", right)).status == 403  # no CSRF token
        assert (await viewer.get(address)).heading == "Anna Berg"
        done = await operator.post(f"{address}/erase", right)
        assert done.leads_to == USERS
        assert "erased for good" in (await operator.follow(done)).words
        page = await viewer.get(address)
        assert page.heading == "A user that is gone for good"
        assert "anna@" not in page.html
        assert (await world.scim.get(f"/Users/{ids['anna']}")).status_code == 404
        last = (await world.service.control.audit_page(world.acme.id, None, 1))[0].entry
        assert last.action == "account.erased"
        assert last.actor.name.startswith(OPERATOR)

    run(tmp_path, test)


def test_whoever_is_bound_to_another_directory_finds_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = await known(world)
        staff = await world.group("Staff", ids["anna"])
        bound = await world.visit(OWNER, directory="other")
        for address in (
            USERS, f"{USERS}/{ids['anna']}", f"{USERS}/{ids['carl']}", GROUPS, f"{GROUPS}/{staff['id']}",
        ):  # fmt: skip
            page = await bound.get(address)
            there = await bound.get(address.replace("acme", "nowhere"))
            assert (page.status, there.status) == (404, 404)
            assert page.words.replace("acme", "nowhere") == there.words
        erase = f"{USERS}/{ids['anna']}/erase"
        assert (await bound.post(erase, confirm="yes", name="anna@acme.example")).status == 404
        for address in (
            f"/directories/other/users/{ids['anna']}",
            f"/directories/other/groups/{staff['id']}",
        ):
            assert (await bound.get(address)).status == 404
        assert "There are no users yet." in (await bound.get("/directories/other/users", q="")).words
        assert "No user fits." in (await bound.get("/directories/other/users", q="anna")).words

    run(tmp_path, test)
