"""Security event tokens over HTTP: fetched by RFC 8936, keys for anybody to see, streams by the API."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from delivery.sets import Token, verified
from service import management
from service.management import World, problem, walk

from rosterd.scim import urns
from rosterd.service import set_polls
from rosterd.service.keys import EVENTS_READ
from rosterd.service.set_polls import WINDOW
from rosterd.service.signing_keys import AHEAD, KEEP, MAX_AGE

ISSUER = "https://id.example"
PROV = "urn:ietf:params:scim:event:prov"


def run(path: Path, test: Callable[[World], Awaitable[None]]) -> None:
    management.run(path, test, base_url=ISSUER)


def user(name: str) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name}


async def created(world: World, **stream: Any) -> dict[str, Any]:
    told = {"audience": "https://app.example", "method": "poll", **stream}
    response = await world.api.post("/webhooks", json={"directory": "acme", "stream": told})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def fetched(world: World, id: str, client: httpx.AsyncClient | None = None, **body: Any) -> Any:
    asked = {"returnImmediately": True, **body}
    response = await (client or world.api).post(f"/sets/{id}/poll", json=asked)
    assert response.status_code == 200, response.text
    return response.json()


async def jwks(world: World) -> Any:
    async with httpx.AsyncClient(transport=world.site, base_url=ISSUER) as anybody:
        response = await anybody.get("/.well-known/jwks.json")
    assert response.status_code == 200
    return response.json()


async def tokens(world: World, polled: dict[str, Any]) -> list[Token]:
    keys = await jwks(world)
    found = [verified(text, keys) for text in polled["sets"].values()]
    assert [token.claims["jti"] for token in found] == list(polled["sets"])
    return found


def test_what_an_identity_provider_does_is_fetched_and_acknowledged(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        assert (made["secret"], made["url"], made["stream"]["method"]) == (None, "", "poll")
        ada = await world.user("ada")
        await world.scim.delete(f"/Users/{ada['id']}")
        polled = await fetched(world, made["id"])
        first, second = await tokens(world, polled)
        assert set(first.claims["events"]) == {f"{PROV}:create:full"}
        assert first.claims["sub_id"]["uri"] == f"/Users/{ada['id']}"
        assert f"{PROV}:delete" in second.claims["events"]
        assert any(type.endswith("session-revoked") for type in second.claims["events"])
        assert polled["moreAvailable"] is False
        assert await fetched(world, made["id"], ack=list(polled["sets"])) == {
            "sets": {},
            "moreAvailable": False,
        }

    run(tmp_path, test)


def test_what_was_not_acknowledged_comes_again_under_the_same_id(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        for n in range(3):
            await world.user(f"u{n}")
        lost = await fetched(world, made["id"], maxEvents=2)
        assert lost["moreAvailable"] is True
        again = await fetched(world, made["id"], maxEvents=2)
        told = [[token.claims for token in await tokens(world, polled)] for polled in (lost, again)]
        assert told[0] == told[1]
        rest = await fetched(world, made["id"], ack=list(again["sets"]))
        assert len(rest["sets"]) == 1
        assert not set(rest["sets"]) & set(lost["sets"])

    run(tmp_path, test)


def test_acknowledgements_may_come_in_any_order_and_more_than_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        for n in range(5):
            await world.user(f"u{n}")
        one, two, three, four, five = (await fetched(world, made["id"]))["sets"]
        left = await fetched(world, made["id"], ack=[four, two, two])
        assert list(left["sets"]) == [one, three, five]
        assert list((await fetched(world, made["id"], ack=[one, four]))["sets"]) == [three, five]
        lines = await walk(world.api, f"/webhooks/{made['id']}/lines")
        assert lines[0]["event"] == two.rpartition(".")[2]
        assert list((await fetched(world, made["id"], ack=[three]))["sets"]) == [five]
        assert (await fetched(world, made["id"], ack=[five, one]))["sets"] == {}

    run(tmp_path, test)


def test_what_is_refused_is_a_dead_letter_and_does_not_come_again(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        await world.user("ada")
        await world.user("bob")
        first, second = (await fetched(world, made["id"]))["sets"]
        errs = {
            first: {"err": "invalid_audience", "description": "not us"},
            second: "nonsense",
            "unknown": {"err": "invalid_key"},
        }
        assert (await fetched(world, made["id"], setErrs=errs))["sets"] == {}
        dead = await walk(world.api, f"/webhooks/{made['id']}/dead-letters")
        assert [(one["message"], one["error"]) for one in dead] == [
            (first, "The receiver refused it: invalid_audience: not us"),
            (second, "The receiver refused it: no code"),
        ]

    run(tmp_path, test)


def test_ids_of_nothing_that_was_handed_out_are_ignored(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made, other = await created(world), await created(world)
        await world.user("ada")
        (own,) = (await fetched(world, made["id"]))["sets"]
        strangers = ["", "x", own.replace(made["id"], other["id"]), f"{own}9999", own.replace("-", "--")]
        assert list((await fetched(world, made["id"], ack=strangers))["sets"]) == [own]
        assert len((await fetched(world, other["id"], ack=[own]))["sets"]) == 1

    run(tmp_path, test)


def test_a_poll_without_events_only_acknowledges_and_does_not_wait(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        await world.user("ada")
        (first,) = (await fetched(world, made["id"]))["sets"]
        polled = await fetched(world, made["id"], maxEvents=0, returnImmediately=False, ack=[first])
        assert polled == {"sets": {}, "moreAvailable": False}
        await world.user("bob")
        assert await fetched(world, made["id"], maxEvents=0, returnImmediately=False) == {
            "sets": {},
            "moreAvailable": True,
        }

    run(tmp_path, test)


def test_a_poll_waits_for_what_happens(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        waiting = asyncio.create_task(fetched(world, made["id"], returnImmediately=False))
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        assert not done
        ada = await world.user("ada")
        (token,) = await tokens(world, await waiting)
        assert token.claims["sub_id"]["uri"] == f"/Users/{ada['id']}"

    run(tmp_path, test)


def test_a_poll_that_waits_is_answered_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        monkeypatch.setattr(set_polls, "MAX_WAIT", 0)
        assert await fetched(world, made["id"], returnImmediately=False) == {
            "sets": {},
            "moreAvailable": False,
        }

    run(tmp_path, test)


def test_what_is_kept_beside_the_cursor_is_bounded(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        for start in (0, 550):
            operations = [
                {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(f"u{start + n}")}
                for n in range(550)
            ]
            bulk = {"schemas": [urns.BULK_REQUEST], "Operations": operations}
            assert (await world.scim.post("/Bulk", json=bulk)).status_code == 200
        first, *others = (await fetched(world, made["id"], maxEvents=WINDOW))["sets"]
        assert len(others) == WINDOW - 1
        stuck = await fetched(world, made["id"], maxEvents=WINDOW, ack=others)
        assert (list(stuck["sets"]), stuck["moreAvailable"]) == ([first], True)
        beyond = [f"{first.rpartition('-')[0]}-{seq}" for seq in range(10_000, 11_000)]
        await fetched(world, made["id"], ack=beyond)
        directory = await world.service.control.directory("acme")
        assert directory is not None
        key = set_polls.Key(directory.id, made["id"])
        _, acked = await world.service.control.poll_state(key, 99_999)
        assert len(acked) == WINDOW - 1
        rest = await fetched(world, made["id"], maxEvents=WINDOW, ack=[first])
        assert len(rest["sets"]) == 100
        assert (await world.service.control.poll_state(key, 99_999))[1] == ()

    run(tmp_path, test)


def test_only_types_that_were_asked_for_are_fetched(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world, vocabulary="caep")
        ada = await world.user("ada")
        await world.group("g")
        await world.scim.delete(f"/Users/{ada['id']}")
        (token,) = await tokens(world, await fetched(world, made["id"]))
        assert len(token.claims["events"]) == 1
        change = {"types": ["group.*"], "stream": {"vocabulary": "scim", "detail": "notice"}}
        changed = await world.api.patch(f"/webhooks/{made['id']}", json=change)
        assert changed.json()["stream"]["detail"] == "notice"
        await world.user("bob")
        await world.group("h")
        (token,) = await tokens(world, await fetched(world, made["id"]))
        assert token.claims["events"] == {f"{PROV}:create:notice": {"attributes": ["id", "displayName"]}}

    run(tmp_path, test)


def test_events_that_were_forgotten_are_told_as_lost(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        for n in range(3):
            await world.user(f"u{n}")
        home = await world.service.control.directory("acme")
        assert home is not None
        await world.service.store.write(home.id, lambda tx: tx.forget_events(1 << 60, 2))
        assert len((await fetched(world, made["id"]))["sets"]) == 1
        (line,) = await walk(world.api, f"/webhooks/{made['id']}/lines")
        assert line["lostThrough"] is not None

    run(tmp_path, test)


def test_a_disabled_stream_and_a_webhook_are_not_polled_and_a_polled_one_is_not_sent_to(
    tmp_path: Path,
) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        plain = (await world.api.post("/webhooks", json={"url": "https://app.example/"})).json()
        problem(await world.api.post(f"/sets/{plain['id']}/poll", json={}), 409)
        problem(await world.api.post(f"/webhooks/{made['id']}/test"), 409)
        problem(await world.api.post(f"/webhooks/{made['id']}/replay", json={"failed": True}), 409)
        problem(await world.api.post(f"/webhooks/{made['id']}/secret/rotate", json={}), 409)
        await world.api.post(f"/webhooks/{made['id']}/state", json={"move": "disable"})
        problem(await world.api.post(f"/sets/{made['id']}/poll", json={}), 409)

    run(tmp_path, test)


def test_a_stream_of_another_directory_is_as_one_that_is_not_there(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await created(world)
        await world.user("ada")
        other, own = await world.client("other"), await world.client("acme", scopes=[EVENTS_READ])
        there = problem(await other.post(f"/sets/{made['id']}/poll", json={}), 404)
        missing = problem(await other.post("/sets/nothing/poll", json={}), 404)
        assert there["detail"].replace(made["id"], "nothing") == missing["detail"]
        assert len((await fetched(world, made["id"], own))["sets"]) == 1
        for client in (other, own):
            problem(await client.get("/signing-keys"), 403)
            problem(await client.post("/signing-keys/rotate", json={}), 403)

    run(tmp_path, test)


@pytest.mark.parametrize(
    "body",
    [
        {"stream": {"audience": "a", "method": "poll"}},
        {"directory": "acme", "stream": {"audience": "", "method": "poll"}},
        {"directory": "acme", "stream": {"method": "poll"}},
        {"directory": "acme", "url": "https://a.example/", "stream": {"audience": "a", "method": "poll"}},
        {"directory": "acme", "stream": {"audience": "a", "method": "poll", "authorization": "Bearer x"}},
        {"directory": "acme", "stream": {"audience": "a"}},
        {"url": "https://127.0.0.1/", "stream": {"audience": "a"}},
        {"url": "https://a.example/", "maxEvents": 2, "stream": {"audience": "a"}},
        {},
    ],
)
def test_a_stream_that_cannot_be_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async def test(world: World) -> None:
        problem(await world.api.post("/webhooks", json=body), 400)
        assert await walk(world.api, "/webhooks") == []
        assert await walk(world.api, "/signing-keys") == []

    run(tmp_path, test)


def test_keys_are_listed_rotated_and_published_for_anybody(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await created(world)
        (first,) = await walk(world.api, "/signing-keys")
        assert (first["state"], first["ends"]) == ("signing", None)
        made = (await world.api.post("/signing-keys/rotate", json={"algorithm": "RS256"})).json()
        assert made["state"] == "next"
        problem(await world.api.post("/signing-keys/rotate"), 409)
        listed = await walk(world.api, "/signing-keys", limit=1)
        assert [key["state"] for key in listed] == ["next", "signing"]
        assert [key["kid"] for key in (await jwks(world))["keys"]] == [made["kid"], first["kid"]]
        alone = (await world.api.post("/signing-keys/rotate", json={"atOnce": True})).json()
        assert [key["kid"] for key in (await jwks(world))["keys"]] == [alone["kid"]]
        actions = [e["action"] for e in await walk(world.api, "/audit") if e["action"].startswith("set-key")]
        assert actions == ["set-key.rotated"] * 3

    run(tmp_path, test)


def test_what_receivers_look_up_is_public_and_may_be_kept_for_an_hour(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        async with httpx.AsyncClient(transport=world.site, base_url=ISSUER) as anybody:
            before = await anybody.get("/.well-known/jwks.json")
            assert (before.json(), before.headers["cache-control"]) == ({"keys": []}, "no-store")
            await created(world)
            for path in ("/.well-known/jwks.json", "/.well-known/ssf-configuration"):
                response = await anybody.get(path)
                assert response.headers["cache-control"] == f"public, max-age={MAX_AGE}"
                head = await anybody.head(path)
                assert (head.status_code, head.content) == (200, b"")
                assert (await anybody.post(path)).status_code == 405
            configuration = response.json()
            assert configuration["issuer"] == ISSUER
            assert configuration["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json"
            assert MAX_AGE * 1000 < AHEAD < KEEP

    run(tmp_path, test)


def test_the_setting_of_the_rotation_is_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await created(world)
        changed = await world.api.patch("/settings", json={"signingKeyDays": 1})
        assert changed.json()["signingKeyDays"] == 1
        await world.service.keep_up_keys()
        assert [key["state"] for key in await walk(world.api, "/signing-keys")] == ["next", "signing"]

    run(tmp_path, test)
