"""``Control`` over SQLite. Read at each request, so one look-up; nothing about tokens is remembered.

What is remembered is how a directory's own definitions read, as long as its revision is the same.
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import orjson

from rosterd.service.ports import Connection, Credential, Directory, Policy, Token, UniqueViolation
from rosterd.store.queries import SQLITE
from rosterd.store.sqlite_reader import Run

T = TypeVar("T")

_REMEMBERED: Final = 1000
_SECRET_BYTES: Final = 32

Work = Callable[[sqlite3.Connection], T]


class Submit(Protocol):
    """Runs work in a transaction and returns once that is durable."""

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class SqliteControl:
    """See ``rosterd.service.ports.Control``."""

    def __init__(self, run: Run, submit: Submit) -> None:
        self._run = run
        self._submit = submit
        self._directories: dict[int, Directory] = {}

    async def credential(self, token_id: str) -> Credential | None:
        return await self._run(lambda c: self._credential(c, token_id), quick=True)

    async def used(self, token_ids: Mapping[str, int]) -> None:
        rows = list(token_ids.items())
        await self._submit(lambda c: c.executemany(SQLITE["note_use"], rows).rowcount)

    async def secret(self, name: str) -> bytes:
        def read(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute(SQLITE["get_secret"], (name,)).fetchone()
            return bytes(row[0]) if row else None

        def make(connection: sqlite3.Connection) -> bytes:
            connection.execute(SQLITE["insert_secret"], (name, os.urandom(_SECRET_BYTES)))
            return read(connection) or b""

        kept = await self._run(read, quick=True)
        return await self._submit(make) if kept is None else kept

    async def directories(self) -> tuple[Directory, ...]:
        rows = await self._rows("directories", ())
        return tuple(map(_directory, rows))

    async def create_directory(self, name: str, at: int) -> Directory:
        row = await self._submit(lambda c: _insert(c, "insert_directory", (name, at), name))
        return _directory(row)

    async def define(
        self, directory: int, schemas: Sequence[Any], resource_types: Sequence[Any]
    ) -> Directory:
        parameters = (directory, _json(list(schemas)), _json(list(resource_types)))

        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(SQLITE["define_directory"], parameters).fetchone()

        row = await self._submit(work)
        if row is None:
            raise LookupError(f"there is no directory {directory}")
        return _directory(row)

    async def connections(self, directory: int) -> tuple[Connection, ...]:
        rows = await self._rows("connections", (directory,))
        return tuple(map(_connection, rows))

    async def create_connection(
        self, directory: int, name: str, profile: str, policy: Policy, at: int
    ) -> Connection:
        parameters = (directory, name, at, profile, policy.reach, policy.on_delete)
        row = await self._submit(lambda c: _insert(c, "insert_connection", parameters, name))
        return _connection(row)

    async def update_connection(self, connection: Connection) -> None:
        policy = connection.policy
        parameters = (
            connection.directory, connection.id, connection.profile, policy.reach, policy.on_delete
        )  # fmt: skip
        changed = await self._submit(lambda c: c.execute(SQLITE["update_connection"], parameters).rowcount)
        if not changed:
            raise LookupError(f"there is no connection {connection.id}")

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        rows = await self._rows("tokens", (directory, connection))
        return tuple(map(_token, rows))

    async def create_token(self, token: Token) -> None:
        scopes = _json(list(token.scopes))
        parameters = (
            token.id, token.directory, token.connection, token.digest, token.label, scopes,
            token.created, token.expires, token.last_used, token.revoked,
        )  # fmt: skip
        await self._submit(lambda c: _insert(c, "insert_token", parameters, token.id, "id"))

    async def revoke_token(self, directory: int, token_id: str, at: int) -> bool:
        parameters = (directory, token_id, at)
        return bool(await self._submit(lambda c: c.execute(SQLITE["revoke_token"], parameters).rowcount))

    def _credential(self, connection: sqlite3.Connection, token_id: str) -> Credential | None:
        row = connection.execute(SQLITE["credential"], (token_id,)).fetchone()
        if row is None:
            return None
        token = _token(row[:10])
        directory = self._directories.get(token.directory)
        if directory is None or directory.revision != row[17]:
            found = connection.execute(SQLITE["get_directory"], (token.directory,)).fetchone()
            directory = _directory(found)
            if len(self._directories) >= _REMEMBERED:
                self._directories.clear()
            self._directories[directory.id] = directory
        return Credential(token, _connection(row[10:17]), directory)

    async def _rows(self, name: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=True)


def _insert(
    connection: sqlite3.Connection,
    name: str,
    parameters: tuple[Any, ...],
    value: str,
    attribute: str = "name",
) -> Any:
    """Insert and return what comes back. Raises ``UniqueViolation``, ``LookupError`` for a missing parent."""
    try:
        return connection.execute(SQLITE[name], parameters).fetchone()
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise LookupError(f"{attribute} {value!r} belongs to nothing there is") from None
        raise UniqueViolation(attribute, value) from None


def _directory(row: Sequence[Any]) -> Directory:
    id, name, created, revision, schemas, resource_types = row
    return Directory(
        id, name, created, revision, tuple(orjson.loads(schemas)), tuple(orjson.loads(resource_types))
    )


def _connection(row: Sequence[Any]) -> Connection:
    id, directory, name, created, profile, reach, on_delete = row
    return Connection(id, directory, name, created, profile, Policy(reach, on_delete))


def _token(row: Sequence[Any]) -> Token:
    id, directory, connection, digest, label, scopes, *times = row
    return Token(id, directory, connection, digest, label, tuple(orjson.loads(scopes)), *times)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
