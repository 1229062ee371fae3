"""Backups, restores and copies of an installation, whichever database it is in and goes to.

What is written is checked against what was read, and is not served before that. Everything here raises
``SchemaMismatch`` for a database of another release or program, ``StoreUnavailable`` for one that cannot be
used at present, ``NotWhole`` for a copy that is not what it should be, and ``OSError``. As in ``engines.py``,
the modules for PostgreSQL are loaded for PostgreSQL only.
"""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rosterd.scim import errors
from rosterd.service.audit import Actor, Entry
from rosterd.store import backup
from rosterd.store.contents import Contents
from rosterd.store.copying import Rows, Target, Tell, copy
from rosterd.store.files import part_of, put, readable, refuse, refuse_open
from rosterd.store.migrate import pending
from rosterd.store.sqlite_copy import is_unfinished, sqlite_source, sqlite_target
from rosterd.store.steps import refuse_older
from rosterd.wiring.engines import in_words, make_private
from rosterd.wiring.ids import now
from rosterd.wiring.settings import Settings, SettingsError

__all__ = ["Contents", "Moved", "back_up", "mark", "move", "place", "put_back"]

RESTORED: Final = "installation.restored"
COPIED: Final = "installation.copied"


@dataclass(frozen=True, slots=True)
class Moved:
    """What is there now; ``former``: the file or schema in which that is which was there before."""

    contents: Contents
    former: str | None


def place(address: str) -> Settings:
    """Where ``sqlite:DIRECTORY`` or ``postgres://…`` leads to. Raises ``SettingsError``."""
    kind, _, path = address.partition(":")
    if kind == "sqlite" and path and not path.startswith("//"):
        return Settings(data=Path(path))
    if kind in ("postgres", "postgresql"):
        return Settings(database_url=address)
    raise SettingsError("an address is sqlite: and a data directory, or begins with postgres://")


def back_up(settings: Settings, target: Path, tell: Tell = lambda count: None) -> Contents:
    """Copy the database to a file, also while servers write; what the copy holds.

    Raises ``Conflict`` if there is such a file, ``NotFound`` for a database without data.
    """
    with _refusals():
        if settings.database_url is None:
            return backup.back_up(settings.database, target)
        return asyncio.run(_backed_up(settings, target, tell))


def put_back(
    settings: Settings, source: Path, by: Actor, *, replace: bool, tell: Tell = lambda count: None
) -> Moved:
    """Put a backup in the place of the database.

    Raises ``NotFound`` without a backup, ``Conflict`` if there is a database that shall not be replaced or
    that a server uses.
    """
    at = now()
    entry = Entry(by, at, RESTORED, f"backup '{source.name}'")
    with _refusals():
        if settings.database_url is None:
            make_private(settings.data)
            aside = _aside(settings, at) if replace else None
            held = backup.put_back(source, settings.database, at, entry, aside)
            return Moved(held, None if aside is None else str(aside))
        with _this_release(source) as file, sqlite_source(file) as rows:
            return asyncio.run(_moved(rows, settings, entry, tell, replace=replace, anew=True))


def move(
    source: Settings,
    target: Settings,
    by: Actor,
    *,
    replace: bool,
    serving: bool,
    tell: Tell = lambda count: None,
) -> Moved:
    """Copy an installation into another database.

    ``serving``: servers may go on with the source; then the copy is like a restored backup, since numbers of
    events that it does not have may be given out. Raises ``NotFound`` for a source without data, ``Conflict``
    if the target has data that shall not be replaced, or either is used by a server.
    """
    with _refusals():
        return asyncio.run(_copied(source, target, by, tell, replace=replace, serving=serving))


def mark(settings: Settings, by: Actor) -> None:
    """Note that the database was put back by other means: see ``store/restored.py``.

    Raises ``NotFound`` for a database without data, ``Conflict`` if a server uses it.
    """
    at = now()
    entry = Entry(by, at, RESTORED, "database, by other means")
    with _refusals():
        if settings.database_url is None:
            _want_file(settings)
            backup.mark_restored(settings.database, at, entry)
        else:
            asyncio.run(_marked(settings, settings.database_url, entry))


async def _copied(
    source: Settings, target: Settings, by: Actor, tell: Tell, *, replace: bool, serving: bool
) -> Moved:
    if await _identity(source) == await _identity(target):
        raise errors.Conflict("Source and target are the same database.")
    entry = Entry(by, now(), COPIED, f"installation from {_name(source)}")
    async with _source(source, alone=not serving) as rows:
        return await _moved(rows, target, entry, tell, replace=replace, anew=serving)


