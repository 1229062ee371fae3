"""``Deliveries`` over SQLite: a lease is a column, and one statement takes it or does not."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from rosterd.service.webhooks import LONGEST_LEASE, Candidate, DeadLetter, Key, Line, Progress
from rosterd.store.queries import SQLITE
from rosterd.store.rows import as_json
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.webhook_rows import attempt_row, dead_row

_QUICK_DIRECTORIES: Final = 8


class SqliteDeliveries(SqliteControl):
    """See ``rosterd.service.webhooks.Deliveries``."""

    async def has_webhooks(self, handlers: Sequence[str] | None = None) -> bool:
        return bool(await self._rows("has_webhooks", (_listed(handlers),)))

    async def due_lines(
        self,
        now: int,
        directories: Sequence[int] | None = None,
        per_webhook: int = 64,
        handlers: Sequence[str] | None = None,
    ) -> tuple[Candidate, ...]:
        quick = directories is not None and len(directories) <= _QUICK_DIRECTORIES
        served, longest = _listed(handlers), now + LONGEST_LEASE

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            if directories is None:
                return connection.execute(SQLITE["due_lines"], (now, per_webhook, served, longest)).fetchall()
            parameters = (now, as_json(list(directories)), per_webhook, served, longest)
            return connection.execute(SQLITE["due_lines_of"], parameters).fetchall()

        rows = await self._run(work, quick=quick)
        return tuple(Candidate(Key(*row[:3]), *row[3:]) for row in rows)

    async def claim_lines(self, keys: Sequence[Key], worker: str, now: int, until: int) -> tuple[Line, ...]:
        def work(connection: sqlite3.Connection) -> tuple[Line, ...]:
            taken = []
            for key in keys:
                parameters = (key.directory, key.webhook, key.lane, worker, now, until, now + LONGEST_LEASE)
                row = connection.execute(SQLITE["claim_line"], parameters).fetchone()
                if row is not None:
                    taken.append(Line(key, *row))
            return tuple(taken)

        return await self._submit(work)

    async def renew_leases(self, worker: str, now: int, until: int) -> frozenset[Key]:
        def work(connection: sqlite3.Connection) -> frozenset[Key]:
            rows = connection.execute(SQLITE["renew_leases"], (worker, now, until)).fetchall()
            return frozenset(Key(*row) for row in rows)

        return await self._submit(work)

    async def note_progress(self, progress: Progress) -> frozenset[Key]:
        return await self._submit(lambda connection: _note(connection, progress))

    async def dead_between(self, key: Key, after: int, limit: int) -> tuple[DeadLetter, ...]:
        rows = await self._rows("dead_between", (key.directory, key.webhook, after, limit))
        return tuple(DeadLetter(*row) for row in rows)

    async def forget_attempts(self, before: int, most: int, limit: int) -> int:
        ((oldest, newest, at),) = await self._rows("attempt_edges", ())
        if oldest is None or (at >= before and oldest > newest - most):
            return 0
        parameters = (before, newest - most + 1, limit)
        return await self._submit(lambda c: c.execute(SQLITE["forget_attempts"], parameters).rowcount)


def _listed(handlers: Sequence[str] | None) -> str | None:
    return None if handlers is None else as_json(list(handlers))


def _note(connection: sqlite3.Connection, progress: Progress) -> frozenset[Key]:
    gone = set()
    for line in progress.lines:
        key = line.key
        parameters = (
            key.directory, key.webhook, key.lane, progress.worker, line.cursor, line.fixed, line.attempt,
            line.due, line.lost, line.lost_at, progress.until,
        )  # fmt: skip
        if not connection.execute(SQLITE["note_line"], parameters).rowcount:
            gone.add(key)
    connection.executemany(SQLITE["insert_attempt"], map(attempt_row, progress.attempts))
    for dead in progress.dead:
        if not any(key.webhook == dead.webhook and key.directory == dead.directory for key in gone):
            connection.execute(SQLITE["insert_dead"], dead_row(dead))
    for key, first in progress.revived:
        connection.execute(SQLITE["delete_dead"], (key.directory, key.webhook, first))
    for webhook, failed in progress.health.items():
        if failed is None:
            connection.execute(SQLITE["webhook_works"], (webhook,))
        else:
            connection.execute(SQLITE["webhook_fails"], (webhook, failed))
    for key in progress.released:
        own = (key.directory, key.webhook, key.lane, progress.worker)
        connection.execute(SQLITE["end_lane"], own)
        connection.execute(SQLITE["release_line"], own)
    return frozenset(gone)
