"""What undo and erasure need of a store: what a connection changed, and the rewriting of what was told.

Nothing but erasure changes an event that was written. What is owed of an erasure is kept until it is done, so
that a crash in between loses none of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rosterd.service.events import StoredEvent


@dataclass(frozen=True, slots=True)
class Owed:
    """An account that is gone, and whose traces are still to be removed."""

    kind: str
    id: str
    connection: int
    """The connection that owned it."""
    request_id: str
    """Of the request that erased it."""
    names: tuple[str, ...]
    """Values by which others may have spoken of it: userName, externalId, e-mail addresses and the like."""
    seq: int | None = None
    """The directory's newest number when it went, as what is told later is about others.

    ``None`` if an older release erased it.
    """


class PastReader(Protocol):
    """Reads of one directory's past."""

    async def changed_by(
        self, connection: int, since: int, through: int, behind: str, limit: int
    ) -> tuple[tuple[str, str], ...]:
        """The kind and id of the resources that a connection changed, by id, behind one.

        Those with an event of the connection from ``since`` (ms) on, up to the number ``through``. A whole
        walk looks at each of the directory's events once.
        """

    async def story(self, kind: str, id: str, since: int, after: int, limit: int) -> tuple[StoredEvent, ...]:
        """A resource's events from a time (ms) on, oldest first, behind a number, whoever caused them."""

    async def mentioning(self, names: Sequence[str], after: int, through: int) -> tuple[StoredEvent, ...]:
        """The events between two numbers (the second included) that tell a pending value out of ``names``."""

    async def deleted_before(self, kind: str, before: int, limit: int) -> tuple[str, ...]:
        """The ids of retained resources that were deleted before a time (ms), those of long ago first."""

    async def owed(self, limit: int) -> tuple[Owed, ...]:
        """Erasures that are not finished."""


class PastWriter(Protocol):
    """Writes of one directory's past, inside a transaction."""

    async def owe(self, owed: Owed) -> None:
        """Note an erasure, or that more names are known of it."""

    async def paid(self, owed: Owed) -> bool:
        """The erasure is finished: forget it, with the names; ``False`` if somebody else has done so."""

    async def rewrite(self, seq: int, data: Mapping[str, Any]) -> None:
        """Let an event say something else; for erasure only."""

    async def drop_pending(self, values: Sequence[str], connection: int | None = None) -> None:
        """Forget these values wherever a group waits for them, or a group of a connection."""
