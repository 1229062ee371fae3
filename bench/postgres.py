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
from typing import Any

import asyncpg

URL = os.environ.get("ROSTERD_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test")


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


async def version() -> str:
    """The server's release."""
    connection: Any = await asyncpg.connect(URL, timeout=5)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


async def _execute(statement: str) -> None:
    connection: Any = await asyncpg.connect(URL, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _pids(statement: str, name: str) -> list[int]:
    connection: Any = await asyncpg.connect(URL, timeout=5)
    try:
        return [row[0] for row in await connection.fetch(statement, name)]
    finally:
        await connection.close()
