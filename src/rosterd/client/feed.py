"""The event feed and snapshots: what changed, in order, from any place on, without end."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rosterd.client.models import Event
from rosterd.client.session import Session, Unreachable, path

WAIT: Final = 30
"""Seconds that the server holds a request while nothing happens."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events, in the order of their commits; ``next`` is the cursor behind them, to be stored."""

    events: Sequence[Event]
    next: str


class Feed(Session):
    """The part of the client that reads what happened."""

    async def follow(
        self,
        directory: str | None = None,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        limit: int = 100,
    ) -> AsyncIterator[FeedPage]:
        """Pages of the feed for ever, waiting for what is new; also empty ones, as the cursor moves.

        ``after`` is the ``next`` of the last page that was dealt with: store it together with what you
        did. ``None`` begins at the oldest event kept, ``"now"`` at the end. ``directory`` may be left out
        if the key is bound to one. Raises ``ApiError`` 410 if events behind ``after`` are no longer kept:
        take a ``snapshot`` then; ``Unreachable`` if the server is away for longer than its attempts take:
        go on from the cursor when it is back.
        """
        while True:
            page = await self.events_page(directory, after=after, types=types, limit=limit, wait=WAIT)
            after = page.next
            yield page

    async def events_page(
        self,
        directory: str | None = None,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        limit: int = 100,
        wait: int = 0,
    ) -> FeedPage:
        """One page of the feed; ``wait`` is how long the server waits for an event, in seconds.

        Raises ``ApiError``.
        """
        query = {
            "directory": directory,
            "after": after,
            "types": ",".join(types) or None,
            "limit": limit,
            "wait": wait,
        }
        page = await self.ask("GET", path("events"), query=query, wait=wait)
        return FeedPage(page["events"], page["next"])

    async def snapshot(self, directory: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Everything in a directory as of one moment, record by record; the first one has the cursor.

        Raises ``ApiError``, and ``Unreachable`` if it breaks off before the record ``end``.
        """
        ended = False
        async for record in self.lines(path("snapshot"), {"directory": directory}):
            ended = record["record"] == "end"
            yield record
        if not ended:
            raise Unreachable("the snapshot broke off before its end; take it again")
