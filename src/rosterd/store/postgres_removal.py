"""``Removals`` over PostgreSQL: the directory's transactions come to their end first, and none follows.

A directory is deleted in a transaction of its own order, so that whoever waited for it finds it gone.
Portions are taken by one process at a time, each of which locks the directory's row and looks only then.
"""

from collections.abc import Iterable

from rosterd.service.audit import Entry
from rosterd.service.removal import Removed
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_run import Link
from rosterd.store.removal import ATTEMPTS, CREDENTIALS, DATA, DROPPED, ENDED, LAST, LATE


class PostgresRemoval(PostgresControl):
    """See ``rosterd.service.removal.Removals``."""

    async def remove_directory(self, directory: int, at: int, entry: Entry) -> bool:
        async def work(held: Held) -> bool:
            if await held.row("removable_directory", directory) is None:
                return False
            held.governs = True
            await held.writing("remove_directory")
            await write_entry(held, entry)
            await held.change("remove_directory", directory, at)
            for name in ENDED:
                await held.change(name, directory, at)
            for name in DROPPED:
                await held.change(name, directory)
            held.standings.clear()
            held.losses.clear()
            held.revision = None
            return True

        return await self._submit(directory, work)

    async def removed_directories(self, before: int) -> tuple[Removed, ...]:
        return tuple(Removed(*row) for row in await self._rows("removed_directories", before))

    async def clear_directory(self, directory: int, limit: int) -> int:
        async def work(link: Link) -> int:
            if await link.row("take_removed", directory) is None:
                return 0
            for name in ATTEMPTS:
                if found := await link.rows(name, directory, limit):
                    return await link.change("clear_webhook_attempt", [seq for (seq,) in found])
            return (
                await _portion(link, CREDENTIALS, directory, limit)
                or await _rest(link, directory)
                or await _portion(link, (*DATA, "clear_resource", "clear_bookmark", *LAST), directory, limit)
            )

        return await self._write(work, governs=False)

    async def note_cleared(self, directory: int, at: int, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            if not await link.change("note_cleared", directory, at):
                return False
            await write_entry(link, entry, gone=True)
            return True

        return await self._write(work, governs=False)


async def _rest(link: Link, directory: int) -> int:
    gone = 0
    for name in LATE:
        gone += await link.change(name, directory)
    return gone


async def _portion(link: Link, names: Iterable[str], directory: int, limit: int) -> int:
    """A portion of the first of these that there is anything of; how many rows."""
    for name in names:
        if gone := await link.change(name, directory, limit):
            return gone
    return 0
