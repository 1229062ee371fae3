"""The port of the control plane: directories, connections and tokens, and what they are.

Small, rarely written, looked at by each request. Times are milliseconds since 1970. A write that takes an
``Entry`` keeps it in the same transaction, and does not if it changes nothing.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rosterd.service.audit import Entry
from rosterd.service.limits import Limits
from rosterd.service.standing import Standing


@dataclass(frozen=True, slots=True)
class Directory:
    """One customer's directory. ``schemas`` and ``resource_types`` are its own §7 and §6 JSON.

    ``requirements`` is what it asks beyond them, the JSON of ``scim.requirements``.
    """

    id: int
    name: str
    created: int
    revision: int
    """Moves with every change of the following."""
    schemas: tuple[Mapping[str, Any], ...] = ()
    resource_types: tuple[Mapping[str, Any], ...] = ()
    requirements: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a connection may do. ``reach`` own | directory; ``on_delete`` deactivate | erase."""

    reach: str = "own"
    on_delete: str = "deactivate"
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Connection:
    """One identity provider's line into a directory; ``name`` is unique there."""

    id: int
    directory: int
    name: str
    created: int
    profile: str = "auto"
    policy: Policy = field(default_factory=Policy)
    standing: Standing = field(default_factory=Standing)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer credential of a connection, without its secret. Times in ms; ``revoked`` wins over all."""

    id: str
    directory: int
    connection: int
    digest: bytes
    """SHA-256 of the whole token text."""
    label: str
    scopes: tuple[str, ...]
    created: int
    expires: int
    last_used: int | None = None
    revoked: int | None = None
    client: str | None = None
    """The client that the Token Provider issued it to, if it did (``service.clients``)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a token id leads to, read in one look-up."""

    token: Token
    connection: Connection
    directory: Directory


class Control(Protocol):
    """The control plane: directories, connections, tokens."""

    def epoch(self) -> Hashable:
        """As long as it stays the same, what ``credential`` said since it was first seen is still true.

        What this process has committed always begins another one; what other processes have, does so at once
        on SQLite and within a second on PostgreSQL. It may also change without a reason.
        """

    async def credential(self, token_id: str) -> Credential | None:
        """The token with its connection and directory, revoked and expired ones included."""

    async def used(self, token_ids: Mapping[str, int]) -> None:
        """Note the last use of tokens (id → ms)."""

    async def secret(self, name: str) -> bytes:
        """32 random bytes made at first use and kept: the same for every process and after a restart."""

    async def directories(self) -> tuple[Directory, ...]:
        """All directories, by name."""

    async def create_directory(self, name: str, at: int, entry: Entry) -> Directory:
        """The entry is kept as one of the new directory. Raises ``UniqueViolation`` on the name."""

    async def connections(self, directory: int) -> tuple[Connection, ...]:
        """The directory's connections, by name."""

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        """What they are called, by id; also what those were that were deleted."""

    async def create_connection(
        self, directory: int, name: str, profile: str, policy: Policy, at: int, entry: Entry
    ) -> Connection:
        """Raises ``UniqueViolation`` on the name within the directory."""

    async def update_connection(self, old: Connection, new: Connection, entry: Entry) -> bool:
        """Replace name, profile and policy; the standing is ``Writer.set_standing``'s.

        ``False``, and nothing is changed, if they are no longer the old one's or it is not there. Raises
        ``UniqueViolation`` on the name within the directory.
        """

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        """Tokens, newest first, revoked and expired ones included."""

    async def create_token(self, token: Token, entry: Entry) -> None:
        """Keep a new token."""

    async def rotate_token(self, token: Token, old: str, at: int, entry: Entry) -> bool:
        """Keep a new token and revoke an old one of its directory at ``at``; the earlier time counts.

        ``False``, and nothing is kept, if the directory has no such old one.
        """

    async def revoke_token(self, directory: int, token_id: str, at: int, entry: Entry) -> bool:
        """Revoke at ``at``, for every process; the earlier time counts if it was revoked before.

        ``False`` if the directory has no such token.
        """
