"""A wire between rosterd and PostgreSQL that can be slow, go dead, or break at the very moment of a COMMIT."""

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
        """How likely a connection breaks before the server gets its COMMIT, or after that, before the answer."""
        self.cut = 0
        self._server = cluster.port

    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    async def serve(self) -> None:
        """Until cancelled."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far, back = await asyncio.open_connection("127.0.0.1", self._server)
        except OSError:
            writer.close()
            return
        both = [asyncio.create_task(self._there(reader, back)), asyncio.create_task(self._back(far, writer))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            writer.transport.abort()
            back.transport.abort()

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
        while self.dead:
            await asyncio.sleep(0.05)
        return chunk


@contextmanager
def wire(cluster: Cluster) -> Iterator[Wire]:
    """A wire to a cluster, in a thread of its own."""
    made = Wire(cluster)
    loop = asyncio.new_event_loop()
    task = loop.create_task(made.serve())
    thread = threading.Thread(target=_run, args=(loop, task), name="wire")
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    rest = asyncio.all_tasks(loop)
    for each in rest:
        each.cancel()
    loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
