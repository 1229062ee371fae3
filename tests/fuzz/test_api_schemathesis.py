"""schemathesis against the management API of the running server, by the API's own OpenAPI document."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
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
from rosterd.service.control import Directory, Policy
from rosterd.service.preferences import PREFERENCES
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Service, Settings, open_service

schema = schemathesis.openapi.from_dict(described(ROUTES))
NAMES = {"directory": "fuzzed", "connection": "fuzzed"}


async def prepared(data: Path) -> tuple[str, str, dict[str, str]]:
    """A directory with a connection: an API key, a token, and the names of what is there."""
    async with open_service(Settings(data=data)) as service:
        made = await service.directories.create("fuzzed", by=BY)
        connection = await service.control.create_connection(made.id, "fuzzed", "auto", Policy(), 1, ENTRY)
        token, bearer = await service.tokens.issue(made.id, connection.id, by=BY)
        client, _ = await service.clients.create(made.id, connection.id, by=BY)
        link, _ = await service.access.setup_links.create(connection, by=BY)
        somebody = await service.access.administrators.create("fuzzed", "viewer", by=BY)
        access = {"link": link.id, "administrator": somebody.id}
        other, _ = await service.keys.create(label="other", by=BY)
        webhook = await refusing(service, made)
        _, text = await service.keys.create(label="fuzz", by=BY)
        return (
            text,
            bearer,
            {**NAMES, "token": token.id, "client": client.id, "key": other.id, **webhook, **access},
        )


async def refusing(service: Service, directory: Directory) -> dict[str, str]:
    """A webhook that is never connected to, with an entry in its log."""
    webhook, _ = await service.webhooks.create("https://app.example/", directory=directory.id, by=BY)
    made, webhook = webhook, replace(webhook, url="https://127.0.0.1/")
    await service.control.update_webhook(made, webhook, ENTRY)
    return {"webhook": webhook.id, "delivery": str((await service.webhooks.test(webhook, by=BY)).seq)}


async def newest_request(data: Path) -> str:
    """The id of the newest request in the log, as soon as the server has written one."""
    async with open_service(Settings(data=data)) as service:
        home = await service.control.directory("fuzzed")
        assert home is not None
        for _ in range(200):  # the server writes twice a second
            if last := await service.request_log.last_exchange(home.id):
                return str(last)
            await asyncio.sleep(0.05)
        raise AssertionError("the server wrote no request down")


@pytest.fixture(scope="module")
def target(server: Server) -> Iterator[tuple[str, str, dict[str, str]]]:
    text, bearer, names = asyncio.run(prepared(server.data))
    with scim_client(server.base_url, bearer) as scim:
        ann = created(scim, "/Users", user("ann"))["id"]
        staff = created(scim, "/Groups", group("Staff", ann, "nobody yet"))["id"]
    names["request"] = asyncio.run(newest_request(server.data))
    yield server.origin, text, {**names, "user": ann, "group": staff}
    # Other tests share the server.
    server.cli("settings", "set", *(f"{name}=default" for name in PREFERENCES))


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
