"""PostgreSQL's index of parts of texts, for ``co`` and ``ew``: made where it can be, and used where it is."""

from importlib.resources import files
from typing import Any, Final

from rosterd.store.dialect_postgres import Postgres

_TEXT: Final = files("rosterd.store").joinpath("sql", "postgres", "trigram.sql").read_text("utf-8")


async def make_trigrams(connection: Any) -> None:
    """Make the index if it is not there and the extensions can be had; else leave the database as it is."""
    await connection.execute(_TEXT)


async def words_of(connection: Any) -> Postgres:
    """The dialect of a database: whether it has the index."""
    found = await connection.fetchval("SELECT to_regclass('resource_parts') IS NOT NULL")
    return Postgres(trigrams=bool(found))
