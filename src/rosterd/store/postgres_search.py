"""``Reader.search`` over PostgreSQL: one statement gives a page and its total, and so of one state.

A second one counts only if the page is empty because it lies behind everything.
"""

from rosterd.service.ports import Page, Position, Query, Stored
from rosterd.store.dialect_postgres import Postgres, as_key
from rosterd.store.listing import grouped, listing
from rosterd.store.postgres_run import Reads
from rosterd.store.rows import memberships_of


async def search(reads: Reads, directory: int, query: Query, words: Postgres) -> Page:
    """See ``rosterd.service.ports.Reader.search``."""
    compiled = listing(query, directory, words)
    if compiled is None:
        return Page((), (), False, 0 if query.total else None)
    found = await reads.fetch(compiled.page.text, compiled.page.params)
    rows = found[: query.limit]
    total: int | None = None
    if query.total:
        total = query.offset + len(rows)
        if compiled.counted and found:
            total = total if found[0][-1] is None else found[0][-1]
        elif compiled.total is not None and (query.offset or query.after):
            ((total,),) = await reads.fetch(compiled.total.text, compiled.total.params)
    keys = len(Stored._fields)
    stored = tuple(Stored(*row[:keys]) for row in rows)
    wanted = grouped(query, stored)
    named = await reads.rows("memberships", directory, wanted, len(wanted)) if wanted else ()
    return Page(
        rows=stored,
        positions=tuple(Position(row[4], as_key(row[keys])) for row in rows),
        more=len(found) > query.limit,
        total=total,
        groups=memberships_of(named),
    )
