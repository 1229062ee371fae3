"""``Control`` over SQLite. A credential is one look-up, and an epoch lasts until anybody commits anything.

What is remembered is how a directory's own definitions read, as long as its revision is the same, and what
the row of a connection means.
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from rosterd.service.audit import Entry
from rosterd.service.control import Connection, Credential, Directory, Policy, Token
from rosterd.service.ports import UniqueViolation
from rosterd.service.walks import Bookmarks
from rosterd.store.entries import write_entry
from rosterd.store.policy import limits_json
from rosterd.store.queries import SQLITE
from rosterd.store.rows import REMEMBERED, connection_of, directory_of, token_of, token_row
from rosterd.store.sqlite_run import Run

T = TypeVar("T")

_SECRET_BYTES: Final = 32

Work = Callable[[sqlite3.Connection], T]


class Submit(Protocol):
    """Runs work in a transaction and returns once that is durable."""

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class SqliteControl:
    """See ``rosterd.service.control.Control``."""

    def __init__(
        self, run: Run, submit: Submit, version: Callable[[], Hashable], bookmarks: Bookmarks
    ) -> None:
        """``version`` is another one once anybody has committed anything."""
        self.bookmarks = bookmarks
        self.epoch = version
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
        return tuple(map(directory_of, rows))

    async def create_directory(self, name: str, at: int, entry: Entry) -> Directory:
        def work(connection: sqlite3.Connection) -> Directory:
            made = directory_of(insert(connection, "insert_directory", (name, at), name))
            write_entry(connection, replace(entry, directory=made.id))
            return made

        return await self._submit(work)

    async def connections(self, directory: int) -> tuple[Connection, ...]:
        rows = await self._rows("connections", (directory,))
        return tuple(map(connection_of, rows))

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        return dict(await self._rows("connection_names", (directory,)))

    async def create_connection(
        self, directory: int, name: str, profile: str, policy: Policy, at: int, entry: Entry
    ) -> Connection:
        limits = limits_json(policy.limits)
        parameters = (directory, name, at, profile, policy.reach, policy.on_delete, limits)

        def work(connection: sqlite3.Connection) -> Connection:
            made = connection_of(insert(connection, "insert_connection", parameters, name))
            write_entry(connection, entry)
            return made

        return await self._submit(work)

    async def update_connection(self, old: Connection, new: Connection, entry: Entry) -> bool:
        policy = new.policy
        parameters = (
            old.directory, old.id, new.profile, policy.reach, policy.on_delete, limits_json(policy.limits),
            new.name,
        )  # fmt: skip

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(SQLITE["get_connection"], (old.directory, old.id)).fetchone()
            now = connection_of(row) if row else None
            if now is None or replace(now, standing=old.standing) != old:
                return False
            try:
                connection.execute(SQLITE["update_connection"], parameters)
            except sqlite3.IntegrityError:
                raise UniqueViolation("name", new.name) from None
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        rows = await self._rows("tokens", (directory, connection))
        return tuple(map(token_of, rows))

    async def create_token(self, token: Token, entry: Entry) -> None:
        def work(connection: sqlite3.Connection) -> None:
            insert_token(connection, token)
            write_entry(connection, entry)

        await self._submit(work)

    async def rotate_token(self, token: Token, old: str, at: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            if not connection.execute(SQLITE["get_token"], (token.directory, old)).fetchone():
                return False
            connection.execute(SQLITE["revoke_token"], (token.directory, old, at))
            insert_token(connection, token)
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def revoke_token(self, directory: int, token_id: str, at: int, entry: Entry) -> bool:
        if await self._submit(recorded("revoke_token", (directory, token_id, at), entry)):
            return True
        return bool(await self._rows("get_token", (directory, token_id)))

    def _credential(self, connection: sqlite3.Connection, token_id: str) -> Credential | None:
        row = connection.execute(SQLITE["credential"], (token_id,)).fetchone()
        if row is None:
            return None
        token = token_of(row[:11])
        directory = self._directories.get(token.directory)
        if directory is None or directory.revision != row[23]:
            found = connection.execute(SQLITE["get_directory"], (token.directory,)).fetchone()
            directory = directory_of(found)
            if len(self._directories) >= REMEMBERED:
                self._directories.clear()
            self._directories[directory.id] = directory
        return Credential(token, connection_of(row[11:23]), directory)

    async def _rows(self, name: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._run(lambda c: c.execute(SQLITE[name], parameters).fetchall(), quick=True)


def recorded(name: str, parameters: tuple[Any, ...], entry: Entry) -> Callable[[sqlite3.Connection], int]:
    """Work that runs a statement, and keeps the entry if that changes a row; gives how many it changed."""

    def work(connection: sqlite3.Connection) -> int:
        changed = connection.execute(SQLITE[name], parameters).rowcount
        if changed:
            write_entry(connection, entry)
        return changed

    return work


def insert_token(connection: sqlite3.Connection, token: Token) -> None:
    """Keep a token. Raises like ``insert``."""
    insert(connection, "insert_token", token_row(token), token.id, "id")


def insert(
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
