"""The typed client against a running server: lists, changes, the feed, a snapshot, and trouble on the way."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from judges.harness import Server, created, running, scim_client, user

from rosterd.client import ApiError, Client, Unreachable
from rosterd.client.session import Session
from rosterd.service.keys import SCOPES
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

Answer = Callable[[web.Request], Awaitable[web.Response]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("client") / "data") as server:
        yield server


def key(server: Server) -> str:
    async def make() -> str:
        async with open_service(Settings(data=server.data)) as service:
            return (await service.keys.create(scopes=tuple(SCOPES), by=BY))[1]

    return asyncio.run(make())


def with_client(server: Server, work: Callable[[Client], Awaitable[None]]) -> None:
    text = key(server)

    async def main() -> None:
        async with Client(server.origin, text) as client:
            await work(client)

    asyncio.run(main())


def test_a_directory_is_set_up_and_read_page_by_page(started: Server) -> None:
    async def work(client: Client) -> None:
        await client.create_directory(name="acme")
        made = await client.create_connection("acme", name="okta", onDelete="erase")
        assert (made["name"], made["profile"], made["onDelete"]) == ("okta", "auto", "erase")
        token = await client.issue_token("acme", "okta", label="first", lifetime=3600)
        with scim_client(f"{started.origin}/scim/v2", token["token"]) as scim:
            names = {created(scim, "/Users", user(f"u{n}"))["userName"] for n in range(5)}
        assert {one["name"] async for one in client.list_users("acme", limit=2)} == names
        first, cursor = await client.list_users("acme", limit=2).page()
        assert len(first) == 2
        assert cursor
        await client.revoke_token("acme", "okta", token["id"])
        states = [one["state"] async for one in client.list_tokens("acme", "okta")]
        assert states == ["revoked"]

    with_client(started, work)


def test_what_the_server_refuses_is_an_exception_that_says_why(started: Server) -> None:
    async def work(client: Client) -> None:
        with pytest.raises(ApiError, match="There is no directory 'nowhere'") as caught:
            await client.read_directory("nowhere")
        assert (caught.value.status, caught.value.title) == (404, "Not Found")
        assert caught.value.request_id
        with pytest.raises(ApiError) as caught:
            await client.create_directory(name="no/name")
        assert caught.value.status == 400
        assert [fault["pointer"] for fault in caught.value.errors] == ["/name"]

    with_client(started, work)


def test_the_feed_is_followed_from_a_snapshot_on(started: Server) -> None:
    async def work(client: Client) -> None:
        await client.create_directory(name="feed")
        await client.create_connection("feed", name="okta")
        token = (await client.issue_token("feed", "okta"))["token"]
        with scim_client(f"{started.origin}/scim/v2", token) as scim:
            ann = created(scim, "/Users", user("ann"))
            records = [record async for record in client.snapshot("feed")]
            assert [r["record"] for r in records] == ["snapshot", "resource", "end"]
            bob = await asyncio.to_thread(created, scim, "/Users", user("bob"))
        followed = client.follow("feed", after=records[0]["cursor"], types=["user.*"])
        page = await anext(followed)
        assert [(e["type"], e["resource"]["id"]) for e in page.events] == [("user.created", bob["id"])]
        beginning = await anext(client.follow("feed"))
        assert [e["resource"]["id"] for e in beginning.events] == [ann["id"], bob["id"]]

    with_client(started, work)


@asynccontextmanager
async def answering(*answers: web.Response | Answer) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that gives these answers one after the other, and what it was asked."""
    asked: list[web.Request] = []

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        asked.append(request)
        answer = answers[len(asked) - 1]
        return answer if isinstance(answer, web.Response) else await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", asked
    finally:
        await runner.cleanup()


