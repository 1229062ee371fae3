"""The run of one lane: its messages in order, the next one only when the one before is accepted or dead.

A run ends when there is nothing more to send, when a message must wait, when its time is over so that others
have their turn, or when the lease was lost. It holds one page of events at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from rosterd.delivery.journal import Journal
from rosterd.service.control import Control, Directory
from rosterd.service.events import FeedPage
from rosterd.service.ports import Store
from rosterd.service.webhook_admin import Sender, WebhookAdmin
from rosterd.service.webhook_messages import BATCH_BYTES, GIVE_UP, MAX_BATCH, Message, batch, wait
from rosterd.service.webhooks import (
    DISABLED,
    ENABLED,
    FAILED,
    Attempt,
    DeadLetter,
    Deliveries,
    Endpoint,
    Line,
    Outcome,
    Webhooks,
)

_log = structlog.get_logger("rosterd.delivery")

PAGE: Final = 32
"""Events that a run holds; of a batching endpoint as many as fill a message."""
TURN_MS: Final = 5000
LOOK_MS: Final = 1000
"""How old what is known of the endpoint may be when a message is sent."""
_GONE: Final = 410
_FORGOTTEN: Final = "The events of this message are not kept any more, or not wanted; it can never be sent."


class Plane(Store, Control, Webhooks, Deliveries, Protocol):
    """The store as delivery sees it."""


class Run:
    """One lane for one turn. ``now`` gives ms; ``chance`` a number from 0 to 1."""

    def __init__(
        self,
        line: Line,
        directory: Directory,
        plane: Plane,
        admin: WebhookAdmin,
        sender: Sender,
        journal: Journal,
        now: Callable[[], int],
        chance: Callable[[], float],
        holds: Callable[[], bool],
    ) -> None:
        self.line = line
        self._directory = directory
        self._plane = plane
        self._admin = admin
        self._sender = sender
        self._journal = journal
        self._now = now
        self._chance = chance
        self._holds = holds
        self._endpoint: Endpoint | None = None
        self._looked = 0
        self._names: Mapping[int, str] = {}

    async def turn(self) -> None:
        """Send until the run ends."""
        begin = self._now()
        in_time: Callable[[], bool] = lambda: begin <= self._now() <= begin + TURN_MS  # noqa: E731
        while self._holds() and in_time():
            endpoint = await self._look()
            if endpoint is None:
                return
            messages, through, done = await self._next(endpoint)
            for message in messages:
                endpoint = await self._look()
                if endpoint is None or not self._holds() or not in_time():
                    return
                if not await self._deliver(endpoint, message):
                    return
            if not messages or self.line.cursor < through:
                cursor = max(self.line.cursor, through)
                self.line = replace(self.line, cursor=cursor, fixed=0, attempt=0, due=0)
                self._journal.note(self.line)
            if done:
                return

    async def _look(self) -> Endpoint | None:
        """The endpoint as it is now, or was a moment ago; ``None`` if nothing may be sent to it."""
        now = self._now()
        if self._endpoint is None or not 0 <= now - self._looked < LOOK_MS:  # a clock may be set back
            self._endpoint = await self._plane.webhook(self.line.key.webhook)
            self._looked = now
        found = self._endpoint
        return found if found is not None and found.standing.state == ENABLED else None

    async def _next(self, endpoint: Endpoint) -> tuple[list[Message], int, bool]:
        """Messages to send, up to where that looks, and whether nothing follows."""
        if self.line.kind == FAILED:
            return await self._next_dead(endpoint)
        line = self.line
        batches = endpoint.max_events > 1
        limit = MAX_BATCH if line.fixed else endpoint.max_events
        page = await self._read(line.cursor, limit if batches else PAGE, endpoint.types)
        if page.forgotten > line.cursor:
            self._lose(page.forgotten)
            line = self.line
        finish = page.last if line.finish is None else line.finish
        events = [stored for stored in page.events if stored.seq <= finish]
        through = min(page.through, finish)
        if not batches:
            messages = self._admin.composer.each(endpoint, events, self._directory, self._names)
            return messages, through, through >= finish
        if line.fixed:
            events = [stored for stored in events if stored.seq <= line.fixed]
        if not events:
            return [], max(through, line.fixed), through >= finish
        message = batch(events, self._directory, self._names)
        while len(message.body) > BATCH_BYTES and len(events) > 1:
            events = events[: len(events) // 2]
            message = batch(events, self._directory, self._names)
        if line.fixed != message.last:  # its bounds must be known before anybody can have seen it
            self.line = replace(line, fixed=message.last)
            self._journal.note(self.line)
            await self._journal.written(now=True)
        return [message], message.last, message.last >= finish

    async def _next_dead(self, endpoint: Endpoint) -> tuple[list[Message], int, bool]:
        line = self.line
        finish = line.finish or 0
        found = await self._plane.dead_between(line.key, line.cursor, 1)
        if not found or found[0].first > finish:
            return [], finish, True
        dead = found[0]
        page = await self._read(dead.first - 1, MAX_BATCH, endpoint.types)
        events = [stored for stored in page.events if stored.seq <= dead.last]
        if dead.message.count("-") > 1:
            messages = [batch(events, self._directory, self._names)] if events else []
        else:
            messages = self._admin.composer.each(endpoint, events[:1], self._directory, self._names)
        if not messages:  # forgotten, or of a type that is not wanted any more
            self._journal.note(line, self._not_sent(dead.message, _FORGOTTEN), revived=dead.first)
            return [], dead.last, False
        return messages, dead.last, False

    async def _read(self, after: int, limit: int, types: tuple[str, ...]) -> FeedPage:
        """A page of the feed; afterwards the names of the connections in it are known."""
        page = await self._plane.reader(self._directory.id).feed(after, limit, types)
        if any(stored.event.connection not in self._names for stored in page.events):
            self._names = await self._plane.connection_names(self._directory.id)
        return page

    def _lose(self, forgotten: int) -> None:
        """Events were forgotten before they could be sent: that is told, and the line goes on."""
        error = (
            f"The events of directory '{self._directory.name}' up to {self._directory.id}-{forgotten} were "
            "forgotten before they could be sent: they were older than events are kept."
        )
        attempt = self._not_sent("", error)
        self.line = replace(
            self.line, cursor=forgotten, fixed=0, attempt=0, lost=forgotten, lost_at=attempt.outcome.at
        )
        _log.warning("events were lost", webhook=attempt.webhook, error=error)
        self._journal.note(self.line, attempt)

    def _not_sent(self, message: str, error: str) -> Attempt:
        """An entry of the log about what could not even be tried."""
        key = self.line.key
        outcome = Outcome(self._now(), 0, error=error)
        return Attempt(key.webhook, key.directory, self.line.kind, message, 0, 0, 0, outcome)

    async def _deliver(self, endpoint: Endpoint, message: Message) -> bool:
        """Send a message once; whether the line goes on at once."""
        line = self.line
        outcome = await self._sender.send(endpoint, message)
        failures = line.attempt + 1
        attempt = Attempt(
            endpoint.id, self._directory.id, line.kind, message.id, message.first, message.last,
            failures, outcome,
        )  # fmt: skip
        behind = replace(line, cursor=message.last, fixed=0, attempt=0, due=0)
        if outcome.accepted:
            self.line = behind
            self._journal.note(self.line, attempt, revived=message.first if line.kind == FAILED else None)
            return True
        pause = None if outcome.final else wait(failures, self._chance(), outcome.retry_after)
        if pause is None:
            self.line = behind
            dead = DeadLetter(
                self._directory.id, endpoint.id, message.first, message.last, message.id, outcome.at,
                failures, outcome.status, outcome.error,
            )  # fmt: skip
            _log.warning("message given up", webhook=endpoint.id, message=message.id, error=outcome.error)
            self._journal.note(self.line, attempt, dead)
        else:
            self.line = replace(line, attempt=failures, due=self._now() + pause)
            self._journal.note(self.line, attempt)
        await self._consider(endpoint, outcome)
        return pause is None

    async def _consider(self, endpoint: Endpoint, outcome: Outcome) -> None:
        """Give the endpoint up if it says so, or has failed too long."""
        reason = ""
        if outcome.status == _GONE:
            reason = "The receiver answered 410 Gone."
        elif endpoint.failing is not None and outcome.at - endpoint.failing >= GIVE_UP:
            days = GIVE_UP // 86_400_000
            reason = f"Nothing was accepted for {days} days. The last error: {outcome.error}"
        if reason and await self._admin.give_up(endpoint, self._directory.id, reason[:500]):
            _log.error("webhook disabled", webhook=endpoint.id, reason=reason)
            self._endpoint = replace(endpoint, standing=replace(endpoint.standing, state=DISABLED))
