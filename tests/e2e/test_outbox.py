"""Replies of one turn leave together, in order, and no request stays expected that is over."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import uvloop

from rosterd.http import reply as replies
from rosterd.wiring.doors import Bounds, Doors
from rosterd.wiring.outbox import HELD_BYTES, Outbox
from rosterd.wiring.protocol import protocol

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Counted(Outbox):
    """Knows how many connections each time were written to."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[int] = []

    def empty(self) -> None:
        if self._waiting:
            self.left.append(len(self._waiting))
        super().empty()


@dataclass
class World:
    port: int
    outbox: Counted
    release: asyncio.Event
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.opened.append(writer)
        return reader, writer

    async def application(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        path = scope["path"]
        if path in ("/wait", "/stream"):
            self.arrived.set()
            if path == "/stream":
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await self.release.wait()
        if path == "/fail":
            raise ZeroDivisionError
        size = HELD_BYTES if path == "/large" else 2
        content = path[1:].encode() + b"x" * size
        if path == "/stream":
            await send({"type": "http.response.body", "body": content})
        else:
            length = (b"content-length", b"%d" % len(content))
            await send(
                {"type": replies.WHOLE, "status": 200, "headers": [length], "usual": (), "body": content}
            )


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    doors = Doors(Bounds())
    doors.outbox = outbox = Counted()
    listener = socket.create_server(("127.0.0.1", 0))
    made = World(listener.getsockname()[1], outbox, asyncio.Event())
    config = uvicorn.Config(
        made.application, http=protocol(doors), lifespan="off", log_config=None, access_log=False,
        interface="asgi3", server_header=False, date_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener]))
    try:
        async with asyncio.timeout(20):
            yield made
    finally:
        made.release.set()
        for writer in made.opened:
            writer.close()
        server.should_exit = True
        await task


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


def answer(path: str) -> bytes:
    content = path[1:] + "xx"
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(content)}\r\n\r\n{content}".encode()


def run(test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with world() as made:
            await test(made)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_what_came_together_is_answered_together() -> None:
    async def test(world: World) -> None:
        connections = [await world.connect() for _ in range(8)]
        for _, writer in connections:
            writer.write(get("/a"))
        for reader, _ in connections:
            assert await reader.readexactly(len(answer("/a"))) == answer("/a")
        assert world.outbox.left == [8]

    run(test)


def test_who_waits_for_long_keeps_nobody_waiting() -> None:
    async def test(world: World) -> None:
        (_, slow), (reader, writer) = await world.connect(), await world.connect()
        slow.write(get("/wait"))
        await world.arrived.wait()
        for path in ("/a", "/b"):
            writer.write(get(path))
            assert await reader.readexactly(len(answer(path))) == answer(path)
        assert world.outbox.expected == 1

    run(test)


def test_who_ends_his_half_of_the_connection_is_answered() -> None:
    async def test(world: World) -> None:
        (_, slow), (reader, writer) = await world.connect(), await world.connect()
        slow.write(get("/wait"))
        await world.arrived.wait()
        writer.write(get("/a"))
        writer.write_eof()
        assert await reader.read() == answer("/a")

    run(test)


def test_replies_to_one_connection_keep_their_order_whatever_their_size() -> None:
    async def test(world: World) -> None:
        (_, slow), (reader, writer) = await world.connect(), await world.connect()
        slow.write(get("/wait"))
        await world.arrived.wait()
        writer.write(b"".join(map(get, ("/a", "/b", "/large", "/c"))))
        large = answer("/large").replace(b": 7", b": %d" % (5 + HELD_BYTES))
        expected = answer("/a") + answer("/b") + large + b"x" * (HELD_BYTES - 2) + answer("/c")
        assert await reader.readexactly(len(expected)) == expected

    run(test)


@pytest.mark.parametrize("path", ["/a", "/large", "/fail", "/wait", "/stream"])
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
def test_nothing_is_expected_of_a_request_that_is_over(path: str, leaves: bool) -> None:
    async def test(world: World) -> None:
        reader, writer = await world.connect()
        writer.write(get(path))
        if path in ("/wait", "/stream"):
            await world.arrived.wait()
            assert world.outbox.expected == (path == "/wait")
        if leaves:
            writer.close()
        else:
            world.release.set()
            await reader.readuntil(b"\r\n\r\n")
        for _ in range(200):
            if world.outbox.expected == 0:
                break
            await asyncio.sleep(0.01)
        assert world.outbox.expected == 0

    run(test)