async def _marked(settings: Settings, url: str, entry: Entry) -> None:
    from rosterd.store.postgres_copy import mark_restored  # noqa: PLC0415 - see above

    await _identity(settings)
    await mark_restored(url, entry.at, entry)


async def _moved(
    rows: Rows, target: Settings, entry: Entry, tell: Tell, *, replace: bool, anew: bool
) -> Moved:
    async with _target(target, entry.at if replace else None) as (filled, former):
        held = await copy(rows, filled, tell)
        await filled.end(entry, entry.at if anew else None)
    return Moved(held, former)


async def _backed_up(settings: Settings, target: Path, tell: Tell) -> Contents:
    async with _source(settings, alone=False) as rows:
        with _refusals():
            refuse(target)
            with part_of(target) as part:
                with sqlite_target(part, index_parts=False) as filled:
                    held = await copy(rows, filled, tell)
                backup.check(part, held)
                put(part, target)
    return held


@contextlib.asynccontextmanager
async def _source(settings: Settings, *, alone: bool) -> AsyncIterator[Rows]:
    """``alone``: no server uses it."""
    if settings.database_url is not None:
        from rosterd.store.postgres_copy import postgres_source  # noqa: PLC0415 - see above

        await _identity(settings)
        async with postgres_source(settings.database_url, alone=alone) as rows:
            yield rows
        return
    _want_file(settings)
    with readable(settings.database):
        refuse_older(pending(settings.database))
        if alone:
            refuse_open(settings.database)
    with sqlite_source(settings.database) as found:
        yield found


@contextlib.asynccontextmanager
async def _target(settings: Settings, at: int | None) -> AsyncIterator[tuple[Target, str | None]]:
    """``at``: what is there is replaced, and kept under a name of this time."""
    if settings.database_url is not None:
        from rosterd.store.postgres_copy import postgres_target  # noqa: PLC0415 - see above

        await _identity(settings)
        aside = None if at is None else f"rosterd_before_{_stamp(at)}".lower()
        async with postgres_target(settings.database_url, aside) as target:
            yield target, target.former
        return
    make_private(settings.data)
    kept = None if at is None else _aside(settings, at)
    with _refusals(), backup.filled(settings.database, kept) as part:
        with sqlite_target(part) as filled:
            yield filled, None if kept is None else str(kept)
        backup.check(part)


@contextlib.contextmanager
def _this_release(file: Path) -> Iterator[Path]:
    """The backup, or a copy of it that was brought to this release, while the context lasts."""
    if not backup.lacking(file):
        backup.check(file)
        yield file
        return
    beside = file.parent if os.access(file.parent, os.W_OK) else None  # else where TMPDIR says
    with tempfile.TemporaryDirectory(prefix=".rosterd-", dir=beside) as folder:
        brought = Path(folder) / file.name
        backup.bring(file, brought)
        yield brought


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """What is in the way of a file, as refusals."""
    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:  # a directory, for instance
            raise
        raise errors.NotFound(f"{error}.") from error
    except FileExistsError as error:
        raise errors.Conflict(f"{error}.") from error


async def _identity(settings: Settings) -> object:
    """What tells the database from others. Raises ``SettingsError`` for an address that is none."""
    if settings.database_url is None:
        return settings.database.resolve()
    from rosterd.store.postgres_copy import whereabouts  # noqa: PLC0415 - see above

    try:
        return await whereabouts(settings.database_url)
    except ValueError as error:
        raise SettingsError(f"the address of a database: {in_words(error)}") from None


def _want_file(settings: Settings) -> None:
    if not settings.database.exists():
        raise errors.NotFound(f"There is no rosterd data in {settings.data}.")


def _aside(settings: Settings, at: int) -> Path | None:
    """The name under which the database is kept, if there is one to keep."""
    if not settings.database.exists() or is_unfinished(settings.database):
        return None
    return settings.database.with_name(f"rosterd-before-{_stamp(at)}.db")


def _stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%dT%H%M%S}_{at % 1000:03}Z"


def _name(settings: Settings) -> str:
    """A database for the audit log: never with a password."""
    if settings.database_url is None:
        return f"SQLite {settings.data.resolve()}"
    url = urlsplit(settings.database_url)
    return f"PostgreSQL {url.netloc.rpartition('@')[2]}{url.path}"
