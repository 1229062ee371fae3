"""How an entry of the audit log is written in whatever transaction of PostgreSQL it is of."""

from typing import Any

from rosterd.service.audit import Entry
from rosterd.store.entries import deleted, entry_row
from rosterd.store.postgres_run import Link


async def write_entry(link: Link, entry: Entry, *, gone: bool = False) -> None:
    """Write an entry of the audit log.

    Raises ``NotFound`` if its directory was deleted, so that nothing is changed of one, unless it may be
    ``gone``.
    """
    if entry.directory is not None and not gone:
        row = await link.row("is_removed", entry.directory)
        if row is not None and row[0]:
            raise deleted()
    await link.change("insert_audit", *map(storable, entry_row(entry)))


def storable(value: Any) -> Any:
    """The value, a text without U+0000, of which PostgreSQL keeps none."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
