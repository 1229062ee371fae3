"""What a PostgreSQL database lacks, and how it gets it beside servers that go on working.

A schema without rosterd's tables gets ``schema.sql`` and counts as having every migration. One process at a
time does this: the others wait, look again, and find nothing to do. A step that needs a table for itself
waits for it for ``LOCK_MS`` only, since everybody else queues behind whoever waits; then it steps back and
tries again.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

import asyncpg

from rosterd.service.ports import StoreUnavailable
from rosterd.store.postgres_run import TAKEN, by_session, connect, errors, pooled, roll_back
from rosterd.store.postgres_trigram import LONGEST, drop_unfinished, make_trigrams
from rosterd.store.queries import POSTGRES, schema
from rosterd.store.steps import (
    FOREIGN,
    Migration,
    NoSchema,
    SchemaMismatch,
    lacking,
    read_steps,
    refuse_older,
)

T = TypeVar("T")

LOCK_MS: Final = 500
PATIENCE: Final = 600.0
"""For how many seconds a step looks for a moment in which it gets its locks."""
_PAUSES: Final = (0.2, 5.0)
_TURN_SECONDS: Final = 0.02
_LOCK: Final = 0x726F73746572  # "roster"
_LEAST: Final = 14
_TAKEN: Final = f"{TAKEN}; wait until that is done"
_INDEX: Final = re.compile(r"CREATE INDEX CONCURRENTLY IF NOT EXISTS (\w+)")
_CHANGED: Final = re.compile(r"\d+$")


@cache
def known_postgres() -> tuple[Migration, ...]:
    """The migrations of this release, in order."""
    return read_steps("postgres")


async def pending_postgres(url: str) -> tuple[Migration, ...]:
    """What ``apply_postgres`` would do.

    Raises ``SchemaMismatch`` for a database of a release too new for this one, and ``StoreUnavailable``.
    """
    async with _connected(url) as connection:
        return await _missing(connection, known_postgres())


async def apply_postgres(
    url: str, steps: tuple[Migration, ...] | None = None, patience: float = PATIENCE
) -> tuple[Migration, ...]:
    """Make the database what this release needs (or ``steps`` say), and return the steps taken.

    ``patience`` is in seconds, for each step. Raises ``SchemaMismatch`` and ``StoreUnavailable``; a step is
    recorded once the whole of it is done, and begun again if it was broken off.
    """
    steps = steps or known_postgres()
    async with _connected(url) as connection:
        await _take_part(connection)
        await _have_turn(connection)
        missing = await _missing(connection, steps)
        if len(missing) == len(steps):
            await _make(connection, steps)
            return missing
        for step in missing:
            await _RUN[step.run](connection, step, patience)
        async with _waiting_long(connection):
            await _patiently(
                connection, "of parts of texts", patience, lambda: make_trigrams(connection, beside=True)
            )
        return missing


async def prepare(url: str) -> None:
    """Give a new database the schema, and leave any other.

    Raises ``SchemaMismatch``, also if there are migrations to apply first, and ``StoreUnavailable``.
    """
    steps = known_postgres()
    async with _connected(url) as connection:
        await _take_part(connection)
        if not await _missing(connection, steps):
            return
        await _have_turn(connection)
        missing = await _missing(connection, steps)
        if len(missing) < len(steps):
            refuse_older(missing)
            return
        await _make(connection, steps)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    """A connection whose statements may take as long as they take, but for locks.

    Raises ``NoSchema``, and ``ValueError`` for a pooler in between that does not work by session.
    """
    connection = await connect(url, lock_timeout=str(LOCK_MS), statement_timeout="0")
    with errors():
        try:
            version = connection.get_server_version()
            if version.major < _LEAST:
                raise SchemaMismatch(
                    f"PostgreSQL {version.major} is too old; rosterd needs {_LEAST} or newer"
                )
            if await pooled(connection):
                other = await connect(url)
                try:
                    await by_session(connection, other)
                finally:
                    await other.close()
            if await connection.fetchval("SELECT current_schema()") is None:
                raise NoSchema("no schema that the address's search_path names is there; make it first")
            yield connection
        finally:
            await connection.close()


async def _take_part(connection: Any) -> None:
    """Keep everybody from copying or restoring the data until the connection ends.

    Raises ``StoreUnavailable`` if somebody does.
    """
    if not await connection.fetchval(POSTGRES["share_use"]):
        raise StoreUnavailable(_TAKEN)


async def _have_turn(connection: Any) -> None:
    """One process at a time, until its connection ends.

    Nobody waits inside a statement: CREATE INDEX CONCURRENTLY waits for all that were begun before it.
    """
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110
        await asyncio.sleep(_TURN_SECONDS)


@asynccontextmanager
async def _waiting_long(connection: Any) -> AsyncIterator[None]:
    """For what waits for others without keeping anybody from anything."""
    await connection.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        await connection.execute(f"SET lock_timeout = {LOCK_MS}")


async def _missing(connection: Any, steps: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """The steps that the database does not have. Raises ``SchemaMismatch``."""
    if await connection.fetchval("SELECT to_regclass('schema_version') IS NULL"):
        return steps
    try:
        rows = await connection.fetch("SELECT * FROM schema_version ORDER BY version")
        return lacking(steps, rows)
    except asyncpg.LockNotAvailableError as error:  # its tables are just being moved aside
        raise StoreUnavailable(_TAKEN) from error
    except asyncpg.UndefinedColumnError as error:
        raise SchemaMismatch(FOREIGN) from error


async def _make(connection: Any, steps: tuple[Migration, ...]) -> None:
    async def work() -> None:
        await connection.execute(schema("postgres"))
        for step in steps:
            await _record(connection, step)

    await _in_transaction(connection, work)
    async with _waiting_long(connection):
        await make_trigrams(connection)


async def _at_once(connection: Any, step: Migration, patience: float) -> None:
    async def work() -> None:
        await connection.execute(step.text, timeout=LONGEST)
        await _record(connection, step)

    await _patiently(connection, step.title, patience, lambda: _in_transaction(connection, work))


async def _concurrently(connection: Any, step: Migration, patience: float) -> None:
    for statement in step.statements():

        async def attempt(statement: str = statement) -> None:
            if index := _INDEX.match(statement):
                await drop_unfinished(connection, index[1])
            await connection.execute(statement, timeout=LONGEST)

        async with _waiting_long(connection):
            await _patiently(connection, step.title, patience, attempt)
    await _in_transaction(connection, lambda: _record(connection, step))


async def _in_portions(connection: Any, step: Migration, patience: float) -> None:
    for statement in step.statements():

        async def attempt(statement: str = statement) -> int:
            found = _CHANGED.search(await connection.execute(statement, timeout=LONGEST))
            return int(found[0]) if found else 0

        while await _patiently(connection, step.title, patience, attempt):  # noqa: ASYNC110
            await asyncio.sleep(_TURN_SECONDS)
    await _in_transaction(connection, lambda: _record(connection, step))


_RUN: Final = MappingProxyType(
    {"transaction": _at_once, "concurrently": _concurrently, "portions": _in_portions}
)


async def _in_transaction(connection: Any, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await connection.execute("BEGIN")
        await work()
        await connection.execute("COMMIT")
    finally:
        await roll_back(connection)


async def _patiently(connection: Any, what: str, patience: float, attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until nobody is in the way. Raises ``StoreUnavailable``."""
    end = time.monotonic() + patience
    pause, longest = _PAUSES
    while True:
        try:
            return await attempt()
        except (asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError) as error:
            if time.monotonic() + pause > end:
                raise StoreUnavailable(
                    f"migration {what} found no moment for its locks within {patience:g} s; "
                    "end what keeps transactions open (pg_stat_activity shows them) and run it again"
                ) from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, longest)


async def record_all(connection: Any) -> None:
    """Note every migration of this release, in the transaction in which ``schema.sql`` made the tables."""
    for step in known_postgres():
        await _record(connection, step)


async def _record(connection: Any, step: Migration) -> None:
    """In a transaction: without its ``since`` a step would pass for one that every release can work with."""
    await connection.execute(
        "INSERT INTO schema_version (version, name, checksum, applied)"
        " VALUES ($1, $2, $3, (extract(epoch FROM now()) * 1000)::bigint)",
        step.version,
        step.name,
        step.checksum,
    )
    if await connection.fetchval(
        "SELECT true FROM pg_attribute"
        " WHERE attrelid = 'schema_version'::regclass AND attname = 'since' AND NOT attisdropped"
    ):
        await connection.execute(
            "UPDATE schema_version SET since = $1 WHERE version = $2", step.since, step.version
        )
