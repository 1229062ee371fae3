"""A ticket that a password was right opens nothing that no password opens, whoever signed it."""

from pathlib import Path

from service.logging_in import HOME, World, run
from service.phone import shown

from rosterd.scim import errors
from rosterd.service.administrators import Administrator
from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY, refused


async def enrol(world: World, administrator: Administrator) -> None:
    """Set an app up by a ticket that nobody was given, as whoever has read the database can sign one."""
    ticket = world.login._ticket(administrator)
    offer = world.second_factors.offer(administrator)
    code = shown(offer.secret, world.clock() / 1000)
    await world.login.by_first_code(ticket, offer.sealed, code, HOME)


def test_whoever_has_no_password_gets_no_app_by_a_ticket(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.required = True
        bob = await world.administrators.create("bob", OWNER, by=BY)
        await refused(errors.Forbidden, enrol(world, bob))
        assert await world.told("session.created") == []

    run(tmp_path, test)


def test_where_none_is_required_nobody_gets_an_app_by_a_ticket(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.ann()
        await refused(errors.Forbidden, enrol(world, ann))
        world.required = True
        await enrol(world, ann)
        assert len(await world.told("session.created")) == 1

    run(tmp_path, test)
