"""What requests leave is collected here and written to the request log twice a second, as one job each time.

Each connection has a share of successful reads that are kept each time, of which no other one takes anything.
The buffer is bounded by number and by bytes. When it is full, successful reads are left out first, then
whatever comes. What is left out is counted, and the count is kept with the next exchange of the same
connection. It never makes a request wait or fail: what cannot be written is lost, as the process log says,
but for the count of what was left out, which waits until the store is there again.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

import structlog

from rosterd.service import capture
from rosterd.service.capture import Captured
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.service.request_log import HOUR, Count, Exchange, HourOf, Omitted, RequestLog

_log = structlog.get_logger("rosterd.requests")

FLUSH_SECONDS: Final = 0.5
FLUSH_COUNT: Final = 500
MAX_COUNT: Final = 4000
MAX_BYTES: Final = 16 * 1024 * 1024
READS: Final = 100
"""Successful reads of a connection that are kept each time: more than an identity provider asks, and few
enough that whoever asks as fast as it can neither fills the disk nor keeps the writer from changes."""
ALL_READS: Final = 1000
"""The same of all connections, if so many ask at once; yet each has ``LEAST``."""
LEAST: Final = 5
_AT_ONCE: Final = 16
"""Exchanges read and masked before others get a turn."""


@dataclass(slots=True)
class _Share(Count):
    """What was left out of a connection's requests in one hour, and how many reads are still to be kept."""

    reads: int = READS


class Buffer:
    """What waits to be written, in order, and what was left out."""

    def __init__(self, max_count: int = MAX_COUNT, max_bytes: int = MAX_BYTES) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._reads: deque[tuple[int, Captured]] = deque()
        self._others: deque[tuple[int, Captured]] = deque()
        self._order = 0
        self._bytes = 0
        self._shares: dict[HourOf, _Share] = {}
        self._each = READS

    def __len__(self) -> int:
        return len(self._reads) + len(self._others)

    @property
    def others(self) -> int:
        """How many wait that are no successful reads."""
        return len(self._others)

    def wants_read(self, directory: int, connection: int, at: int) -> bool:
        """Whether the share of a connection has room for a successful read; if not, it is counted."""
        key = directory, connection, at // HOUR
        share = self._shares.get(key) or self._open(key)
        if share.reads:
            share.reads -= 1
            return True
        share.ok += 1
        if at > share.last_ok:
            share.last_ok = at
        return False

    def put(self, left: Captured) -> None:
        """Keep it; if there is no room, count it, or a read in its place."""
        weight, expendable = left.weight, left.expendable
        while len(self) >= self._max_count or self._bytes + weight > self._max_bytes:
            if expendable or not self._reads:
                self._omit(left.omitted)
                return
            _, read = self._reads.popleft()
            self._bytes -= read.weight
            self._omit(read.omitted)
        self._order += 1
        self._bytes += weight
        (self._reads if expendable else self._others).append((self._order, left))

    def take(self) -> tuple[list[Captured], dict[HourOf, Count]]:
        """All of it; the buffer is empty then, and every connection has its share anew."""
        waiting = sorted(chain(self._reads, self._others), key=lambda each: each[0])
        shares, self._shares = self._shares, {}
        self._each = max(LEAST, min(READS, ALL_READS // max(1, len(shares))))
        self._reads.clear()
        self._others.clear()
        self._bytes = 0
        return [left for _, left in waiting], {key: s for key, s in shares.items() if s.ok or s.failed}

    def put_back(self, omitted: Mapping[HourOf, Count]) -> None:
        """Count once more what was left out, as it could not be written."""
        for key, count in omitted.items():
            share = self._shares.get(key) or self._open(key)
            share.ok += count.ok
            share.failed += count.failed
            share.last_ok = max(share.last_ok, count.last_ok)
            share.last_failed = max(share.last_failed, count.last_failed)

    def _omit(self, one: Omitted) -> None:
        key = one.directory, one.connection, one.at // HOUR
        (self._shares.get(key) or self._open(key)).add(one.at, one.status)

    def _open(self, key: HourOf) -> _Share:
        share = self._shares[key] = _Share(reads=self._each)
        return share


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

    def wants_read(self, directory: int, connection: int, at: int) -> bool:
        """Whether a successful read is to be noted; if not, it is counted, and nothing else is to be done."""
        return self._buffer.wants_read(directory, connection, at)

    def note(self, left: Captured) -> None:
        """Keep it until the next flush, or count it if there is too much."""
        self._buffer.put(left)
        if self._buffer.others >= FLUSH_COUNT:
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
            if not waiting and not omitted:
                return
            try:
                bodies = await self._bodies()
                exchanges: list[Exchange] = []
                for number, left in enumerate(waiting, 1):
                    exchanges += self._exchange(left, bodies)
                    if number % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                await self._log.add_exchanges(exchanges, omitted)
            except StoreUnavailable as error:
                self.lost += len(waiting)
                _log.warning("request log not written", lost=len(waiting), why=str(error))
                if not isinstance(error, OutcomeUnknown):
                    self._buffer.put_back(omitted)
                    omitted = {}
            except Exception as error:  # noqa: BLE001 - the log must not end because of one batch
                self.lost += len(waiting)
                _log.error("request log not written", lost=len(waiting), exc_info=error)
            for (directory, connection, _), count in omitted.items():
                self.omitted += count.ok + count.failed
                self._left_out[directory, connection] += count.ok + count.failed

    def _exchange(self, captured: Captured, bodies: bool) -> tuple[Exchange, ...]:
        """What is kept of it; nothing of one that cannot be read, which costs no other one."""
        left_out = self._left_out.pop((captured.directory, captured.connection), 0)
        try:
            return (capture.exchange(captured, left_out=left_out, bodies=bodies),)
        except Exception as error:  # noqa: BLE001 - see above
            self.lost += 1
            _log.error("an exchange was not written", exc_info=error)
            return ()
