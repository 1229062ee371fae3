"""What a writer says of resources: what is known in the open transaction, else what its reader finds."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rosterd.service.ports import Membership, Stored


class _Known(Protocol):
    """See ``postgres_known`` and ``sqlite_known``."""

    def row(self, kind: str, id: str) -> Stored | None: ...

    def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]] | None: ...

    def lacks(self, part: str, one: Any, /) -> bool: ...


class KnownReads:
    """See ``rosterd.service.ports.Reader``; stands before the reader of an engine among a writer's bases."""

    __slots__ = ()
    _known: _Known

    async def get(self, kind: str, id: str) -> Stored | None:
        try:
            return self._known.row(kind, id)
        except KeyError:
            row: Stored | None = await super().get(kind, id)  # type: ignore[misc]
            return row

    async def get_with_groups(self, kind: str, id: str) -> tuple[Stored, tuple[Membership, ...]] | None:
        row = await self.get(kind, id)
        return None if row is None else (row, (await self.memberships((id,))).get(id, ()))

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        known = self._known.memberships(ids)
        return await super().memberships(ids) if known is None else known  # type: ignore[misc]

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        if self._known.lacks("retained", (kind, connection, external_id)):
            return ()
        rows: tuple[Stored, ...] = await super().retained(kind, connection, external_id)  # type: ignore[misc]
        return rows
