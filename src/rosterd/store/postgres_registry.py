"""``Registry`` over PostgreSQL: API keys, look-ups by name, pages, replies that one process makes."""

from collections.abc import Collection, Mapping

from rosterd.service.audit import Entry
from rosterd.service.clients import Client
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.registry import Answered, ApiKey, KeyHolder
from rosterd.store.postgres_clients import PostgresClients
from rosterd.store.postgres_run import Link
from rosterd.store.request_rows import replies_with
from rosterd.store.rows import MOST, clients_of, connection_of, directory_of, key_of, key_row, token_of

_KEY = 9
"""How many columns a key has in a row with its directory."""


class PostgresRegistry(PostgresClients):
    """See ``rosterd.service.registry.Registry``."""

    async def directory(self, name: str) -> Directory | None:
        row = await self._row("directory_named", name)
        return directory_of(row) if row else None

    async def directory_page(self, after: str, limit: int) -> tuple[Directory, ...]:
        return tuple(map(directory_of, await self._rows("directory_page", after, limit)))

    async def directory_search(self, part: str, after: str, limit: int) -> tuple[Directory, ...]:
        return tuple(map(directory_of, await self._rows("directory_search", part.lower(), after, limit)))

    async def directory_names(self, ids: Collection[int]) -> Mapping[int, str]:
        return dict(map(tuple, await self._rows("directory_names", list(ids))))

    async def connection(self, directory: int, name: str) -> Connection | None:
        row = await self._row("connection_named", directory, name)
        return connection_of(tuple(row)) if row else None

    async def connection_page(self, directory: int, after: str, limit: int) -> tuple[Connection, ...]:
        rows = await self._rows("connection_page", directory, after, limit)
        return tuple(connection_of(tuple(row)) for row in rows)

    async def token(self, directory: int, id: str) -> Token | None:
        row = await self._row("get_token", directory, id)
        return token_of(row) if row else None

    async def token_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Token, ...]:
        behind = after or (MOST, "")
        return tuple(map(token_of, await self._rows("token_page", directory, connection, *behind, limit)))

    async def client_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Client, ...]:
        behind = after or (MOST, "")
        return clients_of(await self._rows("client_page", directory, connection, *behind, limit))

    async def key(self, id: str) -> KeyHolder | None:
        row = await self._row("key_holder", id)
        if row is None:
            return None
        key = key_of(row[:_KEY])
        return KeyHolder(key, None if key.directory is None else directory_of(row[_KEY:]))

    async def keys(self) -> tuple[ApiKey, ...]:
        return tuple(map(key_of, await self._rows("api_keys")))

    async def key_page(
        self, directory: int | None, after: tuple[int, str] | None, limit: int
    ) -> tuple[ApiKey, ...]:
        behind = after or (MOST, "")
        if directory is None:
            rows = await self._rows("api_key_page", *behind, limit)
        else:
            rows = await self._rows("api_key_page_of", directory, *behind, limit)
        return tuple(map(key_of, rows))

    async def create_key(self, key: ApiKey, entry: Entry) -> None:
        await self._inserted("insert_api_key", key_row(key), key.id, entry)

    async def revoke_key(self, id: str, at: int, entry: Entry) -> bool:
        if await self._recorded("revoke_api_key", (id, at), entry):
            return True
        return bool(await self._rows("get_api_key", id))

    async def keys_used(self, ids: Mapping[str, int]) -> None:
        await self._changed("note_key_use", list(ids), list(ids.values()), governs=False)

    async def claim(
        self, key: str, name: str, digest: bytes, at: int, since: int, directory: int | None = None
    ) -> Answered | None:
        async def work(link: Link) -> Answered | None:
            await link.change("forget_replays", since)
            while not await link.change("insert_replay", key, name, digest, at, directory):
                row = await link.row("get_replay", key, name)
                if row is not None:
                    return Answered(*row)
                # It was released between the two, so it can be begun again.
            return None

        return await self._write(work, governs=False)

    async def settle(self, key: str, name: str, status: int, body: bytes | None) -> None:
        await self._changed("settle_replay", key, name, status, body, governs=False)

    async def release(self, key: str, name: str) -> None:
        await self._changed("delete_replay", key, name, governs=False)

    async def scrub_replies(self, directory: int, texts: Collection[str]) -> int:
        found = replies_with(texts, await self._rows("kept_replies", directory))
        for which in found:
            await self._changed("empty_reply", *which)
        return len(found)
