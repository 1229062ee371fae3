"""What a page's handler is given: the service's parts, and the way to a page or on to another one.

That a directory is not the visitor's is never told from its not being there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rosterd.console.facts import Facts
from rosterd.console.once import Once
from rosterd.console.render import Pages
from rosterd.console.request import PageRequest
from rosterd.http.openid import OpenId
from rosterd.http.reply import Header, Reply
from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service.access import Access
from rosterd.service.audit import AuditLog
from rosterd.service.clients import ClientControl, Clients
from rosterd.service.connection_removal import ConnectionRemoval
from rosterd.service.connections import Connections
from rosterd.service.control import Connection, Control, Directory
from rosterd.service.directories import Directories
from rosterd.service.erasure import Erasure
from rosterd.service.extensions import Extensions
from rosterd.service.feed import Feed
from rosterd.service.keys import Keys
from rosterd.service.mappings import Mappings
from rosterd.service.ports import Store
from rosterd.service.preferences import Installation
from rosterd.service.reconciliation import Reconciliation
from rosterd.service.registry import Registry
from rosterd.service.removal import Removal
from rosterd.service.request_log import RequestLog
from rosterd.service.survey import Survey
from rosterd.service.tokens import Tokens
from rosterd.service.undo import Undo
from rosterd.service.visitor import Visitor
from rosterd.service.webhook_admin import WebhookAdmin
from rosterd.service.webhooks import Webhooks

VisitorOf = Callable[[PageRequest], Awaitable[Visitor | None]]
"""Finds who asks, by the request's cookies; ``None`` without a valid session."""


@dataclass(frozen=True, slots=True)
class Console:
    """What handlers work with. ``secret`` signs, ``now`` gives milliseconds since the epoch."""

    store: Store
    control: Control
    registry: Registry
    audit: AuditLog
    directories: Directories
    removal: Removal
    connections: Connections
    connection_removal: ConnectionRemoval
    clients: Clients
    client_control: ClientControl
    tokens: Tokens
    keys: Keys
    access: Access
    log: RequestLog
    survey: Survey
    preferences: Installation
    once: Once
    undo: Undo
    facts: Callable[[], Facts]
    erasure: Erasure
    extensions: Extensions
    feed: Feed
    mappings: Mappings
    reconciliation: Reconciliation
    webhooks: WebhookAdmin
    webhook_control: Webhooks
    openid: OpenId | None
    """The OpenID provider by which visitors may log in, if there is one."""
    model_of: Callable[[Directory], Model]
    now: Callable[[], int]
    secret: bytes
    pages: Pages
    public_url: str | None
    """The configured address of this server, without a slash at the end."""

    async def bound(self, request: PageRequest) -> Directory | None:
        """The only directory that the visitor knows of; ``None``: all. Raises ``NotFound``."""
        id = request.visitor.directory
        if id is None:
            return None
        names = await self.registry.directory_names({id})
        found = await self.registry.directory(names[id]) if id in names else None
        if found is None:
            raise errors.NotFound("Your directory is not there any more.")
        return found

    async def directory(self, request: PageRequest) -> Directory:
        """The directory in the path. Raises ``NotFound``."""
        name = request.path["directory"]
        found = await self.registry.directory(name)
        bound = request.visitor.directory
        if found is None or (bound is not None and bound != found.id):
            raise errors.NotFound(f"There is no directory '{name}'.")
        return found

    async def connection(self, request: PageRequest) -> tuple[Directory, Connection]:
        """The directory and connection in the path. Raises ``NotFound``."""
        directory = await self.directory(request)
        name = request.path["connection"]
        found = await self.registry.connection(directory.id, name)
        only = request.visitor.connection
        if found is None or (only is not None and only != found.id):
            raise errors.NotFound(f"Directory '{directory.name}' has no connection '{name}'.")
        return directory, found

    def page(self, request: PageRequest, template: str, http_status: int = 200, **data: Any) -> Reply:
        """A page from a template; see ``render.Pages.page``."""
        return self.pages.page(request, template, self.now(), http_status, **data)

    def redirect(self, request: PageRequest, to: str, notice: str = "", *more: Header) -> Reply:
        """Go on to one of our pages, which shows the notice once."""
        return self.pages.redirect(request, to, notice, *more)
