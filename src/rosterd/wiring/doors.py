"""How much clients may take of a server, and the connections that they have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from rosterd.wiring.cycle import Opening
from rosterd.wiring.outbox import Outbox


def _nothing() -> None:
    pass


_UNREADABLE: Final = (
    b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"This is no valid '
    b'request of HTTP. In addresses all but ASCII letters, digits and marks is percent-encoded, and blanks."}'
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a client may take, and how slow it may be."""

    connections: int = 900
    head_bytes: int = 65_536
    head_seconds: float = 20.0
    body_bytes: int = 4096
    body_seconds: float = 20.0
    reply_seconds: float = 60.0
    look_seconds: float = 1.0


class Doors:
    """The connections of one server, and why some were ended."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.turned_away = dict.fromkeys(("connections", "head", "slow head", "slow body", "slow reply"), 0)
        self.connections: Iterable[Any] = ()
        """uvicorn's own set, once it serves."""
        self.outbox = Outbox()
        self.opening = Opening()
        self.closing = False
        """Whether every reply asks the client to close the connection."""
        self.changed: Callable[[], None] = _nothing
        """Called when there is a connection more or fewer."""

    def open(self) -> int:
        """How many are open."""
        return len(tuple(self.connections))

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """End slow connections for as long as the context lasts."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _watch(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self.bounds.look_seconds)
            for connection in tuple(self.connections):
                connection.look(clock())


def unmapped(client: tuple[str, int] | None) -> tuple[str, int] | None:
    """An IPv4 client of a socket that takes both is known by its own address, as everywhere else."""
    if client is not None and client[0].startswith("::ffff:") and "." in client[0]:
        return client[0][7:], client[1]
    return client


def refusal(status: HTTPStatus) -> bytes:
    """The reply to what is no request, or comes too slowly: the last one on its connection."""
    body = _UNREADABLE if status is HTTPStatus.BAD_REQUEST else b""
    kind = "content-type: application/scim+json\r\n" if body else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{kind}content-length: {len(body)}\r\nconnection: close"
    )
    return f"{head}\r\n\r\n".encode() + body
