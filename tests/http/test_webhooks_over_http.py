"""Webhooks by the management API: endpoints, secrets, states, what became of messages, and whose they are."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from delivery.receiving import Receiver, receiver
from service.management import BODIES, World, fill, label, problem, run, walk
from standardwebhooks import Webhook

from rosterd.http.api.route import ApiRoute
from rosterd.http.api.routes import ROUTES

OF_ONE = [route for route in ROUTES if "{webhook}" in route.template]
URL = "https://app.example/hooks"


async def created(world: World, **body: Any) -> dict[str, Any]:
    response = await world.api.post("/webhooks", json={"url": URL, **body})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def test_an_endpoint_is_made_read_changed_and_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world, directory="acme", label="app", types=["user.*"], maxEvents=10, maxWait=5)
        assert made.pop("secret").startswith("whsec_")
        assert made["state"]["is"] == "enabled"
        assert made["failingSince"] is None
        one = f"/webhooks/{made['id']}"
        assert (await world.api.get(one)).json() == made
        assert await walk(world.api, "/webhooks", limit=1) == [made]
        changed = (await world.api.patch(one, json={"types": [], "label": "new"})).json()
        assert changed == made | {"types": [], "label": "new"}
        assert (await world.api.delete(one)).status_code == 204
        problem(await world.api.get(one), 404)

    run(tmp_path, test)


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://app.example/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://2130706433/"},
        {"url": "https://localhost/"},
        {"url": "nonsense"},
        {"types": ["user.gone"]},
        {"scheme": "v2"},
        {"maxEvents": 0},
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async def test(world: World) -> None:
        problem(await world.api.post("/webhooks", json={"url": URL, **body}), 400)
        assert await walk(world.api, "/webhooks") == []

    run(tmp_path, test)


def test_a_secret_is_shown_once_and_changed_with_an_overlap(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        one = f"/webhooks/{made['id']}"
        rotated = (await world.api.post(f"{one}/secret/rotate", json={"overlap": 60, "scheme": "v1a"})).json()
        assert rotated["secret"].startswith("whpk_")
        new, old = rotated["secrets"]
        assert (new["scheme"], new["expires"], new["publicKey"]) == ("v1a", None, rotated["secret"])
        assert old["scheme"] == "v1"
        assert old["expires"] is not None
        text = (await world.api.get(one)).text
        assert made["secret"] not in text
        assert "sealed" not in text

    run(tmp_path, test)


async def delivering(world: World, hook: Receiver, count: int) -> None:
    """Deliver until so many messages have come."""
    async with world.service.delivery.running():
        await hook.until(count)


def test_what_an_identity_provider_does_comes_signed_and_the_log_shows_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with receiver() as hook:
            made = await created(world, url=hook.url, directory="acme")
            one = f"/webhooks/{made['id']}"
            user = await world.user("ann")
            await delivering(world, hook, 1)
            event = Webhook(made["secret"]).verify(hook.got[0].body, dict(hook.got[0].headers))
            assert (event["type"], event["resource"]["id"]) == ("user.created", user["id"])
            (logged,) = await walk(world.api, f"{one}/deliveries")
            assert (logged["status"], logged["error"], logged["attempt"]) == (200, "", 1)
            assert logged["firstEvent"] == event["id"]
            detail = (await world.api.get(f"{one}/deliveries/{logged['id']}")).json()
            assert detail["request"]["body"] == hook.got[0].body.decode()
            assert (
                detail["request"]["headers"]["webhook-signature"] == hook.got[0].headers["webhook-signature"]
            )
            assert detail["reply"]["body"] == "noted"
            (line,) = await walk(world.api, f"{one}/lines")
            assert (line["directory"], line["behind"], line["event"]) == ("acme", 0, event["id"])
            assert await walk(world.api, f"{one}/deliveries", failed="true") == []

    run(tmp_path, test, egress_allow="127.0.0.0/8")


def test_a_test_tells_what_came_of_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with receiver() as hook:
            made = await created(world, url=hook.url)
            hook.answer = 418
            told = (await world.api.post(f"/webhooks/{made['id']}/test")).json()
            assert (told["status"], told["kind"], told["directory"]) == (418, "test", None)
            assert told["request"]["body"] == hook.got[0].body.decode()
            assert hook.got[0].json["type"] == "webhook.test"

    run(tmp_path, test, egress_allow="127.0.0.0/8")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, [1, 2, 3]),
        ({"event": 2}, [2]),
        ({"first": 2}, [2, 3]),
        ({"last": 2}, [1, 2]),
        ({"first": 1, "last": 2}, [1, 2]),
        ({"since": "2020-01-01T00:00:00Z"}, [1, 2, 3]),
    ],
)
def test_events_are_sent_once_more(tmp_path: Path, body: dict[str, Any], wanted: list[int]) -> None:
    async def test(world: World) -> None:
        ids = [(await world.user(f"u{n}"))["id"] for n in range(3)]
        events = (await world.api.get("/events", params={"directory": "acme"})).json()["events"]
        given = {k: events[v - 1]["id"] if isinstance(v, int) else v for k, v in body.items()}
        async with receiver() as hook:
            made = await created(world, url=hook.url, directory="acme")
            response = await world.api.post(f"/webhooks/{made['id']}/replay", json=given)
            assert response.status_code == 202, response.text
            await delivering(world, hook, len(wanted))
            assert [got.json["resource"]["id"] for got in hook.got] == [ids[n - 1] for n in wanted]

    run(tmp_path, test, egress_allow="127.0.0.0/8")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"event": "99-1"}, 400),
        ({"first": "1-99"}, 400),
        ({"since": "2999-01-01T00:00:00Z"}, 400),
        ({"since": "yesterday"}, 400),
        ({"event": "x"}, 400),
        ({"directory": "other"}, 400),
        ({"directory": "wherever"}, 404),
    ],
)
def test_a_replay_of_what_is_not_there_is_refused(tmp_path: Path, body: dict[str, Any], status: int) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        made = await created(world, directory="acme")
        problem(await world.api.post(f"/webhooks/{made['id']}/replay", json=body), status)

    run(tmp_path, test)


def test_no_more_than_a_hundred_replays_wait(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.user("ann")
        made = await created(world, directory="acme")
        replay = f"/webhooks/{made['id']}/replay"
        for _ in range(100):
            assert (await world.api.post(replay)).status_code == 202
        problem(await world.api.post(replay), 409)

    run(tmp_path, test)


def test_a_state_says_who_and_why(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        one = f"/webhooks/{made['id']}/state"
        state = (await world.api.post(one, json={"move": "disable", "reason": "moving"})).json()["state"]
        assert (state["is"], state["by"], state["reason"]) == ("disabled", "API key 'all'", "moving")
        assert (await world.api.post(one, json={"move": "enable"})).json()["state"]["is"] == "enabled"

    run(tmp_path, test)


def test_a_bound_key_makes_and_sees_webhooks_of_its_directory_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await created(world)
        await created(world, directory="other")
        bound = await world.client("acme")
        assert await walk(bound, "/webhooks") == []
        made = (await bound.post("/webhooks", json={"url": URL})).json()
        assert made["directory"] == "acme"
        problem(await bound.post("/webhooks", json={"url": URL, "directory": "other"}), 404)
        assert [each["id"] for each in await walk(bound, "/webhooks")] == [made["id"]]

    run(tmp_path, test)


@pytest.mark.parametrize("route", OF_ONE, ids=label)
def test_a_webhook_of_another_directory_is_as_one_that_is_not_there(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        ids = await fill(world)
        everybodys = (await created(world))["id"]
        bound = await world.client("acme")
        (tested,) = await walk(world.api, f"/webhooks/{ids['webhook']}/deliveries")
        path = route.template.replace("{delivery}", str(tested["id"]))
        told = []
        for webhook in (ids["webhook"], everybodys, "nothing"):
            asked = path.replace("{webhook}", webhook)
            response = await bound.request(route.method, asked, json=BODIES.get(label(route), {}))
            told.append(problem(response, 404)["detail"].replace(webhook, "ID"))
        assert len(set(told)) == 1
        own = path.replace("{webhook}", ids["webhook"])
        response = await world.api.request(route.method, own, json=BODIES.get(label(route), {}))
        assert response.status_code < 300, response.text

    run(tmp_path, test)


def test_a_server_that_leaves_delivery_to_others_sends_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with receiver() as hook:
            made = await created(world, url=hook.url, directory="acme")
            await world.user("ann")
            async with world.service.delivery.running():
                await asyncio.sleep(0)
            assert hook.got == []
            (line,) = await walk(world.api, f"/webhooks/{made['id']}/lines")
            assert line["behind"] > 0

    run(tmp_path, test, egress_allow="127.0.0.0/8", delivery="off")
