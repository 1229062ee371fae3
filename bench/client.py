"""A raw HTTP/1.1 client that must never be the bottleneck.

One connection carries one request at a time. Requests are ready-made bytes; of a response only the
status, the body and whether the connection stays open are read (RFC 9112 §6: Content-Length, chunked,
or until the end of the connection). Nothing is retried: an unexpected answer ends the measurement.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast
from urllib.parse import urlsplit

GRACE = 60.0
"""Seconds an operation already under way may still take when its scenario's time is over."""


class Response(NamedTuple):
    """What came back. ``keep`` says whether the connection can be used again."""

    status: int
    body: bytes
    keep: bool


class BadResponse(Exception):
    """The peer does not speak HTTP/1.x, or answered with a status the scenario does not expect."""


class Parser:
    """Reads one response after another, from pieces cut anywhere."""

    __slots__ = ("_body_at", "_buffer", "_chunked", "_keep", "_length", "_status")

    def __init__(self) -> None:
        self._buffer = b""
        self._reset()

    def _reset(self) -> None:
        self._body_at = -1
        self._status = 0
        self._length: int | None = None
        self._chunked = False
        self._keep = True

    def feed(self, data: bytes) -> Response | None:
        """Take the next bytes; the response once it is complete, else ``None``."""
        self._buffer = self._buffer + data if self._buffer else data
        if self._body_at < 0 and not self._head():
            return None
        if self._chunked:
            return self._chunks()
        if self._length is None:
            return None
        end = self._body_at + self._length
        if len(self._buffer) < end:
            return None
        return self._done(self._buffer[self._body_at : end], end)

    def finish(self) -> Response | None:
        """The connection has ended: the response whose body lasts until then, if there is one."""
        if self._body_at < 0 or self._chunked or self._length is not None:
            return None
        self._keep = False
        return self._done(self._buffer[self._body_at :], len(self._buffer))

    def _head(self) -> bool:
        """Read the header section if it is all there."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._buffer[:end]
        if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
            raise BadResponse(f"not an HTTP/1.x response: {head[:80]!r}")
        self._status = int(head[9:12])
        self._keep = head[7:8] == b"1"
        for line in head.lower().split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name == b"content-length":
                self._length = int(value)
            elif name == b"transfer-encoding":
                self._chunked = b"chunked" in value
            elif name == b"connection":
                self._keep = b"close" not in value and (self._keep or b"keep-alive" in value)
        if self._status in (204, 304):
            self._length, self._chunked = 0, False
        self._body_at = end + 4
        return True

    def _chunks(self) -> Response | None:
        """The body of a chunked response (RFC 9112 §7.1), trailers dropped.

        chunked-body = *chunk last-chunk trailer-section CRLF
        chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
        """
        buffer, at, parts = self._buffer, self._body_at, []
        while True:
            eol = buffer.find(b"\r\n", at)
            if eol < 0:
                return None
            size = int(buffer[at:eol].split(b";")[0], 16)
            if size == 0:
                break
            at = eol + 2 + size + 2
            if len(buffer) < at:
                return None
            parts.append(buffer[eol + 2 : at - 2])
        end = eol + 2 if buffer[eol + 2 : eol + 4] == b"\r\n" else buffer.find(b"\r\n\r\n", eol + 2) + 2
        if end < 2 or len(buffer) < end + 2:
            return None
        return self._done(b"".join(parts), end + 2)

    def _done(self, body: bytes, end: int) -> Response:
        response = Response(self._status, body, self._keep)
        self._buffer = self._buffer[end:]
        self._reset()
        return response


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server is. ``prefix`` is the path of the SCIM base URL, without a trailing slash."""

    host: str
    port: int
    prefix: str = ""
    token: str = ""

    @classmethod
    def of(cls, url: str, token: str) -> "Target":
        """From a base URL such as ``http://127.0.0.1:8080/scim/v2``."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"--url must be http://HOST:PORT/PATH, not {url!r}")
        return cls(parts.hostname, parts.port or 80, parts.path.rstrip("/"), token)

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The bytes of one request; ``path`` starts behind the prefix and is already percent-encoded."""
        head = f"{method} {self.prefix}{path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        head += "User-Agent: rosterd-bench\r\nAccept: application/scim+json\r\n"
        if self.token:
            head += f"Authorization: Bearer {self.token}\r\n"
        if body is None:
            return f"{head}\r\n".encode()
        head += f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


class Link(asyncio.Protocol):
    """One TCP connection, from its opening to its end."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Response] | None = None

    @property
    def usable(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None

    def send(self, request: bytes) -> asyncio.Future[Response]:
        """Send a request on a usable link; the response comes with the future."""
        self._waiter = asyncio.get_running_loop().create_future()
        cast("asyncio.Transport", self._transport).write(request)
        return self._waiter

    def close(self) -> None:
        """Close the connection, if it is open."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            response = self._parser.feed(data)
        except (BadResponse, ValueError) as problem:
            self.close()
            self._fail(BadResponse(str(problem)))
            return
        if response is not None:
            self._answer(response)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        response = self._parser.finish()
        if response is not None:
            self._answer(response)
        else:
            self._fail(ConnectionResetError("the server closed the connection without an answer"))

    def _answer(self, response: Response) -> None:
        if not response.keep:
            self.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(response)

    def _fail(self, problem: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(problem)


class Connection:
    """A line to the server: one link after another, a new one when the server has closed the last."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._link = Link()

    async def open(self) -> None:
        """Connect. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        _, self._link = await loop.create_connection(Link, self._target.host, self._target.port)

    async def exchange(self, request: bytes) -> Response:
        """Send a request and wait for its response. Raises ``OSError``, ``BadResponse``."""
        if not self._link.usable:
            await self.open()
        return await self._link.send(request)

    def close(self) -> None:
        """Close the link, if it is open."""
        self._link.close()


def expect(response: Response, *statuses: int) -> bytes:
    """The body of a response with one of these statuses. Raises ``BadResponse``."""
    if response.status not in statuses:
        text = response.body[:300].decode("utf-8", "replace")
        raise BadResponse(f"status {response.status} instead of {'/'.join(map(str, statuses))}: {text}")
    return response.body


Step = Callable[[Connection, int], Awaitable[None]]
"""Operation number *i* on a connection; raises on any answer it does not expect."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What ``drive`` measured: nanoseconds per operation in order of completion, and the whole in seconds."""

    latencies: Sequence[int]
    seconds: float
    client_cpu: float


async def drive(
    target: Target, step: Step, concurrency: int, first: int, count: int, seconds: float
) -> Timing:
    """Run operations ``first`` to ``first + count - 1`` on ``concurrency`` connections, each starting its
    next one when its last is answered, for at most ``seconds``. Raises what ``step`` raises."""
    connections = [Connection(target) for _ in range(concurrency)]
    for connection in connections:
        await connection.open()
    latencies: list[int] = []
    numbers = iter(range(first, first + count))
    clock = time.perf_counter_ns
    gc.collect()
    gc.disable()
    cpu, started = time.process_time(), clock()
    deadline = started + int(seconds * 1e9)

    async def work(connection: Connection) -> None:
        for number in numbers:
            begin = clock()
            if begin >= deadline:
                return
            await step(connection, number)
            latencies.append(clock() - begin)

    try:
        async with asyncio.timeout(seconds + GRACE), asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(work(connection))
        took = (clock() - started) / 1e9
        return Timing(latencies, took, time.process_time() - cpu)
    except BaseExceptionGroup as problems:
        raise problems.exceptions[0] from None
    finally:
        gc.enable()
        for connection in connections:
            connection.close()
