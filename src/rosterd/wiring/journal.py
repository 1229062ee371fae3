"""What requests leave is collected here and written to the request log twice a second, as one job each time.

Each connection has a share of successful reads and of successful changes that are kept each time, of which no
other one takes anything. The buffer is bounded by number and by bytes. When it is full, what succeeded is
left out first, then whatever comes. What is left out is counted, and the count is kept with the next exchange
of the same connection. It never makes a request wait or fail. While the store is away all of it waits, within
the same bounds. What may have been written, or waits when the process ends, is lost, as the process log says.
"""

import asyncio
import contextlib
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final

import structlog

from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.service.request_log import HOUR, Count, Exchange, HourOf, RequestLog

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
CHANGES: Final = 2
"""So many successful changes are kept for each such read; the feed has them all."""
_TEXTS: Final = attrgetter("path", "query", "detail", "body", "reply")
_WEIGHT: Final = 1500
"""Bytes that an exchange takes beside these."""


@dataclass(slots=True)
class _Share(Count):
    """What was left out of a connection's requests in one hour, and how many are still to be kept."""

    reads: int = 0
    changes: int = 0


def weight(one: Exchange) -> int:
    """About how many bytes of memory it takes."""
    return _WEIGHT + sum(map(sys.getsizeof, _TEXTS(one)))


