"""``SetPolls`` and ``SigningKeyStore`` over SQLite, and the streams of security event tokens."""

import sqlite3
from collections.abc import Sequence

from rosterd.service.audit import Entry
from rosterd.service.set_stream import Stream
from rosterd.service.signing_keys import SigningKey
from rosterd.service.webhooks import DeadLetter, Endpoint, Key, Line
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl
from rosterd.store.webhook_rows import dead_row, signing_key_of, signing_key_row, stream_row


class SqliteSets(SqliteControl):
    """See ``rosterd.service.set_polls.SetPolls`` and ``rosterd.service.signing_keys.SigningKeyStore``."""

    async def poll_state(self, key: Key, limit: int) -> tuple[Line, tuple[int, ...]]:
        def work(connection: sqlite3.Connection) -> tuple[Line, tuple[int, ...]]:
            row = connection.execute(SQLITE["get_follow_line"], (key.directory, key.webhook)).fetchone()
            acks = connection.execute(SQLITE["set_acks"], (key.directory, key.webhook, limit))
            return Line(key, *row) if row else Line(key), tuple(ack for (ack,) in acks)

        return await self._run(work, quick=True)

    async def acknowledge(self, key: Key, seqs: Sequence[int], dead: Sequence[DeadLetter]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SQLITE["begin_line"], (key.directory, key.webhook))
            rows = [(key.directory, key.webhook, seq) for seq in seqs]
            connection.executemany(SQLITE["insert_set_ack"], rows)
            for one in dead:
                connection.execute(SQLITE["insert_dead"], dead_row(one))

        await self._submit(work)

    async def advance(self, key: Key, cursor: int, lost_at: int | None = None) -> None:
        line = (key.directory, key.webhook, cursor)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(SQLITE["begin_line"], line[:2])
            if lost_at is None:
                connection.execute(SQLITE["advance_line"], line)
            else:
                connection.execute(SQLITE["lose_line"], (*line, lost_at))
            connection.execute(SQLITE["forget_set_acks"], line)

        await self._submit(work)

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        return await self._run(_keys, quick=True)

    async def add_signing_key(self, key: SigningKey, newest: str | None, end: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            keys = _keys(connection)
            if (keys[0].kid if keys else None) != newest:
                return False
            connection.execute(SQLITE["end_signing_keys"], (end,))
            connection.execute(SQLITE["insert_signing_key"], signing_key_row(key))
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def forget_signing_keys(self, before: int) -> int:
        return await self._submit(lambda c: c.execute(SQLITE["forget_signing_keys"], (before,)).rowcount)


def stream_of(connection: sqlite3.Connection, webhook: str) -> Stream | None:
    """What an endpoint is that gets security event tokens."""
    row = connection.execute(SQLITE["get_set_stream"], (webhook,)).fetchone()
    return Stream(*row) if row else None


def insert_stream(connection: sqlite3.Connection, endpoint: Endpoint) -> None:
    """Keep it."""
    if endpoint.stream is not None:
        connection.execute(SQLITE["insert_set_stream"], stream_row(endpoint.id, endpoint.stream))


def _keys(connection: sqlite3.Connection) -> tuple[SigningKey, ...]:
    return tuple(map(signing_key_of, connection.execute(SQLITE["signing_keys"])))
