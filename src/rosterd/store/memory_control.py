"""The control plane in plain dictionaries, beside ``memory.py``."""

import os
from collections.abc import Hashable, Mapping
from dataclasses import replace
from itertools import count

from rosterd.service.audit import Entry
from rosterd.service.control import Connection, Credential, Directory, Policy, Token
from rosterd.service.ports import UniqueViolation
from rosterd.service.standing import Standing


class MemoryControl:
    """See ``rosterd.service.control.Control``."""

    def __init__(self) -> None:
        self._directories: dict[int, Directory] = {}
        self._connections: dict[int, Connection] = {}
        self._tokens: dict[str, Token] = {}
        self._secrets: dict[str, bytes] = {}
        self._former: dict[int, dict[int, str]] = {}
        """By directory, what connections were called that were deleted."""
        self.audit: list[Entry] = []
        self._numbers, self._lines = count(1), count(1)

    def epoch(self) -> Hashable:
        return object()  # looking is as cheap as remembering

    async def credential(self, token_id: str) -> Credential | None:
        token = self._tokens.get(token_id)
        if token is None:
            return None
        return Credential(token, self._connections[token.connection], self._directories[token.directory])

    async def used(self, token_ids: Mapping[str, int]) -> None:
        for id, at in token_ids.items():
            if id in self._tokens:
                token = self._tokens[id]
                self._tokens[id] = replace(token, last_used=max(token.last_used or 0, at))

    async def secret(self, name: str) -> bytes:
        return self._secrets.setdefault(name, os.urandom(32))

    async def directories(self) -> tuple[Directory, ...]:
        return tuple(sorted(self._directories.values(), key=lambda directory: directory.name))

    async def create_directory(self, name: str, at: int, entry: Entry) -> Directory:
        if any(directory.name == name for directory in self._directories.values()):
            raise UniqueViolation("name", name)
        directory = Directory(next(self._numbers), name, at, 1)
        self._directories[directory.id] = directory
        self.audit.append(replace(entry, directory=directory.id))
        return directory

    async def connections(self, directory: int) -> tuple[Connection, ...]:
        own = (c for c in self._connections.values() if c.directory == directory)
        return tuple(sorted(own, key=lambda connection: connection.name))

    async def create_connection(
        self, directory: int, name: str, profile: str, policy: Policy, at: int, entry: Entry
    ) -> Connection:
        if directory not in self._directories:
            raise LookupError(f"there is no directory {directory}")
        if any(c.name == name for c in await self.connections(directory)):
            raise UniqueViolation("name", name)
        connection = Connection(next(self._lines), directory, name, at, profile, policy)
        self._connections[connection.id] = connection
        self.audit.append(entry)
        return connection

    async def update_connection(self, old: Connection, new: Connection, entry: Entry) -> bool:
        now = self._connections.get(old.id)
        if now is None or replace(now, standing=old.standing) != old:
            return False
        if any(c.name == new.name and c.id != now.id for c in await self.connections(now.directory)):
            raise UniqueViolation("name", new.name)
        self._connections[old.id] = replace(now, name=new.name, profile=new.profile, policy=new.policy)
        self.audit.append(entry)
        return True

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        own = {connection.id: connection.name for connection in await self.connections(directory)}
        return own | self._former.get(directory, {})

    def _stand(self, standings: Mapping[int, Standing]) -> None:
        """What a transaction made of the standings of connections."""
        for id, standing in standings.items():
            self._connections[id] = replace(self._connections[id], standing=standing)

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        own = [
            token
            for token in self._tokens.values()
            if token.directory == directory and connection in (None, token.connection)
        ]
        return tuple(sorted(own, key=lambda token: (-token.created, token.id)))

    async def create_token(self, token: Token, entry: Entry) -> None:
        self._keep(token)
        self.audit.append(entry)

    async def rotate_token(self, token: Token, old: str, at: int, entry: Entry) -> bool:
        if not self._revoke(token.directory, old, at):
            return False
        await self.create_token(token, entry)
        return True

    async def revoke_token(self, directory: int, token_id: str, at: int, entry: Entry) -> bool:
        before = self._tokens.get(token_id)
        found = self._revoke(directory, token_id, at)
        if self._tokens.get(token_id) != before:
            self.audit.append(entry)
        return found

    def _keep(self, token: Token) -> None:
        connection = self._connections.get(token.connection)
        if connection is None or connection.directory != token.directory:
            raise LookupError(f"there is no connection {token.connection}")
        if token.id in self._tokens:
            raise UniqueViolation("id", token.id)
        self._tokens[token.id] = token

    def _revoke(self, directory: int, token_id: str, at: int) -> bool:
        token = self._tokens.get(token_id)
        if token is None or token.directory != directory:
            return False
        earlier = at if token.revoked is None else min(token.revoked, at)
        self._tokens[token_id] = replace(token, revoked=earlier)
        return True
