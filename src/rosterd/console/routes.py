"""All pages of the console, and the way from a path to its row."""

from collections.abc import Mapping
from typing import Final

from rosterd.console.access import PAGES as ACCESS
from rosterd.console.account import PAGES as ACCOUNT
from rosterd.console.administrators import PAGES as ADMINISTRATORS
from rosterd.console.appearance import PAGES as APPEARANCE
from rosterd.console.audit import PAGES as AUDIT
from rosterd.console.clients import PAGES as CLIENTS
from rosterd.console.connection_delete import PAGES as CONNECTION_DELETE
from rosterd.console.connections import PAGES as CONNECTIONS
from rosterd.console.deliveries import PAGES as DELIVERIES
from rosterd.console.directories import PAGES as DIRECTORIES
from rosterd.console.events import PAGES as EVENTS
from rosterd.console.export import PAGES as EXPORT
from rosterd.console.groups import PAGES as GROUPS
from rosterd.console.keys import PAGES as KEYS
from rosterd.console.links import PAGES as LINKS
from rosterd.console.mapping import PAGES as MAPPING
from rosterd.console.overview import PAGES as OVERVIEW
from rosterd.console.policy import PAGES as POLICY
from rosterd.console.reconcile import PAGES as RECONCILE
from rosterd.console.requests import PAGES as REQUESTS
from rosterd.console.route import Page
from rosterd.console.schema import PAGES as SCHEMA
from rosterd.console.second_factor import PAGES as SECOND_FACTOR
from rosterd.console.settings import PAGES as SETTINGS
from rosterd.console.setup import PAGES as SETUP
from rosterd.console.tokens import PAGES as TOKENS
from rosterd.console.undo import PAGES as UNDO
from rosterd.console.users import PAGES as USERS
from rosterd.console.webhooks import PAGES as WEBHOOKS
from rosterd.http.addresses import Addresses
from rosterd.scim import errors

PAGES: Final[tuple[Page, ...]] = (
    *ACCESS,
    *ACCOUNT,
    *ADMINISTRATORS,
    *APPEARANCE,
    *CLIENTS,
    *CONNECTIONS,
    *CONNECTION_DELETE,
    *DIRECTORIES,
    *OVERVIEW,
    *POLICY,
    *SETUP,
    *TOKENS,
    *LINKS,
    *UNDO,
    *USERS,
    *GROUPS,
    *REQUESTS,
    *SECOND_FACTOR,
    *AUDIT,
    *KEYS,
    *SETTINGS,
    *SCHEMA,
    *EVENTS,
    *MAPPING,
    *WEBHOOKS,
    *DELIVERIES,
    *EXPORT,
    *RECONCILE,
)

TABLE: Final[Mapping[str, Mapping[str, Page]]] = {
    template: {page.method: page for page in PAGES if page.template == template}
    for template in dict.fromkeys(page.template for page in PAGES)
}

_ADDRESSES: Final = Addresses(TABLE)


def match(path: str) -> tuple[str, Mapping[str, str]]:
    """The template of a percent-decoded path, and its parameters. Raises ``NotFound``."""
    found = _ADDRESSES.match(path)
    if found is None:
        raise errors.NotFound("There is no such page.")
    return found


def shown_at(path: str) -> str:
    """Where the page is whose form is sent to a percent-decoded path: there, or the nearest above."""
    segments = path.split("/")
    while len(segments) > 1:
        found = _ADDRESSES.match("/".join(segments))
        if found is not None and "GET" in TABLE[found[0]]:
            break
        segments.pop()
    return "/".join(segments) or "/"


def page(template: str, method: str) -> Page:
    """The row for the method. Raises ``MethodNotAllowed``."""
    row = TABLE[template].get("GET" if method == "HEAD" else method)
    if row is None:
        allow = tuple(TABLE[template])
        raise errors.MethodNotAllowed(f"This page takes {' and '.join(allow)} only.", allow=allow)
    return row
