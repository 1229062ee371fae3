"""The mass-change fuse and the standing of connections, on a real store: exact, whatever comes at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from service.world import World, group, run, user

from rosterd.scim import errors
from rosterd.scim.render import etag
from rosterd.service.audit import ADMINISTRATOR, Actor
from rosterd.service.caller import Caller
from rosterd.service.connections import FUSE, MAX_REASON, Connections
from rosterd.service.control import Policy
from rosterd.service.limits import Limits
from rosterd.service.standing import Standing
from rosterd.service.view import View
from rosterd.testing.scenario import BY

Test = Callable[[World], Awaitable[None]]
ANN = Actor(ADMINISTRATOR, "ann", request_id="r1")
OFF = {"op": "replace", "path": "active", "value": False}
ON = {"op": "replace", "path": "active", "value": True}


def limited(world: World, reach: str = "own", **limits: Any) -> Caller:
    """The default connection with these limits and no others, and a window that lasts."""
    allowed = Limits(**{"fuse_percent": 0, "fuse_window": 86_400, **limits})
    policy = Policy(reach, limits=allowed)
    return replace(world.caller, connection=replace(world.caller.connection, policy=policy))


async def people(world: World, count: int, caller: Caller | None = None) -> list[View]:
    return [await world.create(user(f"u{n}"), caller) for n in range(count)]


async def outcomes(attempts: list[Awaitable[object]]) -> tuple[int, list[str]]:
    """How many succeeded, and the details of those refused for the fuse or the pause."""
    done = await asyncio.gather(*attempts, return_exceptions=True)
    faults = [outcome for outcome in done if isinstance(outcome, BaseException)]
    for fault in faults:
        assert isinstance(fault, errors.Unavailable), fault
        assert fault.retry_after == 300
    return len(done) - len(faults), [f.detail for f in faults if isinstance(f, errors.ScimError)]


async def standing(world: World) -> Standing:
    (found,) = [c for c in await world.store.connections(1) if c.id == world.caller.connection.id]
    return found.standing


async def live(world: World) -> int:
    return await world.store.reader(1).count("User")


async def paused_events(world: World) -> list[dict[str, Any]]:
    return [data for kind, _, data in await world.events() if kind == "connection.paused"]


def administrator(world: World) -> Connections:
    return Connections(world.store, world.store, lambda: world.time[0])


@pytest.mark.parametrize("most", [1, 7, 49])
def test_of_50_deletes_at_once_exactly_as_many_as_allowed_are_applied(tmp_path: Path, most: int) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=most)
        everyone = await people(world, 50)
        done, details = await outcomes([world.delete(view, caller) for view in everyone])
        assert (done, len(details)) == (most, 50 - most)
        assert await live(world) == 50 - most
        assert all(f"deactivated or deleted {most} of 50 accounts" in detail for detail in details)
        assert all("rosterd connection resume default --directory default" in d for d in details)
        assert all("the limits of the mass-change fuse in the connection's policy" in d for d in details)
        assert not any("--fuse" in d for d in details), "the console has no options"
        now = await standing(world)
        assert (now.state, now.by) == ("paused", FUSE)
        (event,) = await paused_events(world)
        assert (event["connection"], event["by"], event["lost"], event["of"]) == ("default", FUSE, most, 50)

    run(tmp_path, test)


def test_deactivations_by_patch_and_put_and_deletes_count_together(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=10)
        everyone = await people(world, 30)
        attempts: list[Awaitable[object]] = []
        for n in range(0, 30, 3):
            attempts.append(world.delete(everyone[n], caller))
            attempts.append(world.patch(everyone[n + 1], OFF, caller=caller))
            attempts.append(world.replace(everyone[n + 2], user(f"u{n + 2}", active=False), caller))
        done, _ = await outcomes(attempts)
        assert done == 10
        events = [kind for kind, *_ in await world.events()]
        assert sum(kind in ("user.deleted", "user.deactivated") for kind in events) == 10
        assert events[-1] == "connection.paused"

    run(tmp_path, test)


def test_after_the_fuse_nothing_of_what_was_admitted_before_is_applied(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=2)
        everyone = await people(world, 5)
        title = {"op": "add", "path": "title", "value": "X"}
        attempts: list[Awaitable[object]] = [world.delete(view, caller) for view in everyone[:3]]
        attempts += [
            world.create(user("late"), caller),
            world.create(group("late"), caller),
            world.patch(everyone[4], title, caller=caller),
            world.patch(everyone[4], ON, caller=caller),
        ]
        done, _ = await outcomes(attempts)
        assert done == 2
        assert [kind for kind, *_ in await world.events()][-3:] == ["user.deleted"] * 2 + [
            "connection.paused"
        ]
        await world.create(user("by another"), world.other())

    run(tmp_path, test)


def test_a_bulk_request_stops_at_the_fuse_and_says_so_for_each_operation(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        everyone = await people(world, 130)
        world.caller = limited(world, fuse_count=105)
        operations = [{"method": "DELETE", "path": f"/Users/{view.row.id}"} for view in everyone]
        operations.append({"method": "POST", "path": "/Users", "bulkId": "x", "data": user("late")})
        results = await world.bulk(*operations)
        assert [r["status"] for r in results] == ["204"] * 105 + ["503"] * 26
        assert "mass-change fuse" in results[105]["response"]["detail"]  # type: ignore[index]
        assert await live(world) == 25
        assert len(await paused_events(world)) == 1

    run(tmp_path, test)


def test_the_share_is_of_the_most_there_were_and_small_directories_change_as_a_whole(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_percent=30)
        for _ in range(3):
            few = await people(world, 20)
            assert (await outcomes([world.delete(view, caller) for view in few]))[0] == 20
        many = await people(world, 100)
        assert (await outcomes([world.delete(view, caller) for view in many]))[0] == 30

    run(tmp_path, test)


@pytest.mark.parametrize(("reach", "allowed"), [("own", 25), ("directory", 50)])
def test_the_accounts_are_those_that_the_connection_may_change(
    tmp_path: Path, reach: str, allowed: int
) -> None:
    async def test(world: World) -> None:
        await asyncio.gather(*(world.create(user(f"other{n}"), world.other()) for n in range(100)))
        caller = limited(world, reach, fuse_percent=25)
        mine = await people(world, 100, caller)
        assert (await outcomes([world.delete(view, caller) for view in mine]))[0] == allowed

    run(tmp_path, test)


def test_what_takes_nothing_away_does_not_count(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=1)
        ann = await world.create(user("ann"), caller)
        bob = await world.create(user("bob", active=False), caller)
        for number in range(3):
            crew = await world.create(group(f"g{number}", ann.row.id), caller)
            await world.delete(crew, caller)
            await world.patch(ann, {"op": "replace", "path": "title", "value": str(number)}, caller=caller)
            await world.patch(ann, ON, caller=caller)
            await world.patch(bob, OFF, caller=caller)
            with pytest.raises(errors.NotFound):
                await world.delete(replace(ann, row=ann.row._replace(id="nobody")), caller)
            stale = world.commands.delete(caller, ann.type, ann.row.id, etag(99))
            with pytest.raises(errors.PreconditionFailed):
                await world.commit(stale, caller)
        await world.patch(ann, OFF, caller=caller)
        assert (await standing(world)).state == "active"
        with pytest.raises(errors.Unavailable):
            await world.delete(bob, caller)
        assert (await standing(world)).state == "paused"

    run(tmp_path, test)


def test_a_window_ends_and_another_connection_has_its_own(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=2, fuse_window=60)
        everyone = await people(world, 6)
        for first in (0, 2):
            await world.delete(everyone[first], caller)
            await world.delete(everyone[first + 1], caller)
            world.time[0] += 60_000
        await world.delete(everyone[4], caller)
        other = world.other()
        other = replace(
            other, connection=replace(other.connection, policy=Policy(limits=Limits(fuse_count=2)))
        )
        theirs = [await world.create(user(f"t{n}"), other) for n in range(3)]
        assert (await outcomes([world.delete(view, other) for view in theirs]))[0] == 2
        await world.delete(everyone[5], caller)
        assert (await standing(world)).state == "active"

    run(tmp_path, test)


def test_a_limit_lowered_meanwhile_tells_what_was_really_lost(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        everyone = await people(world, 10)
        for view in everyone[:5]:
            await world.delete(view, limited(world, fuse_count=9))
        with pytest.raises(errors.Unavailable, match="deleted 5 of 10 accounts"):
            await world.delete(everyone[5], limited(world, fuse_count=2))

    run(tmp_path, test)


def test_resuming_counts_anew(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        caller = limited(world, fuse_count=3)
        everyone = await people(world, 10)
        for expected in (7, 4):
            await outcomes([world.delete(v, caller) for v in everyone if await alive(world, v)])
            assert await live(world) == expected
            await administrator(world).move(caller.connection, "resume", by=BY)

    async def alive(world: World, view: View) -> bool:
        return await world.store.reader(1).get("User", view.row.id) is not None

    run(tmp_path, test)


def test_an_administrators_moves_are_in_force_in_the_next_transaction_and_in_the_feed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        admin, connection = administrator(world), world.caller.connection
        steps = {"pause": errors.Unavailable, "resume": None, "disable": errors.Forbidden, "enable": None}
        for number, (name, error) in enumerate(steps.items()):
            now = await admin.move(connection, name, by=ANN, reason="moving")
            assert await standing(world) == now
            assert (now.by, now.reason, now.since) == ("an administrator (ann)", "moving", world.time[0])
            assert await admin.move(connection, name, by=BY) == now
            if error is None:
                await world.create(user(f"u{number}"))
                continue
            with pytest.raises(error, match=r"by an administrator \(ann\): moving"):
                await world.create(user("refused"))
        told = [(kind, id) for kind, id, _ in await world.events() if kind.startswith("connection.")]
        assert told == [
            (f"connection.{word}", str(connection.id))
            for word in ("paused", "resumed", "disabled", "enabled")
        ]
        with pytest.raises(errors.InvalidValue, match="reason"):
            await admin.move(connection, "pause", by=BY, reason="x" * (MAX_REASON + 1))
        with pytest.raises(LookupError):
            await admin.move(replace(connection, id=99), "pause", by=BY)

    run(tmp_path, test)
