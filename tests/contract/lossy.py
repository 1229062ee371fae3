"""A wire to PostgreSQL that loses a reply, holds a COMMIT back until it is let go, or goes silent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_READY: Final = b"Z\x00\x00\x00\x05"
_COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_CHUNK: Final = 65536


class Wire:
    """What is set here holds at once, for all connections."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.lost = 0
        """The next so many-th answer of the server is lost, and its connection with it."""
        self.let = asyncio.Event()
        """Whether a COMMIT passes."""
        self.let.set()
        self.held = asyncio.Event()
        """Whether one was held back."""
        self.asked: int | None = None
        """How many connections were asked for since it went silent."""
        self._open: set[asyncio.Task[None]] = set()
        self._transports: set[asyncio.WriteTransport] = set()

    @property
    def url(self) -> str:
        """Of the same database at the other end."""
        login, at, _ = self._parts.netloc.rpartition("@")
        port = self._listener.sockets[0].getsockname()[1]
        return urlunsplit(self._parts._replace(netloc=f"{login}{at}127.0.0.1:{port}"))

    async def open(self) -> None:
        """Begin to listen."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    def silence(self) -> None:
        """Break every connection, and do not answer to another one."""
        self.asked = 0
        for transport in self._transports:
            transport.abort()

    async def close(self) -> None:
        """Take no more connections, and wait for the end of those that are open."""
        self._listener.close()
        while self._open:
            await asyncio.wait(tuple(self._open))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self._transports.add(writer.transport)
        if self.asked is None:
            await self._joined(reader, writer)
        else:
            self.asked += 1
            with contextlib.suppress(OSError):
                await reader.read()
        writer.transport.abort()
        self._transports.discard(writer.transport)
        self._open.discard(task)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, back = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        with contextlib.suppress(OSError):
            await asyncio.gather(self._there(reader, back), self._back(far, writer))
        back.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if chunk == _COMMIT and not self.let.is_set():
                self.held.set()
                await self.let.wait()
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if self.lost:
                self.lost = max(0, self.lost - chunk.count(_READY))
                if not self.lost:
                    writer.transport.abort()
                    return
            writer.write(chunk)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """A wire to where the URL leads."""
    made = Wire(url)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
