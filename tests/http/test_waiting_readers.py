"""Only so many event streams and long-polls are open at once, of a key and in all; a place is given back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterd.http.api.waits import AGAIN
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service


class Reader:
    """A request for an event stream; ``status`` is known when its reply begins."""

    def __init__(self, service: Service, key: str, method: str = "GET", *, broken: bool = False) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.headers: dict[bytes, bytes] = {}
        self._broken = broken
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "method": method,
            "path": "/api/v1/events",
            "root_path": "",
            "query_string": b"directory=default&after=now",
            "headers": [(b"authorization", f"Bearer {key}".encode()), (b"accept", b"text/event-stream")],
        }
        self.task = asyncio.create_task(service.http.site(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
            self.status.set_result(message["status"])
            if self._broken:
                raise OSError("the client has gone")

    async def leave(self) -> None:
        self._gone.set()
        await self.task


Test = Callable[[Service, httpx.AsyncClient, list[str]], Awaitable[None]]


def run(path: Path, test: Test, **settings: int) -> None:
    async def main() -> None:
        async with open_service(Settings(data=path / "data", **settings)) as service:  # type: ignore[arg-type]
            await service.setup()
            keys = [(await service.keys.create(scopes=("events.read",), by=BY))[1] for _ in range(3)]
            transport = httpx.ASGITransport(service.http.site)
            async with httpx.AsyncClient(transport=transport, base_url="http://sp.example/api/v1") as client:
                await test(service, client, keys)

    asyncio.run(main())


def poll(client: httpx.AsyncClient, key: str, wait: int = 30) -> Awaitable[httpx.Response]:
    query = {"directory": "default", "after": "now", "wait": wait}
    return client.get("/events", params=query, headers={"Authorization": f"Bearer {key}"})


def test_a_key_has_its_most_and_others_have_theirs(tmp_path: Path) -> None:
    async def test(service: Service, client: httpx.AsyncClient, keys: list[str]) -> None:
        first, other, _ = keys
        readers = [Reader(service, first), Reader(service, first)]
        assert [await reader.status for reader in readers] == [200, 200]
        refused = Reader(service, first)
        assert await refused.status == 429
        assert refused.headers[b"retry-after"] == str(AGAIN).encode()
        answer = await poll(client, first)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, str(AGAIN))
        assert "2 event streams" in answer.json()["detail"]
        assert (await poll(client, first, wait=0)).status_code == 200, "who does not wait is not counted"
        theirs = Reader(service, other)
        assert await theirs.status == 200
        await readers[0].leave()
        again = Reader(service, first)
        assert await again.status == 200
        for reader in (readers[1], again, theirs):
            await reader.leave()

    run(tmp_path, test, event_readers_of_key=2)


def test_the_server_has_its_most(tmp_path: Path) -> None:
    async def test(service: Service, client: httpx.AsyncClient, keys: list[str]) -> None:
        readers = [Reader(service, key) for key in keys[:2]]
        assert [await reader.status for reader in readers] == [200, 200]
        answer = await poll(client, keys[2])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, str(AGAIN))
        await readers[0].leave()
        assert (await poll(client, keys[2], wait=1)).status_code == 200
        assert (await poll(client, keys[2], wait=1)).status_code == 200, "the place was given back"
        await readers[1].leave()

    run(tmp_path, test, event_readers=2)


@pytest.mark.parametrize("how", ["head", "broken", "unknown directory", "cancelled"])
def test_a_place_is_given_back_however_it_ends(tmp_path: Path, how: str) -> None:
    async def test(service: Service, client: httpx.AsyncClient, keys: list[str]) -> None:
        key = keys[0]
        if how == "head":
            await Reader(service, key, "HEAD").task
        elif how == "broken":
            reader = Reader(service, key, broken=True)
            await reader.status
            await reader.leave()
        elif how == "cancelled":
            reader = Reader(service, key)
            await reader.status
            reader.task.cancel()
            await asyncio.wait((reader.task,))
        else:
            query = {"directory": "nobody", "wait": 1}
            headers = {"Authorization": f"Bearer {key}"}
            assert (await client.get("/events", params=query, headers=headers)).status_code == 404
        last = Reader(service, key)
        assert await last.status == 200
        await last.leave()

    run(tmp_path, test, event_readers_of_key=1)
