"""One request and its reply: the head of a reply waits for its body, and both leave as one piece.

uvicorn writes them one after the other, so that two packets are sent and the client is woken twice. A reply
without a known length, one whose body comes in parts, and one that ends the connection go uvicorn's way.
"""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_VISIBLE: Final = bytes(byte for byte in range(256) if byte == 0x09 or (byte >= 0x20 and byte != 0x7F))
"""What the value of a header may hold (RFC 9110 §5.5)."""


class Cycle(RequestResponseCycle):
    """See ``uvicorn``'s class of which it is one; the application calls ``send``."""

    _start: Any = None
    """The beginning of a reply that waits for its body."""
    _length = b""

    async def send(self, message: Any) -> None:
        """Take a message of ASGI from the application."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._length = next((v for name, v in message["headers"] if name == b"content-length"), b"")
            if self._length:
                self._start = message
                return
        start, self._start = self._start, None
        if start is not None and not self._whole(start, message):
            await super().send(start)
        elif start is not None:
            return
        await super().send(message)

    def _whole(self, start: Any, message: Any) -> bool:
        """Write a whole reply, if it is one and the client takes it at once."""
        body = message.get("body", b"")
        if (
            message.get("more_body")
            or self.scope["method"] == "HEAD"
            or len(body) != int(self._length)
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
        ):
            return False
        headers = [*self.default_headers, *start["headers"]]
        parts = [STATUS_LINE[start["status"]]]
        for name, value in headers:
            if name == b"connection" or name == b"transfer-encoding":
                return False
            parts += (name, b": ", value, b"\r\n")
        head = b"".join(parts)
        if head.translate(None, _VISIBLE) != b"\r\n" * (len(headers) + 1):
            raise RuntimeError("a header of the reply has characters that a header must not have")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"%b\r\n%b" % (head, body))
        self.message_event.set()
        self.on_response()
        return True
