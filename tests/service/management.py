"""The management API over a real store file, in this process: two directories with something in them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
from service.phone import equip

from rosterd.http.api.route import ApiRoute
from rosterd.scim import urns
from rosterd.service.control import Policy
from rosterd.service.sessions import Place
from rosterd.service.set_stream import POLL, Stream
from rosterd.service.visitor import VIEWER
from rosterd.service.webhooks import Endpoint
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Service, Settings, open_service

BASE = "http://sp.example/api/v1"
URN: Final = "urn:ietf:params:scim:schemas:extension:other:2.0:User"
"""The extension that ``fill`` makes."""


BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /directories": {"name": "new"},
    "POST /directories/{directory}/definitions": {
        "schemas": [{"id": "urn:x:new", "name": "New", "attributes": [{"name": "code"}]}]
    },
    "PUT /directories/{directory}/schemas/{urn}": {"attributes": [{"name": "floor"}, {"name": "code"}]},
    "PUT /directories/{directory}/requirements": {"requirements": {"User": {"required": ["title"]}}},
    "POST /directories/{directory}/connections": {"name": "new"},
    "PATCH /directories/{directory}/connections/{connection}": {"profile": "strict", "limits": {"burst": 9}},
    "POST /directories/{directory}/connections/{connection}/state": {"move": "pause", "reason": "migration"},
    "POST /directories/{directory}/connections/{connection}/undo": {
        "since": "2026-01-01T00:00:00Z",
        "preview": True,
    },
    "PUT /directories/{directory}/mapping": {"fields": [], "roles": [{"role": "staff", "when": "true"}]},
    "POST /directories/{directory}/mapping/preview": {"fields": [], "roles": []},
    "POST /directories/{directory}/reconciliation": {"accounts": [{"account": "1"}]},
    "POST /directories/{directory}/connections/{connection}/adopt": {
        "accounts": [{"account": "1", "userName": "adopted"}]
    },
    "POST /administrators": {"name": "new", "role": "viewer"},
    "PATCH /administrators/{administrator}": {"disabled": True},
    "POST /keys": {"label": "new"},
    "POST /webhooks": {"url": "https://app.example/hooks", "types": ["user.*"]},
    "PATCH /webhooks/{webhook}": {"label": "new"},
    "POST /webhooks/{webhook}/state": {"move": "disable", "reason": "migration"},
    "POST /sets/{stream}/poll": {"returnImmediately": True},
    "PATCH /settings": {"eventRetentionDays": 90},
}
"""The body with which a request works and changes something; those not here need none."""

SPARE: Final = {"DELETE /directories/{directory}/connections/{connection}": "spare"}
"""The connection for which a request works that does not with one that has something."""


@dataclass
class World:
    """``api`` speaks with a key for everything; ``scim`` provisions directory ``acme``."""

    service: Service
    api: httpx.AsyncClient
    scim: httpx.AsyncClient
    site: httpx.ASGITransport

    async def client(self, directory: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A client with a key of its own."""
        home = await self.service.control.directory(directory) if directory else None
        _, text = await self.service.keys.create(directory=home.id if home else None, **options, by=BY)
        return httpx.AsyncClient(
            transport=self.site, base_url=BASE, headers={"Authorization": f"Bearer {text}"}
        )

    async def user(self, name: str, **more: Any) -> dict[str, Any]:
        """A user of ``acme``."""
        return await self._made("/Users", {"schemas": [urns.USER], "userName": name, **more})

    async def group(self, name: str, *members: str) -> dict[str, Any]:
        """A group of ``acme``."""
        values = [{"value": member} for member in members]
        return await self._made("/Groups", {"schemas": [urns.GROUP], "displayName": name, "members": values})

    async def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self.scim.post(path, json=body)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made


