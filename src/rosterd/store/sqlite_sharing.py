"""``SharedBuckets`` and ``FormMarks`` over SQLite, whose clock is this machine's."""

import sqlite3
import time
from collections.abc import Mapping, Sequence

from rosterd.service.limits import MILLION, Drawn, Key, Level
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl


class SqliteSharing(SqliteControl):
    """See ``rosterd.service.sharing``."""

    async def exchange_buckets(self, drawn: Sequence[Drawn]) -> Mapping[Key, int]:
        def work(connection: sqlite3.Connection) -> Mapping[Key, int]:
            now = _now()
            left = {}
            for one in drawn:
                row = connection.execute(SQLITE["get_bucket"], one.key).fetchone()
                level = (Level(*row) if row else Level.full(one, now)).less(one, now)
                kept = (*one.key, one.rate, one.size * MILLION, level.amount, level.at)
                connection.execute(SQLITE["put_bucket"], kept)
                left[one.key] = level.filled(one, now)
            return left

        return await self._submit(work)

    async def forget_buckets(self, most: int) -> int:
        now = _now()
        if not (await self._rows("has_full_buckets", (now,)))[0][0]:  # which is no reason to write
            return 0
        return await self._submit(lambda c: c.execute(SQLITE["forget_buckets"], (now, most)).rowcount)

    async def spend_mark(self, digest: bytes, at: int) -> bool:
        return bool(await self._submit(lambda c: c.execute(SQLITE["spend_mark"], (digest, at)).rowcount))

    async def forget_marks(self, before: int, most: int) -> int:
        if not (await self._rows("has_old_marks", (before,)))[0][0]:
            return 0
        return await self._submit(lambda c: c.execute(SQLITE["forget_marks"], (before, most)).rowcount)


def _now() -> int:
    return time.time_ns() // 1000
