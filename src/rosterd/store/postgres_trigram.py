"""PostgreSQL's index of parts of texts, for ``co`` and ``ew``: made where it can be, and used where it is."""

from contextlib import suppress
from importlib.resources import files
from typing import Any, Final

import asyncpg

from rosterd.store.dialect_postgres import Postgres

LONGEST: Final = 7 * 86_400.0
"""Seconds for a statement that takes as long as it takes, such as making an index."""
_FOLDER: Final = files("rosterd.store").joinpath("sql", "postgres")
_TEXT: Final = _FOLDER.joinpath("trigram.sql").read_text("utf-8")
_INDEX: Final = _FOLDER.joinpath("trigram_index.sql").read_text("utf-8")
_VALID: Final = _FOLDER.joinpath("valid_index.sql").read_text("utf-8")
_UNFINISHED: Final = _FOLDER.joinpath("unfinished_index.sql").read_text("utf-8")
_CONCURRENTLY: Final = "CONCURRENTLY"
_CANNOT: Final = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.UndefinedObjectError,
    asyncpg.UndefinedFunctionError,
)


async def make_trigrams(connection: Any, *, beside: bool = False) -> None:
    """Make the index if it is not there and the extensions can be had; else leave the database as it is.

    ``beside``: without keeping anybody from changes; that waits for all transactions that are open.
    """
    if await _is_made(connection):
        return
    await drop_unfinished(connection, "resource_parts")
    await connection.execute(_TEXT)
    statement = await connection.fetchval(_INDEX, _CONCURRENTLY if beside else "")
    if statement is not None:
        with suppress(*_CANNOT):
            await connection.execute(statement, timeout=LONGEST)


async def drop_unfinished(connection: Any, index: str) -> None:
    """Drop an index that was begun and broken off; it costs every change and serves nobody."""
    statement = await connection.fetchval(_UNFINISHED, index)
    if statement is not None:
        await connection.execute(statement, timeout=LONGEST)


async def words_of(connection: Any) -> Postgres:
    """The dialect of a database: whether it has the index."""
    return Postgres(trigrams=await _is_made(connection))


async def _is_made(connection: Any) -> bool:
    return await connection.fetchval(_VALID, "resource_parts") is True
