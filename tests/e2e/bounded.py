"""A server on loopback whose doors have narrow bounds, and what one says to it byte by byte."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from rosterd.wiring import Settings, open_service
from rosterd.wiring.doors import Bounds, Doors
from rosterd.wiring.protocol import protocol


@dataclass
class Open:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, text: str) -> None:
        self.writer.write(text.replace("\n", "\r\n").encode())

    async def heard(self) -> str:
        """Everything until the server closes."""
        return (await self.reader.read()).decode()

    async def answer(self) -> str:
        """The head of one reply, and its body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        size = next(
            int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")
        )
        return head + (await self.reader.readexactly(size)).decode()

    def close(self) -> None:
        self.writer.close()


@dataclass
class Bounded:
    doors: Doors
    port: int
    token: str
    opened: list[Open] = field(default_factory=list)

    async def open(self) -> Open:
        made = Open(*await asyncio.open_connection("127.0.0.1", self.port))
        self.opened.append(made)
        return made

    async def close(self) -> None:
        for each in self.opened:
            each.close()
            with contextlib.suppress(ConnectionError):
                await each.writer.wait_closed()


@asynccontextmanager
async def bounded(data: Path, bounds: Bounds) -> AsyncIterator[Bounded]:
    async with open_service(Settings(data=data)) as service:
        first = await service.setup()
        assert first is not None
        doors = Doors(bounds)
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            service.http.site,
            interface="asgi3",
            http=protocol(doors),
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve([listener]))
        async with doors.watched():
            made = Bounded(doors, listener.getsockname()[1], first.token_text)
            try:
                yield made
            finally:
                await made.close()
                server.should_exit = True
                await task
