"""HTTP on a connection, with bounds: how many there are, how long a head may be, how slowly a client may go.

    connections   beyond the limit are answered 503 with Retry-After, far beyond it are closed at once
    head          longer than ``head_bytes``: 431; not complete after ``head_seconds``: 408
    body          slower than ``body_bytes`` in ``body_seconds``: 408
    trailer       of a body in chunks is read over, and no longer than a head
    reply         not taken for ``reply_seconds``: the connection is closed
    idle          after a reply for longer than uvicorn's ``timeout_keep_alive``: the connection is closed

One look over all connections every ``look_seconds`` finds the slow and idle ones, so that a request that is
quick pays nothing for a timer. What uvicorn does at each request is done here, in fewer steps. A request that
wishes for another protocol is read as if it did not; one that was complete is answered whatever follows it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from operator import itemgetter
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rosterd.http.busy import busy
from rosterd.wiring.cycle import EXTENSIONS, Cycle
from rosterd.wiring.outbox import Outbox, Outgoing

_ALWAYS: Final = (b"/healthz", b"/readyz", b"/metrics")
"""What is answered however many connections there are."""
_SPARE: Final = 64
"""Connections beyond the limit that are still told why they are refused."""
_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}
_NAME: Final = itemgetter(0)
"""Of a header."""
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
        self.outbox = Outbox()
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
    cycle: Any
    """The ``Cycle`` of the request that was read last; ``None`` before the first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or close it at once if there are far too many."""
        super().connection_made(transport)
        self.transport = self.outgoing = Outgoing(transport, self.doors.outbox)  # type: ignore[assignment]
        self.doors.connections = self.connections
        self.phase = FRESH
        self.refused = self.stuck = False
        self.running: Cycle | None = None
        self.turn = self.taken = self.amount = self.chunk = 0
        self.bare = 0
        """Bytes since the last head, piece of a body or request came to its end."""
        self.seen: tuple[object, ...] = ()
        self.since = self.mark = 0.0
        if len(self.connections) > self.doors.bounds.connections + _SPARE:
            self.doors.turned_away["connections"] += 1
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.outgoing.forget()
        super().connection_lost(exc)
        self._tell()
        self.doors.changed()

    def eof_received(self) -> None:
        """The client sends nothing more, and the transport will be closed: what is answered leaves before."""
        self.outgoing.leave()

    def data_received(self, data: bytes) -> None:
        """What the client sends."""
        if self.refused:
            return
        self.chunk = size = len(data)
        self.taken += size
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:  # never done: it is read again without the wish
                data = self._again(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                data = b""
                self._refuse(None, HTTPStatus.BAD_REQUEST)
        self.bare += size
        if self.bare > self.doors.bounds.head_bytes and self.phase is not DONE:
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The head begins."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.phase = HEAD
        self.turn += 1

    def on_headers_complete(self) -> None:
        """The head is complete: the request is answered from now on."""
        bounds, parser = self.doors.bounds, self.parser
        if self.refused:
            return
        if parser.should_upgrade():
            if parser.get_method() == b"CONNECT":
                raise ValueError("this is no proxy")
            return
        most, size = bounds.head_bytes, self.chunk
        if (size > most or size + self.bare > most) and self._head_size() > most:
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        app: Any = self.config.loaded_app
        proxied = isinstance(app, ProxyHeadersMiddleware)
        if proxied and _FORWARDED.isdisjoint(map(_NAME, self.headers)):
            app = app.app  # it would look who asks, and find nothing to do
        if len(self.connections) > bounds.connections and self.url not in _ALWAYS:
            self.doors.turned_away["connections"] += 1
            app = busy
        self._begin(app)
        self.phase, self.bare = BODY, -self.chunk

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.bare = -self.chunk
        cycle = self.cycle
        if self.phase is not BODY or cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self.phase is not BODY:  # it is refused, or read again
            return
        self.phase, self.bare = DONE, -self.chunk
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.wake()

    def on_response_complete(self) -> None:
        """The reply is complete: the next request on the connection is begun, if it came already."""
        self.server_state.total_requests += 1
        self.expect_nothing()
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start(*self.pipeline.pop())

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
        bounds, transport = self.doors.bounds, self.transport
        cycle: Cycle | None = self.cycle
        answered = cycle is None or cycle.response_complete
        if self.refused and (cycle is None or answered or cycle.disconnected):
            transport.close()  # it had a moment to read why
        closing, paused = transport.is_closing(), self.flow.read_paused
        seen = (self.phase, self.turn, answered, closing, paused)
        if self.stuck and now - self.mark > bounds.reply_seconds:
            self._abort()
        elif self.seen != seen:
            self.seen, self.since, self.amount = seen, now, self.taken
        elif closing:
            if now - self.since > bounds.reply_seconds:
                self._abort()
        elif paused or self.refused:
            pass  # it is not the client who is slow
        elif self.phase is BODY:
            self._look_at_body(now)
        elif answered and self.phase is DONE:
            if now - self.since > self.timeout_keep_alive:
                transport.close()
        elif answered and now - self.since > bounds.head_seconds:
            self._refuse("slow head", HTTPStatus.REQUEST_TIMEOUT if self.taken else None)

    def _look_at_body(self, now: float) -> None:
        bounds = self.doors.bounds
        if now - self.since > bounds.body_seconds:
            if self.taken - self.amount < bounds.body_bytes:
                self._refuse("slow body", HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.since, self.amount = now, self.taken

    def _begin(self, app: Any) -> None:
        """Make the request ready for the application, once those before it on the connection are answered."""
        parser = self.parser
        version = parser.get_http_version()
        path, query = self.url, b""
        if path.startswith(b"/") and path.find(b"#") < 0:
            path, _, query = path.partition(b"?")
        else:
            url = httptools.parse_url(path)
            path, query = url.path, url.query or b""
        text = path.decode("ascii")
        scope = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": "",
            "path": unquote(text) if "%" in text else text,
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
            "state": {},
            "extensions": EXTENSIONS,
        }
        self.headers = []  # what comes behind a body in chunks is no header
        before: Cycle | None = self.cycle
        keep_alive = version != "1.0" and parser.should_keep_alive() and not self.doors.closing
        self.cycle = cycle = Cycle(self, scope, keep_alive)
        if before is None or before.response_complete:
            self._start(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _start(self, cycle: Any, app: Any) -> None:
        """Have the application answer it in the loop's next turn, with all that came beside it."""
        self.running = cycle
        cycle.in_progress = True
        self.doors.outbox.expected += 1
        task = asyncio.Task(cycle.run_asgi(app), loop=self.loop, name="request")  # a number costs a format
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def expect_nothing(self) -> None:
        """No whole reply is to be expected to the request that was begun last."""
        if self.running is not None and self.running.in_progress:
            self.running.in_progress = False
            self.doors.outbox.expected -= 1

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _again(self, rest: bytes) -> bytes:
        """What another parser is to read: the head without its wish for another protocol, and the rest."""
        if self.refused:
            return b""
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        first = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"%b%b\r\n%b" % (first, b"".join(lines), rest)

    def _refuse(self, reason: str | None, status: HTTPStatus | None) -> None:
        """Read nothing more; say why, if nothing was said yet, and close. What came before is answered first.

        What the client still sends is thrown away for a moment, so that it is not reset before it reads that.
        """
        if self.refused or self.transport.is_closing():
            return
        self.refused = True
        if reason is not None:
            self.doors.turned_away[reason] += 1
        if self.phase is BODY and self.pipeline:  # it waits for those before it, and never begins
            self.pipeline.popleft()
            self.cycle, self.phase = self.pipeline[0][0] if self.pipeline else self.running, DONE
        cycle: Cycle | None = self.cycle
        within = self.phase is BODY
        if not within and cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            return
        begun = cycle is not None and within and cycle.response_started
        if status is None or begun:
            self.transport.close()
        else:
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode())
            self.transport.write_eof()
        self._tell()

    def _tell(self) -> None:
        """Tell the application that nobody waits for its replies any more."""
        for cycle in (self.running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.wake()
        self.expect_nothing()

    def _abort(self) -> None:
        self.doors.turned_away["slow reply"] += 1
        self.transport.abort()
