"""One request and its reply: a reply that comes whole (``http.reply.WHOLE``) leaves in one piece (outbox.py).

uvicorn writes head and body one after the other, so that two packets are sent and the client is woken twice.
A reply in several messages, to HEAD, at the end of a connection, or to a client that is slow goes its way.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from rosterd.http.reply import WHOLE

EXTENSIONS: Final[dict[str, dict[str, object]]] = {WHOLE: {}}
_VISIBLE: Final = bytes(byte for byte in range(256) if byte == 0x09 or (byte >= 0x20 and byte != 0x7F))
"""What the value of a header may hold (RFC 9110 §5.5)."""
_OF_THE_CONNECTION: Final = frozenset((b"connection", b"transfer-encoding"))


class Cycle(RequestResponseCycle):
    """See ``uvicorn``'s class of which it is one; the application calls ``send``."""

    access_log = disconnected = response_started = response_complete = False
    in_progress = False
    """Whether it was begun, and may still be answered as a whole."""
    more_body = True
    chunked_encoding = None
    expected_content_length = 0

    def __init__(self, connection: Any, scope: Any, *, keep_alive: bool) -> None:
        """``connection`` is the protocol that got the request of this scope."""
        self.connection = connection
        self.scope = scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.default_headers = connection.server_state.default_headers
        self.message_event = asyncio.Event()
        self.on_response = connection.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body = bytearray()

    async def send(self, message: Any) -> None:
        """Take a message of ASGI from the application."""
        if self.waiting_for_100_continue and self.more_body:
            self.keep_alive = False  # nobody knows whether the body comes now that it was not asked for
        if message["type"] != WHOLE:
            self.connection.expect_nothing()
            await super().send(message)
        elif not self._whole(message):
            status, headers = message["status"], message["headers"]
            await super().send({"type": "http.response.start", "status": status, "headers": headers})
            await super().send({"type": "http.response.body", "body": message["body"]})

    def _whole(self, message: Any) -> bool:
        """Write a whole reply, if nothing keeps it from leaving at once."""
        waits = self.disconnected or self.response_started or self.flow.write_paused
        if waits or not self.keep_alive or self.scope["method"] == "HEAD":
            return False
        headers = [*self.default_headers, *message["headers"]]
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"%b%b" % (STATUS_LINE[message["status"]], b"".join(lines))
        if not _OF_THE_CONNECTION.isdisjoint([name for name, _ in headers]):
            return False
        if head.translate(None, _VISIBLE) != b"\r\n" * (len(lines) + 1):
            raise RuntimeError("a header of the reply has characters that a header must not have")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.message_event.set()
        self.on_response()
        self.connection.outgoing.post(b"%b\r\n%b" % (head, message["body"]))
        return True
