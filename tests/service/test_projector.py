"""A mapping follows every change of users and groups, tells what changed, and ends where anew would end."""

import asyncio
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from service.management import World, run

from rosterd.scim import urns
from rosterd.service import mappings, projector
from rosterd.service.mapping import Rules
from rosterd.service.projector import Projector
from rosterd.testing.scenario import BY
from rosterd.wiring.expressions import Cel
from rosterd.wiring.ids import now
from rosterd.wiring.projecting import Projecting

RULES = Rules(
    (("name", "user.userName"), ("title", "user.title")),
    (("admin", "'Admins' in groups"), ("off", "!active")),
)
ADMINS = {"schemas": [urns.GROUP], "displayName": "Admins"}


async def settle(world: World) -> None:
    while await world.service.projecting.catch_up():
        pass


async def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    """The events of the mapping, as (id, data)."""
    query = {"directory": "acme", "types": "user.mapped", "limit": 1000}
    page = (await world.api.get("/events", params=query)).json()
    return [(event["resource"]["id"], event["data"]) for event in page["events"]]


async def save(world: World, rules: Rules = RULES) -> None:
    reply = await world.api.put("/directories/acme/mapping", json=rules.to_json())
    assert reply.status_code == 200, reply.text
    await settle(world)


async def mapped(world: World, id: str) -> dict[str, Any]:
    reply = await world.api.get(f"/directories/acme/users/{id}/mapped")
    assert reply.status_code == 200, reply.text
    value: dict[str, Any] = reply.json()
    return value


def add(*members: str) -> dict[str, Any]:
    values = [{"value": member} for member in members]
    return {
        "schemas": [urns.PATCH_OP],
        "Operations": [{"op": "add", "path": "members", "value": values}],
    }


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}


