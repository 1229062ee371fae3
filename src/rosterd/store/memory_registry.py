"""``Registry`` in plain dictionaries, beside ``memory_control.py``."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from rosterd.service.audit import Entry
from rosterd.service.clients import Client
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.ports import UniqueViolation
from rosterd.service.registry import Answered, ApiKey, KeyHolder
from rosterd.store.memory_clients import MemoryClients
from rosterd.store.request_rows import replies_with


class MemoryRegistry(MemoryClients):
    """See ``rosterd.service.registry.Registry``."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, ApiKey] = {}
        self._replays: dict[tuple[str, str], tuple[int, Answered]] = {}
        self._asked: dict[tuple[str, str], int | None] = {}
        """Of which directory something was asked under a key and name."""

    async def directory(self, name: str) -> Directory | None:
        return next((d for d in self._directories.values() if d.name == name), None)

    async def directory_page(self, after: str, limit: int) -> tuple[Directory, ...]:
        return tuple([d for d in await self.directories() if d.name > after][:limit])

    async def directory_search(self, part: str, after: str, limit: int) -> tuple[Directory, ...]:
        known = await self.directories()
        return tuple([d for d in known if d.name > after and part.lower() in d.name.lower()][:limit])

    async def directory_names(self, ids: Collection[int]) -> Mapping[int, str]:
        return {id: self._directories[id].name for id in ids if id in self._directories}

    async def connection(self, directory: int, name: str) -> Connection | None:
        return next((c for c in await self.connections(directory) if c.name == name), None)

    async def connection_page(self, directory: int, after: str, limit: int) -> tuple[Connection, ...]:
        return tuple([c for c in await self.connections(directory) if c.name > after][:limit])

    async def token(self, directory: int, id: str) -> Token | None:
        return next((t for t in await self.tokens(directory) if t.id == id), None)

    async def token_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Token, ...]:
        listed = await self.tokens(directory, connection)
        if after is not None:
            at, id = after
            listed = tuple(t for t in listed if (-t.created, t.id) > (-at, id))
        return listed[:limit]

    async def client_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Client, ...]:
        listed = await self.clients(directory, connection)
        if after is not None:
            at, id = after
            listed = tuple(c for c in listed if (-c.created, c.id) > (-at, id))
        return listed[:limit]

    async def key(self, id: str) -> KeyHolder | None:
        key = self._keys.get(id)
        if key is None:
            return None
        return KeyHolder(key, None if key.directory is None else self._directories[key.directory])

    async def keys(self) -> tuple[ApiKey, ...]:
        return tuple(sorted(self._keys.values(), key=lambda key: (-key.created, key.id)))

    async def key_page(
        self, directory: int | None, after: tuple[int, str] | None, limit: int
    ) -> tuple[ApiKey, ...]:
        listed = tuple(k for k in await self.keys() if directory in (None, k.directory))
        if after is not None:
            at, id = after
            listed = tuple(k for k in listed if (-k.created, k.id) > (-at, id))
        return listed[:limit]

    async def create_key(self, key: ApiKey, entry: Entry) -> None:
        if key.directory is not None and key.directory not in self._directories:
            raise LookupError(f"there is no directory {key.directory}")
        if key.id in self._keys:
            raise UniqueViolation("id", key.id)
        self._keys[key.id] = key
        self.audit.append(entry)

    async def revoke_key(self, id: str, at: int, entry: Entry) -> bool:
        key = self._keys.get(id)
        if key is None:
            return False
        self._keys[id] = replace(key, revoked=at if key.revoked is None else min(key.revoked, at))
        if self._keys[id] != key:
            self.audit.append(entry)
        return True

    async def keys_used(self, ids: Mapping[str, int]) -> None:
        for id, at in ids.items():
            if id in self._keys:
                key = self._keys[id]
                self._keys[id] = replace(key, last_used=max(key.last_used or 0, at))

    async def claim(
        self, key: str, name: str, digest: bytes, at: int, since: int, directory: int | None = None
    ) -> Answered | None:
        self._replays = {which: kept for which, kept in self._replays.items() if kept[0] >= since}
        earlier = self._replays.get((key, name))
        if earlier is not None:
            return earlier[1]
        self._replays[key, name] = at, Answered(digest, None, None)
        self._asked[key, name] = directory
        return None

    async def settle(self, key: str, name: str, status: int, body: bytes | None) -> None:
        begun, kept = self._replays[key, name]
        self._replays[key, name] = begun, replace(kept, status=status, body=body)

    async def release(self, key: str, name: str) -> None:
        self._replays.pop((key, name), None)

    async def scrub_replies(self, directory: int, texts: Collection[str]) -> int:
        found = replies_with(
            texts,
            [
                (*which, one.body)
                for which, (_, one) in self._replays.items()
                if one.body is not None and self._asked[which] in (None, directory)
            ],
        )
        for key, name in found:
            begun, one = self._replays[key, name]
            self._replays[key, name] = begun, replace(one, body=None)
        return len(found)
