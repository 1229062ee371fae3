"""What a handler of the management API is given, and what it gives back.

A handler is ``async def handler(api: ApiContext, request: ApiRequest) -> ApiReply | StreamReply``. When it
is called, the caller has the route's scope, and query and body fit the route's schemas. It raises
``ScimError``; that a directory is not the caller's is never told from its not being there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from rosterd.http.api.waits import Waits
from rosterd.http.headers import Headers
from rosterd.http.reply import Header
from rosterd.scim import cursor, errors
from rosterd.scim.schema import Model
from rosterd.service.access import Access
from rosterd.service.audit import API_KEY, Actor, AuditLog
from rosterd.service.clients import ClientControl, Clients
from rosterd.service.connection_removal import ConnectionRemoval
from rosterd.service.connections import Connections
from rosterd.service.control import Control, Directory
from rosterd.service.directories import Directories
from rosterd.service.erasure import Erasure
from rosterd.service.extensions import Extensions
from rosterd.service.keys import Keys
from rosterd.service.mappings import Mappings
from rosterd.service.ports import Store
from rosterd.service.preferences import Installation
from rosterd.service.queries import CURSOR_LIFETIME
from rosterd.service.reconciliation import Reconciliation
from rosterd.service.registry import ApiKey, Registry
from rosterd.service.removal import Removal
from rosterd.service.request_log import RequestLog
from rosterd.service.set_polls import SetPolls
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.tokens import Tokens
from rosterd.service.undo import Undo
from rosterd.service.webhook_admin import WebhookAdmin
from rosterd.service.webhooks import Webhooks

Row = TypeVar("Row")

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class ApiCaller:
    """Who asks: an API key, and the directory it is bound to, if it is."""

    key: ApiKey
    directory: Directory | None

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the key has the scope."""
        if scope not in self.key.scopes:
            raise errors.Forbidden(f"This API key has no '{scope}' scope; create a key that has it.")

    def require_unbound(self) -> None:
        """Raise ``Forbidden`` if the key is bound to a directory."""
        if self.directory is not None:
            raise errors.Forbidden(
                f"This API key is bound to directory '{self.directory.name}'; "
                "what concerns the whole installation needs a key that is not bound."
            )


NOBODY: Final = ApiCaller(ApiKey("", b"", None, "", (), 0, 0), None)
"""Whoever asks at a route without a scope."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request. ``query`` and ``path`` are decoded texts; ``body`` is the JSON value or ``None``."""

    caller: ApiCaller
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    headers: Headers
    request_id: str
    address: str | None = None
    """The network address it came from."""
    root: str = ""
    """Path below which clients find the server; empty, or it begins with a slash."""

    @property
    def by(self) -> Actor:
        """Who asks, for the audit log."""
        key = self.caller.key
        return Actor(API_KEY, key.label or key.id, key.id, self.address, self.request_id)

    @property
    def limit(self) -> int:
        """How many items a page may have."""
        return int(self.query.get("limit", DEFAULT_LIMIT))


@dataclass(frozen=True, slots=True)
class ApiReply:
    """A JSON reply; a body of ``None`` sends none."""

    status: int = 200
    body: Any = None
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A reply sent chunk by chunk until ``events`` ends, the client goes or the server stops."""

    events: AsyncIterator[bytes]
    content_type: str
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What handlers work with. ``secret`` seals cursors, ``now`` gives milliseconds since the epoch."""

    store: Store
    control: Control
    registry: Registry
    directories: Directories
    removal: Removal
    extensions: Extensions
    connections: Connections
    connection_removal: ConnectionRemoval
    clients: Clients
    client_control: ClientControl
    tokens: Tokens
    keys: Keys
    audit: AuditLog
    request_log: RequestLog
    preferences: Installation
    access: Access
    webhooks: WebhookAdmin
    webhook_control: Webhooks
    polls: SetPolls
    signing: SigningKeys
    undo: Undo
    erasure: Erasure
    mappings: Mappings
    reconciliation: Reconciliation
    model_of: Callable[[Directory], Model]
    now: Callable[[], int]
    secret: bytes
    waits: Waits
    stopping: asyncio.Event
    """Set when the server stops: whoever waits must come to an end."""
    root: str | None = None
    """Path of the server's public URL; ``None`` if that is not known, so that requests tell it."""
    description: bytes = b"{}"
    """The OpenAPI document."""
    unreleased: set[tuple[str, str]] = field(default_factory=set)
    """API key and Idempotency-Key of requests that changed nothing, which could not be written down."""

    async def directory(self, request: ApiRequest, name: str | None = None) -> Directory:
        """The directory of this name (by default the one in the path), if the caller may know of it.

        Raises ``NotFound``, in the same words for another's directory as for none.
        """
        wanted = request.path["directory"] if name is None else name
        bound = request.caller.directory
        if bound is not None:
            found = bound if bound.name == wanted else None
        else:
            found = await self.registry.directory(wanted)
        if found is None:
            raise errors.NotFound(f"There is no directory '{wanted}'.")
        return found

    def place(self, request: ApiRequest, listing: str) -> cursor.Place | None:
        """Where the page begins; ``None`` at the beginning. Raises ``InvalidCursor``, ``ExpiredCursor``.

        ``listing`` is what the cursor belongs to: another listing, filter or key does not open it.
        """
        text = request.query.get("cursor")
        if not text:
            return None
        binding = self._binding(request, listing)
        return cursor.unseal(text, binding=binding, secret=self.secret, now=self.now())

    def seal(self, request: ApiRequest, listing: str, seq: int, key: str | None = None) -> str:
        """The cursor of the page behind this place."""
        expires = self.now() + CURSOR_LIFETIME
        binding = self._binding(request, listing)
        return cursor.seal(seq, key, binding=binding, secret=self.secret, expires=expires)

    def page(
        self,
        request: ApiRequest,
        listing: str,
        rows: Sequence[Row],
        described: Callable[[Row], dict[str, Any]],
        place: Callable[[Row], tuple[int, str | None]],
    ) -> ApiReply:
        """A page of rows, one more than the limit being asked for; ``place`` gives what ``seal`` takes."""
        shown = rows[: request.limit]
        following = self.seal(request, listing, *place(shown[-1])) if len(rows) > len(shown) else None
        return ApiReply(200, {"items": [described(row) for row in shown], "nextCursor": following})

    def _binding(self, request: ApiRequest, listing: str) -> bytes:
        bound = request.caller.directory
        return cursor.binding(
            endpoint=f"api {listing} {request.caller.key.id}",
            filter=None,
            sort_by=None,
            descending=False,
            directory=bound.id if bound else 0,
            connection=None,
        )
