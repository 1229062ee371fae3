"""A PostgreSQL to test on: a namespace of its own for whoever asks, and a skip without a server."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import asyncpg
import pytest

URL = os.environ.get("ROSTERD_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test")


@contextmanager
def namespace() -> Iterator[str]:
    """The URL of a namespace that is dropped at the end; skips the test if there is no server."""
    if not _answers():
        pytest.skip(f"no PostgreSQL at {URL.partition('@')[2]}; ROSTERD_TEST_POSTGRES names another")
    name = f"rosterd_test_{secrets.token_hex(6)}"
    asyncio.run(execute(f"CREATE SCHEMA {name}"))
    try:
        yield f"{URL}{'&' if '?' in URL else '?'}search_path={name}"
    finally:
        asyncio.run(execute(f"DROP SCHEMA {name} CASCADE"))


@contextmanager
def database() -> Iterator[str]:
    """The URL of a database of one's own, where nobody waits for others; as ``namespace``."""
    with namespace():
        pass
    name = f"rosterd_test_{secrets.token_hex(6)}"
    asyncio.run(execute(f"CREATE DATABASE {name}"))
    address, mark, query = URL.partition("?")
    try:
        yield f"{address.rpartition('/')[0]}/{name}{mark}{query}"
    finally:
        asyncio.run(execute(f"DROP DATABASE {name} WITH (FORCE)"))


@cache
def _answers() -> bool:
    try:
        asyncio.run(execute("SELECT 1"))
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


async def execute(statement: str) -> None:
    """Run a statement outside of any namespace."""
    connection: Any = await asyncpg.connect(URL, timeout=5)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
