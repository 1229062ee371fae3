"""schemathesis against the management API of the running server, by the API's own OpenAPI document."""

import asyncio
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from judges.harness import Server, created, group, scim_client, user
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rosterd.http.api.openapi import BASE, described
from rosterd.http.api.routes import ROUTES
from rosterd.service.control import Policy
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Settings, open_service

schema = schemathesis.openapi.from_dict(described(ROUTES))
NAMES = {"directory": "fuzzed", "connection": "fuzzed"}


async def prepared(data: Path) -> tuple[str, str, dict[str, str]]:
    """A directory with a connection: an API key, a token, and the names of what is there."""
    async with open_service(Settings(data=data)) as service:
        made = await service.directories.create("fuzzed", by=BY)
        connection = await service.control.create_connection(made.id, "fuzzed", "auto", Policy(), 1, ENTRY)
        token, bearer = await service.tokens.issue(made.id, connection.id, by=BY)
        client, _ = await service.clients.create(made.id, connection.id, by=BY)
        _, text = await service.keys.create(label="fuzz", by=BY)
        return text, bearer, {**NAMES, "token": token.id, "client": client.id}


@pytest.fixture(scope="module")
def target(server: Server) -> tuple[str, str, dict[str, str]]:
    text, bearer, names = asyncio.run(prepared(server.data))
    with scim_client(server.base_url, bearer) as scim:
        ann = created(scim, "/Users", user("ann"))["id"]
        staff = created(scim, "/Groups", group("Staff", ann, "nobody yet"))["id"]
    return server.origin, text, {**names, "user": ann, "group": staff}


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_keeps_its_description(
    case: schemathesis.Case, target: tuple[str, str, dict[str, str]]
) -> None:
    root, key, names = target
    if (case.query or {}).get("wait"):
        case.query.pop("wait")
    response = case.call(base_url=root + BASE, headers={"Authorization": f"Bearer {key}"})
    check(case, response)
    # The same once more at an address that is there.
    for name in case.path_parameters or {}:
        case.path_parameters[name] = names.get(name, case.path_parameters[name])
    if "directory" in (case.query or {}):
        case.query["directory"] = "fuzzed"
    if case.path_parameters or (case.query or {}).get("directory"):
        check(case, case.call(base_url=root + BASE, headers={"Authorization": f"Bearer {key}"}))


def check(case: schemathesis.Case, response: schemathesis.Response) -> None:
    assert response.status_code != 500, response.text
    case.validate_response(
        response,
        checks=[
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ],
    )
