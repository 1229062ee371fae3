"""What an event is, and how a store lets the feed be read; part of the ports.

A directory's events have one order, that of their commits. An event that can be read will never get
another one before it, so whoever remembers how far it has read misses nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

WINDOW: Final = 10_000
"""The most events that are looked at for one page, whatever the filter."""

PAGE_BYTES: Final = 4_194_304
"""A page ends early when the data of its events grows beyond this."""


NOBODY: Final = 0
"""Stands for the connection in events that no connection caused."""


@dataclass(slots=True)
class Cause:
    """Why something happens, as its events tell it: a connection's request, or an administrator's."""

    connection: int
    request_id: str
    note: Mapping[str, Any] | None = None
    """Put into the data of every event."""

    def event(self, type: str, kind: str, resource: str, at: int, data: Mapping[str, Any]) -> "Event":
        """An event of this cause."""
        if self.note:
            data = {**data, **self.note}
        return Event(type, kind, resource, at, self.connection, self.request_id, data)


class Event(NamedTuple):
    """A fact of the directory's feed; written in the transaction of the change, it is its history too."""

    type: str
    """``user.created``, ``group.member_added``, …"""
    kind: str
    resource: str
    at: int
    connection: int
    request_id: str
    data: Mapping[str, Any]
    """JSON-able; ``{"before": {…}, "after": {…}}`` of what differs, or member ids and counts."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the feed; numbers only grow and are never used again."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A part of the feed, of one snapshot."""

    events: tuple[StoredEvent, ...]
    through: int
    """All up to here was looked at: go on behind it."""
    forgotten: int
    """Events up to here are not kept any more."""
    last: int
    """The newest number of the directory; whoever has come this far has seen everything."""


class FeedReader(Protocol):
    """Reads of one directory's events."""

    async def events(self, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """The feed behind ``after``, in order."""

    async def feed(self, after: int, limit: int, types: Sequence[str] = ()) -> FeedPage:
        """A page behind ``after`` of the events that have one of the types, or all if none is given.

        A type ending in ``*`` stands for all that begin so. A page looks at ``WINDOW`` events at most,
        so it may be empty or short though more follow: ``through < last`` says so.
        """

    async def feed_back(self, before: int | None, limit: int, types: Sequence[str] = ()) -> FeedPage:
        """The same from the newest backwards, below ``before``: ``through`` is the lowest number looked at.

        Go on below that while ``through > forgotten + 1``.
        """

    async def last(self) -> int:
        """The newest number that was given out; every change gives one out."""

    async def undone(self, seq: int) -> bool:
        """Whether what was told under this number was undone by going back to a backup made before."""

    async def history(
        self, kind: str, id: str, limit: int, before: int | None = None
    ) -> tuple[StoredEvent, ...]:
        """The events of one resource, newest first, those with a ``seq`` below ``before``."""


class FeedWriter(Protocol):
    """Writes of one directory's events, inside a transaction."""

    async def append(self, event: Event) -> int:
        """Write an event under the next ``seq`` and return that."""

    async def forget_events(self, before: int, limit: int) -> int:
        """Delete the oldest events that happened before a time (ms), ``limit`` at most; how many.

        From the beginning of the feed up to the first one that is not older, so that no gap arises.
        """
