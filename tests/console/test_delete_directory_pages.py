"""The page that deletes a directory: who is let in, what it says, and what typing another name does."""

from pathlib import Path

import pytest
from console.pages import World, run

from rosterd.service.visitor import OPERATOR, OWNER

PAGE = "/directories/acme/delete"


def test_an_owner_types_the_name_and_the_directory_is_gone(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        owner, bound = await world.visit(), await world.visit(OWNER, directory="acme")
        assert f'href="{PAGE}"' in (await owner.get("/directories")).html
        page = await owner.get(PAGE)
        assert (page.status, page.heading) == (200, "Delete acme")
        assert "1 user and 0 groups" in page.words
        assert "refused from now on: okta" in page.words
        done = await owner.post(PAGE, name="acme")
        assert done.leads_to.startswith("/directories")
        assert "'acme' is deleted" in (await owner.follow(done)).words
        assert (await owner.get(PAGE)).status == 404
        assert (await owner.get("/directories/acme")).status == 404
        assert "acme" not in [row.name for row in await world.service.control.directories()]
        assert (await bound.get("/")).leads_to.startswith("/login")
        audit = await owner.get("/audit")
        assert "Directory deleted directory 'acme'" in audit.words
        assert "/directories/acme" not in audit.html

    run(tmp_path, test)


@pytest.mark.parametrize("typed", ["", "other", "ACME", "acme ACME"])
def test_another_name_deletes_nothing(tmp_path: Path, typed: str) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        page = await owner.post(PAGE, name=typed)
        assert page.status == 400
        assert "nothing was deleted" in page.words
        assert await world.service.control.directory("acme") == world.acme

    run(tmp_path, test)


def test_nobody_else_can_delete_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        cases = (
            (await world.visit(OPERATOR), 403),
            (await world.visit(OWNER, directory="acme"), 403),
            (await world.visit(OWNER, directory="other"), 404),
        )
        for visit, status in cases:
            assert (await visit.get(PAGE)).status == status
            assert (await visit.post(PAGE, name="acme")).status == status
            assert f'href="{PAGE}"' not in (await visit.get("/directories")).html
        assert await world.service.control.directory("acme") == world.acme

    run(tmp_path, test)
