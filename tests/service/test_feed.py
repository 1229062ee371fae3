"""The feed over real changes: documents, cursors, filters, waiting, following, snapshots, retention."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from service.world import GROUP, USER, World, group, run, user

from rosterd.scim import errors
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service import feed as feeds
from rosterd.service.changes import EVENTS, MEMBERS_PER_EVENT
from rosterd.service.connection_removal import ConnectionRemoval
from rosterd.service.connections import Connections
from rosterd.service.control import Policy
from rosterd.service.feed import Feed, Page, Want, parse_types
from rosterd.service.standing import MOVES
from rosterd.testing.scenario import BY, ENTRY

SECRET = b"s" * 32


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


def feed_of(world: World, now: Any = milliseconds) -> Feed:
    return Feed(world.store, world.store, now, SECRET)


async def everything(feed: Feed, world: World, want: Want = Want(limit=3)) -> list[dict[str, Any]]:  # noqa: B008
    """All documents, page by page, each page begun from the cursor of the one before."""
    home, found, cursor = world.caller.directory, [], None
    while True:
        page, _ = await feed.page(home, await feed.place(home, cursor), want)
        found += page.events
        cursor = page.next
        if not page.more:
            return found


ELSEWHERE = {"directory.restored", "user.erased", "user.mapped", "token.expiring", "webhook.disabled"}
"""What happens in the tests of backups, erasure, the projector, expiry and webhooks."""


async def every_change(world: World) -> None:
    """One change of each kind there is."""
    await world.create(group("waiting", "ann"))
    ann = await world.create(user("ann", "00u1"))
    await world.patch(ann, {"op": "replace", "path": "title", "value": "Boss"})
    await world.patch(ann, {"op": "replace", "path": "active", "value": False})
    await world.patch(ann, {"op": "replace", "path": "active", "value": True})
    team = await world.create(group("team", ann.row.id))
    await world.patch(team, {"op": "remove", "path": f'members[value eq "{ann.row.id}"]'})
    await world.patch(team, {"op": "replace", "path": "displayName", "value": "crew"})
    await world.delete(team)
    await world.delete(ann)
    await world.create(user("ann", "00u1"))
    connections = Connections(world.store, world.store, lambda: 1)
    for move in MOVES:
        await connections.move(world.caller.connection, move, by=BY)
    line = await world.store.create_connection(world.caller.directory.id, "new", "auto", Policy(), 1, ENTRY)
    await ConnectionRemoval(world.store, connections, lambda: 1).remove(world.caller.directory, line, by=BY)


def test_the_reference_lists_exactly_the_events_that_happen(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await every_change(world)
        assert {kind for kind, *_ in await world.events()} == set(EVENTS) - ELSEWHERE

    run(tmp_path, test)


def test_an_event_document(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "00u1", title="Boss"))
        await world.patch(ann, {"op": "replace", "path": "title", "value": "Chief"})
        documents = await everything(feed_of(world), world)
        assert documents[1] == {
            "id": "1-2",
            "type": "user.updated",
            "schemaVersion": 1,
            "directory": "default",
            "time": documents[1]["time"],
            "resource": {"type": "User", "id": ann.row.id},
            "cause": {"connection": "default", "requestId": "req"},
            "data": {"before": {"title": "Boss"}, "after": {"title": "Chief"}},
        }
        assert documents[1]["time"].startswith("2027-01-15T") and documents[1]["time"].endswith("Z")
        assert documents[0]["data"]["after"]["externalId"] == "00u1"
        json.dumps(documents)

    run(tmp_path, test)


def test_deactivation_and_deletion_end_sessions_and_nothing_else_does(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await every_change(world)
        documents = await everything(feed_of(world), world)
        ending = {event["type"] for event in documents if "sessions" in event["data"]}
        assert ending == {"user.deactivated", "user.deleted"}
        assert all(event["data"].get("sessions", "revoke") == "revoke" for event in documents)

    run(tmp_path, test)


def test_pages_give_every_event_once_in_order_for_every_limit_and_filter(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await every_change(world)
        kinds = [kind for kind, *_ in await world.events()]
        feed = feed_of(world)
        for limit in (1, 2, 1000):
            for types in ("", "*", "user.*", "group.member_*", "user.deleted,group.created", "device.*"):
                found = await everything(feed, world, Want(parse_types(types), limit))
                wanted = [
                    kind
                    for kind in kinds
                    if not types
                    or any(
                        kind == one or (one[-1] == "*" and kind.startswith(one[:-1]))
                        for one in types.split(",")
                    )
                ]
                assert [event["type"] for event in found] == wanted, (limit, types)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("", ()),
        ("user.created", ("user.created",)),
        (" user.* , group.member_added,user.*", ("user.*", "group.member_added")),
        ("*", ("*",)),
        ("device.updated", ("device.updated",)),
        ("group.member_*", ("group.member_*",)),
    ],
)
def test_types_are_read(text: str, patterns: tuple[str, ...]) -> None:
    assert parse_types(text) == patterns


@pytest.mark.parametrize(
    "text",
    ["user", "user.create", "user.crated", "user.x*", "*.created", "User.created", "user.[a-z]*", "user.?",
     "user.paused", "user.member_*", "group.activated", "group.mapped",
     "user.created user.deleted", ",".join(f"a{n}.created" for n in range(21))],
)  # fmt: skip
def test_types_that_no_event_has_are_refused(text: str) -> None:
    with pytest.raises(errors.InvalidValue, match="types: "):
        parse_types(text)


def test_a_cursor_opens_in_its_directory_only_and_after_a_restart(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.create(user("ann"))
        home = world.caller.directory
        other = await world.store.create_directory("other", 1, ENTRY)
        cursor = (await feed_of(world).page(home, 0, Want()))[0].next
        assert await feed_of(world).place(home, cursor) == 1
        assert await feed_of(world).place(home, "now") == 1
        assert await feed_of(world).place(home, None) == 0
        with pytest.raises(errors.InvalidCursor):
            await feed_of(world).place(other, cursor)
        for wrong in ("x", cursor[:-2], cursor + "A", "0", "Now"):
            with pytest.raises(errors.InvalidCursor):
                await feed_of(world).place(home, wrong)

    run(tmp_path, test)


def test_a_cursor_of_what_is_not_kept_or_not_there_is_gone(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for n in range(5):
            await world.create(user(f"u{n}"))
        home, day = world.caller.directory, 86_400_000
        late = feed_of(world, lambda: world.time[0] + 2 * day)
        first, last = late.cursor(home, 1), late.cursor(home, 5)
        assert await late.forget(3) == 0
        assert await late.forget(1) == 5
        for cursor in (first, late.cursor(home, 4), late.cursor(home, 99)):
            with pytest.raises(errors.Gone, match="snapshot"):
                await late.place(home, cursor)
        with pytest.raises(errors.Gone):
            await late.page(home, 1, Want())
        assert await late.place(home, None) == await late.place(home, last) == 5
        await world.create(user("later"))
        assert [e["id"] for e in (await late.page(home, 5, Want()))[0].events] == ["1-6"]

    run(tmp_path, test)


def test_a_wait_ends_with_the_first_event_that_is_wanted(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        feed, home = feed_of(world), world.caller.directory
        waiting = asyncio.create_task(feed.page(home, 0, Want(parse_types("group.*"), wait=30)))
        await asyncio.sleep(0.05)
        await world.create(user("ann"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        began = time.monotonic()
        await world.create(group("team"))
        page, _ = await asyncio.wait_for(waiting, 5)
        assert [event["type"] for event in page.events] == ["group.created"]
        assert time.monotonic() - began < 0.9
        began = time.monotonic()
        page, _ = await feed.page(home, 2, Want(wait=1))
        assert not page.events and 0.9 < time.monotonic() - began < 3

    run(tmp_path, test)


def test_a_follower_is_given_heartbeats_and_ends_when_the_server_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT", 1)

    async def test(world: World) -> None:
        stopping = asyncio.Event()
        feed = Feed(world.store, world.store, milliseconds, SECRET, stopping.is_set)
        pages: asyncio.Queue[Page] = asyncio.Queue()

        async def follow() -> None:
            async for page in feed.follow(world.caller.directory, 0, ("user.*",)):
                pages.put_nowait(page)

        task = asyncio.create_task(follow())
        await world.create(group("team"))
        beat = await asyncio.wait_for(pages.get(), 5)
        assert not beat.events
        assert await feed.place(world.caller.directory, beat.next) == 1, "it moves over what is filtered out"
        await world.create(user("ann"))
        while not (page := await asyncio.wait_for(pages.get(), 5)).events:
            pass
        assert [event["type"] for event in page.events] == ["user.created"]
        stopping.set()
        await asyncio.wait_for(task, 3)

    run(tmp_path, test)


def test_a_snapshot_is_complete_consistent_and_goes_on_in_the_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SNAPSHOT_ROWS", 3)
    monkeypatch.setattr(feeds, "SNAPSHOT_MEMBERS", 2)

    async def test(world: World) -> None:
        people = [await world.create(user(f"u{n}", f"x{n}")) for n in range(7)]
        team = await world.create(group("team", *(p.row.id for p in people[:5]), "nobody-yet"))
        await world.create(group("empty"))
        await world.delete(people[6])
        feed, home = feed_of(world), world.caller.directory
        records: list[dict[str, Any]] = []
        async for portion in feed.snapshot(home, CORE_MODEL):
            if not records:
                await world.create(user("too late"))
                await world.patch(team, {"op": "remove", "path": "members"})
                await world.delete(people[0])
            records += portion
        assert [r["record"] for r in records[:2]] == ["snapshot", "resource"]
        resources = [r for r in records if r["record"] == "resource"]
        assert [r["attributes"].get("userName") or r["attributes"]["displayName"] for r in resources] == [
            *(f"u{n}" for n in range(6)), "team", "empty",
        ]  # fmt: skip
        assert resources[0]["resource"] == {"type": USER.name, "id": people[0].row.id}
        assert resources[0]["attributes"]["externalId"] == "x0"
        assert resources[6]["resource"]["type"] == GROUP.name
        members = [r for r in records if r["record"] == "members"]
        assert [len(r["members"]) for r in members] == [2, 2, 1]
        assert {m["id"] for r in members for m in r["members"]} == {p.row.id for p in people[:5]}
        assert [len(r["values"]) for r in records if r["record"] == "pending"] == [1]
        assert records[-1] == {"record": "end", "resources": 8, "members": 5, "pending": 1}
        page, _ = await feed.page(home, await feed.place(home, records[0]["cursor"]), Want())
        assert [event["type"] for event in page.events] == [
            "user.created", "group.member_removed", "user.deleted",
        ]  # fmt: skip

    run(tmp_path, test)


def test_snapshots_are_limited_in_number_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rosterd.service.ports import StoreUnavailable
    from rosterd.store import snapshot

    monkeypatch.setattr(snapshot, "OPEN_SECONDS", 0.2)

    async def test(world: World) -> None:
        await world.create(user("ann"))
        feed, home = feed_of(world), world.caller.directory
        begun = [feed.snapshot(home, CORE_MODEL) for _ in range(snapshot.MOST)]
        for each in begun:
            await anext(each)
        with pytest.raises(StoreUnavailable, match="too many"):
            await anext(feed.snapshot(home, CORE_MODEL))
        await anext(begun[0])
        await begun[0].aclose()
        last = feed.snapshot(home, CORE_MODEL)
        await anext(last)
        await asyncio.sleep(0.3)
        await anext(feed.snapshot(home, CORE_MODEL))
        for each in (*begun[1:], last):
            with pytest.raises(StoreUnavailable, match="over"):
                await anext(each)

    run(tmp_path, test)


def test_many_members_make_several_events_that_add_up(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [f"p{n}" for n in range(MEMBERS_PER_EVENT + 1)]
        await world.create(group("large", *people))
        added = [e for e in await everything(feed_of(world), world) if e["type"] == "group.member_added"]
        assert [p for e in added for p in e["data"]["pending"]] == people

    run(tmp_path, test)
