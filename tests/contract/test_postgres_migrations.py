"""A PostgreSQL database gets its schema once, is refused if of another release, and is as SQLite's."""

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from contract.postgres_server import namespace

from rosterd.store.migrate import SchemaMismatch
from rosterd.store.postgres import open_postgres
from rosterd.store.postgres_migrate import apply_postgres, known_postgres, pending_postgres
from rosterd.store.queries import postgres_file, sqlite_file

# What only one engine needs: SQLite's own bookkeeping, and the tables of its index of parts of texts.
SQLITE_ONLY = ("sqlite_", "parts")


@pytest.fixture
def url() -> Iterator[str]:
    with namespace() as found:
        yield found


async def fetch(url: str, statement: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def test_of_many_who_open_a_new_database_one_makes_it(url: str) -> None:
    async def opened() -> None:
        stores = await asyncio.gather(*(open_postgres(url) for _ in range(6)))
        for store in stores:
            await store.close()
        assert len(await fetch(url, "SELECT version FROM schema_version")) == len(known_postgres())
        assert await pending_postgres(url) == ()

    asyncio.run(opened())


def test_migrating_a_new_database_takes_every_step_and_no_step_twice(url: str) -> None:
    assert asyncio.run(pending_postgres(url)) == known_postgres()
    assert asyncio.run(apply_postgres(url)) == known_postgres()
    assert asyncio.run(apply_postgres(url)) == ()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE schema_version SET version = 9999 WHERE version = 1", "newer release"),
        ("UPDATE schema_version SET checksum = 'x' WHERE version = 1", "not the one known"),
    ],
)
def test_a_database_of_another_release_is_refused(url: str, statement: str, words: str) -> None:
    async def refused() -> None:
        await apply_postgres(url)
        await fetch(url, statement)
        for attempt in (open_postgres, pending_postgres, apply_postgres):
            with pytest.raises(SchemaMismatch, match=words):
                await attempt(url)

    asyncio.run(refused())


def columns_of_sqlite() -> dict[str, list[str]]:
    connection = sqlite3.connect(":memory:")
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    connection.executescript(sqlite_file("schema.sql"))
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")]
        for table in tables
        if not table.startswith(SQLITE_ONLY)
    }
    connection.close()
    return found


def test_both_engines_have_the_same_tables_and_columns(url: str) -> None:
    async def columns() -> dict[str, list[str]]:
        await fetch(url, "SELECT 1")
        await apply_postgres(url)
        found: dict[str, list[str]] = {}
        for table, column in await fetch(
            url,
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
        ):
            found.setdefault(table, []).append(column)
        return found

    assert asyncio.run(columns()) == columns_of_sqlite()


def test_the_migrations_lead_to_the_schema() -> None:
    assert "".join(step.text for step in known_postgres()) == postgres_file("schema.sql")


def test_every_key_of_a_directory_begins_with_it(url: str) -> None:
    keys = """
    SELECT c.relname, i.relname, a.attname FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS c ON c.oid = x.indrelid
    JOIN pg_attribute AS d ON d.attrelid = c.oid AND d.attname = 'directory' AND d.attnotnull
    LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
    WHERE c.relnamespace = current_schema()::regnamespace
    """

    async def first() -> list[tuple[str, str, str]]:
        await apply_postgres(url)
        return [tuple(row) for row in await fetch(url, keys)]

    of_ids = (
        "client",
        "token",
        "setup_link",
        "connection",
        "webhook",
    )  # found by id, before a directory is known
    wrong = [key for key in asyncio.run(first()) if key[2] != "directory" and not key[0].startswith(of_ids)]
    assert [key for key in wrong if key[0] != "set_ack"] == []
