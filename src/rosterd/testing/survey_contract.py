"""The contract of the survey, as tests: it all adds up, and a connection in few words is told as in full."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from rosterd.service import health
from rosterd.service.audit import ITSELF
from rosterd.service.connections import FUSE
from rosterd.service.control import Connection, Control, Policy
from rosterd.service.ports import Store
from rosterd.service.registry import Registry
from rosterd.service.removal import Removals
from rosterd.service.request_log import DAY, HOUR, Count, Hour, RequestLog
from rosterd.service.standing import Standing
from rosterd.service.survey import (
    ENDS_SOON,
    EVERYWHERE,
    EXPIRED,
    NEWEST,
    WORKS,
    Range,
    Survey,
    Urgency,
    urgency,
)
from rosterd.service.webhooks import DISABLED, Deliveries, Progress, Webhooks
from rosterd.testing.control_contract import connected, token
from rosterd.testing.scenario import AT, ENTRY, put, retain, scenario
from rosterd.testing.webhook_contract import endpoint

WARNING_DAYS: Final = 30
NOW: Final = AT // HOUR * HOUR + 10 * HOUR + 7
LONG: Final = NOW + 365 * DAY
_THIS: Final = NOW // HOUR


class Plane(Store, Control, Registry, RequestLog, Webhooks, Deliveries, Survey, Removals, Protocol):
    """What the contract looks at."""


# name → its tokens, its standing, requests (hours ago, carried out, failed), and what wants attention
TABLE: Final = {
    "new": ((), None, (), (True, health.NEW)),
    "fine": (({},), None, ((0, 99, 1),), None),
    "idle": (({},), None, (), None),
    "fuse": (({},), ("paused", FUSE), ((0, 1, 0),), (False, health.STOPPED)),
    "paused": (({},), ("paused", "ann"), ((1, 0, 3),), (False, health.FAILING)),
    "rested": (({},), ("paused", "ann"), ((2, 0, 3),), (True, health.STOPPED)),
    "disabled": ((), ("disabled", "ann"), ((0, 0, 3),), None),
    "failing": (({},), None, ((0, 90, 0), (1, 5, 5)), (True, health.FAILING)),
    "broken": (({"expires": NOW + DAY},), None, ((0, 0, 1),), (False, health.FAILING)),
    "yesterday": (({},), None, ((25, 0, 9),), None),
    "expired": (({"expires": NOW}, {"revoked": NOW}), None, ((0, 1, 0),), (False, health.LOCKED_OUT)),
    "ending": (({"expires": NOW + 4 * DAY}, {"revoked": NOW}), None, (), (True, health.ENDING)),
    "replaced": (({"expires": NOW + 4 * DAY, "revoked": NOW + DAY}, {}), None, (), None),
    "quiet": (({"last_used": NOW - 15 * DAY},), None, (), (True, health.QUIET)),
    "quiet in the log": (({"last_used": NOW - 20 * DAY},), None, ((16 * 24, 1, 0),), (True, health.QUIET)),
    "heard": (({"last_used": NOW - 15 * DAY},), None, ((24, 1, 0),), None),
}


class SurveyContract:
    """What every ``Survey`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_connection_in_few_words_is_told_as_in_full(self, plane: Plane) -> None:
        lines = {}
        home = await plane.create_directory("acme", AT, ENTRY)
        for name, (tokens, standing, hours, _) in TABLE.items():
            line = await plane.create_connection(home.id, name.replace(" ", "-"), "auto", Policy(), AT, ENTRY)
            lines[name] = line
            for number, fields in enumerate(tokens):
                made = token(line, f"{name}{number}", created=AT + number, **{"expires": LONG, **fields})
                await plane.create_token(made, ENTRY)
            for ago, ok, failed in hours:
                await requests(plane, line, ago, ok, failed)
            if standing is not None:
                now = Standing(*standing, "a reason", AT)
                await plane.write(home.id, lambda tx, line=line, now=now: tx.set_standing(line.id, now))  # type: ignore[misc]
        sights = {one.connection: one for one in await plane.sights(EVERYWHERE, NOW, WARNING_DAYS)}
        activities = {one.connection: one for one in await plane.activity(home.id, NOW - DAY)}
        for name, (*_, wanted) in TABLE.items():
            sight = sights.get(lines[name].id)
            assert (sight and urgency(sight, NOW)) == wanted, name
            full = await plane.connection(home.id, lines[name].name)
            assert full is not None
            newest = await plane.token_page(home.id, full.id, None, NEWEST)
            facts = health.Facts(full, activities.get(full.id), newest, NOW, WARNING_DAYS)
            assert min(told(facts), default=None) == wanted, name
            if sight is None:
                continue
            assert (sight.directory, sight.home, sight.name) == (home.id, "acme", lines[name].name)
            short = health.Facts(full, sight.activity(NOW), newest, NOW, WARNING_DAYS)
            assert told(short) == told(facts), name

    @scenario
    async def test_the_newest_tokens_of_a_connection_are_looked_at(self, plane: Plane) -> None:
        _, okta = await connected(plane)

        async def best() -> int | None:
            found = await plane.sights(EVERYWHERE, NOW, WARNING_DAYS)
            return found[0].tokens if found else WORKS

        assert await best() is None
        for made, wanted in (
            (token(okta, "a", created=1, expires=NOW), EXPIRED),
            (token(okta, "b", created=2, expires=LONG), WORKS),
            (token(okta, "c", created=3, expires=NOW + DAY, client=None), ENDS_SOON),
        ):
            await plane.create_token(made, ENTRY)
            assert await best() == wanted
        assert await plane.sights(EVERYWHERE, NOW, 0) == (), "nobody is warned"
        for number in range(NEWEST):
            await plane.create_token(token(okta, f"n{number}", created=9, expires=NOW), ENTRY)
        assert await best() == EXPIRED

    @scenario
    async def test_what_there_is_adds_up_over_directories_or_of_one(self, plane: Plane) -> None:
        acme, okta = await connected(plane)
        zoo, other = await connected(plane, "zoo")
        empty = await plane.create_directory("empty", AT, ENTRY)
        for home, name, line in ((acme, "a", okta), (acme, "b", okta), (acme, "c", okta), (zoo, "d", other)):
            made = await plane.write(home.id, put({"userName": name}, name, connection=line.id))
            if name == "c":
                await plane.write(home.id, retain(made))
        await plane.write(zoo.id, put({"displayName": "g"}, "g", kind="Group", connection=other.id))
        for line, ago, ok, failed in ((okta, 0, 5, 1), (okta, 3, 2, 0), (other, 0, 10, 0), (other, 24, 7, 7)):
            await requests(plane, line, ago, ok, failed)
        whole, own, none = EVERYWHERE, Range(zoo.id, zoo.id), Range(empty.id, empty.id)
        counted = [await plane.sums(of) for of in (whole, own, none)]
        assert [(one.directories, one.connections, one.users, one.groups) for one in counted] == [
            (3, 2, 3, 1),
            (1, 1, 1, 1),
            (1, 0, 0, 0),
        ]
        since = _THIS - 24
        assert await plane.hours(whole, since) == (
            Hour((_THIS - 3) * HOUR, 2, 0),
            Hour(_THIS * HOUR, 15, 1),
        )
        assert await plane.hours(own, since) == (Hour(_THIS * HOUR, 10, 0),)
        assert await plane.hours(whole, since, 1) == await plane.hours(Range(acme.id, acme.id), since)
        assert await plane.hours(none, since) == ()
        assert [one.name for one in await plane.sights(own, NOW, WARNING_DAYS)] == ["okta"]
        assert [one.home for one in await plane.sights(whole, NOW, WARNING_DAYS, 1)] == ["acme"]
        await plane.remove_directory(zoo.id, NOW, replace(ENTRY, directory=zoo.id))
        left = await plane.sums(whole)
        assert (left.directories, left.connections, left.users, left.groups) == (2, 1, 2, 0)
        assert await plane.hours(whole, since) == await plane.hours(Range(acme.id, acme.id), since)
        assert await plane.sights(own, NOW, WARNING_DAYS) == ()

    @scenario
    async def test_webhooks_that_nobody_stopped_are_found(self, plane: Plane) -> None:
        acme, _ = await connected(plane)
        zoo, _ = await connected(plane, "zoo")
        itself = str(ITSELF)
        for id, home in (("all", None), ("given up", acme.id), ("stopped", acme.id), ("of zoo", zoo.id)):
            await plane.create_webhook(endpoint(id, home), ENTRY)
        await plane.create_webhook(endpoint("fine"), ENTRY)
        itself = str(ITSELF)
        for id, by in (("given up", itself), ("stopped", "ann")):
            await plane.move_webhook(id, Standing(DISABLED, by, "", NOW), ENTRY)
        await plane.note_progress(Progress("w", NOW, health={"all": NOW, "stopped": NOW, "of zoo": NOW}))
        for of, whole, limit, wanted in (
            (EVERYWHERE, True, 9, ("all", "given up", "of zoo")),
            (EVERYWHERE, True, 2, ("all", "given up")),
            (Range(zoo.id, zoo.id), True, 9, ("all", "of zoo")),
            (Range(zoo.id, zoo.id), False, 9, ("of zoo",)),
        ):
            assert await plane.troubled_webhooks(of, whole, itself, limit) == wanted


def told(facts: health.Facts) -> list[Urgency]:
    """What a connection's page tells of it."""
    return [(concern.tone != health.BAD, concern.rank) for concern in health.concerns(facts)]


async def requests(plane: Plane, line: Connection, ago: int, ok: int, failed: int) -> None:
    """Count requests of some hours ago."""
    at = NOW - ago * HOUR
    count = Count(ok, failed, at if ok else 0, at if failed else 0)
    await plane.add_exchanges((), {(line.directory, line.id, at // HOUR): count})
