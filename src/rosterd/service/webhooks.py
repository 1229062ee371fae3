"""The port of webhooks: endpoints, how far each directory's line of them is, dead letters, the log.

endpoint     where messages go, for one directory or all, and what signs them
line         the order of one directory's messages to one endpoint; each has its own place and waits alone
lane         a line follows the feed in lane 0; a replay is a lane of its own beside it, until its end
lease        who works on a lane, until when: nobody else does before that is over
dead letter  a message that was given up after every attempt of the schedule; it can be replayed

Times are milliseconds since the epoch.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from rosterd.service.audit import Entry
from rosterd.service.events import Event
from rosterd.service.set_stream import Stream
from rosterd.service.standing import Standing

ENABLED: Final = "enabled"
DISABLED: Final = "disabled"
V1: Final = "v1"
V1A: Final = "v1a"
SCHEMES: Final[Mapping[str, str]] = {
    V1: "HMAC-SHA256 with a secret that both sides know",
    V1A: "Ed25519: rosterd signs with a private key, the receiver knows the public one",
}

HANDLER: Final = "python:"
"""The beginning of the URL of an endpoint that is a function of the application (``service/handlers.py``)."""

FOLLOW: Final = "feed"
RANGE: Final = "range"
FAILED: Final = "failed"
TEST: Final = "test"
KINDS: Final = (FOLLOW, RANGE, FAILED, TEST)
"""Why something was sent: it came in the feed, in a replay of a range or of dead letters, or as a test."""

LONGEST_LEASE: Final = 60_000
"""ms; a lease that seems to last longer was taken before the clock was set back, and has ended."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What signs for an endpoint, encrypted."""

    sealed: bytes
    scheme: str
    created: int
    public: str | None = None
    """The public key of ``v1a``, as the receiver is given it."""
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages go. ``secrets`` has the newest first."""

    id: str
    directory: int | None
    """The only directory it hears of; ``None``: all, those too that are made later."""
    url: str
    label: str
    types: tuple[str, ...]
    """Types of events as the feed's; none: all."""
    created: int
    max_events: int = 1
    """Events to a message; with 1 a message is an event."""
    max_wait: int = 0
    """Seconds that an event may wait for others to fill a message."""
    standing: Standing = field(default_factory=lambda: Standing(ENABLED))
    failing: int | None = None
    """Since when every attempt has failed."""
    secrets: tuple[Secret, ...] = ()
    stream: Stream | None = None
    """It gets security event tokens; if it fetches them, it has no URL."""


@dataclass(frozen=True, slots=True)
class Key:
    """Names a lane."""

    directory: int
    webhook: str
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Where a lane stands."""

    key: Key
    kind: str = FOLLOW
    cursor: int = 0
    """All up to here is accepted, dead or not wanted."""
    finish: int | None = None
    """A replay ends here."""
    fixed: int = 0
    """The last event of the batch that is being sent: what was once begun keeps its bounds; or 0."""
    attempt: int = 0
    """How often the message behind the cursor has failed."""
    due: int = 0
    lost: int = 0
    """The newest event that was forgotten before it could be sent; 0 if none ever was."""
    lost_at: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lane with something to do; ``cursor`` and ``last`` tell how much at most."""

    key: Key
    cursor: int
    attempt: int
    last: int
    max_events: int
    max_wait: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request. Only a status from 200 to 299 is success."""

    at: int
    took: int
    """ms."""
    status: int | None = None
    """``None`` if there was no answer."""
    error: str = ""
    """What went wrong, for an administrator; empty after success."""
    retry_after: int | None = None
    """Seconds that the receiver asked for."""
    request: Mapping[str, str] = field(default_factory=dict)
    """The headers that were sent; they hold the signature and no secret."""
    reply: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    """The beginning of the reply's body."""
    final: bool = False
    """Whether the same message would be refused again, so that it is given up at once."""

    @property
    def accepted(self) -> bool:
        """Whether the receiver has it now."""
        return not self.error


@dataclass(frozen=True, slots=True)
class Attempt:
    """One entry of the delivery log; ``first`` and ``last`` are the events that were sent (0: none)."""

    webhook: str
    directory: int | None
    kind: str
    message: str
    """The ``webhook-id``."""
    first: int
    last: int
    attempt: int
    """1 for the first."""
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """An attempt with its number in the log."""

    seq: int
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up."""

    directory: int
    webhook: str
    first: int
    last: int
    message: str
    at: int
    attempts: int
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What is written down together: where lanes stand now, and what happened on the way."""

    worker: str
    until: int
    """The leases of the lanes go on until then."""
    lines: Sequence[Line] = ()
    released: Sequence[Key] = ()
    """Of the lanes, those whose lease ends; a replay that came to its end is forgotten."""
    attempts: Sequence[Attempt] = ()
    dead: Sequence[DeadLetter] = ()
    revived: Sequence[tuple[Key, int]] = ()
    """Dead letters that were accepted after all: their lane and first event."""
    health: Mapping[str, int | None] = field(default_factory=dict)
    """Endpoint → ``None`` if something was accepted, else the time of a failure."""


