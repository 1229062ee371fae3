"""Many users in little time: those that a server has are copied beside it, by SQL, thousands at once.

The k-th copy of a user has ``-k`` behind its id, and ``ckx`` with twelve digits of a digest behind its name,
so that parts of names are as rare as in life. Everything else is as a POST leaves it, indexes and counts
included, but there are no events. The server sees them as what another process wrote.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson

from bench.postgres import Namespace
from rosterd.store.database import BUSY_MS, connect_writer
from rosterd.store.parts import index_portion, parts_text
from rosterd.store.postgres_trigram import make_trigrams
from rosterd.store.queries import load

User = tuple[str, int, str]
"""Name, number and id, as a ``World`` knows one."""
DIRECTORY: Final = 1
"""The number of the first directory of an installation."""
_PORTION: Final = 10
"""Copies of all users in one transaction."""
_TEXTS: Final = Path(__file__).parent / "sql"
_SQLITE: Final = load((_TEXTS / "copies_sqlite.sql").read_text("utf-8"))
_POSTGRES: Final = load((_TEXTS / "copies_postgres.sql").read_text("utf-8"))
_TABLES: Final = ("copied_uniques", "copied_values")


def copies_of(users: Sequence[User], first: int, last: int) -> list[User]:
    """The copies ``first`` to ``last`` of these users."""
    return [_copy_of(user, k) for k in range(first, last + 1) for user in users]


def _copy_of(user: User, k: int) -> User:
    name, number, id = user
    return f"{name}c{k}x{_md5(f'{id}-{k}')[:12]}", number, f"{id}-{k}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def copy_sqlite(data: Path, base: Sequence[User], first: int, last: int, *, parts: bool) -> None:
    """Make copies in a data directory; ``parts``: put them into the index of parts of texts too."""
    connection = connect_writer(data / "rosterd.db", BUSY_MS)
    try:
        connection.create_function("parts_text", 1, lambda search: parts_text(orjson.loads(search)))
        connection.create_function("md5", 1, _md5, deterministic=True)
        connection.execute(_SQLITE["copied"])
        connection.executemany(_SQLITE["add_copied"], [(id,) for _, _, id in base])
        for name in _TABLES:
            connection.execute(_SQLITE[name])
        (step,) = connection.execute(_SQLITE["last"], (DIRECTORY,)).fetchone()
        for begin in range(first, last + 1, _PORTION):
            connection.execute("BEGIN IMMEDIATE")
            for k in range(begin, min(begin + _PORTION, last + 1)):
                _copy_once(connection, str(k), step * (k - first + 1), parts=parts)
            connection.execute(_SQLITE["raise_last"], (DIRECTORY, step * (last - first + 2)))
            connection.execute("COMMIT")
        while parts and index_portion(connection):
            pass
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    finally:
        connection.close()


def _copy_once(connection: sqlite3.Connection, k: str, by: int, *, parts: bool) -> None:
    connection.execute(_SQLITE["copy_resources"], (DIRECTORY, k, by))
    for name in ("copy_unique", "copy_values", *(("owe_parts",) if parts else ())):
        connection.execute(_SQLITE[name], (DIRECTORY, k))


def copy_postgres(space: Namespace, base: Sequence[User], first: int, last: int, *, parts: bool) -> None:
    """The same in a schema."""
    asyncio.run(_copy_postgres(space, [id for _, _, id in base], first, last, parts))


async def _copy_postgres(space: Namespace, ids: Sequence[str], first: int, last: int, parts: bool) -> None:
    connection: Any = await asyncpg.connect(space.url)
    try:
        await connection.execute(_POSTGRES["copied"])
        await connection.executemany(_POSTGRES["add_copied"], [(id,) for id in ids])
        for name in _TABLES:
            await connection.execute(_POSTGRES[name])
        await connection.execute(_POSTGRES["drop_parts"])
        step = await connection.fetchval(_POSTGRES["last"], DIRECTORY)
        for begin in range(first, last + 1, _PORTION):
            async with connection.transaction():
                for k in map(str, range(begin, min(begin + _PORTION, last + 1))):
                    by = step * (int(k) - first + 1)
                    await connection.execute(_POSTGRES["copy_resources"], DIRECTORY, k, by)
                    await connection.execute(_POSTGRES["copy_unique"], DIRECTORY, k)
                    await connection.execute(_POSTGRES["copy_values"], DIRECTORY, k)
        made = len(ids) * (last - first + 1)
        await connection.execute(_POSTGRES["raise_last"], DIRECTORY, step * (last - first + 2), made)
        if parts:
            await make_trigrams(connection)
        await connection.execute(_POSTGRES["tidy"])
    finally:
        await connection.close()


def fill_group_sqlite(data: Path, group: str, count: int) -> None:
    """Make so many users the members of a group."""
    connection = connect_writer(data / "rosterd.db", BUSY_MS)
    try:
        connection.execute(_SQLITE["join_group"], (DIRECTORY, group, count))
    finally:
        connection.close()


def fill_group_postgres(space: Namespace, group: str, count: int) -> None:
    """The same in a schema."""

    async def fill() -> None:
        connection: Any = await asyncpg.connect(space.url)
        try:
            await connection.execute(_POSTGRES["join_group"], DIRECTORY, group, count)
        finally:
            await connection.close()

    asyncio.run(fill())
