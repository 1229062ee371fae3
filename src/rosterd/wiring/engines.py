"""Which database holds the data: a file of the data directory, or what ``database_url`` leads to.

The modules for PostgreSQL are loaded for PostgreSQL only: with its driver they are a sixth of all imports.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rosterd.scim import errors
from rosterd.store.migrate import apply, known, pending
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.store.steps import Migration
from rosterd.wiring.settings import Settings, SettingsError

if TYPE_CHECKING:
    from rosterd.store.postgres import PostgresStore


async def open_store(settings: Settings, shared: Path | None = None) -> "SqliteStore | PostgresStore":
    """Open the database, and make it on first use.

    ``shared`` is a directory in which those who share a file tell each other what they need not ask it.
    Raises ``SchemaMismatch`` for one of another release, ``StoreUnavailable``, ``SettingsError``.
    """
    if settings.database_url is None:
        make_private(settings.data)
        return await open_sqlite(settings.database, shared=shared)
    from rosterd.store.postgres import open_postgres  # noqa: PLC0415 - see above

    with _told():
        return await open_postgres(settings.database_url, connections=settings.database_connections)


async def has_data(settings: Settings) -> bool:
    """Whether there is an installation; looking makes nothing. Raises as ``open_store`` does."""
    if settings.database_url is None:
        return settings.database.exists()
    return len(await lacking(settings)) < len(steps_of(settings))


async def want_data(settings: Settings) -> None:
    """Make sure that there is an installation. Raises ``NotFound``, and as ``open_store`` does."""
    if await has_data(settings):
        return
    if settings.database_url is not None:
        raise errors.NotFound("There is no rosterd data in the database. Start with 'rosterd serve'.")
    raise errors.NotFound(
        f"There is no rosterd data in {settings.data}. "
        f"Start with 'rosterd serve --data {settings.data}', or give --data."
    )


def steps_of(settings: Settings) -> tuple[str, ...]:
    """The migrations of this release, for the engine that is meant."""
    if settings.database_url is None:
        return _names(known())
    from rosterd.store.postgres_migrate import known_postgres  # noqa: PLC0415 - see above

    return _names(known_postgres())


async def lacking(settings: Settings) -> tuple[Migration, ...]:
    """The migrations that the database lacks. Raises as ``open_store`` does."""
    if settings.database_url is None:
        return pending(settings.database)
    from rosterd.store.postgres_migrate import pending_postgres  # noqa: PLC0415 - see above

    with _told():
        return await pending_postgres(settings.database_url)


async def bring_up(settings: Settings) -> tuple[str, ...]:
    """Apply the migrations that the database lacks, and name them. Raises like ``lacking``."""
    if settings.database_url is None:
        make_private(settings.data)
        return _names(apply(settings.database))
    from rosterd.store.postgres_migrate import apply_postgres  # noqa: PLC0415 - see above

    with _told():
        return _names(await apply_postgres(settings.database_url))


@contextmanager
def _told() -> Iterator[None]:
    """Raise ``SettingsError`` for a URL that cannot be meant, or leads to what cannot be used."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"database_url: {in_words(error)}") from None


def in_words(error: ValueError) -> str:
    """What is wrong with a URL; never a piece of it, which may be one of the password."""
    if str(error).startswith("invalid literal"):  # what comes behind an odd colon is taken for a port
        return "it cannot be read; in a password '/' is written as %2F, ':' as %3A, '@' as %40 and '%' as %25"
    return str(error)


def make_private(path: Path) -> None:
    """Create the data directory for its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _names(steps: Iterable[Migration]) -> tuple[str, ...]:
    return tuple(step.title for step in steps)
