"""The hole that a restore leaves in the order of each directory, on PostgreSQL; see ``restored.py``."""

from rosterd.service.audit import Entry
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_run import Link
from rosterd.store.restored import start_anew, told


async def begin_anew_postgres(link: Link, at: int, entry: Entry) -> None:
    """Leave the hole at a time (ms), in the transaction that is open, and write the entry."""
    for id, name, *_ in await link.rows("directories"):
        last, _ = (await link.rows("feed_edges", id))[0]
        start = start_anew(last, at)
        await link.change("begin_anew", id, last, start)
        await link.change("append_event", *told(id, name, last, start, at, entry))
    await link.change("end_all_sessions")
    await write_entry(link, entry)
