"""What ends soon is marked in the API's lists and told once in the feed, however many processes look."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from service.management import World, run, walk

from rosterd.service.expiry import DAY
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring.ids import now

AT = "/directories/acme/connections/okta"


async def token(world: World, id: str, *, days: int, **fields: Any) -> None:
    """A token of ``okta`` that was made long ago and ends in a few days and an hour."""
    home = await world.service.control.directory("acme")
    assert home is not None
    connection = await world.service.control.connection(home.id, "okta")
    assert connection is not None
    made, _ = world.service.tokens.make(home.id, connection.id, label=id)
    at = now()
    fields = {"created": at - 300 * DAY, "expires": at + days * DAY + DAY // 24, **fields}
    await world.service.control.create_token(replace(made, id=id, **fields), ENTRY)


async def told(world: World) -> list[tuple[str, int]]:
    feed = (await world.api.get("/events", params={"directory": "acme", "types": "token.*"})).json()
    return [(e["data"]["token"], e["data"]["days"]) for e in feed["events"]]


def test_a_token_is_announced_once_for_each_threshold(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await token(world, "far", days=31)
        await token(world, "month", days=29)
        await token(world, "week", days=6)
        await token(world, "young", days=29, created=now())
        await token(world, "replaced", days=6, revoked=now() + DAY)
        await world.service.announce_expiry()
        assert sorted(await told(world)) == [("month", 30), ("week", 7)]
        await world.service.announce_expiry()
        assert len(await told(world)) == 2

        (event, _) = (
            await world.api.get("/events", params={"directory": "acme", "types": "token.*"})
        ).json()["events"]
        assert event["data"]["connection"] == "okta"
        assert set(event["data"]) == {"connection", "token", "label", "expires", "days"}

    run(tmp_path, test)


def test_the_setting_says_how_long_before(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await token(world, "month", days=29)
        await token(world, "days", days=2)
        await world.api.patch("/settings", json={"tokenWarningDays": 3})
        await world.service.announce_expiry()
        assert await told(world) == [("days", 3)]
        listed = {t["id"]: t["expiresSoon"] for t in await walk(world.api, f"{AT}/tokens")}
        assert (listed["month"], listed["days"]) == (False, True)
        await world.api.patch("/settings", json={"tokenWarningDays": 0})
        await token(world, "now", days=0)
        await world.service.announce_expiry()
        assert len(await told(world)) == 1

    run(tmp_path, test)


def test_lists_mark_what_somebody_must_replace(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await token(world, "month", days=29)
        await token(world, "year", days=365)
        made = (await world.api.post(f"{AT}/clients", json={})).json()
        assert made["expiresSoon"] is False
        home = await world.service.control.directory("acme")
        client = await world.service.control.client(made["id"])
        assert home is not None
        assert client is not None
        await world.service.clients.issue(client)
        tokens = await walk(world.api, f"{AT}/tokens")
        assert {t["id"] for t in tokens if t["expiresSoon"]} == {"month"}
        rotated = await world.api.post(f"{AT}/clients/{made['id']}/rotate", json={"overlap": 3600})
        assert rotated.json()["expiresSoon"] is True
        await world.service.keys.create(label="short", lifetime=3600, by=BY)
        keys = await walk(world.api, "/keys")
        assert {k["label"] for k in keys if k["expiresSoon"]} == {"short"}

    run(tmp_path, test)