def test_new_rules_are_carried_out_for_everybody(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = [(await world.user(f"u{n:03}"))["id"] for n in range(120)]
        await world.group("Admins", *ids[:3])
        await save(world)
        first = await mapped(world, ids[0])
        assert first == {"fields": {"name": "u000"}, "roles": ["admin"]}
        assert [id for id, _ in await told(world)][:100] == ids[:100]
        lines = (await world.api.get("/snapshot", params={"directory": "acme"})).text.splitlines()
        users = [json.loads(line) for line in lines if '"User"' in line and '"attributes"' in line]
        assert [user["mapped"]["fields"]["name"] for user in users] == [f"u{n:03}" for n in range(120)]
        reply = (await world.api.get("/directories/acme/mapping")).json()
        assert (reply["revision"], reply["finished"]) == (1, True)
        await save(world, Rules((), RULES.roles))
        assert (await mapped(world, ids[1])) == {"fields": {}, "roles": ["admin"]}
        await save(world, Rules())
        assert (await mapped(world, ids[1])) == {"fields": {}, "roles": []}

    run(tmp_path, test)


def test_each_change_is_told_once_with_its_cause(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await save(world)
        ann = (await world.user("ann", title="T"))["id"]
        group = (await world.group("Admins", ann))["id"]
        inner = (await world.group("Inner"))["id"]
        await settle(world)
        bob = (await world.user("bob"))["id"]
        await world.scim.patch(f"/Groups/{inner}", json=add(bob))
        await world.scim.patch(f"/Groups/{group}", json=add(inner))
        await settle(world)
        await world.scim.patch(f"/Users/{ann}", json=replace("active", False))
        await settle(world)
        await world.scim.patch(f"/Groups/{group}", json=replace("displayName", "Others"))
        await settle(world)
        await world.scim.delete(f"/Users/{ann}")
        await settle(world)
        assert await told(world) == [
            (ann, {"before": {"roles": []}, "after": {"name": "ann", "title": "T", "roles": ["admin"]}}),
            (bob, {"before": {"roles": []}, "after": {"name": "bob", "roles": ["admin"]}}),
            (ann, {"before": {"roles": ["admin"]}, "after": {"roles": ["admin", "off"]}}),
            (ann, {"before": {"roles": ["admin", "off"]}, "after": {"roles": ["off"]}}),
            (bob, {"before": {"roles": ["admin"]}, "after": {"roles": []}}),
            (ann, {"before": {"name": "ann", "title": "T", "roles": ["off"]}, "after": {"roles": []}}),
        ]
        page = (await world.api.get("/events", params={"directory": "acme"})).json()["events"]
        causes = {event["cause"]["connection"] for event in page if event["type"] == "user.mapped"}
        assert causes == {"okta"}

    run(tmp_path, test)


def test_a_preview_counts_exactly_and_changes_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = [(await world.user(f"u{n}"))["id"] for n in range(5)]
        await world.group("Admins", *ids[:3])
        await save(world, Rules((("name", "user.userName"),)))
        before = len(await told(world))
        rules = {**RULES.to_json()}
        rules["fields"] = [{"name": "name", "value": "user.userName.upper()"}, {"name": "x", "value": "1+''"}]
        reply = await world.api.post("/directories/acme/mapping/preview", json=rules)
        assert reply.status_code == 200, reply.text
        found = reply.json()
        assert found["sentences"] == [
            "This adds role admin to 3 users.",
            "This changes field name of 5 users.",
        ]
        assert (found["users"], found["changed"], found["rolesAdded"]) == (5, 5, {"admin": 3})
        assert [(fault["rule"], fault["users"]) for fault in found["faults"]] == [("x", 5)]
        assert found["samples"][0]["before"] == {"name": "u0", "roles": []}
        assert found["samples"][0]["after"] == {"name": "U0", "roles": ["admin"]}
        await settle(world)
        assert len(await told(world)) == before

    run(tmp_path, test)


def test_rules_that_are_not_valid_change_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        bad = {"fields": [{"name": "x", "value": "1 +"}], "roles": []}
        for method, path in (
            ("PUT", "/directories/acme/mapping"),
            ("POST", "/directories/acme/mapping/preview"),
        ):
            reply = await world.api.request(method, path, json=bad)
            assert reply.status_code == 400, reply.text
            assert "'x'" in reply.json()["detail"]
        assert (await world.api.get("/directories/acme/mapping")).json()["revision"] == 0

    run(tmp_path, test)


def long(rules: int, characters: int) -> Rules:
    """So many roles with conditions of so many characters, which is given to everybody."""
    return Rules((), tuple((f"r{n}", "true".ljust(characters)) for n in range(rules)))


def test_rules_that_are_too_long_together_are_refused_before_they_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []

    async def test(world: World) -> None:
        monkeypatch.setattr(Cel, "compile", lambda self, text: compiled.append(text))
        for method, path in (
            ("PUT", "/directories/acme/mapping"),
            ("POST", "/directories/acme/mapping/preview"),
        ):
            reply = await world.api.request(method, path, json=long(11, 2000).to_json())
            assert reply.status_code == 400, reply.text
            assert "at most 20,000 characters together, not 22,000" in reply.json()["detail"]
        assert compiled == []

    run(tmp_path, test)


def test_longer_rules_of_before_are_carried_out_and_may_be_made_shorter(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        home = await world.service.control.directory("acme")
        assert home is not None
        ann = (await world.user("ann"))["id"]
        before = mappings.Mapped(long(15, 2000), 1, 0, 0)
        await world.service.store.write(home.id, lambda tx: tx.set_mapping(before))
        await settle(world)
        assert len((await mapped(world, ann))["roles"]) == 15
        await save(world, long(15, 2000))
        await save(world, long(14, 2000))
        assert len((await mapped(world, ann))["roles"]) == 14
        reply = await world.api.put("/directories/acme/mapping", json=long(15, 2000).to_json())
        assert reply.status_code == 400

    run(tmp_path, test)


async def happen(world: World, chance: random.Random, users: list[str], groups: list[str]) -> None:
    """One request of an identity provider, whatever comes."""
    group, what = f"/Groups/{chance.choice(groups)}", chance.choice("nnnmmmmigrradx")
    if what == "n" or not users:
        users.append((await world.user(f"u{chance.random()}"))["id"])
    elif what == "m":
        await world.scim.patch(group, json=add(chance.choice(users)))
    elif what == "i":
        await world.scim.patch(f"/Groups/{groups[0]}", json=add(groups[chance.randrange(1, 3)]))
    elif what == "g":
        await world.scim.patch(group, json=replace("displayName", chance.choice(("Admins", "Else"))))
    elif what == "r":
        path = f'members[value eq "{chance.choice([*users, *groups])}"]'
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "remove", "path": path}]}
        await world.scim.patch(group, json=body)
    elif what == "a":
        active = replace("active", chance.random() < 0.5)
        await world.scim.patch(f"/Users/{chance.choice(users)}", json=active)
    elif what == "d":
        await world.scim.delete(f"/Users/{users.pop(chance.randrange(len(users)))}")
    else:
        await world.service.projecting.catch_up()


