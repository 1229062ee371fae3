"""``SharedBuckets``, ``FormMarks``, ``Bookmarks`` over PostgreSQL: an exchange or bookmark is one statement.

What was drawn is taken once at the most: an exchange whose COMMIT was lost is not made again.
"""

from collections.abc import Mapping, Sequence

from rosterd.service.limits import Drawn, Key
from rosterd.service.walks import Bookmark, Bookmarks, PageStart
from rosterd.store.bookmark_rows import bookmark_of, bookmark_row, place_of
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.postgres_entries import storable


class PostgresSharing(PostgresControl):
    """See ``rosterd.service.sharing`` and ``rosterd.service.walks``."""

    async def exchange_buckets(self, drawn: Sequence[Drawn]) -> Mapping[Key, int]:
        named = {(one.key[0], storable(one.key[1])): one for one in drawn}
        columns = zip(*((*key, d.rate, d.size, d.cost, d.ago) for key, d in named.items()), strict=True)
        parameters = [list(column) for column in columns]
        if not drawn:
            return {}
        rows = await self._database.write(lambda link: link.rows("exchange_buckets", *parameters))
        return {named[directory, name].key: level for directory, name, level in rows}

    async def forget_buckets(self, most: int) -> int:
        return await self._changed("forget_buckets", most, governs=False)

    async def spend_mark(self, digest: bytes, at: int) -> bool:
        return bool(await self._changed("spend_mark", digest, at, governs=False))

    async def forget_marks(self, before: int, most: int) -> int:
        if not (await self._rows("has_old_marks", before))[0][0]:  # which is no reason to write
            return 0
        return await self._changed("forget_marks", before, most, governs=False)

    @property
    def bookmarks(self) -> Bookmarks:
        """In the database, as workers may be on several machines."""
        return self

    async def find_bookmark(self, page: PageStart, now: int) -> Bookmark | None:
        rows = await self._database.rows("find_bookmark", *place_of(page), now)
        return bookmark_of(*rows[0]) if rows else None

    async def keep_bookmark(self, page: PageStart, bookmark: Bookmark) -> None:
        await self._database.rows("keep_bookmark", *bookmark_row(page, bookmark))

    async def forget_bookmarks(self, now: int, most: int) -> int:
        return await self._changed("forget_bookmarks", now, most, governs=False)
