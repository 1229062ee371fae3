"""The port of the management API: API keys, look-ups by name, lists by page, kept replies.

Every page goes on behind the key of the last row given, so that none costs more for lying deeper. Times are
milliseconds since the epoch.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from rosterd.service.audit import Entry
from rosterd.service.clients import Client
from rosterd.service.control import Connection, Directory, Token


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential of the management API, without its secret."""

    id: str
    digest: bytes
    """SHA-256 of the whole text."""
    directory: int | None
    """The only directory it may know of; ``None``: the whole installation."""
    label: str
    scopes: tuple[str, ...]
    created: int
    expires: int
    last_used: int | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """What a key's id leads to, read at every request."""

    key: ApiKey
    directory: Directory | None


@dataclass(frozen=True, slots=True)
class Answered:
    """An earlier request with the same idempotency key."""

    digest: bytes
    """Of that request."""
    status: int | None
    """``None`` while its outcome is not known."""
    body: bytes | None
    """``None`` for a reply that held a secret, or told of somebody who is erased."""


class Registry(Protocol):
    """Small and rarely written, like ``Control``."""

    async def directory(self, name: str) -> Directory | None:
        """The directory of this name."""

    async def directory_page(self, after: str, limit: int) -> tuple[Directory, ...]:
        """Directories by name, behind a name (``""``: from the first)."""

    async def directory_search(self, part: str, after: str, limit: int) -> tuple[Directory, ...]:
        """Those of them with a part in their names, in any letter case. It goes through the names."""

    async def directory_names(self, ids: Collection[int]) -> Mapping[int, str]:
        """The names of directories by id; without those that are not there."""

    async def connection(self, directory: int, name: str) -> Connection | None:
        """A directory's connection of this name."""

    async def connection_page(self, directory: int, after: str, limit: int) -> tuple[Connection, ...]:
        """A directory's connections by name, behind a name."""

    async def token(self, directory: int, id: str) -> Token | None:
        """A directory's token, revoked and expired ones included."""

    async def token_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Token, ...]:
        """A connection's tokens, newest first, behind a time of creation and id."""

    async def client_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[Client, ...]:
        """A connection's clients, newest first, behind a time of creation and id."""

    async def key(self, id: str) -> KeyHolder | None:
        """An API key and the directory it is bound to, revoked and expired ones included."""

    async def keys(self) -> tuple[ApiKey, ...]:
        """All API keys, newest first."""

    async def key_page(
        self, directory: int | None, after: tuple[int, str] | None, limit: int
    ) -> tuple[ApiKey, ...]:
        """API keys, newest first, behind a time of creation and id; those bound to a directory, or all."""

    async def create_key(self, key: ApiKey, entry: Entry) -> None:
        """Keep a key. Raises ``UniqueViolation`` on its id, ``LookupError`` without its directory."""

    async def revoke_key(self, id: str, at: int, entry: Entry) -> bool:
        """Revoke a key at ``at``, the earlier time counts; ``False`` if there is none."""

    async def keys_used(self, ids: Mapping[str, int]) -> None:
        """Note the last use of keys (id → ms)."""

    async def claim(
        self, key: str, name: str, digest: bytes, at: int, since: int, directory: int | None = None
    ) -> Answered | None:
        """Begin the request ``name`` of an API key, and forget those begun before ``since``.

        ``directory`` is the one that it is sent to, if there is one.

        ``None`` if it was not begun before; else what came of it, and nothing is changed.
        """

    async def settle(self, key: str, name: str, status: int, body: bytes | None) -> None:
        """Keep what came of a request that was begun."""

    async def release(self, key: str, name: str) -> None:
        """Forget a request that was begun and changed nothing."""

    async def scrub_replies(self, directory: int, texts: Collection[str]) -> int:
        """Erase a person: keep no reply that mentions one of the texts, in any letter case; how many did.

        Replies to requests to the directory, and to those that were sent to none.
        """
