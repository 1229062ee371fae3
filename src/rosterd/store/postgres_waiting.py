"""Resources that are certain to be written, kept so that one statement writes many of them.

Nothing can be in their way: their values are known to be free, or theirs before. If something is all the
same, as an id that is there already, ``write`` raises, and nothing may be kept of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rosterd.service.ports import Stored
from rosterd.store.postgres_run import Link

Entries = tuple[Sequence[str], Sequence[str | None]]
"""Attributes, and the value of each."""


@dataclass(frozen=True, slots=True)
class Write:
    """A resource as it shall be, with the texts that the engine searches."""

    row: Stored
    search: str
    display: str | None
    new: bool
    """Whether it is made; else it is changed, in nothing that others look it up by."""
    unique: Entries = ((), ())
    """Of a new one."""
    values: Entries = ((), ())


class Waiting:
    """Writes in their order. A *mark* is a place in it, counted from the beginning of the transaction."""

    __slots__ = ("_writes", "begin")

    def __init__(self) -> None:
        self.begin = 0
        """The mark of the first that waits."""
        self._writes: list[Write] = []

    def __bool__(self) -> bool:
        return bool(self._writes)

    @property
    def end(self) -> int:
        """The mark behind the last."""
        return self.begin + len(self._writes)

    def add(self, write: Write) -> None:
        """Another one."""
        self._writes.append(write)

    def cut(self, mark: int) -> None:
        """Forget those behind a mark; of what is written already, the engine must be told."""
        del self._writes[max(0, mark - self.begin) :]

    async def write(self, link: Link, directory: int, mark: int) -> None:
        """Write those before a mark. Raises ``LookupError`` if one could not be, and asyncpg's errors."""
        count = mark - self.begin
        writes, self._writes, self.begin = self._writes[:count], self._writes[count:], mark
        made = [write for write in writes if write.new]
        if made:
            await _insert(link, directory, made)
        changed = {write.row.id: write for write in writes if not write.new}  # the last of each
        if changed:
            await _update(link, directory, list(changed.values()))


async def _insert(link: Link, directory: int, writes: Sequence[Write]) -> None:
    rows = [write.row for write in writes]
    unique: list[tuple[str | None, ...]] = []
    values: list[tuple[str | None, ...]] = []
    for write in writes:
        for pairs, listed in ((write.unique, unique), (write.values, values)):
            listed += [(write.row.kind, a, v, write.row.id) for a, v in zip(*pairs, strict=True)]
    await link.change(
        "insert_resources",
        directory,
        [row.id for row in rows],
        [row.kind for row in rows],
        [row.connection for row in rows],
        [row.external_id for row in rows],
        [row.seq for row in rows],
        [row.version for row in rows],
        [row.created for row in rows],
        [row.modified for row in rows],
        [row.document for row in rows],
        [write.search for write in writes],
        [write.display for write in writes],
        *_columns(unique),
        *_columns(values),
    )


async def _update(link: Link, directory: int, writes: Sequence[Write]) -> None:
    rows = [write.row for write in writes]
    found = await link.change(
        "update_resources",
        directory,
        [row.id for row in rows],
        [row.external_id for row in rows],
        [row.version for row in rows],
        [row.modified for row in rows],
        [row.document for row in rows],
        [write.search for write in writes],
    )
    if found != len(writes):
        raise LookupError("a resource is not there any more")


def _columns(rows: Sequence[tuple[str | None, ...]]) -> list[list[str | None]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(4)]
