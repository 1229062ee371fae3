"""``Registry`` over SQLite, beside ``sqlite_control.py``: API keys, look-ups by name, pages, kept replies."""

import sqlite3
from collections.abc import Collection, Mapping

from rosterd.service.audit import Entry
from rosterd.service.clients import Client
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.registry import Answered, ApiKey, KeyHolder
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.request_rows import replies_with
from rosterd.store.rows import MOST, Row, as_json, connection_of, directory_of, key_of, key_row, token_of
from rosterd.store.sqlite_clients import SqliteClients
from rosterd.store.sqlite_control import insert, recorded


class SqliteRegistry(SqliteClients):
    """See ``rosterd.service.registry.Registry``."""

    async def directory(self, name: str) -> Directory | None:
        rows = await self._rows("directory_named", (name,))
        return directory_of(rows[0]) if rows else None

    async def directory_page(self, after: str, limit: int) -> tuple[Directory, ...]:
        return tuple(map(directory_of, await self._rows("directory_page", (after, limit))))

    async def directory_search(self, part: str, after: str, limit: int) -> tuple[Directory, ...]:
        return tuple(map(directory_of, await self._rows("directory_search", (part.lower(), after, limit))))

    async def directory_names(self, ids: Collection[int]) -> Mapping[int, str]:
        return dict(await self._rows("directory_names", (as_json(sorted(ids)),)))

    async def connection(self, directory: int, name: str) -> Connection | None:
        rows = await self._rows("connection_named", (directory, name))
        return connection_of(rows[0]) if rows else None

    async def connection_page(self, directory: int, after: str, limit: int) -> tuple[Connection, ...]:
        return tuple(map(connection_of, await self._rows("connection_page", (directory, after, limit))))

    async def token(self, directory: int, id: str) -> Token | None:
        rows = await self._rows("get_token", (directory, id))
        return token_of(rows[0]) if rows else None

    async def token_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Token, ...]:
        behind = after or (MOST, "")
        return tuple(map(token_of, await self._rows("token_page", (directory, connection, *behind, limit))))

    async def client_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Client, ...]:
        behind = after or (MOST, "")
        rows = await self._rows("client_page", (directory, connection, *behind, limit))
        found = [await self.client(row[0]) for row in rows]
        return tuple(client for client in found if client is not None)

    async def key(self, id: str) -> KeyHolder | None:
        def work(connection: sqlite3.Connection) -> KeyHolder | None:
            row = connection.execute(SQLITE["get_api_key"], (id,)).fetchone()
            if row is None:
                return None
            key = key_of(row)
            if key.directory is None:
                return KeyHolder(key, None)
            found = connection.execute(SQLITE["get_directory"], (key.directory,)).fetchone()
            return KeyHolder(key, directory_of(found))

        return await self._run(work, quick=True)

    async def keys(self) -> tuple[ApiKey, ...]:
        return tuple(map(key_of, await self._rows("api_keys", ())))

    async def key_page(
        self, directory: int | None, after: tuple[int, str] | None, limit: int
    ) -> tuple[ApiKey, ...]:
        behind = after or (MOST, "")
        if directory is None:
            rows = await self._rows("api_key_page", (*behind, limit))
        else:
            rows = await self._rows("api_key_page_of", (directory, *behind, limit))
        return tuple(map(key_of, rows))

    async def create_key(self, key: ApiKey, entry: Entry) -> None:
        parameters = key_row(key)

        def work(connection: sqlite3.Connection) -> None:
            insert(connection, "insert_api_key", parameters, key.id, "id")
            write_entry(connection, entry)

        await self._submit(work)

    async def revoke_key(self, id: str, at: int, entry: Entry) -> bool:
        if await self._submit(recorded("revoke_api_key", (id, at), entry)):
            return True
        return bool(await self._rows("get_api_key", (id,)))

    async def keys_used(self, ids: Mapping[str, int]) -> None:
        rows = list(ids.items())
        await self._submit(lambda c: c.executemany(SQLITE["note_key_use"], rows).rowcount)

    async def claim(
        self, key: str, name: str, digest: bytes, at: int, since: int, directory: int | None = None
    ) -> Answered | None:
        def work(connection: sqlite3.Connection) -> Answered | None:
            connection.execute(SQLITE["forget_replays"], (since,))
            row = connection.execute(SQLITE["get_replay"], (key, name)).fetchone()
            if row is not None:
                return Answered(*row)
            connection.execute(SQLITE["insert_replay"], (key, name, digest, at, directory))
            return None

        return await self._submit(work)

    async def settle(self, key: str, name: str, status: int, body: bytes | None) -> None:
        parameters = (key, name, status, body)
        await self._submit(lambda c: c.execute(SQLITE["settle_replay"], parameters).rowcount)

    async def release(self, key: str, name: str) -> None:
        await self._submit(lambda c: c.execute(SQLITE["delete_replay"], (key, name)).rowcount)

    async def scrub_replies(self, directory: int, texts: Collection[str]) -> int:
        def read(connection: sqlite3.Connection) -> list[Row]:
            return replies_with(texts, connection.execute(SQLITE["kept_replies"], (directory,)))

        found = await self._run(read, quick=False)
        if found:
            await self._submit(lambda c: c.executemany(SQLITE["empty_reply"], found).rowcount)
        return len(found)
