"""``AuditLog`` over SQLite: a page costs the same however long the log is, unless it is of rare actions."""

from typing import Final

from rosterd.service.audit import StoredEntry
from rosterd.store.entries import entry_of
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_control import SqliteControl

_MOST: Final = 2**63 - 1


class SqliteAudit(SqliteControl):
    """See ``rosterd.service.audit.AuditLog``."""

    async def audit_page(
        self, directory: int | None, before: int | None, limit: int, action: str = ""
    ) -> tuple[StoredEntry, ...]:
        behind = _MOST if before is None else before
        name, of = ("audit_all", ()) if directory is None else ("audit_of", (directory,))
        parameters = (*of, behind, _glob(action), limit)
        # A rare action may lie far back.
        rows = await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=not action)
        return tuple(map(entry_of, rows))


def _glob(action: str) -> str:
    """The pattern of an action, or of all that begin so; nothing given has a meaning in a pattern."""
    letters = "".join(letter for letter in action if letter.isalnum() or letter in "._-")
    return f"{letters}*" if not letters or letters.endswith(".") else letters
