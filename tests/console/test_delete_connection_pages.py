"""The page that deletes a connection: who is let in, what it says, who gets what is its own."""

from pathlib import Path

import pytest
from console.pages import World, run

from rosterd.service.visitor import OPERATOR, OWNER, VIEWER
from rosterd.testing.scenario import BY

OKTA = "/directories/acme/connections/okta"
PAGE = f"{OKTA}/delete"


async def names(world: World) -> list[str]:
    return [one.name for one in await world.service.control.connections(world.acme.id)]


def test_an_operator_hands_over_what_is_its_own_and_it_is_gone(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.service.connections.create(world.acme, "entra", by=BY)
        await world.user("ann")
        visit = await world.visit(OPERATOR)
        assert f'href="{PAGE}"' in (await visit.get(OKTA)).html
        page = await visit.get(PAGE)
        assert "1 user is its own and 0 groups" in page.words
        refused = await visit.post(PAGE, name="okta")
        assert refused.status == 409
        assert "1 in /Users. Nobody could change them without it" in refused.words
        assert await names(world) == ["entra", "okta"]
        done = await visit.follow(await visit.post(PAGE, name="okta", heir="entra"))
        assert "'okta' is deleted for good. What was its own, 1 in all, is with 'entra' now." in done.words
        assert await names(world) == ["entra"]
        assert (await visit.get(PAGE)).status == 404
        assert (await world.scim.get("/Users")).status_code == 401
        audit = await (await world.visit(OWNER)).get("/audit")
        assert "Connection deleted connection 'okta'" in audit.words

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "nothing was deleted"),
        ({"name": "OKTA"}, "nothing was deleted"),
        ({"name": "okta", "heir": "nobody"}, "There is no connection 'nobody' any more."),
    ],
)
def test_what_is_not_meant_deletes_nothing(tmp_path: Path, form: dict[str, str], said: str) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit(OPERATOR)).post(PAGE, form)
        assert page.status == 400
        assert said in page.words
        assert await names(world) == ["okta"]

    run(tmp_path, test)


def test_nobody_else_can_delete_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        cases = (
            (await world.visit(VIEWER), 403),
            (await world.visit(VIEWER, directory="acme"), 403),
            (await world.visit(OWNER, directory="other"), 404),
        )
        for visit, status in cases:
            assert (await visit.get(PAGE)).status == status
            assert (await visit.post(PAGE, name="okta")).status == status
            assert f'href="{PAGE}"' not in (await visit.get(OKTA)).html
        assert await names(world) == ["okta"]

    run(tmp_path, test)
