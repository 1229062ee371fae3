"""The table of routes as an OpenAPI 3.1 document; nothing in it is written by hand twice."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib import metadata
from typing import Any, Final

from rosterd.http.api.administrators import COMPONENTS as ADMINISTRATOR_COMPONENTS
from rosterd.http.api.components import COMPONENTS
from rosterd.http.api.extensions import COMPONENTS as EXTENSION_COMPONENTS
from rosterd.http.api.route import JSON, ApiRoute, Schema
from rosterd.http.api.schemas import ref
from rosterd.http.api.sets import COMPONENTS as SET_COMPONENTS
from rosterd.http.api.setup_links import COMPONENTS as SETUP_LINK_COMPONENTS
from rosterd.http.api.webhook_schemas import COMPONENTS as WEBHOOK_COMPONENTS
from rosterd.service.keys import SCOPES

BASE: Final = "/api/v1"
PROBLEM: Final = "application/problem+json"
_UNIVERSAL: Final = (404, 405, 406, 500, 503)

SCHEMAS: Final[Mapping[str, Schema]] = {
    **COMPONENTS,
    **EXTENSION_COMPONENTS,
    **ADMINISTRATOR_COMPONENTS,
    **SETUP_LINK_COMPONENTS,
    **WEBHOOK_COMPONENTS,
    **SET_COMPONENTS,
}
"""All named schemas, from wherever they are described."""

PARAMETERS: Final[Mapping[str, str]] = {
    "directory": "Name of the directory.",
    "connection": "Name of the connection.",
    "client": "Id of the client.",
    "token": "Id of the token.",
    "key": "Id of the API key.",
    "request": "Id of the request in the log.",
    "user": "Id of the user.",
    "group": "Id of the group.",
    "urn": "URN of the extension.",
    "administrator": "Id of the administrator.",
    "session": "Id of the session.",
    "link": "Id of the set-up link.",
    "webhook": "Id of the webhook.",
    "stream": "Id of the webhook that is a stream of security event tokens and is polled.",
    "delivery": "Id of the attempt.",
}
"""What the parameters in addresses mean."""


def described(routes: Iterable[ApiRoute]) -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rosterd management API",
            "version": metadata.version("rosterd"),
            "description": "Directories, connections, tokens, accounts and events of a rosterd server.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": BASE}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, `rak_…`. Scopes: "
                    + "; ".join(f"`{name}`: {meaning}" for name, meaning in SCOPES.items()),
                }
            },
        },
    }


def statuses(route: ApiRoute) -> tuple[int, ...]:
    """Every status a route may reply with."""
    found = {route.status, *_UNIVERSAL, *route.statuses}
    if route.scope is not None:
        found |= {401, 403, 429}
    found.add(400)
    if route.body is not None:
        found |= {413, 415}
    if route.method == "POST":
        found |= {409, 422}
    return tuple(sorted(found))


def _operation(route: ApiRoute) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": {str(status): _response(route, status) for status in statuses(route)},
    }
    parameters = [_path(part[1:-1]) for part in route.template.split("/") if part.startswith("{")]
    parameters += [
        {"name": name, "in": "query", "description": schema["description"], "schema": dict(schema)}
        for name, schema in route.query.items()
    ]
    if route.method == "POST":
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Any text of your own; a repeated request with it is carried out once.",
                "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
            }
        )
    if parameters:
        operation["parameters"] = parameters
    if route.scope is None:
        operation["security"] = []
    else:
        operation["description"] = f"Needs the scope `{route.scope}`."
    if route.body is not None:
        required = bool(route.body.get("required"))
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": route.body}}}
    return operation


def operation_id(route: ApiRoute) -> str:
    """A name for the operation that stays the same."""
    return route.handler.__name__.rstrip("_")


def _path(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": PARAMETERS[name], "schema": schema}


def _response(route: ApiRoute, status: int) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    if status >= 400:
        return {"description": phrase, "content": {PROBLEM: {"schema": ref("Problem")}}}
    if route.reply is None:
        return {"description": phrase}
    return {"description": phrase, "content": {media: _media(media, route.reply) for media in route.media}}


def _media(media: str, reply: Schema) -> dict[str, Any]:
    """JSON by its schema; a stream is a text to whoever looks at it as a whole."""
    if media == JSON:
        return {"schema": reply}
    return {"schema": {"type": "string", "description": f"{reply['description']} As {media}."}}
