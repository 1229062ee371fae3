"""``Deliveries`` over PostgreSQL: a lease is a column, and one statement takes all of a round that are free.

Lanes that another process is just taking are left to it, without waiting.
"""

from collections.abc import Iterable, Sequence

from rosterd.service.webhooks import LONGEST_LEASE, Candidate, DeadLetter, Key, Line, Progress
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import storable
from rosterd.store.postgres_run import Link
from rosterd.store.rows import Row
from rosterd.store.webhook_rows import attempt_row, dead_row

Columns = tuple[list[int], list[str], list[int]]


class PostgresDeliveries(PostgresControl):
    """See ``rosterd.service.webhooks.Deliveries``."""

    async def has_webhooks(self, handlers: Sequence[str] | None = None) -> bool:
        return bool(await self._rows("has_webhooks", _listed(handlers)))

    async def due_lines(
        self,
        now: int,
        directories: Sequence[int] | None = None,
        per_webhook: int = 64,
        handlers: Sequence[str] | None = None,
    ) -> tuple[Candidate, ...]:
        served, longest = _listed(handlers), now + LONGEST_LEASE
        if directories is None:
            rows = await self._rows("due_lines", now, per_webhook, served, longest)
        else:
            rows = await self._rows("due_lines_of", now, list(directories), per_webhook, served, longest)
        return tuple(Candidate(Key(*row[:3]), *row[3:]) for row in rows)

    async def claim_lines(self, keys: Sequence[Key], worker: str, now: int, until: int) -> tuple[Line, ...]:
        async def work(link: Link) -> tuple[Line, ...]:
            rows = await link.rows("claim_line", *_columns(keys), worker, now, until, now + LONGEST_LEASE)
            taken = {Key(*row[:3]): row[3:] for row in rows}
            return tuple(Line(key, *taken[key]) for key in dict.fromkeys(keys) if key in taken)

        return await self._write(work, governs=False)

    async def renew_leases(self, worker: str, now: int, until: int) -> frozenset[Key]:
        async def work(link: Link) -> frozenset[Key]:
            rows = await link.rows("renew_leases", worker, now, until)
            return frozenset(Key(*row) for row in rows)

        return await self._write(work, governs=False)

    async def note_progress(self, progress: Progress) -> frozenset[Key]:
        return await self._write(lambda link: _note(link, progress), governs=False)

    async def dead_between(self, key: Key, after: int, limit: int) -> tuple[DeadLetter, ...]:
        rows = await self._rows("dead_between", key.directory, key.webhook, after, limit)
        return tuple(DeadLetter(*row) for row in rows)

    async def forget_attempts(self, before: int, most: int, limit: int) -> int:
        ((oldest, newest, at),) = await self._rows("attempt_edges")
        if oldest is None or (at >= before and oldest > newest - most):
            return 0
        return await self._changed("forget_attempts", before, newest - most + 1, limit)


def _listed(handlers: Sequence[str] | None) -> list[str] | None:
    return None if handlers is None else list(handlers)


def _columns(keys: Iterable[Key]) -> Columns:
    """The parts of keys, each once, as lists of columns."""
    once = list(dict.fromkeys(keys))
    return [key.directory for key in once], [key.webhook for key in once], [key.lane for key in once]


async def _note(link: Link, progress: Progress) -> frozenset[Key]:
    lines = {line.key: line for line in progress.lines}
    named = {key.webhook for key in lines} | {attempt.webhook for attempt in progress.attempts}
    named |= {one.webhook for one in progress.dead}
    # Endpoints come before their lanes, as for whoever removes one.
    known = {row[0] for row in await link.rows("hold_webhooks", sorted(named))} if named else set()
    gone = frozenset(lines) - await _moved(link, progress, list(lines.values()))
    lost = {(key.directory, key.webhook) for key in gone}
    rows = [attempt_row(attempt) for attempt in progress.attempts if attempt.webhook in known]
    await _many(link, "insert_attempt", rows)
    dead = [one for one in progress.dead if one.webhook in known and (one.directory, one.webhook) not in lost]
    await _many(link, "insert_dead", [dead_row(one) for one in dead])
    await _many(link, "delete_dead", [(key.directory, key.webhook, first) for key, first in progress.revived])
    for webhook, failed in sorted(progress.health.items(), key=lambda item: item[0]):
        if failed is None:
            await link.change("webhook_works", webhook)
        else:
            await link.change("webhook_fails", webhook, failed)
    if progress.released:
        own = (*_columns(progress.released), progress.worker)
        await link.change("end_lane", *own)
        await link.change("release_line", *own)
    return gone


async def _many(link: Link, name: str, rows: Sequence[Row]) -> None:
    if rows:
        await link.many(name, [tuple(map(storable, row)) for row in rows])


async def _moved(link: Link, progress: Progress, lines: Sequence[Line]) -> frozenset[Key]:
    """Write down where lanes stand; those whose lease the worker still has."""
    if not lines:
        return frozenset()
    columns = (
        *_columns(line.key for line in lines),
        [line.cursor for line in lines], [line.fixed for line in lines], [line.attempt for line in lines],
        [line.due for line in lines], [line.lost for line in lines], [line.lost_at for line in lines],
    )  # fmt: skip
    rows = await link.rows("note_line", *columns, progress.worker, progress.until)
    return frozenset(Key(*row) for row in rows)
