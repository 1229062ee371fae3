"""``Removals`` over SQLite: the index of parts of texts is told what it has to forget."""

import sqlite3
from collections.abc import Iterable

import orjson

from rosterd.service.audit import Entry
from rosterd.service.removal import Removed
from rosterd.store.entries import write_entry
from rosterd.store.parts import parts_text
from rosterd.store.queries import SQLITE
from rosterd.store.removal import ATTEMPTS, CREDENTIALS, DATA, DROPPED, ENDED, LAST, LATE
from rosterd.store.rows import as_json
from rosterd.store.sqlite_control import SqliteControl


class SqliteRemoval(SqliteControl):
    """See ``rosterd.service.removal.Removals``."""

    async def remove_directory(self, directory: int, at: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["removable_directory"], (directory,)).fetchone():
                return False
            write_entry(connection, entry)
            connection.execute(SQLITE["remove_directory"], (directory, at))
            for name in ENDED:
                connection.execute(SQLITE[name], (directory, at))
            for name in DROPPED:
                connection.execute(SQLITE[name], (directory,))
            return True

        return await self._submit(work)

    async def removed_directories(self, before: int) -> tuple[Removed, ...]:
        return tuple(Removed(*row) for row in await self._rows("removed_directories", (before,)))

    async def clear_directory(self, directory: int, limit: int) -> int:
        attempts = await self._run(lambda c: _attempts(c, directory, limit), quick=False)

        def work(connection: sqlite3.Connection) -> int:
            if not connection.execute(SQLITE["is_removed"], (directory,)).fetchone():
                return 0
            if attempts:
                connection.execute(SQLITE["clear_webhook_attempt"], (as_json(attempts),))
                return len(attempts)  # be they deleted by another process: there may be more
            return (
                _portion(connection, CREDENTIALS, directory, limit)
                or sum(connection.execute(SQLITE[name], (directory,)).rowcount for name in LATE)
                or _portion(connection, DATA, directory, limit)
                or _resources(connection, directory, limit)
                or _portion(connection, LAST, directory, limit)
            )

        return await self._submit(work)

    async def note_cleared(self, directory: int, at: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["note_cleared"], (directory, at)).rowcount:
                return False
            write_entry(connection, entry, gone=True)
            return True

        return await self._submit(work)


def _attempts(connection: sqlite3.Connection, directory: int, limit: int) -> list[int]:
    """Entries of the log of deliveries: looked for beside the writer, as there may be many of others."""
    for name in ATTEMPTS:
        found = connection.execute(SQLITE[name], (directory, limit)).fetchall()
        if found:
            return [seq for (seq,) in found]
    return []


def _portion(connection: sqlite3.Connection, names: Iterable[str], directory: int, limit: int) -> int:
    """A portion of the first of these that there is anything of; how many rows."""
    for name in names:
        if gone := connection.execute(SQLITE[name], (directory, limit)).rowcount:
            return gone
    return 0


def _resources(connection: sqlite3.Connection, directory: int, limit: int) -> int:
    rows = connection.execute(SQLITE["resource_portion"], (directory, limit)).fetchall()
    if not rows:
        return 0
    texts = ((directory, seq, parts_text(orjson.loads(search)), None) for _, seq, search in rows if search)
    connection.executemany(SQLITE["owe_parts"], (row for row in texts if row[2] is not None))
    return connection.execute(SQLITE["clear_resource"], (directory, rows[-1][0])).rowcount
