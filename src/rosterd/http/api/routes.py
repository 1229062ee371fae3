"""All routes of the management API, and the way from a path to its row."""

from collections.abc import Mapping
from typing import Final

from rosterd.http.addresses import Addresses
from rosterd.http.api.accounts import ROUTES as ACCOUNTS
from rosterd.http.api.administrators import ROUTES as ADMINISTRATORS
from rosterd.http.api.audit import ROUTES as AUDIT
from rosterd.http.api.connections import ROUTES as CONNECTIONS
from rosterd.http.api.credentials import ROUTES as CREDENTIALS
from rosterd.http.api.deliveries import ROUTES as DELIVERIES
from rosterd.http.api.description import ROUTES as DESCRIPTION
from rosterd.http.api.directories import ROUTES as DIRECTORIES
from rosterd.http.api.erasure import ROUTES as ERASURE
from rosterd.http.api.extensions import ROUTES as EXTENSIONS
from rosterd.http.api.feed import ROUTES as FEED
from rosterd.http.api.keys import ROUTES as KEYS
from rosterd.http.api.mapping import ROUTES as MAPPING
from rosterd.http.api.reconciliation import ROUTES as RECONCILIATION
from rosterd.http.api.requests import ROUTES as REQUESTS
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.sets import ROUTES as SETS
from rosterd.http.api.settings import ROUTES as SETTINGS
from rosterd.http.api.setup_links import ROUTES as SETUP_LINKS
from rosterd.http.api.undo import ROUTES as UNDO
from rosterd.http.api.webhooks import ROUTES as WEBHOOKS
from rosterd.scim import errors

ROUTES: Final[tuple[ApiRoute, ...]] = (
    *DESCRIPTION,
    *DIRECTORIES,
    *EXTENSIONS,
    *CONNECTIONS,
    *UNDO,
    *CREDENTIALS,
    *ACCOUNTS,
    *ERASURE,
    *FEED,
    *MAPPING,
    *RECONCILIATION,
    *REQUESTS,
    *KEYS,
    *AUDIT,
    *SETTINGS,
    *WEBHOOKS,
    *DELIVERIES,
    *SETS,
    *ADMINISTRATORS,
    *SETUP_LINKS,
)

TABLE: Final[Mapping[str, Mapping[str, ApiRoute]]] = {
    template: {route.method: route for route in ROUTES if route.template == template}
    for template in dict.fromkeys(route.template for route in ROUTES)
}

_ADDRESSES: Final = Addresses(TABLE)


def match(path: str) -> tuple[str, Mapping[str, str]]:
    """The template of a percent-decoded path below ``/api/v1`` and its parameters. Raises ``NotFound``."""
    found = _ADDRESSES.match(path)
    if found is None:
        raise errors.NotFound(f"There is no address '{path[:200]}' below /api/v1.")
    return found


def route(template: str, method: str) -> ApiRoute:
    """The row for the method. Raises ``MethodNotAllowed`` with the methods there are."""
    row = TABLE[template].get("GET" if method == "HEAD" else method)
    if row is None:
        allow = allowed(template)
        raise errors.MethodNotAllowed(
            f"{method} is not supported at this address; it takes {', '.join(allow)}.", allow=allow
        )
    return row


def allowed(template: str) -> tuple[str, ...]:
    """The methods of an address, for ``Allow``."""
    methods = TABLE[template]
    return (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")
