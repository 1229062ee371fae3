"""``Webhooks`` over PostgreSQL: endpoints with their secrets and lanes, dead letters, the log of attempts.

Whoever adds to an endpoint locks it first. So the lanes of one have different numbers and are not too many,
and nothing is added to an endpoint that is just removed.
"""

from collections.abc import Sequence
from dataclasses import replace

from rosterd.service.audit import Entry
from rosterd.service.events import Event
from rosterd.service.set_stream import Stream
from rosterd.service.standing import Standing
from rosterd.service.webhooks import (
    ENABLED,
    MAX_LANES,
    Attempt,
    DeadLetter,
    Endpoint,
    Line,
    Secret,
    StoredAttempt,
)
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import storable, write_entry
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_run import Link, Row, insert
from rosterd.store.rows import MOST
from rosterd.store.webhook_rows import (
    Overtaken,
    attempt_of,
    attempt_row,
    endpoint_change,
    endpoint_of,
    endpoint_row,
    line_of,
    secret_row,
    stream_change,
    stream_row,
)


class PostgresWebhooks(PostgresControl):
    """See ``rosterd.service.webhooks.Webhooks``."""

    async def webhook(self, id: str, directory: int | None = None) -> Endpoint | None:
        found = await self._endpoints(await self._rows("get_webhook", id, directory))
        return found[0] if found else None

    async def webhook_page(self, directory: int | None, after: str, limit: int) -> tuple[Endpoint, ...]:
        if directory is None:
            return await self._endpoints(await self._rows("webhook_page", after, limit))
        return await self._endpoints(await self._rows("webhook_page_of", directory, after, limit))

    async def create_webhook(self, endpoint: Endpoint, entry: Entry) -> None:
        async def work(link: Link) -> None:
            await insert(link, "insert_webhook", endpoint_row(endpoint), endpoint.id, "id")
            for secret in endpoint.secrets:
                await link.change("insert_webhook_secret", *secret_row(endpoint.id, secret))
            if endpoint.stream is not None:
                await link.change("insert_set_stream", *stream_row(endpoint.id, endpoint.stream))
            await link.change("begin_lines", endpoint.id, endpoint.directory)
            await write_entry(link, entry)

        await self._write(work)

    async def update_webhook(self, old: Endpoint, endpoint: Endpoint, entry: Entry) -> bool:
        stream = stream_change(old, endpoint)

        async def change_stream(link: Link) -> None:
            if stream is not None and not await link.change("change_set_stream", *stream):
                raise Overtaken

        parameters = (*endpoint_change(endpoint), *endpoint_change(old)[1:])
        try:
            return bool(await self._recorded("update_webhook", parameters, entry, change_stream))
        except Overtaken:
            return False

    async def delete_webhook(self, id: str, entry: Entry) -> bool:
        return bool(await self._recorded("delete_webhook", (id,), entry))

    async def add_webhook_secret(self, id: str, secret: Secret, end: int, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            if await link.row("lock_webhook", id) is None:
                return False
            await link.change("end_webhook_secrets", id, end)
            await link.change("forget_webhook_secrets", id, secret.created)
            await link.change("insert_webhook_secret", *secret_row(id, secret))
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def move_webhook(
        self, id: str, standing: Standing, entry: Entry, notice: tuple[int, Event] | None = None
    ) -> bool:
        parameters = (id, standing.state, standing.by, storable(standing.reason), standing.since)

        async def hurry(link: Link) -> None:
            if standing.state == ENABLED:
                await link.change("hurry_lines", id)

        if notice is None:
            return bool(await self._recorded("move_webhook", parameters, entry, hurry))
        directory, event = notice

        async def work(held: Held) -> bool:
            if not await held.put("move_webhook", *parameters):
                return False
            await hurry(held)
            held.tell(event)
            await write_entry(held, entry)
            return True

        return await self._submit(directory, work)

    async def hurry_webhook(self, id: str, entry: Entry) -> None:
        async def work(link: Link) -> None:
            await link.change("hurry_lines", id)
            await write_entry(link, entry)

        await self._write(work)

    async def add_lane(self, line: Line, entry: Entry) -> int:
        key = line.key

        async def work(link: Link) -> int:
            await link.row("lock_webhook", key.webhook)
            ((lane, count),) = await link.rows("next_lane", key.directory, key.webhook)
            if count >= MAX_LANES:
                raise LookupError(f"{count} replays of {key.webhook} have not ended yet")
            parameters = (key.directory, key.webhook, lane, line.kind, line.cursor, line.finish)
            await insert(link, "insert_lane", parameters, key.webhook, "webhook")
            await write_entry(link, entry)
            return int(lane)

        return await self._write(work)

    async def lines(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[tuple[Line, int], ...]:
        return tuple(map(line_of, await self._rows("lines_of", webhook, *after, limit)))

    async def dead_letters(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[DeadLetter, ...]:
        rows = await self._rows("dead_letters", webhook, *after, limit)
        return tuple(DeadLetter(*row) for row in rows)

    async def attempts(
        self, webhook: str, before: int | None, limit: int, failed: bool = False
    ) -> tuple[StoredAttempt, ...]:
        behind = MOST if before is None else before
        return tuple(map(attempt_of, await self._rows("attempts", webhook, behind, limit, int(failed))))

    async def attempt(self, webhook: str, seq: int) -> StoredAttempt | None:
        row = await self._row("get_attempt", webhook, seq)
        return attempt_of(row) if row else None

    async def note_attempt(self, attempt: Attempt, entry: Entry) -> int:
        async def work(link: Link) -> int:
            await link.rows("hold_webhooks", [attempt.webhook])
            await write_entry(link, entry)
            row = await link.row("insert_attempt", *map(storable, attempt_row(attempt)))
            return int(row[0]) if row else 0

        return await self._write(work)

    async def first_since(self, directory: int, at: int) -> int | None:
        row = await self._row("first_since", directory, at)
        return int(row[0]) if row else None

    async def _endpoints(self, rows: Sequence[Row]) -> tuple[Endpoint, ...]:
        """Endpoints from rows of their columns, with their secrets and streams."""
        if not rows:
            return ()
        ids = [row[0] for row in rows]
        secrets: dict[str, list[Secret]] = {id: [] for id in ids}
        for webhook, *columns in await self._rows("webhook_secrets", ids):
            secrets[webhook].append(Secret(*columns))
        streams = {row[0]: Stream(*row[1:]) for row in await self._rows("get_set_stream", ids)}
        return tuple(
            replace(endpoint, secrets=tuple(secrets[endpoint.id]), stream=streams.get(endpoint.id))
            for endpoint in map(endpoint_of, rows)
        )
