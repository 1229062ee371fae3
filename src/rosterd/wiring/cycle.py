"""One request and its reply: a reply that comes whole (``http.reply.WHOLE``) leaves in one piece (outbox.py).

uvicorn writes head and body one after the other, so that two packets are sent and the client is woken twice.
A reply in several messages, to HEAD, at the end of a connection, or to a client that is slow goes its way.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected

from rosterd.http.reply import WHOLE, Header

_VISIBLE: Final = bytes(b if b == 0x09 or (b >= 0x20 and b != 0x7F) else 0x20 for b in range(256))
"""Bytes as a header may hold them (RFC 9110 §5.5): any other one is a blank here."""
_UNSOUND: Final = "a header of the reply has characters that a header must not have"
_log: Final = logging.getLogger("uvicorn.error")
_LINE: Final = b": ".join
"""A header as a line."""


class Cycle(RequestResponseCycle):
    """See ``uvicorn``'s class of which it is one; the application calls ``send``.

    What the class says itself is what few requests have otherwise.
    """

    access_log = False
    task: asyncio.Task[None]
    """What it is answered in, once it is begun."""
    chunked_encoding = None
    expected_content_length = 0

    def __init__(self, connection: Any, app: Any, scope: Any, keep_alive: bool) -> None:
        """``connection`` is the protocol that got the request of this scope; ``app`` is to answer it."""
        self.connection = connection
        self.app = app
        self.scope = scope
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = False
        self.waited_for: asyncio.Event | None = None
        self.body = b""  # type: ignore[assignment]
        self.more_body = True
        self.taken = False
        """Whether the body was received as a whole."""
        self.disconnected = self.response_started = self.response_complete = False

    @property
    def transport(self) -> Any:  # type: ignore[override]
        """See ``uvicorn``'s class, like the next three."""
        return self.connection.transport

    @property
    def flow(self) -> Any:  # type: ignore[override]
        """Of the connection."""
        return self.connection.flow

    @property
    def default_headers(self) -> Any:  # type: ignore[override]
        """Of every reply."""
        return self.connection.state.default_headers

    @property
    def on_response(self) -> Any:  # type: ignore[override]
        """To be called once the reply is complete."""
        return self.connection.on_response_complete

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set while there is something that the application has not received; made when it waits for it."""
        if self.waited_for is None:
            self.waited_for = asyncio.Event()
            if not self.taken and (self.body or not self.more_body):
                self.waited_for.set()
        return self.waited_for

    async def run(self) -> None:
        """Have the application answer; if it does not, 500 is told, or half a reply ends."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - who is cancelled answers so, too
            await self._fail("Exception in ASGI application\n", error)
        else:
            if not (self.response_complete or self.disconnected):
                left_out = "completing" if self.response_started else "starting"
                await self._fail(f"ASGI callable returned without {left_out} response.")
        finally:
            self.connection.state.tasks.discard(self.task)  # a callback of its own would be another turn

    async def _fail(self, why: str, error: BaseException | None = None) -> None:
        _log.error(why, exc_info=error)
        if self.response_started:
            self.connection.transport.close()
        else:
            await self.send_500_response()

    async def receive(self) -> Any:
        """The next message for the application: the body as a whole, if nothing of it is still to come."""
        over = self.disconnected or self.response_complete
        if over or self.more_body or self.taken or self.waited_for or self.waiting_for_100_continue:
            return await super().receive()
        self.taken = True
        if self.connection.flow.read_paused:
            self.connection.flow.resume_reading()
        body = bytes(self.body)
        self.body = b""  # type: ignore[assignment]
        return {"type": "http.request", "body": body, "more_body": False}

    def wake(self) -> None:
        """Have the application look again, if it waits."""
        if self.waited_for is not None:
            self.waited_for.set()

    async def send(self, message: Any) -> None:
        """Take a message of ASGI from the application. Raises ``OSError`` for a part of what nobody takes."""
        if self.waiting_for_100_continue and self.more_body:
            self.keep_alive = False  # nobody knows whether the body comes now that it was not asked for
        if message["type"] != WHOLE:
            self.connection.expect_nothing()
            await super().send(message)
            if self.disconnected and message.get("more_body"):
                raise ClientDisconnected
        elif not self._whole(message):
            status, headers = message["status"], [*message["usual"], *message["headers"]]
            await super().send({"type": "http.response.start", "status": status, "headers": headers})
            await super().send({"type": "http.response.body", "body": message["body"]})

    def _whole(self, message: Any) -> bool:
        """Write a whole reply, if nothing keeps it from leaving at once."""
        connection = self.connection
        waits = self.disconnected or self.response_started or connection.stuck
        if waits or not self.keep_alive or self.scope["method"] == "HEAD":
            return False
        lines = [*map(_LINE, message["headers"])]
        text = b"".join(lines)
        if text.translate(_VISIBLE) != text:
            raise RuntimeError(_UNSOUND)
        opening, headers = connection.doors.opening, connection.state.default_headers
        if opening.headers is not headers:
            opening = connection.doors.opening = Opening(headers)
        start = opening[message["status"], message["usual"]]
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        if self.waited_for is not None:
            self.waited_for.set()
        connection.on_response_complete()
        connection.transport.post(b"\r\n".join([start, *lines, b"", message["body"]]))
        return True


class Opening(dict[tuple[int, tuple[Header, ...]], bytes]):
    """What whole replies begin with, by their status and usual headers: its line, the headers that the server
    says of itself, and those."""

    def __init__(self, headers: Iterable[Header] = ()) -> None:
        super().__init__()
        self.headers = headers

    def __missing__(self, key: tuple[int, tuple[Header, ...]]) -> bytes:
        status, usual = key
        lines = [*map(_LINE, usual)]
        if any(line.translate(_VISIBLE) != line for line in lines):
            raise RuntimeError(_UNSOUND)
        made = self[key] = b"\r\n".join([STATUS_LINE[status][:-2], *map(_LINE, self.headers), *lines])
        return made
