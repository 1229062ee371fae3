"""The feed over HTTP, in process: pages, long-poll, who may read, cursors, event streams, snapshots."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterd.http.api.feed import EVENT_STREAM, JSON_LINES
from rosterd.scim import urns
from rosterd.service.events import Event
from rosterd.service.feed import FOLLOW_LIMIT, Want
from rosterd.service.ports import Writer
from rosterd.store.snapshot import MOST
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Service, Settings, open_service
from rosterd.wiring.ids import now

Test = Callable[["World"], Awaitable[None]]


class World:
    """The site in process: a client for SCIM and one for the feed, whose key is bound to the directory."""

    def __init__(self, service: Service, scim: httpx.AsyncClient, key: str) -> None:
        self.service = service
        self.scim = scim
        self.key = key

    async def post(self, name: str) -> str:
        response = await self.scim.post("/Users", json={"schemas": [urns.USER], "userName": name})
        assert response.status_code == 201, response.text
        id: str = response.json()["id"]
        return id

    async def get(self, path: str, key: str | None = None, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return await self.scim.get(f"http://sp.example/api/v1{path}", params=query, headers=headers)

    async def page(self, **query: Any) -> dict[str, Any]:
        response = await self.get("/events", **query)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        assert set(body) == {"events", "next", "more"}
        return body

    async def refused(self, status: int, path: str = "/events", key: str | None = None, **query: Any) -> str:
        response = await self.get(path, key, **query)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        detail: str = response.json()["detail"]
        return detail


class Stream:
    """A GET whose body is taken chunk by chunk: ``send`` waits, as a server does for a slow client."""

    def __init__(self, world: World, path: str, query: str = "", **headers: str) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.offered = 0
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._gone = asyncio.Event()
        raw = {"authorization": f"Bearer {world.key}", "host": "sp.example", **headers}
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api/v1{path}",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in raw.items()],
        }
        self.task = asyncio.create_task(world.service.http.site(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        elif message["body"]:
            self.offered += 1
            await self._chunks.put(message["body"])

    async def chunk(self) -> str:
        return (await asyncio.wait_for(self._chunks.get(), 5)).decode()

    async def events(self, count: int) -> list[dict[str, Any]]:
        """The next ``count`` events; each frame is checked."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += frames(await self.chunk())
        assert len(found) == count
        return found

    async def leave(self) -> None:
        self._gone.set()
        while not self.task.done():
            while not self._chunks.empty():
                self._chunks.get_nowait()
            await asyncio.wait((self.task,), timeout=0.05)
        await self.task


def frames(text: str) -> list[dict[str, Any]]:
    """The events in a piece of an event stream, with the cursor behind each as ``cursor``."""
    found = []
    assert text.endswith("\n\n")
    for frame in text.removesuffix("\n\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if not line.startswith(":"))
        if "data" not in lines:
            continue
        assert list(lines) == ["id", "event", "data"]
        event = json.loads(lines["data"])
        assert event["type"] == lines["event"]
        found.append({**event, "cursor": lines["id"]})
    return found


def run(path: Path, test: Test) -> None:
    async def main() -> None:
        async with open_service(Settings(data=path / "data")) as service:
            first = await service.setup()
            assert first is not None
            _, key = await service.keys.create(directory=first.directory.id, scopes=("events.read",), by=BY)
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(service.http.site),
                base_url="http://sp.example/scim/v2",
                headers={"Authorization": f"Bearer {first.token_text}"},
            ) as client:
                await test(World(service, client, key))

    asyncio.run(main())


