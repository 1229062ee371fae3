"""A PostgreSQL to measure on: a schema of its own, which is dropped at the end, and who works for it.

``ROSTERD_TEST_POSTGRES`` names the database. A run's sessions carry a name of their own, by which their
processes are found and their CPU time is read; that needs the server on this machine. What PostgreSQL does
for everybody (its checkpointer, its log writer) is nobody's and is not counted.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

URL = os.environ.get("ROSTERD_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test")

TRIES: Final = 30


@dataclass(frozen=True, slots=True)
class Namespace:
    """A schema: the URL that leads into it, and the name of its sessions, which is its own too."""

    url: str
    name: str

    def backends(self) -> tuple[int, ...]:
        """The process of each session that is open now."""
        statement = "SELECT pid FROM pg_stat_activity WHERE application_name = $1"
        return tuple(asyncio.run(_pids(statement, self.name)))


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A new schema, dropped at the end. Raises ``OSError`` and asyncpg's errors without a server."""
    name = f"rosterd_bench_{secrets.token_hex(6)}"
    asyncio.run(_execute(f"CREATE SCHEMA {name}"))
    try:
        sign = "&" if "?" in URL else "?"
        yield Namespace(f"{URL}{sign}search_path={name}&application_name={name}", name)
    finally:
        asyncio.run(_execute(f"DROP SCHEMA {name} CASCADE"))


async def connected(url: str = URL) -> Any:
    """A connection; others may have all that the server allows, so it is tried for a while."""
    for left in reversed(range(TRIES)):
        try:
            return await asyncpg.connect(url, timeout=5)
        except asyncpg.TooManyConnectionsError:
            if not left:
                raise
            await asyncio.sleep(1)
    raise AssertionError


async def _execute(statement: str) -> None:
    connection = await connected()
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _pids(statement: str, name: str) -> list[int]:
    connection = await connected()
    try:
        return [row[0] for row in await connection.fetch(statement, name)]
    finally:
        await connection.close()
