"""What no browser sends by itself, or few people type, is answered with what is wrong, by either engine."""

from pathlib import Path
from urllib.parse import quote

import pytest
from console.pages import World, run

from rosterd.service.visitor import OPERATOR, OWNER, VIEWER

OKTA = "/directories/acme/connections/okta"


@pytest.mark.parametrize(
    "address", ["/directories/acme/users?q=%00", f"{OKTA}/undo?since=%00", "/directories?q=a%00b"]
)
def test_a_character_that_no_database_keeps_is_refused_in_addresses(tmp_path: Path, address: str) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit(VIEWER)).get(address)
        assert (page.status, "U+0000" in page.words) == (400, True)

    run(tmp_path, test)


def test_and_in_forms(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        visit = await world.visit(OWNER)
        page = await visit.post(f"{OKTA}/state", move="disable", reason="a\0b", confirm="yes")
        assert (page.status, "U+0000" in page.words) == (400, True)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        (f"{OKTA}/policy", f"{OKTA}/policy"),
        (f"{OKTA}/state", OKTA),
        ("/directories/acme/users/x/erase", "/directories/acme/users/x"),
        ("/settings", "/settings"),
    ],
)
def test_whoever_logs_in_again_is_back_at_the_page_whose_form_was_sent(
    tmp_path: Path, sent_to: str, page: str
) -> None:
    async def test(world: World) -> None:
        shown = await world.guest().post(sent_to, name="x")
        assert (shown.status, shown.heading) == (401, "Your session has ended")
        assert f'href="/login?next={quote(page, safe="")}"' in shown.html

    run(tmp_path, test)


@pytest.mark.parametrize("since", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "1969-12-31T23:59"])
def test_a_moment_at_the_ends_of_the_calendar_is_none(tmp_path: Path, since: str) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit(OPERATOR)).get(f"{OKTA}/undo", since=since)
        assert "Since: a time between 1970 and 9998." in page.words

    run(tmp_path, test)


@pytest.mark.parametrize("name", [" spaced@example.com ", "x" * 1200])
@pytest.mark.parametrize("by_id", [False, True])
def test_whoever_has_an_odd_name_is_erased_all_the_same(tmp_path: Path, name: str, by_id: bool) -> None:
    async def test(world: World) -> None:
        id = (await world.user(name))["id"]
        visit = await world.visit(OWNER)
        page = f"/directories/acme/users/{id}/erase"
        assert (await visit.post(page, name="", confirm="yes")).status == 400
        assert (await visit.post(page, name="x", confirm="yes")).status == 400
        done = await visit.post(page, name=id if by_id else name, confirm="yes")
        assert done.status == 303, done.words

    run(tmp_path, test)
