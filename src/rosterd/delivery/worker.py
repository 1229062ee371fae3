"""The worker: finds lanes with something to do, takes their leases, and lets so many run at once.

It sleeps until a commit rings or a second has passed; while no endpoint is enabled it only looks whether
there is one. Any number of workers in any number of processes share the work by leases: a lane is one
worker's until its lease is given back or runs out. Leases are short and renewed while they are needed, so
that the lanes of a process that died go on soon.

All slots are never taken by a few slow endpoints: an endpoint may have no more than are still free, so with
``n`` endpoints that take all they get, one in ``n + 1`` slots stays free for the next.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from rosterd.delivery.journal import PAUSE, Journal
from rosterd.delivery.run import Plane, Run
from rosterd.service.control import Directory
from rosterd.service.ports import StoreUnavailable
from rosterd.service.webhook_admin import Sender, WebhookAdmin
from rosterd.service.webhooks import Candidate, Key, Line, Watch

_log = structlog.get_logger("rosterd.delivery")

SLOTS: Final = 128
SLOTS_OF_ONE: Final = 16
PER_WEBHOOK: Final = 64
"""Lanes of an endpoint that are looked at in one go."""
LOOK_SECONDS: Final = 1.0
"""How often everything is looked through, for retries and for what other processes commit."""
GATHER_SECONDS: Final = 0.002
"""How long commits gather after the first that rang."""
LEASE_SECONDS: Final = 5
STOP_SECONDS: Final = 5
"""How long messages that are under way may take when the worker is stopped."""
_RENEWALS: Final = 4  # in the time of one lease
LOG_DAYS: Final = 7
LOG_MOST: Final = 100_000
FORGET_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much at once, and how long a lease lasts (s)."""

    slots: int = SLOTS
    slots_of_one: int = SLOTS_OF_ONE
    lease: float = LEASE_SECONDS
    pause: float = PAUSE


@dataclass(slots=True)
class _Hold:
    """A batch that is not full: it is looked at again at a time, or when this number is reached."""

    until: int
    last: int


