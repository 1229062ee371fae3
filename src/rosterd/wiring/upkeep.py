"""Looking after a data directory that may not open: its migrations, and whether its file is sound.

Only ``migrate`` changes anything. Everything raises ``SchemaMismatch`` for a file of another
release or program, and ``StoreUnavailable`` for one that cannot be used at present.
"""

import sqlite3
from dataclasses import dataclass

from rosterd.store.database import BUSY_MS, connect_reader, errors
from rosterd.store.migrate import SchemaMismatch, apply, known, pending
from rosterd.wiring.service import make_private
from rosterd.wiring.settings import Settings

__all__ = ["Migrations", "SchemaMismatch", "damage", "is_damage", "migrate", "migrations"]

_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


@dataclass(frozen=True, slots=True)
class Migrations:
    """The steps of this release by name, in order: those the database has, those it lacks."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]


def migrations(settings: Settings) -> Migrations:
    """Where the database stands; a file that is not there lacks everything, and is not made."""
    lacking = tuple(f"{step.version:04}_{step.name}" for step in pending(settings.database))
    names = tuple(f"{step.version:04}_{step.name}" for step in known())
    return Migrations(tuple(name for name in names if name not in lacking), lacking)


def migrate(settings: Settings) -> tuple[str, ...]:
    """Apply what is pending and return its names; each step is done or not done."""
    make_private(settings.data)
    return tuple(f"{step.version:04}_{step.name}" for step in apply(settings.database))


def damage(settings: Settings) -> str | None:
    """What SQLite's ``quick_check`` says is wrong with the file; ``None`` if it is sound."""
    with errors():
        try:
            connection = connect_reader(settings.database, BUSY_MS)
            try:
                rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return str(error)
    return None if rows == ["ok"] else "; ".join(rows)


def is_damage(error: BaseException) -> bool:
    """Whether the error says that the database file itself is broken."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.DatabaseError) and code is not None and code & 0xFF in _DAMAGE