class Buffer:
    """What waits to be written, in order, and what was left out."""

    def __init__(self, max_count: int = MAX_COUNT, max_bytes: int = MAX_BYTES) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._waiting: list[Exchange | None] = []
        """In order; ``None`` is one that was left out after all."""
        self._successes: deque[int] = deque()
        """Where those that succeeded are among them."""
        self._count = 0
        self._bytes = 0
        self._shares: dict[HourOf, _Share] = {}
        self._each = READS

    def __len__(self) -> int:
        return self._count

    @property
    def failures(self) -> int:
        """How many wait that failed."""
        return self._count - len(self._successes)

    def wants(self, directory: int, connection: int, at: int, count: int, *, change: bool) -> int:
        """For how many successes of a connection its share has room, in order; the others are counted."""
        key = directory, connection, at // HOUR
        share = self._shares.get(key) or self._open(key)
        wanted = min(count, share.changes if change else share.reads)
        if change:
            share.changes -= wanted
        else:
            share.reads -= wanted
        if wanted < count:
            share.ok += count - wanted
            if at > share.last_ok:
                share.last_ok = at
        return wanted

    def put(self, one: Exchange, *, succeeded: bool) -> None:
        """Keep it; if there is no room, count it, or one that ``succeeded`` in its place."""
        size = weight(one)
        while self._count >= self._max_count or self._bytes + size > self._max_bytes:
            if succeeded or not self._successes:
                self._omit(one)
                return
            place = self._successes.popleft()
            gone, self._waiting[place] = self._waiting[place], None
            if gone is not None:
                self._count -= 1
                self._bytes -= weight(gone)
                self._omit(gone)
        if succeeded:
            self._successes.append(len(self._waiting))
        self._waiting.append(one)
        self._count += 1
        self._bytes += size

    def take(self) -> tuple[list[Exchange], dict[HourOf, Count]]:
        """All of it; the buffer is empty then, and every connection has its share anew."""
        waiting, self._waiting = self._waiting, []
        shares, self._shares = self._shares, {}
        self._each = max(LEAST, min(READS, ALL_READS // max(1, len(shares))))
        self._successes.clear()
        self._count = self._bytes = 0
        omitted: dict[HourOf, Count] = {key: s for key, s in shares.items() if s.ok or s.failed}
        return [one for one in waiting if one is not None], omitted

    def put_back(self, waiting: Iterable[Exchange], omitted: Mapping[HourOf, Count]) -> None:
        """Keep and count once more, before what came since, as it could not be written."""
        newer, self._waiting = self._waiting, []
        self._successes.clear()
        self._count = self._bytes = 0
        for one in chain(waiting, newer):
            if one is not None:
                self.put(one, succeeded=one.status < 400 and one.reply is None)
        for key, count in omitted.items():
            share = self._shares.get(key) or self._open(key)
            share.ok += count.ok
            share.failed += count.failed
            share.last_ok = max(share.last_ok, count.last_ok)
            share.last_failed = max(share.last_failed, count.last_failed)

    def _omit(self, one: Exchange) -> None:
        key = one.directory, one.connection, one.at // HOUR
        (self._shares.get(key) or self._open(key)).add(one.at, failed=one.failed)

    def _open(self, key: HourOf) -> _Share:
        share = self._shares[key] = _Share(reads=self._each, changes=CHANGES * self._each)
        return share


class Journal:
    """See ``rosterd.http.trail.Journal``. ``bodies`` says whether bodies are kept at present."""

    def __init__(
        self, log: RequestLog, bodies: Callable[[], Awaitable[bool]], buffer: Buffer | None = None
    ) -> None:
        self._log = log
        self._bodies = bodies
        self._buffer = Buffer() if buffer is None else buffer
        self.wants = self._buffer.wants
        self._left_out: Counter[tuple[int, int]] = Counter()
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._closing = False
        self._away = False
        """Whether the store was away when it was last written to."""
        self.omitted = self.lost = 0
        """How many were left out for want of room, and how many could not be written."""

    @property
    def waiting(self) -> int:
        """How many wait to be written."""
        return len(self._buffer)

    def note(self, made: Callable[[], Exchange], *, succeeded: bool) -> None:
        """Have it made and keep it until the next flush, or count it if there is too much; what ``succeeded``
        first. One that cannot be made costs no other one."""
        try:
            self._buffer.put(made(), succeeded=succeeded)
        except Exception as error:  # noqa: BLE001 - see above
            self.lost += 1
            _log.error("an exchange was not written", exc_info=error)
        if self._buffer.failures >= FLUSH_COUNT and not self._away:
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
        """Write what waits; what was answered before is in the log or lost then, if the store is there."""
        await asyncio.sleep(0)  # what was answered in this turn of the loop is noted at its end
        async with self._writing:
            waiting, omitted = self._buffer.take()
            # Much may have come together while the store was away: it is not asked for all of it at once.
            portion = FLUSH_COUNT if self._away else MAX_COUNT
            while waiting or omitted:
                if not await self._write(waiting[:portion], omitted):
                    self._buffer.put_back(waiting, omitted)
                    break
                waiting, omitted = waiting[portion:], {}

    async def _write(self, waiting: Sequence[Exchange], omitted: Mapping[HourOf, Count]) -> bool:
        """Write it, or lose it; not so (``False``) if the store is away and may be there again."""
        left_out = self._left_out.copy()
        try:
            written = waiting
            if not await self._bodies():
                written = [one._replace(body=None, reply=None) for one in written]
            if left_out:
                written = [self._told(one) for one in written]
            await self._log.add_exchanges(written, omitted)
        except StoreUnavailable as error:
            known = not isinstance(error, OutcomeUnknown)
            if known and not self._closing:
                self._left_out = left_out
                if not self._away:
                    _log.warning("request log waits for the store", waiting=len(waiting), why=str(error))
                self._away = True
                return False
            self.lost += len(waiting)
            _log.warning("request log not written", lost=len(waiting), why=str(error))
        except Exception as error:  # noqa: BLE001 - the log must not end because of one batch
            self.lost += len(waiting)
            _log.error("request log not written", lost=len(waiting), exc_info=error)
        else:
            if self._away:
                _log.info("request log is written again")
            self._away = False
        for (directory, connection, _), count in omitted.items():
            self.omitted += count.ok + count.failed
            self._left_out[directory, connection] += count.ok + count.failed
        return True

    def _told(self, one: Exchange) -> Exchange:
        """The first one of a connection tells how many were left out before it."""
        left_out = self._left_out.pop((one.directory, one.connection), 0)
        return one._replace(left_out=left_out) if left_out else one