def run(path: Path, test: Callable[[World], Awaitable[None]], **settings: Any) -> None:
    """Run a test on directories ``acme`` and ``other``, each with a connection ``okta``."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data", **settings)) as service:
            site = httpx.ASGITransport(service.http.site)
            for name in ("acme", "other"):
                made = await service.directories.create(name, by=BY)
                home = await service.control.create_connection(made.id, "okta", "auto", Policy(), 1, ENTRY)
                if name == "acme":
                    _, token = await service.tokens.issue(made.id, home.id, label="first", by=BY)
            _, key = await service.keys.create(label="all", by=BY)
            async with (
                httpx.AsyncClient(transport=site, base_url=BASE, headers=_bearer(key)) as api,
                httpx.AsyncClient(
                    transport=site, base_url="http://sp.example/scim/v2", headers=_bearer(token)
                ) as scim,
            ):
                await test(World(service, api, scim, site))

    asyncio.run(main())


def label(route: ApiRoute) -> str:
    return f"{route.method} {route.template}"


def address(route: ApiRoute, directory: str, ids: dict[str, str]) -> str:
    """The path of a route, to a directory and what has these ids."""
    path = route.template
    connection = SPARE.get(label(route), ids["connection"])
    for name, value in {**ids, "directory": directory, "connection": connection}.items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def fill(world: World) -> dict[str, str]:
    """Put something of each kind into directory ``other``; the ids."""
    service = world.service
    home = await service.control.directory("other")
    assert home is not None
    connection = await service.control.connection(home.id, "okta")
    assert connection is not None
    await service.connections.create(home, "spare", by=BY)
    token, text = await service.tokens.issue(home.id, connection.id, by=BY)
    key, _ = await service.keys.create(label="other's", directory=home.id, by=BY)
    await service.extensions.put(home, URN, [{"name": "floor"}], by=BY)
    client, _ = await service.clients.create(home.id, connection.id, by=BY)
    link, _ = await service.access.setup_links.create(connection, by=BY)
    administrator = await service.access.administrators.create("eve", VIEWER, directory=home.id, by=BY)
    administrator = await equip(service.access.second_factors, administrator)
    await service.access.sessions.open(administrator, Place("192.0.2.1", "Browser", ""), way="test")
    (session,) = await service.access.sessions.list(administrator.id)
    webhook, _ = await service.webhooks.create("https://app.example/", directory=home.id, by=BY)
    # Nobody is asked where that is: it is refused at once.
    made, webhook = webhook, replace(webhook, url="https://127.0.0.1/")
    await service.control.update_webhook(made, webhook, ENTRY)
    await service.webhooks.test(webhook, by=BY)
    scim = httpx.AsyncClient(
        transport=world.site,
        base_url="http://sp.example/scim/v2",
        headers={"Authorization": f"Bearer {text}"},
    )
    user = (await scim.post("/Users", json={"schemas": [urns.USER], "userName": "eve"})).json()
    group = {"schemas": [urns.GROUP], "displayName": "Spies", "members": [{"value": user["id"]}]}
    made = (await scim.post("/Groups", json=group)).json()
    polled = Endpoint("we_polled", home.id, "", "", (), 1, stream=Stream("app", POLL))
    await service.control.create_webhook(polled, ENTRY)
    return {
        "connection": "okta",
        "stream": polled.id,
        "token": token.id,
        "client": client.id,
        "link": link.id,
        "administrator": administrator.id,
        "session": session.id,
        "key": key.id,
        "urn": URN,
        "webhook": webhook.id,
        "user": user["id"],
        "group": made["id"],
        "request": await _request(service, home.id),
    }


async def _request(service: Service, directory: int) -> str:
    """The id of a directory's newest request in the log."""
    await service.journal.flush()
    return str(await service.request_log.last_exchange(directory))


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of a reply of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == response.headers["x-request-id"]
    return body


async def walk(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items: list[dict[str, Any]] = []
    while True:
        response = await client.get(path, params=query)
        assert response.status_code == 200, response.text
        page = response.json()
        items += page["items"]
        if page["nextCursor"] is None:
            return items
        query["cursor"] = page["nextCursor"]


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
