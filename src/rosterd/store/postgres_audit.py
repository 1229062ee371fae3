"""``AuditLog`` over PostgreSQL: a page costs the same however long the log is, but one of rare actions."""

from rosterd.service.audit import StoredEntry
from rosterd.store.entries import entry_of
from rosterd.store.postgres_control import PostgresControl
from rosterd.store.rows import MOST, action_pattern


class PostgresAudit(PostgresControl):
    """See ``rosterd.service.audit.AuditLog``."""

    async def audit_page(
        self, directory: int | None, before: int | None, limit: int, action: str = ""
    ) -> tuple[StoredEntry, ...]:
        behind = MOST if before is None else before
        name, of = ("audit_all", ()) if directory is None else ("audit_of", (directory,))
        rows = await self._rows(name, *of, behind, action_pattern(action), limit)
        return tuple(map(entry_of, rows))
