"""All of an installation goes from one database to another, and is read again there: the same, or an error.

The source is one state of one moment. Rows go in portions, each table behind those it refers to, so memory
does not grow with the installation. Both sides count rows and add up their digests.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol

from rosterd.service.audit import Entry
from rosterd.store.contents import Contents, NotWhole
from rosterd.store.portable import TABLES, Row, Table, Tally

Portions = AsyncIterator[Sequence[Row]]
Tell = Callable[[int], None]
"""Told how many more rows have been written, or read again."""

NEWER: Final = "the database is of a newer release, whose tables may hold more; copy it with that release"
"""Why a database is refused that this release could otherwise work with."""
UNTOUCHED: Final = (
    "the database that would be replaced is of a newer release, and left as it is; "
    "use that release, or another place"
)
"""Why a database is refused whose tables this release may not all know."""


class Rows(Protocol):
    """What can be read."""

    def portions(self, table: Table) -> Portions:
        """All rows of a table, portable."""

    async def last(self, table: Table) -> int:
        """The last number that the engine gave out for a table."""

    async def contents(self) -> Contents:
        """How much there is."""


class Target(Rows, Protocol):
    """What is empty, and can be filled."""

    async def fill(self, table: Table, portions: Portions) -> None:
        """Write a table. Raises ``Conflict`` for a value that cannot be kept."""

    async def go_on(self, table: Table, last: int) -> None:
        """Have numbers given out behind this one, and behind those that are there."""

    async def complete(self) -> None:
        """Make what is derived: indexes, and whatever looks after rows."""

    async def end(self, entry: Entry | None, anew: int | None = None) -> None:
        """Write an entry of the audit log; and begin anew at a time (ms), see ``restored.py``."""


async def copy(source: Rows, target: Target, tell: Tell) -> Contents:
    """Fill the target and look at all of it. Raises ``NotWhole``, ``Conflict``, ``StoreUnavailable``."""
    sent = {table: Tally() for table in TABLES}
    for table, tally in sent.items():
        await target.fill(table, _counted(source.portions(table), table, tally, tell))
        if table.number is not None:
            await target.go_on(table, await source.last(table))
    await target.complete()
    for table, tally in sent.items():
        found = Tally()
        async for _ in _counted(target.portions(table), table, found, tell):
            pass
        if found != tally:
            what = "other values" if found.rows == tally.rows else f"{found.rows} rows, not {tally.rows}"
            raise NotWhole(f"the copy is not what its source is: table {table.name} has {what}")
    held = await target.contents()
    if held != await source.contents():
        raise NotWhole(f"the copy holds {held}, its source {await source.contents()}")
    return held


async def _counted(portions: Portions, table: Table, tally: Tally, tell: Tell) -> Portions:
    async for rows in portions:
        tally.add(table, rows)
        tell(len(rows))
        yield rows
