"""schemathesis against the running server, from an OpenAPI description made of the server's own routes."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from judges.harness import ERROR, LIST, SCIM_TYPES, Server, check_reply
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rosterd.http.routes import ROUTES

PARAMETERS = (
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
)
STATUSES: dict[str, tuple[int, ...]] = {
    "GET": (200, 304, 400, 403, 404, 406, 501),
    "POST": (200, 201, 400, 404, 409, 413, 415, 501),
    "PUT": (200, 400, 404, 409, 412, 413, 415, 501),
    "PATCH": (200, 204, 400, 404, 409, 412, 413, 415, 501),
    "DELETE": (204, 404, 412, 501),
}


def described() -> dict[str, Any]:
    """An OpenAPI document of the SCIM surface: every route, its parameters, its replies."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        for endpoint in ("Users", "Groups") if "{endpoint}" in route.template else ("",):
            path = route.template.replace("{endpoint}", endpoint)
            paths.setdefault(path, {})[route.method.lower()] = operation(route.method, path, body=route.body)
    return {
        "openapi": "3.1.0",
        "info": {"title": "SCIM", "version": "2.0"},
        "paths": paths,
        "components": {"schemas": {"Error": error(), "List": listing()}},
    }


def operation(method: str, path: str, *, body: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    if "{id}" in path:
        parameters.append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        )
    if method == "GET":
        parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
    described: dict[str, Any] = {
        "parameters": parameters,
        "responses": {str(status): reply(status) for status in STATUSES[method]},
    }
    if body:
        described["requestBody"] = {
            "required": True,
            "content": {"application/scim+json": {"schema": resource()}},
        }
    return described


def reply(status: int) -> dict[str, Any]:
    if status in (204, 304):
        return {"description": "no body"}
    schema = (
        {"$ref": "#/components/schemas/Error"}
        if status >= 400
        else {"type": "object", "required": ["schemas"]}
    )
    return {"description": "SCIM", "content": {"application/scim+json": {"schema": schema}}}


def resource() -> dict[str, Any]:
    anything: dict[str, Any] = {}
    names = (
        "userName",
        "displayName",
        "name",
        "emails",
        "active",
        "members",
        "Operations",
        "filter",
        "schemas",
    )
    return {"type": "object", "properties": dict.fromkeys(names, anything)}


def error() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["schemas", "status", "detail"],
        "properties": {
            "schemas": {"const": [ERROR]},
            "status": {"type": "string", "pattern": "^[45][0-9][0-9]$"},
            "detail": {"type": "string", "minLength": 1},
            "scimType": {"enum": sorted(SCIM_TYPES)},
        },
    }


def listing() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["schemas", "totalResults"],
        "properties": {"schemas": {"const": [LIST]}},
    }


schema = schemathesis.openapi.from_dict(described())


@pytest.fixture(scope="module")
def target(server: Server) -> tuple[str, str]:
    return server.base_url, server.connect("schemathesis").token


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_surface_keeps_its_description(case: schemathesis.Case, target: tuple[str, str]) -> None:
    base_url, token = target
    response = case.call(base_url=base_url, headers={"Authorization": f"Bearer {token}"})
    case.validate_response(
        response,
        checks=[
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
    request = httpx.Request(str(response.request.method), str(response.request.url))
    check_reply(
        httpx.Response(
            response.status_code,
            headers={name: values[0] for name, values in response.headers.items()},
            content=response.content,
            request=request,
        )
    )
