"""Polling for security event tokens and their signing keys over PostgreSQL: one at a time at a line."""

from collections.abc import Sequence

from rosterd.service.audit import Entry
from rosterd.service.signing_keys import SigningKey
from rosterd.service.webhooks import DeadLetter, Key, Line
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_run import Link
from rosterd.store.webhook_rows import dead_row, signing_key_of, signing_key_row


class PostgresSets(PostgresControl):
    """See ``rosterd.service.set_polls.SetPolls`` and ``rosterd.service.signing_keys.SigningKeyStore``."""

    async def poll_state(self, key: Key, limit: int) -> tuple[Line, tuple[int, ...]]:
        async def work(link: Link) -> tuple[Line, tuple[int, ...]]:
            row = await link.row("get_follow_line", key.directory, key.webhook)
            acks = await link.rows("set_acks", key.directory, key.webhook, limit)
            return Line(key, *row) if row else Line(key), tuple(ack for (ack,) in acks)

        return await self._database.one_state(work)

    async def acknowledge(self, key: Key, seqs: Sequence[int], dead: Sequence[DeadLetter]) -> None:
        async def work(link: Link) -> None:
            await _lock(link, key)
            await link.change("insert_set_ack", key.directory, key.webhook, sorted(seqs))
            await link.many("insert_dead", [dead_row(one) for one in dead])

        await self._write(work)

    async def advance(self, key: Key, cursor: int, lost_at: int | None = None) -> None:
        place = (key.directory, key.webhook, cursor)

        async def work(link: Link) -> None:
            await _lock(link, key)
            if lost_at is None:
                await link.change("advance_line", *place)
            else:
                await link.change("lose_line", *place, lost_at)
            await link.change("forget_set_acks", *place)

        await self._write(work)

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        return tuple(map(signing_key_of, await self._rows("signing_keys")))

    async def add_signing_key(self, key: SigningKey, newest: str | None, end: int, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            await link.rows("take_turns", ["signing keys"])
            row = await link.row("signing_keys")
            if (row[0] if row else None) != newest:
                return False
            await link.change("end_signing_keys", end)
            await link.change("insert_signing_key", *signing_key_row(key))
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def forget_signing_keys(self, before: int) -> int:
        return await self._changed("forget_signing_keys", before)


async def _lock(link: Link, key: Key) -> None:
    """Make sure there is the line, and that nobody else moves it."""
    await link.change("begin_line", key.directory, key.webhook)
    await link.row("lock_follow_line", key.directory, key.webhook)
