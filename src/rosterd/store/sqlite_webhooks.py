"""``Webhooks`` over SQLite: endpoints with their secrets and lanes, dead letters, the log of attempts."""

import sqlite3
from dataclasses import replace
from typing import Any

from rosterd.service.audit import Entry
from rosterd.service.events import Event
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
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.rows import MOST
from rosterd.store.sqlite_control import SqliteControl, insert
from rosterd.store.sqlite_held import append
from rosterd.store.sqlite_sets import insert_stream, stream_of
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
)


class SqliteWebhooks(SqliteControl):
    """See ``rosterd.service.webhooks.Webhooks``."""

    async def webhook(self, id: str, directory: int | None = None) -> Endpoint | None:
        def work(connection: sqlite3.Connection) -> Endpoint | None:
            row = connection.execute(SQLITE["get_webhook"], (id, directory)).fetchone()
            return None if row is None else _with_secrets(connection, row)

        return await self._run(work, quick=True)

    async def webhook_page(self, directory: int | None, after: str, limit: int) -> tuple[Endpoint, ...]:
        def work(connection: sqlite3.Connection) -> tuple[Endpoint, ...]:
            if directory is None:
                rows = connection.execute(SQLITE["webhook_page"], (after, limit)).fetchall()
            else:
                rows = connection.execute(SQLITE["webhook_page_of"], (directory, after, limit)).fetchall()
            return tuple(_with_secrets(connection, row) for row in rows)

        return await self._run(work, quick=True)

    async def create_webhook(self, endpoint: Endpoint, entry: Entry) -> None:
        parameters = endpoint_row(endpoint)

        def work(connection: sqlite3.Connection) -> None:
            insert(connection, "insert_webhook", parameters, endpoint.id, "id")
            for secret in endpoint.secrets:
                _insert_secret(connection, endpoint.id, secret)
            insert_stream(connection, endpoint)
            connection.execute(SQLITE["begin_lines"], (endpoint.id, endpoint.directory))
            write_entry(connection, entry)

        await self._submit(work)

    async def update_webhook(self, old: Endpoint, endpoint: Endpoint, entry: Entry) -> bool:
        parameters = (*endpoint_change(endpoint), *endpoint_change(old)[1:])

        stream = stream_change(old, endpoint)

        def work(connection: sqlite3.Connection) -> None:
            if not connection.execute(SQLITE["update_webhook"], parameters).rowcount:
                raise Overtaken
            if stream is not None and not connection.execute(SQLITE["change_set_stream"], stream).rowcount:
                raise Overtaken
            write_entry(connection, entry)

        try:
            await self._submit(work)
        except Overtaken:
            return False
        return True

    async def delete_webhook(self, id: str, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["delete_webhook"], (id,)).rowcount:
                return False
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def add_webhook_secret(self, id: str, secret: Secret, end: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if connection.execute(SQLITE["get_webhook"], (id, None)).fetchone() is None:
                return False
            connection.execute(SQLITE["end_webhook_secrets"], (id, end))
            connection.execute(SQLITE["forget_webhook_secrets"], (id, secret.created))
            _insert_secret(connection, id, secret)
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def move_webhook(
        self, id: str, standing: Standing, entry: Entry, notice: tuple[int, Event] | None = None
    ) -> bool:
        parameters = (id, standing.state, standing.by, standing.reason, standing.since)

        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["move_webhook"], parameters).rowcount:
                return False
            if standing.state == ENABLED:
                connection.execute(SQLITE["hurry_lines"], (id,))
            if notice is not None:
                directory, event = notice
                append(connection, directory, event)
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def hurry_webhook(self, id: str, entry: Entry) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SQLITE["hurry_lines"], (id,))
            write_entry(connection, entry)

        await self._submit(work)

    async def add_lane(self, line: Line, entry: Entry) -> int:
        key = line.key

        def work(connection: sqlite3.Connection) -> int:
            lane, count = connection.execute(SQLITE["next_lane"], (key.directory, key.webhook)).fetchone()
            if count >= MAX_LANES:
                raise LookupError(f"{count} replays of {key.webhook} have not ended yet")
            parameters = (key.directory, key.webhook, lane, line.kind, line.cursor, line.finish)
            insert(connection, "insert_lane", parameters, key.webhook, "webhook")
            write_entry(connection, entry)
            return int(lane)

        return await self._submit(work)

    async def lines(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[tuple[Line, int], ...]:
        return tuple(map(line_of, await self._rows("lines_of", (webhook, *after, limit))))

    async def dead_letters(self, webhook: str, after: tuple[int, int], limit: int) -> tuple[DeadLetter, ...]:
        rows = await self._rows("dead_letters", (webhook, *after, limit))
        return tuple(DeadLetter(*row) for row in rows)

    async def attempts(
        self, webhook: str, before: int | None, limit: int, failed: bool = False
    ) -> tuple[StoredAttempt, ...]:
        behind = MOST if before is None else before
        rows = await self._rows("attempts", (webhook, behind, limit, int(failed)))
        return tuple(map(attempt_of, rows))

    async def attempt(self, webhook: str, seq: int) -> StoredAttempt | None:
        rows = await self._rows("get_attempt", (webhook, seq))
        return attempt_of(rows[0]) if rows else None

    async def note_attempt(self, attempt: Attempt, entry: Entry) -> int:
        def work(connection: sqlite3.Connection) -> int:
            write_entry(connection, entry)
            return int(connection.execute(SQLITE["insert_attempt"], attempt_row(attempt)).lastrowid or 0)

        return await self._submit(work)

    async def first_since(self, directory: int, at: int) -> int | None:
        rows = await self._rows("first_since", (directory, at))
        return int(rows[0][0]) if rows else None


def _with_secrets(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Endpoint:
    endpoint = endpoint_of(row)
    secrets = tuple(Secret(*found) for found in connection.execute(SQLITE["webhook_secrets"], (endpoint.id,)))
    return replace(endpoint, secrets=secrets, stream=stream_of(connection, endpoint.id))


def _insert_secret(connection: sqlite3.Connection, id: str, secret: Secret) -> None:
    connection.execute(SQLITE["insert_webhook_secret"], secret_row(id, secret))
