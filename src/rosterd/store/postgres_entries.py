"""How an entry of the audit log is written in whatever transaction of PostgreSQL it is of."""

from typing import Any

from rosterd.service.audit import Entry
from rosterd.store.entries import entry_row
from rosterd.store.postgres_run import Link


async def write_entry(link: Link, entry: Entry) -> None:
    """Write an entry of the audit log."""
    await link.change("insert_audit", *map(storable, entry_row(entry)))


def storable(value: Any) -> Any:
    """The value, a text without U+0000, of which PostgreSQL keeps none."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
