"""Everything live in a directory, read page by page: the walk that snapshots, exports and previews share."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from rosterd.scim.schema import ResourceType
from rosterd.service.ports import Position, Query, Reader, Stored


async def pages(
    reader: Reader, types: Sequence[ResourceType], size: int
) -> AsyncIterator[tuple[Stored, ...]]:
    """The live resources of some types by ``seq``, so many at a time; no page is empty."""
    after: Position | None = None
    while types:
        page = await reader.search(Query(dict.fromkeys(types), None, size, after=after, total=False))
        if page.rows:
            yield page.rows
        if not page.more:
            return
        after = page.positions[-1]


def visible(row: Stored) -> dict[str, Any]:
    """The row's document with its externalId."""
    document: dict[str, Any] = orjson.loads(row.document)
    return document if row.external_id is None else {**document, "externalId": row.external_id}
