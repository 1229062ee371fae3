"""Slow, fat and too many clients get a clear answer and an end; the others do not notice."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from e2e.bounded import Bounded, Open, bounded

from rosterd.wiring.doors import Bounds

QUICK = Bounds(head_seconds=0.2, body_seconds=0.2, body_bytes=100, reply_seconds=0.2, look_seconds=0.05)
HEALTH = "GET /healthz HTTP/1.1\nhost: x\n\n"


def run(path: Path, bounds: Bounds, test: Callable[[Bounded], Awaitable[None]]) -> None:
    async def main() -> None:
        async with bounded(path / "data", bounds) as server:
            await asyncio.wait_for(test(server), 30)

    asyncio.run(main())


async def until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def dribble(connection: Open, text: str) -> None:
    for character in text:
        connection.say(character)
        await asyncio.sleep(0.05)


def test_a_head_that_does_not_come_to_an_end_is_ended(tmp_path: Path) -> None:
    async def test(server: Bounded) -> None:
        slow = await server.open()
        dribbling = asyncio.create_task(dribble(slow, "GET /healthz HTTP/1.1\nx: " + "y" * 10_000))
        assert (await slow.heard()).startswith("HTTP/1.1 408 Request Timeout")
        dribbling.cancel()
        assert server.doors.turned_away["slow head"] == 1
        silent = await server.open()
        assert await silent.heard() == "", "who said nothing is told nothing"

    run(tmp_path, QUICK, test)


def test_a_body_that_dribbles_is_ended_and_nothing_is_kept_of_it(tmp_path: Path) -> None:
    async def test(server: Bounded) -> None:
        slow = await server.open()
        slow.say(
            f"POST /scim/v2/Users HTTP/1.1\nhost: x\nauthorization: Bearer {server.token}\n"
            'content-type: application/scim+json\ncontent-length: 5000\n\n{"userName": "'
        )
        dribbling = asyncio.create_task(dribble(slow, "y" * 4000))
        assert (await slow.heard()).startswith("HTTP/1.1 408 Request Timeout")
        dribbling.cancel()
        assert server.doors.turned_away["slow body"] == 1
        other = await server.open()
        other.say(f"GET /scim/v2/Users HTTP/1.1\nhost: x\nauthorization: Bearer {server.token}\n\n")
        assert '"totalResults":0' in await other.answer()

    run(tmp_path, QUICK, test)


def test_a_body_that_comes_in_parts_but_quickly_enough_is_taken(tmp_path: Path) -> None:
    async def test(server: Bounded) -> None:
        body = '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann"' + " " * 1200 + "}"
        slow = await server.open()
        slow.say(
            f"POST /scim/v2/Users HTTP/1.1\nhost: x\nauthorization: Bearer {server.token}\n"
            f"content-type: application/scim+json\ncontent-length: {len(body)}\n\n"
        )
        for start in range(0, len(body), 100):
            slow.say(body[start : start + 100])
            await asyncio.sleep(0.05)
        assert (await slow.answer()).startswith("HTTP/1.1 201")
        slow.say(HEALTH)
        assert (await slow.answer()).startswith("HTTP/1.1 200"), "the connection goes on"

    run(tmp_path, QUICK, test)


@pytest.mark.parametrize("whole", [True, False])
def test_a_head_that_is_too_long_is_refused(tmp_path: Path, whole: bool) -> None:
    async def test(server: Bounded) -> None:
        fat = await server.open()
        fat.say("GET /healthz HTTP/1.1\nhost: x\nx: " + "y" * 5000 + ("\n\n" if whole else ""))
        assert (await fat.heard()).startswith("HTTP/1.1 431 Request Header Fields Too Large")
        assert server.doors.turned_away["head"] == 1
        thin = await server.open()
        thin.say("GET /healthz HTTP/1.1\nhost: x\nx: " + "y" * 3000 + "\n\n")
        assert (await thin.answer()).startswith("HTTP/1.1 200")

    run(tmp_path, Bounds(head_bytes=4096), test)


@pytest.mark.parametrize(
    "ends",
    [
        "content-length: 6\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\ncontent-length: 6",
        "content-length: 5\ncontent-length: 6",
        "content-length: +5",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
    ],
)
def test_a_request_whose_end_could_be_read_in_two_ways_is_refused(tmp_path: Path, ends: str) -> None:
    async def test(server: Bounded) -> None:
        smuggler = await server.open()
        smuggler.say(f"POST /scim/v2/Users HTTP/1.1\nhost: x\n{ends}\n\n0\n\n{HEALTH}")
        heard = await smuggler.heard()
        assert heard.startswith("HTTP/1.1 400 Bad Request")
        assert heard.count("HTTP/1.1") == 1, "what follows is no request"

    run(tmp_path, Bounds(), test)


def test_a_reply_that_nobody_takes_is_ended(tmp_path: Path) -> None:
    async def test(server: Bounded) -> None:
        slow = await server.open()
        for _ in range(2000):
            slow.say("GET /metrics HTTP/1.1\nhost: x\n\n")
        await until(lambda: server.doors.turned_away["slow reply"] == 1)
        slow.close()

    run(tmp_path, QUICK, test)


@pytest.mark.parametrize(
    ("path", "media", "says"),
    [
        ("/scim/v2/Users", "application/scim+json", '"status":"503"'),
        ("/api/v1/directories", "application/problem+json", '"status":503'),
    ],
)
def test_too_many_connections_are_told_to_come_again_but_health_is_answered(
    tmp_path: Path, path: str, media: str, says: str
) -> None:
    async def test(server: Bounded) -> None:
        others = [await server.open() for _ in range(3)]
        for other in others:
            other.say(HEALTH)
            await other.answer()
        late = await server.open()
        late.say(f"GET {path} HTTP/1.1\nhost: x\n\n")
        told = await late.heard()
        assert told.startswith("HTTP/1.1 503")
        assert "retry-after: 2" in told and media in told and says in told
        watcher = await server.open()
        for address in ("healthz", "readyz", "metrics"):
            watcher.say(f"GET /{address} HTTP/1.1\nhost: x\n\n")
            assert (await watcher.answer()).startswith("HTTP/1.1 200")
        for other in others:
            other.close()
        await until(lambda: server.doors.open() == 1)
        again = await server.open()
        again.say(f"GET {path} HTTP/1.1\nhost: x\n\n")
        assert (await again.answer()).startswith("HTTP/1.1 401")

    run(tmp_path, Bounds(connections=3), test)
