"""A PostgreSQL database gets its schema once, is refused if of another release, and is as SQLite's."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from contract.postgres_server import namespace

from rosterd.store.postgres import open_postgres
from rosterd.store.postgres_migrate import apply_postgres, known_postgres, pending_postgres
from rosterd.store.queries import schema
from rosterd.store.steps import NoSchema, SchemaMismatch

# What only one engine needs: SQLite's own bookkeeping, and the tables of its index of parts of texts.
SQLITE_ONLY = ("sqlite_", "parts")
POSTGRES_ONLY = {"bookmark"}  # what several processes need and one does not


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


async def make_first(url: str) -> None:
    """Give a database the schema of the first release for PostgreSQL."""
    first = known_postgres()[0]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(first.text)
        await connection.execute(
            "INSERT INTO schema_version VALUES ($1, $2, $3, 1)", first.version, first.name, first.checksum
        )
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
        ("UPDATE schema_version SET version = 9999, since = 9998 WHERE version = 1", "that know 9998"),
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
    connection.executescript(schema("sqlite"))
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")]
        for table in tables
        if not table.startswith(SQLITE_ONLY)
    }
    connection.close()
    return found


@pytest.mark.parametrize("use", [open_postgres, apply_postgres, pending_postgres])
def test_an_address_that_leads_to_no_schema_is_told(
    url: str, use: Callable[[str], Awaitable[object]]
) -> None:
    async def used() -> None:
        with pytest.raises(NoSchema, match="no schema that the address's search_path names"):
            await use(f"{url}_away")

    asyncio.run(used())


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

    found = asyncio.run(columns())
    assert {name for name in found if name in POSTGRES_ONLY} == POSTGRES_ONLY
    assert {name: found[name] for name in found if name not in POSTGRES_ONLY} == columns_of_sqlite()


CATALOGUE = """
SELECT 'column', table_name, column_name, concat_ws(
    ' ', data_type, collation_name, is_nullable, column_default, generation_expression, ordinal_position
)
FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT 'index', tablename, indexname, replace(indexdef, current_schema() || '.', '')
FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
UNION ALL SELECT 'table', relname, relpersistence::text, array_to_string(reloptions, ' ')
FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S', 'v')
ORDER BY 1, 2, 3
"""


def test_a_fresh_database_is_as_a_migrated_one(url: str) -> None:
    async def migrated(other: str) -> list[Any]:
        await make_first(other)
        assert await apply_postgres(other) == known_postgres()[1:]
        return await fetch(other, CATALOGUE)

    asyncio.run(apply_postgres(url))
    fresh = asyncio.run(fetch(url, CATALOGUE))
    with namespace() as other:
        assert asyncio.run(migrated(other)) == fresh
    assert len(fresh) > 200


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
