"""Deleting a directory: at once it is not there any more, and then its data goes, portion by portion.

First, in one transaction, everything that leads to it ends: tokens, clients, keys, links, sessions, webhooks;
its name is free. Nothing is taken away in the minute after that, in which every process lets go of it. Then
background jobs of any number of processes take its rows away, a bounded number to a transaction; nothing is
remembered between two portions, so what was broken off is gone on with. At last it is noted, and told in the
audit log, that nothing is left. The row of the directory stays, as its number must never be given out again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service.audit import ITSELF, Actor, Entry
from rosterd.service.control import Directory
from rosterd.service.ports import Reader, Store

GRACE: Final = 60_000
"""Milliseconds in which nothing is taken away, as other processes may still be about what they had begun."""
PORTION: Final = 500
"""Rows to a transaction."""
AT_ONCE: Final = 100
"""Portions to a turn of the upkeep, which has other things to do too."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A directory that was deleted. Times in ms."""

    id: int
    name: str
    """Its former name, with its number behind it."""
    removed: int
    cleared: int | None
    """Since when nothing is left of it."""


class Removals(Protocol):
    """What a store does of it, each method in one transaction."""

    async def remove_directory(self, directory: int, at: int, entry: Entry) -> bool:
        """End the directory and all that leads to it, for every process; ``False`` if it is not there.

        On PostgreSQL it waits for the transactions of the directory that are under way. From then on the
        directory is told by no method but ``directory_names`` and ``removed_directories``, and whatever is
        written with an ``Entry`` of it raises ``NotFound``.
        """

    async def removed_directories(self, before: int) -> tuple[Removed, ...]:
        """Those that were deleted up to a time, by number."""

    async def clear_directory(self, directory: int, limit: int) -> int:
        """Take about so many rows of a deleted directory away; how many. 0: nothing is left to be taken."""

    async def note_cleared(self, directory: int, at: int, entry: Entry) -> bool:
        """Note that nothing is left of a deleted directory, with the entry; ``False`` if that is known."""


class Removal:
    """Deletes directories. ``now`` gives milliseconds since the epoch."""

    def __init__(self, removals: Removals, store: Store, now: Callable[[], int]) -> None:
        self._removals = removals
        self._store = store
        self._now = now

    async def remove(self, directory: Directory, *, by: Actor) -> None:
        """Delete a directory at once and for ever. Raises ``NotFound`` if somebody else has."""
        reader = self._store.reader(directory.id)
        before = {"name": directory.name, **await _counted(reader)}
        entry = Entry(by, self._now(), "directory.deleted", _target(directory.name), directory.id, before)
        if not await self._removals.remove_directory(directory.id, entry.at, entry):
            raise errors.NotFound(f"There is no directory '{directory.name}' any more.")

    async def take_away(self, *, again: bool = False, most: int = AT_ONCE) -> bool:
        """Take what is left of deleted directories away, ``most`` portions at most; whether all is gone.

        ``again``: also look at those of which nothing was left, in case a process that had stood still for
        long has written something after all.
        """
        for one in await self._removals.removed_directories(self._now() - GRACE):
            if one.cleared is not None and not again:
                continue
            took = False
            while most > 0 and await self._removals.clear_directory(one.id, PORTION):
                took, most = True, most - 1
            if most <= 0:
                return False
            if took or one.cleared is None:
                await self._store.purge(one.id)
            if one.cleared is None:
                name = one.name.rpartition("#")[0]
                entry = Entry(ITSELF, self._now(), "directory.cleared", _target(name), one.id)
                await self._removals.note_cleared(one.id, entry.at, entry)
        return True


def confirm(directory: Directory, text: str | None) -> None:
    """Raise ``InvalidValue`` unless the text is the directory's name."""
    if text != directory.name:
        raise errors.InvalidValue(
            f"confirm: must be the name of the directory, '{directory.name}'; what is deleted cannot be "
            "given back."
        )


async def _counted(reader: Reader) -> dict[str, int]:
    return {"users": await reader.count("User"), "groups": await reader.count("Group")}


def _target(name: str) -> str:
    return f"directory '{name}'"
