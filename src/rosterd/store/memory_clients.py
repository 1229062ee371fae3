"""Clients of the Token Provider in a plain dictionary, beside ``memory_control.py``."""

from dataclasses import replace

from rosterd.service.audit import Entry
from rosterd.service.clients import Client, ClientSecret
from rosterd.service.control import Token
from rosterd.service.ports import UniqueViolation
from rosterd.store.memory_control import MemoryControl


class MemoryClients(MemoryControl):
    """See ``rosterd.service.clients.ClientControl``."""

    def __init__(self) -> None:
        super().__init__()
        self._clients: dict[str, Client] = {}

    async def client(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    async def clients(self, directory: int, connection: int | None = None) -> tuple[Client, ...]:
        own = [
            client
            for client in self._clients.values()
            if client.directory == directory and connection in (None, client.connection)
        ]
        return tuple(sorted(own, key=lambda client: (-client.created, client.id)))

    async def create_client(self, client: Client, entry: Entry) -> None:
        connection = self._connections.get(client.connection)
        if connection is None or connection.directory != client.directory:
            raise LookupError(f"there is no connection {client.connection}")
        if client.id in self._clients:
            raise UniqueViolation("id", client.id)
        self._clients[client.id] = client
        self.audit.append(entry)

    async def add_secret(
        self, directory: int, client_id: str, secret: ClientSecret, end: int, entry: Entry
    ) -> bool:
        client = self._own(directory, client_id)
        if client is None:
            return False
        ends = [(old, _earlier(old.expires, end)) for old in client.secrets]
        kept = [replace(old, expires=at) for old, at in ends if at > secret.created]
        newest_first = sorted((secret, *kept), key=lambda s: (-s.created, s.digest))
        self._clients[client_id] = replace(client, secrets=tuple(newest_first))
        self.audit.append(entry)
        return True

    async def revoke_client(self, directory: int, client_id: str, at: int, entry: Entry) -> bool:
        client = self._own(directory, client_id)
        if client is None:
            return False
        self._clients[client_id] = replace(client, revoked=_earlier(client.revoked, at))
        if self._clients[client_id] != client:
            self.audit.append(entry)
        for token in self._tokens.values():
            if token.client == client_id and token.expires > at:
                self._tokens[token.id] = replace(token, revoked=_earlier(token.revoked, at))
        return True

    async def issue_token(self, token: Token) -> bool:
        client = self._own(token.directory, token.client or "")
        if client is None or (client.revoked is not None and client.revoked <= token.created):
            return False
        self._keep(token)
        self._clients[client.id] = replace(client, last_used=max(client.last_used or 0, token.created))
        return True

    async def return_token(self, token_id: str, at: int) -> None:
        if token_id in self._tokens:
            self._revoke(self._tokens[token_id].directory, token_id, at)

    async def purge_tokens(self, expired_before: int, limit: int) -> int:
        expired = sorted((t.expires, t.id) for t in self._tokens.values() if t.expires < expired_before)
        for _, id in expired[:limit]:
            del self._tokens[id]
        return len(expired[:limit])

    def _own(self, directory: int, client_id: str) -> Client | None:
        client = self._clients.get(client_id)
        return client if client is not None and client.directory == directory else None


def _earlier(known: int | None, time: int) -> int:
    return time if known is None else min(known, time)
