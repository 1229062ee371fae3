"""All connections at one look: what they add up to, and which of them want attention.

The overview of an installation with thousands of directories must say both, and must not read what is in
them. So a connection is looked at in few words here, and only those that a page tells of are looked at in
full, by the rules of ``health``. Both tell by the same measures.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rosterd.service import health
from rosterd.service.connections import FUSE
from rosterd.service.request_log import HOUR, Activity, Hour
from rosterd.service.standing import ACTIVE, DISABLED, PAUSED

LOOKED_AT: Final = 20_000
"""Connections that a survey looks at, at the most; what there is (``Sums``) is counted of all."""
NEWEST: Final = 20
"""Tokens that are looked at of a connection: its newest."""

EXPIRED: Final = 0
WORKS: Final = 1
ENDS_SOON: Final = 2


@dataclass(frozen=True, slots=True)
class Range:
    """The directories that a survey is of, by their ids: from and to, both included."""

    first: int = 0
    last: int = 2**63 - 1


EVERYWHERE: Final = Range()


@dataclass(frozen=True, slots=True)
class Sums:
    """What there is."""

    directories: int
    connections: int
    users: int
    groups: int


class Sight(NamedTuple):
    """A connection in few words. A tuple, as there may be thousands to a page."""

    directory: int
    connection: int
    home: str
    """The directory's name."""
    name: str
    state: str
    by: str
    """Who set the state."""
    tokens: int | None
    """The most that holds for one of its newest: ``EXPIRED`` … ``ENDS_SOON``; ``None`` if it has none."""
    used: int | None
    """When one of them was used last."""
    hour: int | None
    """The last hour in which it asked anything, by its number since the epoch."""
    ok: int
    failed: int
    """Requests in this hour and the one before."""

    @property
    def last(self) -> int | None:
        """Its last request in ms, to the hour where the log alone knows of it."""
        heard = None if self.hour is None else (self.hour + 1) * HOUR - 1
        return max((at for at in (self.used, heard) if at is not None), default=None)

    def activity(self, now: int) -> Activity:
        """As the rules of ``health`` want it."""
        hours = (Hour(now // HOUR * HOUR, self.ok, self.failed),) if self.ok or self.failed else ()
        return Activity(self.connection, self.last, None, None, hours)


class Survey(Protocol):
    """The port. Every statement names the directories that it is of, and is bounded by ``LOOKED_AT``."""

    async def sums(self, of: Range) -> Sums:
        """What there is, from the counts that are kept."""

    async def hours(self, of: Range, since: int, limit: int = LOOKED_AT) -> tuple[Hour, ...]:
        """The hours behind one (its number since the epoch), oldest first: of so many connections."""

    async def sights(
        self, of: Range, now: int, warning_days: int, limit: int = LOOKED_AT
    ) -> tuple[Sight, ...]:
        """Those of so many connections that may want attention, which ``urgency`` says; in their order.

        ``warning_days`` is as in ``health.Facts``.
        """

    async def troubled_webhooks(self, of: Range, whole: bool, by: str, limit: int) -> tuple[str, ...]:
        """Ids of webhooks that fail, or that ``by`` disabled; with ``whole`` those for all too."""


Urgency = tuple[bool, int]
"""Sorts by what wants attention first."""


def urgency(sight: Sight, now: int) -> Urgency | None:
    """How much a connection wants attention; ``None`` if it does not. As ``health.concerns`` has it."""
    if sight.state == DISABLED:
        return None
    found: list[tuple[str, int]] = []
    if sight.state == PAUSED:
        found.append((health.BAD if sight.by == FUSE else health.WARN, health.STOPPED))
    if sight.tokens is None:
        found.append((health.WARN, health.NEW))
    elif sight.tokens == EXPIRED:
        found.append((health.BAD, health.LOCKED_OUT))
    elif sight.tokens == ENDS_SOON:
        found.append((health.WARN, health.ENDING))
    tone = health.failing(sight.ok, sight.failed)
    if tone:
        found.append((tone, health.FAILING))
    if sight.state == ACTIVE and sight.last is not None and sight.last < now - health.SILENT:
        found.append((health.WARN, health.QUIET))
    return min(((tone != health.BAD, rank) for tone, rank in found), default=None)
