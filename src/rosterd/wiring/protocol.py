"""HTTP on a connection, with bounds: how many there are, how long a head may be, how slowly a client may go.

    connections   beyond the limit are answered 503 with Retry-After, far beyond it are closed at once
    head          longer than ``head_bytes``: 431; not complete after ``head_seconds``: 408
    body          slower than ``body_bytes`` in ``body_seconds``: 408
    reply         not taken for ``reply_seconds``: the connection is closed

uvicorn has no such bounds of its own. One look over all connections every ``look_seconds`` finds the slow
ones, so that a request that is quick pays nothing for a timer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rosterd.http.busy import busy
from rosterd.wiring.cycle import Cycle

_ALWAYS: Final = (b"/healthz", b"/readyz", b"/metrics")
"""What is answered however many connections there are."""
_SPARE: Final = 64
"""Connections beyond the limit that are still told why they are refused."""
_FORWARDED: Final = frozenset((b"x-forwarded-proto", b"x-forwarded-for"))

FRESH: Final = "fresh"
HEAD: Final = "head"
BODY: Final = "body"
DONE: Final = "done"


def _nothing() -> None:
    pass


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
        self.closing = False
        """Whether every reply asks the client to close the connection."""
        self.changed: Callable[[], None] = _nothing
        """Called when there is a connection more or fewer."""

    def open(self) -> int:
        """How many are open."""
        return len(tuple(self.connections))

    def protocol(self) -> type["Bounded"]:
        """The protocol of these doors, for uvicorn to make one of for each connection."""

        class Protocol(Bounded):
            doors = self

        return Protocol

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


class Bounded(HttpToolsProtocol):
    """One connection. ``phase`` says what it is in the middle of."""

    doors: Doors

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or close it at once if there are far too many."""
        super().connection_made(transport)
        self.doors.connections = self.connections
        self.phase = FRESH
        self.refused = self.stuck = False
        self.turn = self.taken = self.amount = self.chunk = self.head = 0
        self.seen: tuple[str, int] = (FRESH, -1)
        self.since = self.mark = 0.0
        if len(self.connections) > self.doors.bounds.connections + _SPARE:
            self.doors.turned_away["connections"] += 1
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self.doors.changed()

    def data_received(self, data: bytes) -> None:
        """What the client sends."""
        if self.refused:
            return
        self.taken += len(data)
        self.chunk = len(data)
        super().data_received(data)
        if self.phase is HEAD and not self.refused:
            self.head += len(data)
            if self.head > self.doors.bounds.head_bytes:
                self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The head begins."""
        super().on_message_begin()
        self.phase, self.head = HEAD, 0
        self.turn += 1

    def on_headers_complete(self) -> None:
        """The head is complete: the request is answered from now on."""
        self.phase = BODY
        bounds = self.doors.bounds
        if self.head + self.chunk > bounds.head_bytes and self._head_size() > bounds.head_bytes:
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        app: Any = self.config.loaded_app
        if isinstance(app, ProxyHeadersMiddleware) and not any(h in _FORWARDED for h, _ in self.headers):
            app = app.app  # it would look who asks, and find nothing to do
        if len(self.connections) > bounds.connections and self.url not in _ALWAYS:
            self.doors.turned_away["connections"] += 1
            app = busy
        self._begin(app)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self.phase = DONE
        if not self.refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.stuck, self.mark = True, self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client takes it again."""
        self.stuck = False
        super().resume_writing()

    def look(self, now: float) -> None:
        """End the connection if the client has been too slow up to ``now`` of the loop's clock."""
        bounds = self.doors.bounds
        if self.refused:  # it had a moment to read why
            self.transport.close()
            return
        if self.stuck and now - self.mark > bounds.reply_seconds:
            self.doors.turned_away["slow reply"] += 1
            self.transport.abort()
            return
        if self.seen != (self.phase, self.turn):
            self.seen, self.since, self.amount = (self.phase, self.turn), now, self.taken
        elif self.phase in (FRESH, HEAD) and now - self.since > bounds.head_seconds:
            self._refuse("slow head", HTTPStatus.REQUEST_TIMEOUT if self.taken else None)
        elif self.phase is BODY and now - self.since > bounds.body_seconds and not self.flow.read_paused:
            if self.taken - self.amount < bounds.body_bytes:
                self._refuse("slow body", HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.since, self.amount = now, self.taken

    def _begin(self, app: Any) -> None:
        """Hand the request to the application, once those before it on the connection are answered."""
        scope: Any = self.scope
        version = self.parser.get_http_version()
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["http_version"] = version
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        before: Cycle | None = self.cycle  # type: ignore[assignment]
        self.cycle = cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            version != "1.0" and self.parser.should_keep_alive() and not self.doors.closing,
            self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse(self, reason: str, status: HTTPStatus | None) -> None:
        """Say why, if nothing was said yet, and close.

        What the client still sends is thrown away for a moment, so that it is not reset before it reads that.
        """
        self.refused = True
        if self.transport.is_closing():
            return
        self.doors.turned_away[reason] += 1
        cycle: Cycle | None = self.cycle  # type: ignore[assignment]
        # Between two requests, or while the body is waited for, nobody else writes to the connection.
        free = cycle is None or (
            cycle.response_complete if self.phase is HEAD else not cycle.response_started
        )
        if status is not None and free:
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode())
            self.transport.write_eof()
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if status is None or not free:
            self.transport.close()
