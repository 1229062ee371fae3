"""What a directory's mapping made of its accounts, kept beside them; part of the ports."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from rosterd.service.mapping import Rules, Value
from rosterd.service.webhooks import Watch


@dataclass(frozen=True, slots=True)
class Mapped:
    """A directory's mapping and how far it is carried out."""

    rules: Rules
    revision: int
    place: int
    """Events up to this number are dealt with."""
    walk: int | None
    """Accounts up to this ``seq`` follow the present rules; ``None``: all do."""


class ProjectionReader(Protocol):
    """Reads of one directory's mapping and what it made."""

    async def mapping(self) -> Mapped | None:
        """The mapping, if there ever was one."""

    async def projections(self, ids: Sequence[str]) -> Mapping[str, Value]:
        """What was made of these users; those of whom nothing was made are absent."""


class ProjectionWriter(Protocol):
    """Writes of one directory's mapping and what it made, inside a transaction."""

    async def set_mapping(self, mapped: Mapped) -> None:
        """Replace the mapping and its progress."""

    async def project(self, id: str, value: Value | None) -> None:
        """Keep what was made of a user; ``None``: nothing."""


class Lagging(Protocol):
    """Finds where there is something to do."""

    def watch(self) -> AbstractContextManager[Watch]:
        """Be told of directories with news, of what this process commits, at once."""

    async def lagging(self, limit: int) -> tuple[int, ...]:
        """Directories whose mapping is not carried out up to the newest event."""