class Watch(Protocol):
    """Tells which directories have news."""

    async def news(self, seconds: float) -> frozenset[int]:
        """Those in which something was committed since the last call; waits so long for the first."""

    def ring(self, directory: int) -> None:
        """Name a directory as one with news; from any thread."""


class Webhooks(Protocol):
    """Administration of endpoints. Every write takes the entry of the audit log that goes with it."""

    async def webhook(self, id: str, directory: int | None = None) -> Endpoint | None:
        """The endpoint with its secrets; for who knows one directory only, if it is that one's."""

    async def webhook_page(self, directory: int | None, after: str, limit: int) -> tuple[Endpoint, ...]:
        """Endpoints by id behind one (``""``: from the first): a directory's own, or with ``None`` every."""

    async def create_webhook(self, endpoint: Endpoint, entry: Entry) -> None:
        """Keep an endpoint. It gets what happens from now on. Raises ``LookupError`` for its directory."""

    async def update_webhook(self, old: Endpoint, endpoint: Endpoint, entry: Entry) -> bool:
        """Replace URL, label, types and batching; ``False`` if they are not the old one's, or it is gone."""

    async def delete_webhook(self, id: str, entry: Entry) -> bool:
        """Remove it with all that belongs to it; ``False`` if it is not there."""

    async def add_webhook_secret(self, id: str, secret: Secret, end: int, entry: Entry) -> bool:
        """Add a secret; those there are end at ``end`` or earlier, those that had ended are forgotten."""

    async def move_webhook(
        self, id: str, standing: Standing, entry: Entry, notice: tuple[int, Event] | None = None
    ) -> bool:
        """Make it stand so. ``False``, and nothing is written, if it has that state or is not there.

        Enabling makes every lane due at once. ``notice`` is an event and the directory to tell it.
        """

    async def hurry_webhook(self, id: str, entry: Entry) -> None:
        """Make every lane of it due at once."""

    async def add_lane(self, line: Line, entry: Entry) -> int:
        """Begin a replay in a lane of its own, whose number is given back; ``line.key.lane`` counts not.

        Raises ``LookupError`` if there are ``MAX_LANES`` already, or no such endpoint.
        """

    async def lines(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[tuple[Line, int], ...]:
        """The lanes of an endpoint by directory and lane behind one, with each directory's newest number."""

    async def dead_letters(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[DeadLetter, ...]:
        """An endpoint's dead letters by directory and first event, behind one."""

    async def attempts(
        self, webhook: str, before: int | None, limit: int, failed: bool = False
    ) -> tuple[StoredAttempt, ...]:
        """An endpoint's log, newest first, with a number below ``before``; all, or only what failed."""

    async def attempt(self, webhook: str, seq: int) -> StoredAttempt | None:
        """One entry of an endpoint's log."""

    async def note_attempt(self, attempt: Attempt, entry: Entry) -> int:
        """Write an attempt that an administrator made, and return its number."""

    async def first_since(self, directory: int, at: int) -> int | None:
        """The first event that happened at a time or later."""


class Deliveries(Protocol):
    """The work of delivery. What several workers do at once comes out as if one did after the other."""

    def watch(self) -> AbstractContextManager[Watch]:
        """Be told of directories with news, of what this process commits, at once."""

    async def has_webhooks(self, handlers: Sequence[str] | None = None) -> bool:
        """Whether any endpoint is enabled that messages are sent to, or of ``handlers`` any of these."""

    async def due_lines(
        self,
        now: int,
        directories: Sequence[int] | None = None,
        per_webhook: int = 64,
        handlers: Sequence[str] | None = None,
    ) -> tuple[Candidate, ...]:
        """Lanes of enabled endpoints, nobody working on them, with news or a retry that is due.

        Of all directories, or of these without their replays; those due longest first, and bounded for
        each endpoint, so that none hides another's. Of endpoints that messages are sent to, or, if
        ``handlers`` are given, of these.
        """

    async def claim_lines(self, keys: Sequence[Key], worker: str, now: int, until: int) -> tuple[Line, ...]:
        """Take the leases of those on which nobody works; where they stand."""

    async def renew_leases(self, worker: str, now: int, until: int) -> frozenset[Key]:
        """Make the worker's leases that have not ended last until then; which those are."""

    async def note_progress(self, progress: Progress) -> frozenset[Key]:
        """Write it down as one transaction. Lanes whose lease is not the worker's any more stay as they are
        and are given back."""

    async def dead_between(self, key: Key, after: int, limit: int) -> tuple[DeadLetter, ...]:
        """Dead letters of a lane's directory and endpoint in order, behind an event."""

    async def forget_attempts(self, before: int, most: int, limit: int) -> int:
        """Delete entries of the log that are older, or beyond the newest ``most``; ``limit`` at most."""


MAX_LANES: Final = 100
