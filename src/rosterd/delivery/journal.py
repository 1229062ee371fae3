"""What deliveries came to, written down together: where lanes stand, attempts, dead letters, ended leases.

Nobody waits for a disk between two messages. What is not yet written when the process dies is sent once
more, under the same ids. If the store is away, everything is kept and tried again; meanwhile leases run out
and nothing is sent, so what is kept has an end. What cannot be written by a fault of ours counts as not sent.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from rosterd.service.ports import StoreUnavailable
from rosterd.service.webhooks import Attempt, DeadLetter, Deliveries, Key, Line, Outcome, Progress

_log = structlog.get_logger("rosterd.delivery")

PAUSE: Final = 0.05
"""Seconds in which what happens is written together."""
AGAIN: Final = 1.0
"""Seconds until it is tried again if the store is away."""


@dataclass(slots=True)
class _Pages:
    lines: dict[Key, Line] = field(default_factory=dict)
    released: set[Key] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    revived: list[tuple[Key, int]] = field(default_factory=list)
    health: dict[str, int | None] = field(default_factory=dict)


class Journal:
    """Of one worker. ``lost`` is told the lanes whose lease turned out to be another's."""

    def __init__(
        self,
        deliveries: Deliveries,
        worker: str,
        until: Callable[[], int],
        lost: Callable[[Key], object],
        pause: float = PAUSE,
    ) -> None:
        self._deliveries = deliveries
        self._worker = worker
        self._until = until
        self._lost = lost
        self._pause = pause
        self._pages = _Pages()
        self._written: asyncio.Future[None] | None = None
        self._dirty = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = False

    def note(
        self,
        line: Line,
        attempt: Attempt | None = None,
        dead: DeadLetter | None = None,
        revived: int | None = None,
    ) -> None:
        """Where a lane stands now, and what brought it there."""
        pages = self._pages
        pages.lines[line.key] = line
        if attempt is not None:
            pages.attempts.append(attempt)
            if attempt.attempt:
                self._note_health(line.key.webhook, attempt.outcome)
        if dead is not None:
            pages.dead.append(dead)
        if revived is not None:
            pages.revived.append((line.key, revived))
        self._dirty.set()

    def _note_health(self, webhook: str, outcome: Outcome) -> None:
        if outcome.accepted:
            self._pages.health[webhook] = None
        else:
            self._pages.health.setdefault(webhook, outcome.at)

    def release(self, line: Line) -> None:
        """End the lease of a lane, with where it stands."""
        self._pages.lines[line.key] = line
        self._pages.released.add(line.key)
        self._dirty.set()

    async def written(self, *, now: bool = False) -> None:
        """Wait until what was noted so far is durable; ``now`` makes it so without the usual pause."""
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
        self._dirty.set()
        if now:
            self._hurry.set()
        await asyncio.shield(self._written)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._dirty.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._hurry.wait()
            await self.flush()

    async def flush(self) -> None:
        """Write what is noted."""
        self._dirty.clear()
        self._hurry.clear()
        pages, self._pages = self._pages, _Pages()
        written, self._written = self._written, None
        progress = Progress(
            self._worker,
            self._until(),
            tuple(pages.lines.values()),
            tuple(pages.released),
            pages.attempts,
            pages.dead,
            pages.revived,
            pages.health,
        )
        for key in await self._write(progress):
            self._lost(key)
        if written is not None and not written.done():
            written.set_result(None)

    async def close(self) -> None:
        """Write what is noted, unless the store is away: whoever ends does not wait for it."""
        self._closing = True
        await self.flush()

    async def _write(self, progress: Progress) -> frozenset[Key]:
        while True:
            try:
                return await self._deliveries.note_progress(progress)
            except StoreUnavailable as error:
                _log.warning("deliveries cannot be written down", why=str(error))
                if self._closing:
                    return frozenset()
                await asyncio.sleep(AGAIN)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end everybody's delivery
                _log.error("unexpected error of delivery", exc_info=error)
                return frozenset(line.key for line in progress.lines)
