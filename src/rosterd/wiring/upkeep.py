"""Looking after a data directory that may not open: its migrations, and whether its file is sound.

Only ``migrate`` and ``put_back`` change anything. Everything raises ``SchemaMismatch`` for a file of another
release or program, and ``StoreUnavailable`` for one that cannot be used at present.
"""

import asyncio
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rosterd.scim import errors as refusals
from rosterd.service.audit import Actor, Entry
from rosterd.store import backup
from rosterd.store.backup import Contents, NotWhole
from rosterd.store.database import BUSY_MS, connect_reader, errors
from rosterd.store.migrate import SchemaMismatch
from rosterd.wiring.engines import bring_up, lacking, make_private, steps_of, want_file
from rosterd.wiring.ids import now
from rosterd.wiring.settings import Settings

__all__ = [
    "Contents",
    "Migrations",
    "NotWhole",
    "SchemaMismatch",
    "back_up",
    "damage",
    "is_damage",
    "migrate",
    "migrations",
    "put_back",
]

_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


@dataclass(frozen=True, slots=True)
class Migrations:
    """The steps of this release by name, in order: those the database has, those it lacks."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]


def migrations(settings: Settings) -> Migrations:
    """Where the database stands; a file that is not there lacks everything, and is not made."""
    missing = asyncio.run(lacking(settings))
    return Migrations(tuple(name for name in steps_of(settings) if name not in missing), missing)


def migrate(settings: Settings) -> tuple[str, ...]:
    """Apply what is pending and return its names; each step is done or not done."""
    return asyncio.run(bring_up(settings))


def back_up(settings: Settings, target: Path) -> Contents:
    """Copy the database, also while a server writes; what the copy holds.

    Raises ``Conflict`` if there is such a file, ``NotWhole``, ``OSError``.
    """
    want_file(settings, "copy it with 'pg_dump --format=custom'")
    try:
        return backup.back_up(settings.database, target)
    except FileExistsError as error:
        raise refusals.Conflict(f"{error}.") from error


def put_back(settings: Settings, source: Path, by: Actor, *, replace: bool) -> tuple[Contents, Path | None]:
    """Put a backup in the place of the database; what it holds, and where the former one is now.

    Raises ``NotFound`` without a backup, ``Conflict`` if there is a database that shall not be replaced or
    that a server has open, ``NotWhole``, ``OSError``.
    """
    want_file(settings, "put a copy back with 'pg_restore'")
    make_private(settings.data)
    at = now()
    aside = None
    if replace and settings.database.exists():
        stamp = f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%dT%H%M%S}.{at % 1000:03}Z"
        aside = settings.database.with_name(f"rosterd-before-{stamp}.db")
    try:
        entry = Entry(by, at, "installation.restored", f"backup '{source.name}'")
        held = backup.put_back(source, settings.database, at, entry, aside)
    except FileNotFoundError as error:
        raise refusals.NotFound(f"There is no file {source}.") from error
    except FileExistsError as error:
        raise refusals.Conflict(f"{error}.") from error
    return held, aside


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