def test_pages_go_on_from_one_another(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = [await world.post(f"u{n}") for n in range(5)]
        found, cursor, more = [], "", True
        while more:
            body = await world.page(limit=2, after=cursor)
            found += body["events"]
            cursor, more = body["next"], body["more"]
        assert [event["resource"]["id"] for event in found] == ids
        assert [event["id"] for event in found] == [f"1-{n}" for n in range(1, 6)]
        assert {event["cause"]["connection"] for event in found} == {"default"}
        body = await world.page(after=cursor)
        assert (body["events"], body["more"]) == ([], False)
        assert (await world.page(after="now"))["events"] == []
        assert len((await world.page(types="user.*"))["events"]) == 5
        assert (await world.page(types="group.*"))["events"] == []

    run(tmp_path, test)


def test_a_long_poll_is_answered_by_the_event(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        waiting = asyncio.create_task(world.page(after="now", wait=30))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        began = time.monotonic()
        id = await world.post("ann")
        body = await asyncio.wait_for(waiting, 5)
        assert [event["resource"]["id"] for event in body["events"]] == [id]
        assert time.monotonic() - began < 0.9
        waiting = asyncio.create_task(world.page(after=body["next"], wait=30))
        await asyncio.sleep(0.1)
        world.service.http.api.stop()
        assert (await asyncio.wait_for(waiting, 5))["events"] == [], "the server stops"

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"wait": 31}, "wait"),
        ({"wait": "x"}, "wait"),
        ({"types": "user.creatd"}, "user.creatd"),
        ({"after": "x"}, "cursor"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_wrong_query_is_refused(tmp_path: Path, query: dict[str, Any], part: str) -> None:
    async def test(world: World) -> None:
        assert part in await world.refused(400, **query)

    run(tmp_path, test)


def test_who_may_read_the_feed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        keys = world.service.keys
        other = await world.service.control.create_directory("other", now(), ENTRY)
        _, unbound = await keys.create(scopes=("events.read",), by=BY)
        _, foreign = await keys.create(scopes=("events.read",), directory=other.id, by=BY)
        _, weak = await keys.create(scopes=("users.read",), by=BY)
        await world.post("ann")
        for path in ("/events", "/snapshot"):
            assert "directory" in await world.refused(400, path, unbound)
            assert (await world.get(path, unbound, directory="default")).status_code == 200
            assert (await world.get(path, directory="default")).status_code == 200
            unknown = await world.refused(404, path, foreign, directory="nobody")
            known = await world.refused(404, path, foreign, directory="default")
            assert known == unknown.replace("nobody", "default")
            assert "events.read" in await world.refused(403, path, weak, directory="default")
            await world.refused(401, path, "nonsense")
        assert (await world.get("/events", foreign)).json()["events"] == []
        cursor = (await world.page())["next"]
        await world.refused(400, key=foreign, after=cursor)

    run(tmp_path, test)


def test_what_is_not_kept_is_410_and_says_to_take_a_snapshot(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await world.post("ann")
        before = (await world.page(limit=1))["next"]
        await world.post("bob")
        directory = (await world.service.control.directories())[0]
        await world.service.store.write(directory.id, lambda tx: tx.forget_events(now() + 1000, 10))
        assert "snapshot" in await world.refused(410, after=before)
        stream = Stream(world, "/events", accept=EVENT_STREAM, last_event_id=before)
        assert "snapshot" in await stream.chunk()
        assert stream.status == 410
        await stream.task
        text = (await world.get("/snapshot")).text
        cursor = json.loads(text.splitlines()[0])["cursor"]
        assert (await world.page(after=cursor))["events"] == []

    run(tmp_path, test)


def test_an_event_stream_goes_on_from_the_last_event_id(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ids = [await world.post(f"u{n}") for n in range(3)]
        stream = Stream(world, "/events", "types=user.*", accept=EVENT_STREAM)
        assert await stream.chunk() == "retry: 3000\n\n"
        assert stream.status == 200
        assert stream.headers["content-type"] == EVENT_STREAM
        assert stream.headers["cache-control"] == "no-store"
        events = await stream.events(3)
        assert [event["resource"]["id"] for event in events] == ids
        later = await world.post("later")
        assert [event["resource"]["id"] for event in await stream.events(1)] == [later]
        await stream.leave()
        again = Stream(world, "/events", "after=now", accept=EVENT_STREAM, last_event_id=events[0]["cursor"])
        await again.chunk()
        assert [e["resource"]["id"] for e in await again.events(3)] == [*ids[1:], later]
        world.service.http.api.stop()
        await asyncio.wait_for(again.task, 5)

    run(tmp_path, test)


def test_a_stream_ends_when_its_key_is_revoked_and_tells_nothing_more(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        stream = Stream(world, "/events", accept=EVENT_STREAM)
        await stream.chunk()
        await world.post("ann")
        await stream.events(1)
        (key,) = await world.service.control.keys()
        await world.service.keys.revoke(key.id, by=BY)
        await world.post("bob")
        await asyncio.wait_for(stream.task, 5)
        assert stream.offered == 2

    run(tmp_path, test)


def test_a_slow_reader_is_waited_for_and_not_read_ahead_of(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        names = [f"u{n}" for n in range(3 * FOLLOW_LIMIT)]
        for start in range(0, len(names), 50):
            await asyncio.gather(*map(world.post, names[start : start + 50]))
        stream = Stream(world, "/events", accept=EVENT_STREAM)
        await asyncio.sleep(0.3)
        assert stream.offered == 2, "the hint, and one page that waits"
        await stream.chunk()
        assert [e["id"] for e in await stream.events(3 * FOLLOW_LIMIT)] == [
            f"1-{n}" for n in range(1, 3 * FOLLOW_LIMIT + 1)
        ]
        await stream.leave()

    run(tmp_path, test)


def test_a_snapshot_is_json_lines_and_lets_go_of_the_database_when_its_client_goes(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        id = await world.post("ann")
        response = await world.get("/snapshot")
        assert response.headers["content-type"] == JSON_LINES
        head, resource, end = map(json.loads, response.text.splitlines())
        assert head["directory"] == "default"
        assert resource["resource"] == {"type": "User", "id": id}
        assert end == {"record": "end", "resources": 1, "members": 0, "pending": 0}
        for _ in range(MOST + 1):
            stream = Stream(world, "/snapshot")
            await stream.chunk()
            assert stream.status == 200
            await stream.leave()
        for _ in range(MOST + 1):
            answer = await world.scim.head(
                "http://sp.example/api/v1/snapshot", headers={"Authorization": f"Bearer {world.key}"}
            )
            assert (answer.status_code, answer.content) == (200, b"")

    run(tmp_path, test)


def test_too_many_snapshots_are_503(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        directory = (await world.service.control.directories())[0]
        holders = [world.service.store.snapshot(directory.id) for _ in range(MOST)]
        for holder in holders:
            await holder.__aenter__()
        await world.refused(503, "/snapshot")
        for holder in holders:
            await holder.__aexit__(None, None, None)
        assert (await world.get("/snapshot")).status_code == 200

    run(tmp_path, test)


@pytest.mark.parametrize(("days", "kept"), [(30, ["1-2"]), (0, ["1-1", "1-2"])])
def test_upkeep_deletes_events_older_than_the_setting(tmp_path: Path, days: int, kept: list[str]) -> None:
    async def main() -> None:
        async with open_service(Settings(data=tmp_path / "data", event_retention_days=days)) as service:
            directory, _ = await service.ensure_default()

            async def work(tx: Writer) -> None:
                for age in (30.01, 29.99):
                    at = now() - int(age * 86_400_000)
                    await tx.append(Event("user.updated", "User", "u", at, 1, "r", {}))

            await service.store.write(directory.id, work)
            await service.forget_events()
            page, _ = await service.feed.page(directory, await service.feed.place(directory, None), Want())
            assert [event["id"] for event in page.events] == kept

    asyncio.run(main())
