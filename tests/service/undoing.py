"""Undo in a ``World``: pause the default connection, look ahead, run."""

from service.world import World

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.caller import Caller
from rosterd.service.standing import PAUSED, Standing
from rosterd.service.undo import Plan, Undo
from rosterd.testing.scenario import BY


def moment(world: World) -> int:
    """A moment behind everything so far and before everything to come."""
    world.time[0] += 1000
    return world.time[0]


def undo_of(world: World) -> Undo:
    def now() -> int:
        world.time[0] += 1
        return world.time[0]

    return Undo(world.store, lambda _: CORE_MODEL, now)


async def pause(world: World, caller: Caller | None = None) -> None:
    id = (caller or world.caller).connection.id
    await world.store.write(1, lambda tx: tx.set_standing(id, Standing(PAUSED, "a test", "", world.time[0])))


async def preview(world: World, since: int, caller: Caller | None = None) -> Plan:
    home = caller or world.caller
    return await undo_of(world).preview(home.directory, home.connection, since)


async def undone(world: World, since: int, caller: Caller | None = None) -> Plan:
    """Pause and run."""
    home = caller or world.caller
    await pause(world, home)
    return await undo_of(world).run(home.directory, home.connection, since, by=BY)