def test_a_busy_server_is_asked_again_with_the_same_idempotency_key() -> None:
    async def main() -> None:
        busy = web.Response(status=503, headers={"retry-after": "0"}, text="{}")
        done = web.Response(status=201, text=json.dumps({"name": "x"}), content_type="application/json")
        async with answering(busy, done) as (url, asked), Session(url, "rak_x") as session:
            assert await session.ask("POST", "/directories", body={"name": "x"}) == {"name": "x"}
            keys = [request.headers["idempotency-key"] for request in asked]
            assert len(keys) == 2
            assert len(set(keys)) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "retry_after", "asked_times"),
    [(400, "", 1), (404, "", 1), (429, "0", 3), (503, "0", 3), (503, "3600", 1)],
)
def test_how_often_a_refusal_is_asked_again(status: int, retry_after: str, asked_times: int) -> None:
    async def main() -> None:
        headers = {"retry-after": retry_after} if retry_after else {}
        refusals = [web.Response(status=status, headers=headers, text="{}") for _ in range(3)]
        async with answering(*refusals) as (url, asked), Session(url, "rak_x", attempts=3) as session:
            with pytest.raises(ApiError) as caught:
                await session.ask("GET", "/directories")
            assert caught.value.status == status
            assert len(asked) == asked_times

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        ((301, {"location": "/elsewhere"}, ""), 301, "/elsewhere"),
        ((200, {}, "<html>Log in</html>"), 200, "no JSON"),
    ],
)
def test_what_is_no_answer_of_rosterd_is_told_and_not_followed(
    answer: tuple[int, dict[str, str], str], status: int, word: str, method: str
) -> None:
    async def main() -> None:
        code, headers, text = answer
        other = web.Response(status=code, headers=headers, text=text, content_type="text/html")
        async with answering(other, web.json_response({})) as (url, asked), Session(url, "rak_x") as session:
            with pytest.raises(ApiError, match=word) as caught:
                await session.ask(method, "/directories")
            assert (caught.value.status, len(asked)) == (status, 1)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "key", "word"),
    [
        ("127.0.0.1:8000", "rak_x", "https://"),
        ("http://127.0.0.1:8000", "rak_x\n", "strip"),
        ("http://127.0.0.1:8000", "", "empty"),
    ],
)
def test_what_can_be_no_address_or_key_is_refused_at_once(url: str, key: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Client(url, key)


def test_a_snapshot_is_asked_for_again_while_the_server_reads_others() -> None:
    async def main() -> None:
        busy = web.Response(status=503, headers={"retry-after": "0"}, text="{}")
        whole = web.Response(
            text='{"record":"snapshot"}\n{"record":"end"}\n', content_type="application/jsonl"
        )
        async with answering(busy, whole) as (url, _), Client(url, "rak_x") as client:
            assert [each["record"] async for each in client.snapshot("acme")] == ["snapshot", "end"]

    asyncio.run(main())


def test_a_server_that_is_not_there_is_unreachable() -> None:
    async def main() -> None:
        async with Session("http://127.0.0.1:1", "rak_x", attempts=1) as session:
            with pytest.raises(Unreachable, match="GET /directories"):
                await session.ask("GET", "/directories")

    asyncio.run(main())


def test_a_snapshot_without_its_end_is_not_taken_for_one() -> None:
    async def main() -> None:
        begun = web.Response(text='{"record":"snapshot","cursor":"c"}\n', content_type="application/jsonl")
        async with answering(begun) as (url, _), Client(url, "rak_x") as client:
            with pytest.raises(Unreachable, match="broke off"):
                [record async for record in client.snapshot("acme")]

    asyncio.run(main())


def test_what_the_server_is_asked_to_wait_is_beside_the_time_limit() -> None:
    async def main() -> None:
        async def late(request: web.Request) -> web.Response:
            await asyncio.sleep(0.3)
            return web.json_response({"events": [], "next": request.query["wait"]})

        async with answering(late, late) as (url, _), Client(url, "rak_x", timeout=0.1, attempts=1) as client:
            assert (await anext(client.follow("acme"))).next == "30"
            assert (await client.events_page("acme", wait=20)).next == "20"

    asyncio.run(main())


def test_a_snapshot_of_a_server_that_is_not_there_is_unreachable() -> None:
    async def main() -> None:
        async with Client("http://127.0.0.1:1", "rak_x") as client:
            with pytest.raises(Unreachable, match="snapshot"):
                [record async for record in client.snapshot("acme")]

    asyncio.run(main())
