"""What a PostgreSQL database lacks, and how it gets it: as ``migrate.py`` does for a file.

A schema without rosterd's tables gets ``schema.sql`` and counts as having every migration. One process at a
time does this: the others wait for an advisory lock, look again, and find nothing to do.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

import asyncpg

from rosterd.store.migrate import Migration, SchemaMismatch
from rosterd.store.postgres_run import connect, errors, roll_back
from rosterd.store.postgres_trigram import make_trigrams
from rosterd.store.queries import postgres_file

_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_LOCK: Final = 0x726F73746572  # "roster"
_LEAST: Final = 14


@cache
def known_postgres() -> tuple[Migration, ...]:
    """The migrations of this release, in order."""
    folder = files("rosterd.store").joinpath("sql", "postgres", "migrations")
    found = [(_NAME.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    steps = [Migration(int(m[1]), m[2], entry.read_text("utf-8")) for m, entry in found if m]
    return tuple(sorted(steps, key=lambda step: step.version))


async def pending_postgres(url: str) -> tuple[Migration, ...]:
    """What ``apply_postgres`` would do.

    Raises ``SchemaMismatch`` for a database of a newer release, and ``StoreUnavailable``.
    """
    connection = await connect(url)
    try:
        with errors():
            return await _missing(connection)
    finally:
        await connection.close()


async def apply_postgres(url: str) -> tuple[Migration, ...]:
    """Make the database what this release needs, and return the steps taken.

    Raises ``SchemaMismatch`` and ``StoreUnavailable``; a step is done or not done.
    """
    return await _bring_up(url, only_new=False)


async def prepare(url: str) -> None:
    """Give a new database the schema, and leave any other.

    Raises ``SchemaMismatch``, also if there are migrations to apply first, and ``StoreUnavailable``.
    """
    await _bring_up(url, only_new=True)


async def _bring_up(url: str, *, only_new: bool) -> tuple[Migration, ...]:
    # Migrations may wait, for each other and for whoever reads, longer than a request may.
    connection = await connect(url, lock_timeout="60000", statement_timeout="0")
    try:
        with errors():
            _check_version(connection)
            if only_new and not (lacking := await _missing(connection)):
                return ()
            try:
                await connection.execute("BEGIN")
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
                lacking = await _missing(connection)
                new = len(lacking) == len(known_postgres())
                if lacking and only_new and not new:
                    names = ", ".join(step.name for step in lacking)
                    raise SchemaMismatch(
                        f"the database is of an older release; run 'rosterd migrate' for: {names}"
                    )
                if new:
                    await connection.execute(postgres_file("schema.sql"))
                for step in lacking:
                    if not new:
                        await connection.execute(step.text)
                    await connection.execute(
                        "INSERT INTO schema_version (version, name, checksum, applied)"
                        " VALUES ($1, $2, $3, (extract(epoch FROM now()) * 1000)::bigint)",
                        step.version,
                        step.name,
                        step.checksum,
                    )
                await connection.execute("COMMIT")
            finally:
                await roll_back(connection)
            await make_trigrams(connection)
            return lacking
    finally:
        await connection.close()


async def _missing(connection: Any) -> tuple[Migration, ...]:
    """The steps that the database does not have. Raises ``SchemaMismatch``."""
    steps = known_postgres()
    if await connection.fetchval("SELECT to_regclass('schema_version') IS NULL"):
        return steps
    try:
        rows = await connection.fetch("SELECT version, name, checksum FROM schema_version ORDER BY version")
    except asyncpg.PostgresError as error:
        raise SchemaMismatch("the database has a table schema_version that is not rosterd's") from error
    ours = {step.version: step for step in steps}
    for version, name, checksum in rows:
        if version not in ours:
            raise SchemaMismatch(
                f"the database is of a newer release (migration {version:04} '{name}'); use that release"
            )
        if checksum != ours[version].checksum:
            raise SchemaMismatch(f"migration {version:04} '{name}' of the database is not the one known here")
    return tuple(step for step in steps if step.version not in {version for version, *_ in rows})


def _check_version(connection: Any) -> None:
    version = connection.get_server_version()
    if version.major < _LEAST:
        raise SchemaMismatch(f"PostgreSQL {version.major} is too old; rosterd needs {_LEAST} or newer")
