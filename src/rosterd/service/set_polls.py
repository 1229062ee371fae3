"""Security event tokens that the receiver fetches (RFC 8936): what it has not acknowledged comes again.

The cursor of the stream's line moves over events that are acknowledged, refused or of no interest. What is
acknowledged out of order is kept beside it until the gap is closed; that cannot be more than ``WINDOW``, as
nothing further away from the cursor is handed out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service.composing import Composer
from rosterd.service.control import Control, Directory
from rosterd.service.events import FeedPage
from rosterd.service.ports import Store
from rosterd.service.security_events import jti, seq_of
from rosterd.service.set_stream import POLL
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import ENABLED, DeadLetter, Endpoint, Key, Line

WINDOW: Final = 1000
"""Events behind the cursor that are handed out."""
DEFAULT_EVENTS: Final = 100
MAX_EVENTS: Final = WINDOW
MAX_WAIT: Final = 30
"""Seconds that a poll waits for the first token."""
MAX_ACKS: Final = WINDOW
"""Tokens that one request may acknowledge, and as many that it may refuse."""
MAX_LOOKS: Final = 10
"""Windows that are looked through, if there is nothing in them, for a poll that does not wait."""
_SLICE: Final = 1.0


class SetPolls(Protocol):
    """The port: how far the receiver is."""

    async def poll_state(self, key: Key, limit: int) -> tuple[Line, tuple[int, ...]]:
        """Where the line stands, and so many at most of the events behind it that are acknowledged."""

    async def acknowledge(self, key: Key, seqs: Sequence[int], dead: Sequence[DeadLetter]) -> None:
        """Note events behind the cursor as acknowledged; of those refused, a dead letter too."""

    async def advance(self, key: Key, cursor: int, lost_at: int | None = None) -> None:
        """Move the line forward to here and forget what was acknowledged up to here.

        With ``lost_at`` (ms) that was lost: its events are not kept any more.
        """


@dataclass(frozen=True, slots=True)
class Poll:
    """A request (RFC 8936 §2.2)."""

    max_events: int = DEFAULT_EVENTS
    at_once: bool = False
    """Whether it is answered though there is nothing."""
    ack: Sequence[str] = ()
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By ``jti``: error code and description."""


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer (RFC 8936 §2.3)."""

    sets: Mapping[str, str]
    """Signed tokens by their ``jti``, in the order of the feed."""
    more: bool


class Polling:
    """Answers polls. ``now`` gives ms; ``stopping`` ends whoever waits."""

    def __init__(
        self,
        store: Store,
        control: Control,
        polls: SetPolls,
        composer: Composer,
        keys: SigningKeys,
        now: Callable[[], int],
        stopping: Callable[[], bool],
    ) -> None:
        self._store = store
        self._control = control
        self._polls = polls
        self._composer = composer
        self._keys = keys
        self._now = now
        self._stopping = stopping

    async def poll(self, endpoint: Endpoint, wanted: Poll) -> Polled:
        """Take what is acknowledged or refused, then hand out what is still to be delivered.

        Raises ``Conflict`` for an endpoint that is not polled or is disabled, or if nothing can be signed.
        """
        directories = await self._control.directories()
        directory = next((each for each in directories if each.id == endpoint.directory), None)
        if directory is None or endpoint.stream is None or endpoint.stream.method != POLL:
            raise errors.Conflict(f"{endpoint.id} is not polled: its messages are sent to its URL.")
        if endpoint.standing.state != ENABLED:
            raise errors.Conflict(f"{endpoint.id} is disabled. Enable it first.")
        key = Key(directory.id, endpoint.id)
        await self._settle(key, endpoint, wanted)
        end = self._now() + MAX_WAIT * 1000
        try:
            looks = 0
            while True:
                looks += 1
                page, waiting = await self._look(key, endpoint, directory)
                left = (end - self._now()) / 1000
                behind = page.through < page.last
                enough = wanted.at_once and (not behind or looks >= MAX_LOOKS)
                over = enough or left <= 0 or self._stopping()
                if waiting or over or not wanted.max_events:
                    return await self._handed_out(page, waiting, wanted.max_events)
                if not behind:
                    await self._store.changed(directory.id, page.through, min(left, _SLICE))
        except LookupError as error:
            raise errors.Conflict(f"No token can be made: {error}.") from error

    async def _settle(self, key: Key, endpoint: Endpoint, wanted: Poll) -> None:
        """Note what the receiver has and what it refuses; what it cannot have been given is ignored."""
        line, _ = await self._polls.poll_state(key, 0)
        page = await self._store.reader(key.directory).feed(line.cursor, WINDOW, endpoint.types)
        known = {stored.seq for stored in page.events}
        acked = [seq_of(each, key.webhook, key.directory) for each in wanted.ack]
        refused = {seq_of(each, key.webhook, key.directory): why for each, why in wanted.refused.items()}
        seqs = sorted({seq for seq in (*acked, *refused) if seq in known and seq is not None})
        dead = [
            DeadLetter(
                key.directory, key.webhook, seq, seq, jti(key.webhook, key.directory, seq), self._now(), 1,
                None, f"The receiver refused it: {code}" + (f": {text}" if text else ""),
            )
            for seq, (code, text) in refused.items()
            if seq is not None and seq in known
        ]  # fmt: skip
        if seqs:
            await self._polls.acknowledge(key, seqs, dead)

    async def _look(
        self, key: Key, endpoint: Endpoint, directory: Directory
    ) -> tuple[FeedPage, list[Message]]:
        """The events behind the cursor, and what of them is still to be delivered."""
        line, acked = await self._polls.poll_state(key, 2 * WINDOW)
        page = await self._store.reader(directory.id).feed(line.cursor, WINDOW, endpoint.types)
        if page.forgotten > line.cursor:
            await self._polls.advance(key, page.forgotten, self._now())
            page = await self._store.reader(directory.id).feed(page.forgotten, WINDOW, endpoint.types)
        names = await self._control.connection_names(directory.id)
        done = set(acked)
        events = [stored for stored in page.events if stored.seq not in done]
        waiting = self._composer.each(endpoint, events, directory, names)
        forward = waiting[0].first - 1 if waiting else page.through
        if forward > line.cursor:
            await self._polls.advance(key, forward)
        return page, waiting

    async def _handed_out(self, page: FeedPage, waiting: list[Message], limit: int) -> Polled:
        some = waiting[:limit]
        sets = {message.id: await self._keys.sign(message.body) for message in some}
        return Polled(sets, len(waiting) > len(some) or page.through < page.last)
