"""One request and its reply: a reply that comes whole (``http.reply.WHOLE``) leaves in one piece (outbox.py).

uvicorn writes head and body one after the other, so that two packets are sent and the client is woken twice.
A reply in several messages, to HEAD, at the end of a connection, or to a client that is slow goes its way.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected

from rosterd.http.reply import WHOLE

EXTENSIONS: Final[dict[str, dict[str, object]]] = {WHOLE: {}}
_VISIBLE: Final = bytes(b if b == 0x09 or (b >= 0x20 and b != 0x7F) else 0x20 for b in range(256))
"""Bytes as a header may hold them (RFC 9110 §5.5): any other one is a blank here."""


class Cycle(RequestResponseCycle):
    """See ``uvicorn``'s class of which it is one; the application calls ``send``."""

    access_log = False

    def __init__(self, connection: Any, scope: Any, keep_alive: bool) -> None:
        """``connection`` is the protocol that got the request of this scope."""
        self.connection = connection
        self.scope = scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.default_headers = connection.server_state.default_headers
        self.waited_for: asyncio.Event | None = None
        self.on_response = connection.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body = bytearray()
        self.more_body = True
        self.disconnected = self.response_started = self.response_complete = False
        self.taken = False
        """Whether the body was received as a whole."""
        self.in_progress = False
        """Whether it was begun, and may still be answered as a whole."""
        self.chunked_encoding = None
        self.expected_content_length = 0

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set while there is something that the application has not received; made when it waits for it."""
        if self.waited_for is None:
            self.waited_for = asyncio.Event()
            if not self.taken and (self.body or not self.more_body):
                self.waited_for.set()
        return self.waited_for

    async def receive(self) -> Any:
        """The next message for the application: the body as a whole, if nothing of it is still to come."""
        over = self.disconnected or self.response_complete
        if over or self.more_body or self.taken or self.waited_for or self.waiting_for_100_continue:
            return await super().receive()
        self.taken = True
        self.flow.resume_reading()
        body, self.body = bytes(self.body), bytearray()
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
            status, headers = message["status"], message["headers"]
            await super().send({"type": "http.response.start", "status": status, "headers": headers})
            await super().send({"type": "http.response.body", "body": message["body"]})

    def _whole(self, message: Any) -> bool:
        """Write a whole reply, if nothing keeps it from leaving at once."""
        waits = self.disconnected or self.response_started or self.flow.write_paused
        if waits or not self.keep_alive or self.scope["method"] == "HEAD":
            return False
        lines = [*map(b": ".join, self.default_headers), *map(b": ".join, message["headers"])]
        text = b"".join(lines)
        if text.translate(_VISIBLE) != text:
            raise RuntimeError("a header of the reply has characters that a header must not have")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.wake()
        self.on_response()
        lines += b"", message["body"]
        self.connection.outgoing.post(STATUS_LINE[message["status"]] + b"\r\n".join(lines))
        return True
