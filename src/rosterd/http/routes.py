"""The SCIM routes as a table, and the way from a path to its row.

Paths are read tolerantly: doubled and trailing slashes do not matter, nor the letter case of an
endpoint. ``/d/{directory}`` before a path names the directory, which must be the token's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rosterd.scim import errors
from rosterd.service.caller import ANY, READ, WRITE


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one kind of address."""

    method: str
    template: str
    scope: str | None
    """The token scope it needs, for the resource type if it has one; ``ANY``: a token with whatever scope;
    ``None``: no token either."""
    handler: str
    """The name of the method of ``ScimApp`` that answers."""
    summary: str
    body: bool = False


ROUTES: Final = (
    Route("GET", "/{endpoint}", READ, "list", "List or search resources of one type"),
    Route("POST", "/{endpoint}", WRITE, "create", "Create a resource", body=True),
    Route("POST", "/{endpoint}/.search", READ, "search", "Search resources of one type", body=True),
    Route("GET", "/{endpoint}/{id}", READ, "read", "Read a resource"),
    Route("PUT", "/{endpoint}/{id}", WRITE, "replace", "Replace a resource", body=True),
    Route("PATCH", "/{endpoint}/{id}", WRITE, "patch", "Change a resource", body=True),
    Route("DELETE", "/{endpoint}/{id}", WRITE, "delete", "Delete a resource"),
    Route("GET", "/", READ, "list_all", "List or search resources of every type"),
    Route("POST", "/.search", READ, "search_all", "Search resources of every type", body=True),
    Route("POST", "/Bulk", WRITE, "bulk", "Many operations in one request", body=True),
    Route("GET", "/ServiceProviderConfig", None, "service_provider_config", "What this server supports"),
    Route("GET", "/ResourceTypes", ANY, "resource_types", "The resource types of the directory"),
    Route("GET", "/ResourceTypes/{id}", ANY, "resource_type", "One resource type"),
    Route("GET", "/Schemas", ANY, "schemas", "The schemas of the directory"),
    Route("GET", "/Schemas/{id}", ANY, "schema", "One schema"),
    *(
        Route(method, "/Me", ANY, "me", "Not mapped to a user: always 501")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)

# Addresses some clients use for a standard one (Microsoft's reference collection).
ALIASES: Final[Mapping[str, str]] = {"serviceconfiguration": "serviceproviderconfig"}

TABLE: Final[Mapping[str, Mapping[str, Route]]] = {
    template: {r.method: r for r in ROUTES if r.template == template}
    for template in dict.fromkeys(r.template for r in ROUTES)
}

_STANDARD: Final = {
    template.strip("/").split("/")[0].casefold(): template.strip("/").split("/")[0]
    for template in TABLE
    if not template.startswith("/{")
}
_FIXED: Final = {**_STANDARD, **{alias: _STANDARD[name] for alias, name in ALIASES.items()}}


@dataclass(slots=True)
class Match:
    """A path read: its template, the directory it names, the endpoint segment and the id."""

    template: str
    directory: str | None
    endpoint: str = ""
    id: str = ""


NOWHERE: Final = Match("", None)
"""What is said of a path that could not be read."""


def match(path: str) -> Match:
    """Read a path below the SCIM base URL; raises ``NotFound`` for one of no known form.

    ``path`` is percent-decoded already, as ASGI gives it.
    """
    segments = [*filter(None, path.split("/"))]
    directory = None
    if len(segments) > 1 and segments[0] == "d":
        directory, segments = segments[1], segments[2:]
    if not segments:
        return Match("/", directory)
    fixed = _FIXED.get(segments[0].casefold())
    if fixed is not None:
        template = f"/{fixed}" if len(segments) == 1 else f"/{fixed}/{{id}}"
        if len(segments) > 2 or template not in TABLE:
            raise _unknown(path)
        return Match(template, directory, id=segments[1] if len(segments) == 2 else "")
    if len(segments) == 1:
        return Match("/{endpoint}", directory, segments[0])
    if len(segments) > 2:
        raise _unknown(path)
    if segments[1] == ".search":
        return Match("/{endpoint}/.search", directory, segments[0])
    return Match("/{endpoint}/{id}", directory, segments[0], segments[1])


def route(found: Match, method: str) -> Route:
    """The row for the method; raises ``MethodNotAllowed`` with the methods there are."""
    row = TABLE[found.template].get("GET" if method == "HEAD" else method)
    if row is None:
        allow = allowed(found)
        raise errors.MethodNotAllowed(
            f"{method} is not supported at this address; it takes {', '.join(allow)}.", allow=allow
        )
    return row


def allowed(found: Match) -> tuple[str, ...]:
    """The methods of an address, for ``Allow``."""
    methods = TABLE[found.template]
    return (*methods, *(("HEAD",) if "GET" in methods else ()), "OPTIONS")


def _unknown(path: str) -> errors.NotFound:
    return errors.NotFound(f"There is no address '{path[:200]}' below the SCIM base URL.")
