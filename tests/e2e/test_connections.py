"""What clients do with a connection beside asking and waiting: each gets what it asked, or is let go of."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from rosterd.http.reply import WHOLE, send_part
from rosterd.wiring.doors import Bounds, Doors
from rosterd.wiring.protocol import protocol

QUICK = Bounds(head_seconds=0.2, body_seconds=0.2, reply_seconds=0.2, look_seconds=0.02)
GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@dataclass
class Server:
    """A server of an application that answers at once, or waits until it may go on or the client has gone."""

    doors: Doors
    port: int = 0
    may: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        if scope["path"] == "/waits":
            await self.may.wait()
        if scope["path"] == "/listens":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()
            return
        if scope["path"] == "/streams":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(100_000):
                if not await send_part(send, b"hello"):
                    self.gone.set()
                    break
                await asyncio.sleep(0)
            return
        size = 30_000 if scope["path"] == "/large" else 5
        headers = [(b"content-length", b"%d" % size)]
        await send(
            {"type": WHOLE, "status": 200, "headers": headers, "usual": (), "body": b"hello" * (size // 5)}
        )

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


def run(bounds: Bounds, test: Callable[[Server], Awaitable[None]], keep_alive: int = 75) -> None:
    async def main() -> None:
        made = Server(Doors(bounds))
        listener = socket.create_server(("127.0.0.1", 0))
        made.port = listener.getsockname()[1]
        config = uvicorn.Config(
            made, http=protocol(made.doors), lifespan="off", log_config=None, access_log=False,
            server_header=False, date_header=False, timeout_keep_alive=keep_alive,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([listener]))
        async with made.doors.watched():
            try:
                await asyncio.wait_for(test(made), 30)
            finally:
                server.should_exit = True
                await task
        listener.close()

    asyncio.run(main())


def turned_away(server: Server) -> Sequence[str]:
    return [reason for reason, count in server.doors.turned_away.items() if count]


def test_a_request_without_an_address_or_with_two_is_refused() -> None:
    """RFC 9112 §3.2."""

    async def told(server: Server, sent: bytes) -> bytes:
        reader, writer = await server.open()
        writer.write(sent)
        try:
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    async def test(server: Server) -> None:
        for head in (b"", b"host: x\r\nhost: x\r\n"):
            wrong = b"GET / HTTP/1.1\r\n%b\r\n" % head
            assert (await told(server, wrong)).startswith(b"HTTP/1.1 400 Bad Request")
            before = await told(server, GET % b"" + wrong)  # what came before is answered
            assert (before[:15], before[-5:], before.count(b"HTTP/")) == (HELLO[:15], b"hello", 1)
        assert (await told(server, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"hello")

    run(Bounds(), test)


def test_an_application_is_told_that_its_client_has_gone_though_more_was_asked_behind_it() -> None:
    async def test(server: Server) -> None:
        _, writer = await server.open()
        writer.write(GET % b"listens" + GET % b"")
        await asyncio.sleep(0.1)
        writer.close()
        await server.gone.wait()

    run(Bounds(), test)


def test_an_application_that_streams_is_told_that_its_client_has_gone() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(GET % b"streams")
        await reader.readuntil(b"hello")
        writer.close()
        await server.gone.wait()

    run(Bounds(), test)


def test_a_head_that_waits_for_the_reply_before_it_is_not_slow() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(GET % b"waits" + GET % b"" + b"GET / HT")
        await asyncio.sleep(10 * QUICK.head_seconds)
        server.may.set()
        writer.write(b"TP/1.1\r\nhost: x\r\n\r\n")
        assert await reader.readexactly(3 * len(HELLO)) == 3 * HELLO
        assert turned_away(server) == []
        writer.close()

    run(QUICK, test)


def test_many_requests_at_once_are_no_long_head() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(GET % b"" * 5000 + b"GET / HT")
        assert await reader.readexactly(5000 * len(HELLO)) == 5000 * HELLO
        writer.write(b"TP/1.1\r\nhost: x\r\n\r\n")
        assert await reader.readexactly(len(HELLO)) == HELLO
        writer.close()

    run(Bounds(head_bytes=1000), test)


def test_what_comes_behind_a_body_has_a_bound() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(b"POST /waits HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        for _ in range(200):
            writer.write(b"a: b\r\n")
            await asyncio.sleep(0)
        assert (await reader.read()).startswith(b"HTTP/1.1 431 Request Header Fields Too Large")
        assert turned_away(server) == ["head"]
        writer.close()

    run(Bounds(head_bytes=1000), test)


def test_a_second_head_that_is_too_long_is_told_so() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(GET % b"")
        assert await reader.readexactly(len(HELLO)) == HELLO
        writer.write(GET % (b"y" * 5000) + b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 431 Request Header Fields Too Large")
        writer.close()

    run(Bounds(head_bytes=1000), test)


def test_a_request_is_answered_though_nonsense_follows() -> None:
    async def test(server: Server) -> None:
        reader, writer = await server.open()
        writer.write(GET % b"waits")
        await asyncio.sleep(0.1)
        writer.write(b"\0\0\0")
        await asyncio.sleep(10 * QUICK.look_seconds)
        server.may.set()
        assert await reader.read() == HELLO.replace(b"5\r\n", b"5\r\nconnection: close\r\n", 1)
        writer.close()

    run(QUICK, test)


def test_what_was_complete_is_answered_though_a_broken_body_follows() -> None:
    async def test(server: Server) -> None:
        for before in (0, 1, 2):
            reader, writer = await server.open()
            broken = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
            writer.write(GET % b"" * before + GET % b"waits" + broken)
            await asyncio.sleep(10 * QUICK.look_seconds)
            server.may.set()
            last = HELLO.replace(b"5\r\n", b"5\r\nconnection: close\r\n", 1)
            assert await reader.read() == HELLO * before + last
            assert server.doors.outbox.expected == 0
            server.may.clear()
            writer.close()

    run(QUICK, test)


def test_a_connection_that_is_closed_does_not_wait_for_ever_for_its_client_to_read() -> None:
    async def test(server: Server) -> None:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(("127.0.0.1", server.port))
            client.setblocking(False)
            while not any(each.transport.get_write_buffer_size() for each in server.doors.connections):
                await asyncio.get_running_loop().sock_sendall(client, GET % b"large")
                await asyncio.sleep(0.01)
            assert not any(each.stuck for each in server.doors.connections)
            gone = asyncio.Event()
            server.doors.changed = gone.set
            await gone.wait()
        assert turned_away(server) == ["slow reply"]

    run(QUICK, test, keep_alive=1)
