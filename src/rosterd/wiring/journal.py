"""What requests leave is collected here and written to the request log twice a second, as one job each time.

It is bounded by number and by bytes. When it is full, successful reads are left out first, then whatever
comes; what is left out is counted, and the count is kept with the next exchange of the same connection. It
never makes a request wait or fail: what cannot be written is lost, and the process log says so.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Final

import structlog

from rosterd.service import capture
from rosterd.service.capture import Captured, Left
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import Exchange, Omitted, RequestLog

_log = structlog.get_logger("rosterd.requests")

FLUSH_SECONDS: Final = 0.5
FLUSH_COUNT: Final = 500
MAX_COUNT: Final = 4000
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_OMITTED: Final = 100_000
"""Reads that are counted though they were left out; more are not, while nothing can be written."""
_AT_ONCE: Final = 16
"""Exchanges read and masked before others get a turn."""


class Buffer:
    """What waits to be written, in order, and what was left out."""

    def __init__(self, max_count: int = MAX_COUNT, max_bytes: int = MAX_BYTES) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._reads: deque[tuple[int, Left]] = deque()
        self._others: deque[tuple[int, Left]] = deque()
        self._order = 0
        self._bytes = 0
        self.omitted: deque[Omitted] = deque(maxlen=MAX_OMITTED)

    def __len__(self) -> int:
        return len(self._reads) + len(self._others)

    def put(self, left: Left) -> None:
        """Keep it; if there is no room, count it, or a read in its place."""
        weight, expendable = left.weight, left.expendable
        while len(self) >= self._max_count or self._bytes + weight > self._max_bytes:
            if expendable or not self._reads:
                self.omitted.append(left.omitted)
                return
            _, read = self._reads.popleft()
            self._bytes -= read.weight
            self.omitted.append(read.omitted)
        self._order += 1
        self._bytes += weight
        (self._reads if expendable else self._others).append((self._order, left))

    def take(self) -> tuple[list[Left], list[Omitted]]:
        """All of it; the buffer is empty then."""
        waiting = sorted(chain(self._reads, self._others), key=lambda each: each[0])
        omitted = list(self.omitted)
        self.omitted.clear()
        self._reads.clear()
        self._others.clear()
        self._bytes = 0
        return [left for _, left in waiting], omitted


class Journal:
    """See ``rosterd.http.trail.Journal``. ``bodies`` says whether bodies are kept at present."""

    def __init__(
        self, log: RequestLog, bodies: Callable[[], Awaitable[bool]], buffer: Buffer | None = None
    ) -> None:
        self._log = log
        self._bodies = bodies
        self._buffer = Buffer() if buffer is None else buffer
        self._left_out: Counter[tuple[int, int]] = Counter()
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._closing = False
        self.omitted = self.lost = 0
        """How many were left out for want of room, and how many could not be written."""

    @property
    def waiting(self) -> int:
        """How many wait to be written."""
        return len(self._buffer)

    def note(self, left: Left) -> None:
        """Keep it until the next flush, or count it if there is too much."""
        self._buffer.put(left)
        if len(self._buffer) >= FLUSH_COUNT:
            self._full.set()

    async def run(self) -> None:
        """Flush until it is closed."""
        while not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), FLUSH_SECONDS)
            self._full.clear()
            await self.flush()

    def close(self) -> None:
        """Let ``run`` write what waits and return."""
        self._closing = True
        self._full.set()

    async def flush(self) -> None:
        """Write what waits; after it, everything that was noted before is in the log or lost."""
        async with self._writing:
            waiting, omitted = self._buffer.take()
            self.omitted += len(omitted)
            self._left_out.update((one.directory, one.connection) for one in omitted)
            exchanges: list[Exchange] = []
            if not waiting and not omitted:
                return
            try:
                bodies = await self._bodies()
                for number, left in enumerate(waiting, 1):
                    exchanges += self._exchange(left.captured(), bodies)
                    if number % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                await self._log.add_exchanges(exchanges, omitted)
            except StoreUnavailable as error:
                self.lost += len(waiting)
                _log.warning("request log not written", lost=len(waiting), why=str(error))
            except Exception as error:  # noqa: BLE001 - the log must not end because of one batch
                self.lost += len(waiting)
                _log.error("request log not written", lost=len(waiting), exc_info=error)

    def _exchange(self, captured: Captured, bodies: bool) -> tuple[Exchange, ...]:
        """What is kept of it; nothing of one that cannot be read, which costs no other one."""
        left_out = self._left_out.pop((captured.directory, captured.connection), 0)
        try:
            return (capture.exchange(captured, left_out=left_out, bodies=bodies),)
        except Exception as error:  # noqa: BLE001 - see above
            self.lost += 1
            _log.error("an exchange was not written", exc_info=error)
            return ()
