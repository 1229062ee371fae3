"""A PostgreSQL store for a test: one namespace for all tests of a process, emptied for each."""

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg
import pytest
from contract.postgres_server import namespace

from rosterd.store.postgres import PostgresStore, open_postgres

_EMPTY = """
DO $$
DECLARE name TEXT;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'schema_version'
            AND pg_relation_size(oid) > 0
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
    FOR name IN SELECT relname FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S'
    LOOP EXECUTE format('SELECT setval(%L, 1, false)', name); END LOOP;
END $$
"""


@cache
def database() -> str:
    """The URL of this process's namespace, with its tables; dropped at the end of the process."""
    stack = ExitStack()
    url = stack.enter_context(namespace())
    atexit.register(stack.close)

    async def fill() -> None:
        await (await open_postgres(url)).close()

    asyncio.run(fill())
    return url


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"session_replication_role": "replica"})
    try:
        await connection.execute(_EMPTY)
    finally:
        await connection.close()


class Opens:
    """A contract over the namespace of this process; the folder is not needed."""

    @pytest.fixture(autouse=True)
    def emptied(self) -> None:
        asyncio.run(_empty(database()))

    @asynccontextmanager
    async def open_store(self, folder: Path) -> AsyncIterator[PostgresStore]:
        store = await open_postgres(database())
        try:
            yield store
        finally:
            await store.close()
