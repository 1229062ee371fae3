"""The management API over a real store file, in this process: two directories with something in them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from rosterd.scim import urns
from rosterd.service.control import Policy
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Service, Settings, open_service

BASE = "http://sp.example/api/v1"


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


def run(path: Path, test: Callable[[World], Awaitable[None]]) -> None:
    """Run a test on directories ``acme`` and ``other``, each with a connection ``okta``."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data")) as service:
            site = httpx.ASGITransport(service.site)
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