class Worker:
    """``name`` is its own; ``now`` gives ms, ``chance`` a number from 0 to 1.

    It serves the endpoints that messages are sent to, or of ``handlers`` these endpoints.
    """

    def __init__(
        self,
        plane: Plane,
        admin: WebhookAdmin,
        sender: Sender,
        now: Callable[[], int],
        chance: Callable[[], float],
        name: str,
        bounds: Bounds | None = None,
        handlers: Sequence[str] | None = None,
    ) -> None:
        self._plane = plane
        self._admin = admin
        self._sender = sender
        self._now = now
        self._chance = chance
        self._name = name
        self._bounds = bounds or Bounds()
        self._handlers = handlers
        self._active: dict[Key, asyncio.Task[None]] = {}
        self._held: dict[Key, int] = {}
        """Lanes whose lease is ours, and until when it surely is."""
        self._holds: dict[Key, _Hold] = {}
        self._directories: dict[int, Directory] = {}
        self._crowded = False
        self._stopping = False
        self._watch: Watch | None = None
        self._journal = Journal(
            plane, name, self._lease_end, lambda key: self._held.pop(key, None), self._bounds.pause
        )

    async def run(self) -> None:
        """Deliver until cancelled; then whatever was begun is stopped and written down."""
        helpers = [asyncio.create_task(self._journal.run()), asyncio.create_task(self._renew())]
        try:
            while True:
                try:
                    if await self._plane.has_webhooks(self._handlers):
                        await self._follow()
                    else:
                        await asyncio.sleep(LOOK_SECONDS)
                except StoreUnavailable as error:
                    _log.warning("delivery waits for the store", why=str(error))
                    await asyncio.sleep(LOOK_SECONDS)
                except Exception as error:  # noqa: BLE001 - a fault of ours must not end all delivery
                    _log.error("unexpected error of delivery", exc_info=error)
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop(helpers)

    async def settle(self) -> None:
        """Everything that can be sent now is sent, and written down; for whoever runs no worker."""
        helper = asyncio.create_task(self._journal.run())
        try:
            while await self._start(None) or self._active:
                await asyncio.wait(tuple(self._active.values()))
        finally:
            helper.cancel()
            await asyncio.wait((helper,))

    async def forget(self) -> None:
        """Keep the log within its bounds."""
        before = self._now() - LOG_DAYS * 86_400_000
        while await self._plane.forget_attempts(before, LOG_MOST, FORGET_BATCH) == FORGET_BATCH:
            pass

    async def _follow(self) -> None:
        """Serve lanes for as long as there are endpoints."""
        clock = asyncio.get_running_loop().time
        with self._plane.watch() as watch:
            self._watch = watch
            looked = -LOOK_SECONDS
            try:
                while True:
                    if clock() - looked >= LOOK_SECONDS:
                        looked = clock()
                        if not self._active and not await self._plane.has_webhooks(self._handlers):
                            return
                        self._directories.clear()
                        await self._start(None)
                    fresh = await watch.news(max(0.0, looked + LOOK_SECONDS - clock()))
                    if fresh:
                        await asyncio.sleep(GATHER_SECONDS)
                        fresh |= await watch.news(0)
                        await self._start(None if self._crowded else fresh)
            finally:
                self._watch = None

    async def _start(self, directories: Iterable[int] | None) -> int:
        """Let run what has something to do and finds a free slot; how many were started."""
        now = self._now()
        wanted = None if directories is None else tuple(directories)
        # Batches that wait to be filled take no other lane's place among those that are looked at.
        due = await self._plane.due_lines(now, wanted, PER_WEBHOOK + len(self._holds), self._handlers)
        if wanted is None:
            keys = {each.key for each in due}
            self._holds = {key: hold for key, hold in self._holds.items() if key in keys}
        self._crowded = False
        chosen: list[Key] = []
        taken = Counter(key.webhook for key in self._active)
        for each in due:
            if each.key in self._active or not await self._is_full(each, now):
                continue
            free = self._bounds.slots - len(self._active) - len(chosen)
            if taken[each.key.webhook] >= min(self._bounds.slots_of_one, free):
                self._crowded = True
                continue
            taken[each.key.webhook] += 1
            chosen.append(each.key)
        if not chosen:
            return 0
        until = self._lease_end()
        lines = await self._plane.claim_lines(chosen, self._name, now, until)
        for line in lines:
            self._held[line.key] = until
            self._active[line.key] = asyncio.create_task(self._work(line))
        return len(lines)

    async def _is_full(self, each: Candidate, now: int) -> bool:
        """Whether a batch has all it can hold, or has waited long enough; what was begun goes on anyway."""
        if each.max_events == 1 or each.max_wait == 0 or each.attempt or each.key.lane:
            return True
        hold = self._holds.get(each.key)
        if hold is not None and now < hold.until and each.last < hold.last:
            return False
        self._holds.pop(each.key, None)
        endpoint = await self._plane.webhook(each.key.webhook)
        if endpoint is None:
            return False
        page = await self._plane.reader(each.key.directory).feed(each.cursor, each.max_events, endpoint.types)
        if not page.events or len(page.events) >= each.max_events:
            return True
        until = page.events[0].event.at + each.max_wait * 1000
        if now >= until:
            return True
        self._holds[each.key] = _Hold(until, page.last + each.max_events - len(page.events))
        return False

    async def _work(self, line: Line) -> None:
        try:
            await self._run_line(line)
            await self._journal.written(now=True)
        finally:
            self._active.pop(line.key, None)
            if self._watch is not None:
                self._watch.ring(line.key.directory)

    async def _run_line(self, line: Line) -> None:
        key = line.key
        run: Run | None = None
        try:
            directory = await self._directory(key.directory)
            run = Run(
                line, directory, self._plane, self._admin, self._sender, self._journal,
                self._now, self._chance, lambda: not self._stopping and self._held.get(key, 0) > self._now(),
            )  # fmt: skip
            await run.turn()
        except StoreUnavailable as error:
            _log.warning("delivery waits for the store", why=str(error))
        except Exception as error:  # noqa: BLE001 - one lane's fault must not end the others' delivery
            _log.error("unexpected error of delivery", webhook=key.webhook, exc_info=error)
            await asyncio.sleep(LOOK_SECONDS)
        finally:
            if self._held.pop(key, None) is not None:
                self._journal.release(run.line if run else line)

    async def _directory(self, id: int) -> Directory:
        if id not in self._directories:
            self._directories = {each.id: each for each in await self._plane.directories()}
        return self._directories[id]

    async def _renew(self) -> None:
        """Keep the leases, and end the runs of those that could not be kept."""
        while True:
            await asyncio.sleep(self._bounds.lease / _RENEWALS)
            if not self._held:
                continue
            now, until = self._now(), self._lease_end()
            try:
                kept = await self._plane.renew_leases(self._name, now, until)
            except StoreUnavailable as error:
                _log.warning("leases cannot be renewed", why=str(error))
                kept = frozenset()
            except Exception as error:  # noqa: BLE001 - the next time may be better, and leases end by themselves
                _log.error("unexpected error of delivery", exc_info=error)
                kept = frozenset()
            for key, end in tuple(self._held.items()):
                if key in kept:
                    self._held[key] = until
                elif not self._now() < end <= self._lease_end():  # over, or the clock was set back
                    del self._held[key]
                    self._active[key].cancel()

    def _lease_end(self) -> int:
        return self._now() + int(self._bounds.lease * 1000)

    async def _stop(self, helpers: list["asyncio.Task[None]"]) -> None:
        """End runs after the message they are at, or else a little later in the middle of it."""
        self._stopping = True
        if self._active:
            await asyncio.wait(tuple(self._active.values()), timeout=STOP_SECONDS)
        rest = (*self._active.values(), *helpers)
        for task in rest:
            task.cancel()
        await asyncio.wait(rest)
        await self._journal.close()
