"""``AuditLog`` over SQLite: a page costs the same however long the log is, unless it is of rare actions."""

from rosterd.service.audit import StoredEntry
from rosterd.store.entries import entry_of
from rosterd.store.queries import SQLITE
from rosterd.store.rows import MOST, action_pattern
from rosterd.store.sqlite_control import SqliteControl


class SqliteAudit(SqliteControl):
    """See ``rosterd.service.audit.AuditLog``."""

    async def audit_page(
        self, directory: int | None, before: int | None, limit: int, action: str = ""
    ) -> tuple[StoredEntry, ...]:
        behind = MOST if before is None else before
        name, of = ("audit_all", ()) if directory is None else ("audit_of", (directory,))
        parameters = (*of, behind, action_pattern(action), limit)
        # A rare action may lie far back.
        rows = await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=not action)
        return tuple(map(entry_of, rows))
