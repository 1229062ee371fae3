"""Every row of the console's table: who is let in, what a form must bring, what another directory is like."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from console.pages import Visit, World, run

from rosterd.console import routes
from rosterd.service.visitor import OPERATOR, OWNER, SETUP, VIEWER

GIVEN = {"directory": "acme", "connection": "okta"}
KNOWN = [page for page in routes.PAGES if page.role is not None]
INSIDE = [page for page in KNOWN if "{directory}" in page.template]
ROLES = (SETUP, VIEWER, OPERATOR, OWNER)


def name(page: routes.Page) -> str:
    return f"{page.method} {page.template}"


def address(template: str, directory: str = "acme") -> str:
    """With values for all parameters; those of things that are not there."""
    values = {**GIVEN, "directory": directory}
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], "nothing"), template)


async def sent(visit: Visit, page: routes.Page, directory: str = "acme") -> tuple[int, str]:
    """The status, and what is read."""
    at = address(page.template, directory)
    shown = await (visit.get(at) if page.method == "GET" else visit.post(at))
    return shown.status, shown.words


def test_rows_were_found() -> None:
    assert len(KNOWN) > 30
    assert len(INSIDE) > 20


@pytest.mark.parametrize("page", KNOWN, ids=name)
def test_a_page_lets_in_whoever_has_its_role(tmp_path: Path, page: routes.Page) -> None:
    async def test(world: World) -> None:
        for role in ROLES:
            link = world.okta if role == SETUP else None
            visit = await world.visit(role, directory="acme" if link else None, connection=link)
            status, words = await sent(visit, page)
            allowed = page.setup if role == SETUP else ROLES.index(role) >= ROLES.index(str(page.role))
            assert ("This needs the role" in words) != allowed, (role, status, words)
            assert status != 500, words
        guest = world.guest()
        if page.method == "GET":
            assert (await guest.get(address(page.template))).leads_to.startswith("/login?next=")
        else:
            assert (await guest.post(address(page.template))).status == 401
            owner = await world.visit()
            for form in ({}, {"csrf": "made up"}):
                assert (await owner.send(address(page.template), form)).status == 403

    run(tmp_path, test)


def test_looking_at_pages_changes_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        with closing(sqlite3.connect(world.service.settings.database)) as beside:
            changes = [beside.execute("PRAGMA data_version").fetchone()]
            for page in KNOWN:
                if page.method == "GET":
                    await sent(owner, page)
                    changes.append(beside.execute("PRAGMA data_version").fetchone())
        assert len(changes) > 20
        assert len(set(changes)) == 1

    run(tmp_path, test)


def test_the_cookie_of_a_session_opens_no_api(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        assert (await owner.get("/directories/acme")).status == 200
        for place in ("/api/v1/directories", "/scim/v2/Users"):
            assert (await owner.get(place)).status == 401

    run(tmp_path, test)


@pytest.mark.parametrize("page", INSIDE, ids=name)
def test_another_directory_is_as_one_that_is_not_there(tmp_path: Path, page: routes.Page) -> None:
    async def test(world: World) -> None:
        bound = await world.visit(OWNER, directory="other")
        there, (status, words) = await sent(bound, page), await sent(bound, page, "nowhere")
        assert (there[0], status) == (404, 404)
        assert there[1].replace("acme", "nowhere") == words

    run(tmp_path, test)


ODD = (
    "\0",
    "%",
    "'\"<>&",
    "\ud7ff\U0010ffff",
    "x" * 5000,
    "{{ 7 * 7 }}",
    "WzFd",
    "OTIyMzM3MjAzNjg1NDc3NTgwOA",
)


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_no_text_is_too_odd(tmp_path: Path, text: str) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        fields = ("q", "after", "state", "connection", "resource", "method", "status", "action", "directory")
        for page in KNOWN:
            if page.method == "GET" and "/undo" not in page.template:
                template = re.sub(r"\{(?!directory|connection)\w+\}", quote(text, safe=""), page.template)
                for field in (*fields, "history", "members", "pending", "type"):
                    shown = await owner.get(address(template), **{field: text})
                    assert shown.status < 500, (template, field, shown.words)

    run(tmp_path, test)
