"""A wire between rosterd and PostgreSQL that can be slow, go dead, or break at the moment of a COMMIT."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from faults.clusters import Cluster
from judges.harness import free_port

COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_CHUNK: Final = 65536


class Wire:
    """What is set here holds at once, for all connections; ``cut`` counts how often it broke a COMMIT."""

    def __init__(self, cluster: Cluster) -> None:
        self.port = free_port()
        self.delay = 0.0
        """Seconds that everything takes in each direction."""
        self.dead = False
        """Nothing comes through, and no connection is closed: the host is gone."""
        self.before = self.after = 0.0
        """How likely a connection breaks before the server gets its COMMIT, or before the answer to it."""
        self.cut = 0
        self._server = cluster.port
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: set[asyncio.WriteTransport] = set()

    def url(self, database: str) -> str:
        """Of a database at the other end."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    async def open(self) -> None:
        """Begin to listen."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Break every connection, and wait until all have noticed."""
        self._listener.close()
        self.dead = False
        while self._tasks:
            for transport in self._transports:
                transport.abort()
            await asyncio.wait(tuple(self._tasks), timeout=0.2)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._transports.add(writer.transport)
        try:
            far, back = await asyncio.open_connection("127.0.0.1", self._server)
            self._transports.add(back.transport)
            await asyncio.wait(
                (
                    asyncio.create_task(self._there(reader, back)),
                    asyncio.create_task(self._back(far, writer)),
                ),
                return_when=asyncio.FIRST_COMPLETED,
            )
            back.transport.abort()
            self._transports.discard(back.transport)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._transports.discard(writer.transport)
            self._tasks.discard(task)

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await self._passed(reader):
                if COMMIT in chunk and random.random() < self.before:
                    self.cut += 1
                    return
                writer.write(chunk)
                await writer.drain()
                if COMMIT in chunk and random.random() < self.after:
                    self.cut += 1
                    await asyncio.sleep(random.choice((0, 0.05)))
                    return

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await self._passed(reader):
                writer.write(chunk)
                await writer.drain()

    async def _passed(self, reader: asyncio.StreamReader) -> bytes:
        chunk = await reader.read(_CHUNK)
        await asyncio.sleep(self.delay)
        while self.dead:  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.05)
        return chunk


@contextmanager
def wire(cluster: Cluster) -> Iterator[Wire]:
    """A wire to a cluster, in a thread of its own."""
    made = Wire(cluster)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="wire")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(made.open(), loop).result()
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
