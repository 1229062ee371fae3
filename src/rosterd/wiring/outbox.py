"""Replies of one turn of the loop leave together, so that who reads them is woken once and not by each.

A client or proxy on the same machine sleeps while it waits, and to wake it is a good part of what a quick
request costs. A request that is the only one in progress is answered at once, and a reply that others were
read or written behind is never overtaken: whatever is done to a connection, what waits for it leaves before.
"""

import asyncio
import time
from typing import Final

HELD_BYTES: Final = 65_536
"""A reply longer than this leaves at once: to write it is the cost, not to wake who reads it."""
HELD_SECONDS: Final = 0.002
"""When the first has waited for so long, all leave, though the turn goes on."""


class Outbox:
    """What waits to leave, of all connections of a server."""

    def __init__(self) -> None:
        self.expected = 0
        """Requests in progress that may be answered by a whole reply."""
        self._waiting: list[Outgoing] = []
        self._since = 0.0

    def put(self, connection: "Outgoing") -> None:
        """Have what waits for a connection leave with the turn, or now if nothing else is expected."""
        waiting = self._waiting
        if not waiting:
            if not self.expected:
                connection.leave()
                return
            self._since = time.perf_counter()
            asyncio.get_running_loop().call_soon(self.empty)
        waiting.append(connection)
        if not self.expected or time.perf_counter() - self._since > HELD_SECONDS:
            self.empty()

    def empty(self) -> None:
        """Write all that waits."""
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.leave()


class Outgoing:
    """A connection's transport, as far as HTTP on it needs one."""

    __slots__ = ("_held", "_outbox", "_transport", "get_extra_info", "get_write_buffer_size", "is_closing")

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._held = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size

    def post(self, reply: bytes) -> None:
        """Write a whole reply, perhaps a moment later."""
        held = self._held + reply
        if len(held) > HELD_BYTES:
            self.write(reply)
        else:
            self._held = held
            self._outbox.put(self)

    def leave(self) -> None:
        """Write what waits."""
        held, self._held = self._held, b""
        if held:
            self._transport.write(held)

    def write(self, data: bytes) -> None:
        """Write now."""
        self.leave()
        self._transport.write(data)

    def write_eof(self) -> None:
        """Write nothing more."""
        self.leave()
        self._transport.write_eof()

    def close(self) -> None:
        """Close it once all is written."""
        self.leave()
        self._transport.close()

    def abort(self) -> None:
        """Close it now."""
        self.forget()
        self._transport.abort()

    def forget(self) -> None:
        """What waits does not leave any more."""
        self._held = b""