async def followed(world: World) -> dict[str, dict[str, Any]]:
    """What somebody has who applied the events of the mapping one after the other."""
    held: dict[str, dict[str, Any]] = {}
    for id, data in await told(world):
        value = held.setdefault(id, {"roles": []})
        for name in data["before"]:
            value.pop(name, None)
        value.update(data["after"])
    return held


def test_after_any_history_each_user_is_mapped_as_if_anew(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        chance, users = random.Random(7), list[str]()
        groups = [(await world.group(name))["id"] for name in ("Admins", "Inner", "Others")]
        await save(world)
        for _ in range(200):
            await happen(world, chance, users, groups)
        await settle(world)
        home = await world.service.control.directory("acme")
        assert home is not None
        preview = await world.service.mappings.preview(home, RULES)
        assert (preview.users, preview.sentences()) == (len(users), ["This changes nothing."])
        assert len(users) > 10
        held = await followed(world)
        for id in users:
            value = await mapped(world, id)
            assert held[id] == {**value["fields"], "roles": value["roles"]}

    run(tmp_path, test)


def test_two_projectors_at_once_tell_nothing_twice(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = [(await world.user(f"u{n:03}"))["id"] for n in range(200)]
        home = await world.service.control.directory("acme")
        assert home is not None
        await world.service.mappings.save(home, RULES, by=BY)

        async def work() -> None:
            projector = Projector(world.service.store, Cel(), now)
            while await projector.advance(home.id):
                pass

        await asyncio.gather(work(), work(), work())
        page = await world.api.get(
            "/events", params={"directory": "acme", "types": "user.mapped", "limit": 1000}
        )
        assert [event["resource"]["id"] for event in page.json()["events"]] == ids

    run(tmp_path, test)


def test_a_mapping_at_fault_keeps_no_other_directory_waiting(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        other = await world.service.control.directory("other")
        assert other is not None
        plane = world.service.projecting._plane
        carried = []

        class Faulty(Projector):
            async def advance(self, directory: int) -> bool:
                if directory == 1:
                    raise LookupError("no such rule")
                carried.append(directory)
                return False

        class Two:
            watch = plane.watch

            async def lagging(self, limit: int) -> tuple[int, ...]:
                return (1, 2)[:limit]

        projecting = Projecting(Two(), Faulty(world.service.store, Cel(), now))
        assert await projecting.catch_up()
        assert await projecting.catch_up()
        assert carried == [2, 2]

    run(tmp_path, test)


def test_what_was_made_of_a_deleted_user_goes_though_the_feed_has_forgotten_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await save(world)
        ann = (await world.user("ann"))["id"]
        await world.user("bob")
        await settle(world)
        directory = await world.service.control.directory("acme")
        assert directory is not None
        reader = world.service.store.reader(directory.id)
        assert await reader.projections([ann])
        await world.scim.delete(f"/Users/{ann}")
        before = await reader.mapping()
        assert before is not None
        walk = dataclasses.replace(before, place=(await reader.feed(0, 0)).last, walk=0)
        await world.service.store.write(directory.id, lambda tx: tx.set_mapping(walk))
        await settle(world)
        assert not await reader.projections([ann])

    run(tmp_path, test)


def test_rules_that_go_through_much_are_carried_out_in_smaller_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six users of a hundred entitlements: each rule takes ten thousand steps for one."""

    async def test(world: World) -> None:
        many = [{"value": f"v{number}"} for number in range(100)]
        ids = [(await world.user(f"user{number}", entitlements=many))["id"] for number in range(6)]
        rules = Rules((("count", "user.entitlements.map(e, e.value).size()"),))
        monkeypatch.setattr(projector, "TURN_STEPS", 20_000)
        monkeypatch.setattr(mappings, "TURN_STEPS", 20_000)
        told_of: list[int] = []
        count = mappings._count

        async def counted(reader: Any, mapper: Any, rows: Any, preview: Any) -> None:
            told_of.append(len(rows))
            await count(reader, mapper, rows, preview)

        monkeypatch.setattr(mappings, "_count", counted)
        reply = await world.api.post("/directories/acme/mapping/preview", json=rules.to_json())
        assert reply.json()["changed"] == 6
        assert told_of == [1, 2, 1, 2]
        transactions: list[int] = []
        write = world.service.store.write

        async def written(*arguments: Any) -> Any:
            transactions.append(done := await write(*arguments))
            return done

        monkeypatch.setattr(world.service.store, "write", written)
        await save(world, rules)
        assert [done for done in transactions if isinstance(done, int) and done] == [2, 2, 2]
        assert [(await mapped(world, id))["fields"] for id in ids] == [{"count": 100}] * 6

    run(tmp_path, test)
