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
from collections import deque
from functools import partial
from http import HTTPStatus
from operator import itemgetter
from typing import Any, Final
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from rosterd.http.busy import busy
from rosterd.http.reply import SAME, WHOLE
from rosterd.wiring.cycle import Cycle
from rosterd.wiring.doors import Doors, refusal, unmapped
from rosterd.wiring.outbox import Outgoing

_ALWAYS: Final = (b"/healthz", b"/readyz", b"/metrics")
"""What is answered however many connections there are."""
_SPARE: Final = 64
"""Connections beyond the limit that are still told why they are refused."""
_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}
_HASH: Final = ord("#")
"""As a number, which is found in bytes ten times as fast as bytes are."""
_NAME: Final = itemgetter(0)
"""Of a header."""
_FORWARDED: Final = frozenset((b"x-forwarded-proto", b"x-forwarded-for"))
_NOTED: Final = _FORWARDED | {b"expect", b"connection", b"proxy-connection"}
"""Headers that change more than what the application is told."""

FRESH: Final = "fresh"
HEAD: Final = "head"
BODY: Final = "body"
DONE: Final = "done"


def protocol(doors: Doors) -> Any:
    """What makes the protocol of a new connection, for uvicorn."""
    return partial(Bounded, doors)


class Bounded(asyncio.Protocol):
    """One connection, for uvicorn's server. ``phase`` says what it is in the middle of."""

    __slots__ = (
        "about", "amount", "app", "bare", "chunk", "cycle", "direct", "doors", "expected", "flow", "headers",
        "keep_alive_seconds", "loop", "mark", "noted", "parser", "phase", "pipeline", "refused", "running",
        "seen", "since", "state", "stuck", "taken", "transport", "url",
    )  # fmt: skip

    def __init__(
        self,
        doors: Doors,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        app: Any = config.loaded_app
        self.app = app
        self.direct = app.app if isinstance(app, ProxyHeadersMiddleware) else app
        """Who answers a request of which no proxy says whose it is."""
        self.doors = doors
        self.state = server_state
        self.loop = _loop or asyncio.get_running_loop()
        self.keep_alive_seconds = config.timeout_keep_alive
        self.parser = self._parser()
        self.phase = FRESH
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.noted = False
        """Whether some of those that were read last are among ``_NOTED``."""
        self.cycle: Any = None
        """Of the request that was read last."""
        self.running: Cycle | None = None
        self.pipeline: deque[Cycle] = deque()
        """Those that wait for it."""
        self.expected = False
        """Whether ``running`` may still be answered as a whole."""
        self.refused = self.stuck = False
        self.taken = self.amount = self.chunk = 0
        self.bare = 0
        """Bytes since the last head, piece of a body or request came to its end."""
        self.seen: tuple[object, ...] = ()
        self.since = self.mark = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, or close it at once if there are far too many."""
        self.transport = Outgoing(transport, self.doors.outbox)
        self.flow = FlowControl(transport)
        self.about: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.1",
            "server": get_local_addr(transport),
            "client": unmapped(get_remote_addr(transport)),
            "scheme": "https" if is_ssl(transport) else "http",
            "method": "",
            "root_path": "",
            "path": "",
            "raw_path": b"",
            "query_string": b"",
            "headers": (),
            "extensions": {WHOLE: {}, SAME: []},
        }
        """A request on this connection, before anything is known of it."""
        connections = self.doors.connections = self.state.connections
        connections.add(self)  # type: ignore[arg-type]
        if len(connections) > self.doors.bounds.connections + _SPARE:
            self.doors.turned_away["connections"] += 1
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.state.connections.discard(self)
        self.transport.forget()
        self._tell()
        self.flow.resume_writing()
        del self.parser  # which knows this protocol
        self.doors.changed()

    def shutdown(self) -> None:
        """The server ends: nothing more is answered than what was asked."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def eof_received(self) -> None:
        """The client sends nothing more, and the transport will be closed: what is answered leaves before."""
        self.transport.leave()

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
        if self.phase is not DONE and self.bare > self.doors.bounds.head_bytes:
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The head begins."""
        self.url = b""
        self.headers = []
        self.phase = HEAD

    def on_url(self, url: bytes) -> None:
        """A part of what is asked for."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what comes like one behind a body in chunks."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete: the request is answered once those before it on the connection are."""
        doors, parser, headers, size = self.doors, self.parser, self.headers, self.chunk
        if self.refused:
            return
        if parser.should_upgrade():
            if parser.get_method() == b"CONNECT":
                raise ValueError("this is no proxy")
            return
        most = doors.bounds.head_bytes
        if (size > most or size + self.bare > most) and self._head_size() > most:
            self._refuse("head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        if headers != self.about["headers"]:
            self.about["headers"], self.about["extensions"] = headers, {WHOLE: {}, SAME: []}
            names = [*map(_NAME, headers)]
            self.noted = not _NOTED.isdisjoint(names)
            # An address that is missing, or one of two, may be another one to a proxy before (RFC 9112 §3.2).
            if names.count(b"host") != 1 and (b"host" in names or parser.get_http_version() != "1.0"):
                self._refuse(None, HTTPStatus.BAD_REQUEST)
                return
        scope = self.about.copy()
        path, query = self.url, b""
        if path.startswith(b"/") and _HASH not in path:
            path, _, query = path.partition(b"?")
        else:
            url = httptools.parse_url(path)
            path, query = url.path, url.query or b""
        text = path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["path"] = unquote(text) if "%" in text else text
        scope["raw_path"] = path
        scope["query_string"] = query
        self.headers = []  # what comes behind a body in chunks is no header
        cycle = Cycle(self, self.direct, scope, parser.should_keep_alive() and not doors.closing)
        if self.noted or not cycle.keep_alive:
            self._note(cycle)
        if len(self.state.connections) > doors.bounds.connections and self.url not in _ALWAYS:
            doors.turned_away["connections"] += 1
            cycle.app = busy
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft(cycle)
        self.phase, self.bare = BODY, -size

    def _note(self, cycle: Cycle) -> None:
        """What few requests have: another version, something before the body, somebody whom a proxy names.

        A connection that stays open without a word about it is one of HTTP/1.1.
        """
        headers = cycle.scope["headers"]
        names = _NOTED.intersection(map(_NAME, headers))
        version = cycle.scope["http_version"] = self.parser.get_http_version()
        cycle.keep_alive = cycle.keep_alive and version != "1.0"
        if b"expect" in names:
            wishes = (value.lower() for name, value in headers if name == b"expect")
            cycle.waiting_for_100_continue = b"100-continue" in wishes
        if not _FORWARDED.isdisjoint(names):
            cycle.app = self.app

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self.bare = -self.chunk
        cycle = self.cycle
        if self.phase is not BODY or cycle.response_complete:
            return
        if not cycle.body:
            cycle.body = body
        elif isinstance(cycle.body, bytearray):
            cycle.body += body
        else:
            cycle.body = bytearray(cycle.body) + body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self.phase is not BODY:  # it is refused, or read again
            return
        self.phase, self.bare = DONE, -self.chunk
        cycle: Cycle = self.cycle
        cycle.more_body = False
        if cycle.waited_for is not None:
            cycle.waited_for.set()

    def on_response_complete(self) -> None:
        """The reply is complete: the next request on the connection is begun, if it came already."""
        self.state.total_requests += 1
        self.expect_nothing()
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            if self.pipeline:
                self._start(self.pipeline.pop())

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        self.stuck, self.mark = True, self.loop.time()
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        """The client takes it again."""
        self.stuck = False
        self.flow.resume_writing()

    def look(self, now: float) -> None:
        """End the connection if the client has been too slow up to ``now`` of the loop's clock."""
        bounds, transport = self.doors.bounds, self.transport
        cycle: Cycle | None = self.cycle
        answered = cycle is None or cycle.response_complete
        if self.refused and (cycle is None or answered or cycle.disconnected):
            transport.close()  # it had a moment to read why
        closing, paused = transport.is_closing(), self.flow.read_paused
        seen = (self.phase, cycle, answered, closing, paused)
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
            if now - self.since > self.keep_alive_seconds:
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

    def _start(self, cycle: Cycle) -> None:
        """Have the application answer it in the loop's next turn, with all that came beside it."""
        self.running = cycle
        self.expected = True
        self.doors.outbox.expected += 1
        # A task without a name would be given a number, which costs a format.
        cycle.task = task = asyncio.Task(cycle.run(), loop=self.loop, name="request")
        self.state.tasks.add(task)

    def expect_nothing(self) -> None:
        """No whole reply is to be expected to the request that was begun last."""
        if self.expected:
            self.expected = False
            self.doors.outbox.expected -= 1

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser

    def _again(self, rest: bytes) -> bytes:
        """What another parser is to read: the head without its wish for another protocol, and the rest."""
        if self.refused:
            return b""
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        first = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        self.parser = self._parser()
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
            self.cycle, self.phase = self.pipeline[0] if self.pipeline else self.running, DONE
        cycle: Cycle | None = self.cycle
        within = self.phase is BODY
        if not within and cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            return
        begun = cycle is not None and within and cycle.response_started
        if status is None or begun:
            self.transport.close()
        else:
            self.transport.write(refusal(status))
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
