"""Looking after a data directory that may not open: its migrations, and whether its file is sound.

Only ``migrate`` changes anything. Everything raises ``SchemaMismatch`` for a file of another
release or program, and ``StoreUnavailable`` for one that cannot be used at present.
"""

import asyncio
import sqlite3
from dataclasses import dataclass

from rosterd.scim.errors import Conflict
from rosterd.store.contents import NotWhole
from rosterd.store.database import BUSY_MS, connect_reader, errors
from rosterd.store.steps import HOW, Migration, NoSchema, SchemaMismatch
from rosterd.wiring.engines import bring_up, lacking, steps_of
from rosterd.wiring.settings import Settings

__all__ = [
    "Migrations",
    "NoSchema",
    "NotWhole",
    "SchemaMismatch",
    "Step",
    "damage",
    "is_damage",
    "migrate",
    "migrations",
]

_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


@dataclass(frozen=True, slots=True)
class Step:
    """What a pending migration means for servers that run meanwhile."""

    name: str
    beside: bool
    """Whether the servers that know the newest migration of the database can go on."""
    since: int
    """The migration that a server must know to go on."""
    run: str
    locks: tuple[str, ...]
    """What others wait for, each as a phrase."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """The steps of this release by name, in order: those the database has, those it lacks."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    steps: tuple[Step, ...]
    """More about those it lacks."""


def migrations(settings: Settings) -> Migrations:
    """Where the database stands; a file that is not there lacks everything, and is not made."""
    missing = asyncio.run(lacking(settings))
    names = tuple(step.title for step in missing)
    applied = tuple(name for name in steps_of(settings) if name not in names)
    return Migrations(applied, names, tuple(_step(settings, step, len(applied)) for step in missing))


def _step(settings: Settings, step: Migration, newest: int) -> Step:
    locks = step.locks()
    if settings.database_url is None:  # one lock for everything that writes
        locks = ("changes, portion by portion" if step.run == "portions" else "changes until it is done",)
    return Step(step.title, step.since <= newest, step.since, HOW[step.run], locks)


def migrate(settings: Settings, *, stopped: bool = False) -> tuple[str, ...]:
    """Apply what is pending and return its names; each step is done or not done.

    Raises ``Conflict`` for steps that servers of the release before would not survive, unless they are
    ``stopped``.
    """
    found = migrations(settings)
    alone = [step.name for step in found.steps if not step.beside]
    if alone and found.applied and not stopped:
        raise Conflict(
            f"Servers of the release before cannot go on after {', '.join(alone)}. "
            "Stop every server, and say so with --stopped."
        )
    return asyncio.run(bring_up(settings))


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
