"""The console over a real store file, in this process: visitors with sessions, forms with their CSRF token.

def test_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        page = await owner.get("/directories/acme/connections")
        assert page.status == 200
        assert page.heading == "Connections"
        done = await owner.post("/directories/acme/connections", name="okta", idp="okta")

    run(tmp_path, test)
"""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from rosterd.console.cookies import SESSION
from rosterd.scim import urns
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.sessions import Place
from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

ORIGIN = "http://sp.example"
_numbers = itertools.count(1)
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]+>", re.S)


@dataclass(frozen=True)
class Shown:
    """A reply of the console."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.text

    @property
    def words(self) -> str:
        """What a reader sees: no tags, blanks drawn together. Values of inputs are not in it."""
        return " ".join(unescape(_TAG.sub(" ", self.html)).split())

    @property
    def heading(self) -> str:
        """The page's one ``h1``."""
        found = re.findall(r"<h1[^>]*>(.*?)</h1>", self.html, re.S)
        assert len(found) == 1, f"a page has one h1, this one {len(found)}: {self.words[:500]}"
        return " ".join(unescape(_TAG.sub(" ", found[0])).split())

    @property
    def leads_to(self) -> str:
        """Where a redirect goes."""
        assert self.status == 303, f"{self.status}: {self.words[:1000]}"
        return self.response.headers["location"]

    def values(self, name: str) -> list[str]:
        """The values of the page's inputs of one name."""
        tags = [tag for tag in re.findall(r"<input\b[^>]*>", self.html) if f' name="{name}"' in tag]
        return [unescape(found[1]) if (found := re.search(r' value="([^"]*)"', tag)) else "" for tag in tags]

    def value(self, id: str) -> str:
        """The value of the input with an id, e.g. what a Copy button copies."""
        for tag in re.findall(r"<input\b[^>]*>", self.html):
            if f' id="{id}"' in tag and (found := re.search(r' value="([^"]*)"', tag)):
                return unescape(found[1])
        raise AssertionError(f"there is no input #{id}: {self.words[:1000]}")


@dataclass
class Visit:
    """Somebody's browser: cookies are kept, redirects are not followed."""

    client: httpx.AsyncClient
    csrf: str = ""

    async def get(self, path: str, **query: Any) -> Shown:
        """A page."""
        return Shown(await self.client.get(path, params=query or None))

    async def post(self, path: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Shown:
        """Send a form, with the session's CSRF token. A list is sent as several fields of one name."""
        return await self.send(path, {"csrf": self.csrf, **(fields or {}), **more})

    async def send(self, path: str, form: Mapping[str, Any], **headers: str) -> Shown:
        """Send exactly this form."""
        content = urlencode(form, doseq=True)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return Shown(await self.client.post(path, content=content, headers={**kind, **headers}))

    async def follow(self, shown: Shown) -> Shown:
        """The page that a redirect leads to."""
        return await self.get(shown.leads_to)


@dataclass
class World:
    """Directories ``acme`` and ``other``, each with a connection ``okta``; ``scim`` provisions ``acme``."""

    service: Service
    scim: httpx.AsyncClient
    site: httpx.ASGITransport
    acme: Directory
    okta: Connection
    """acme's."""

    async def visit(
        self, role: str = OWNER, *, directory: str | None = None, connection: Connection | None = None
    ) -> Visit:
        """Somebody with a role, bound to a directory or not, who has logged in.

        With a connection: somebody who came by a set-up link for it.
        """
        place = Place("192.0.2.1", "a test", "")
        sessions = self.service.access.sessions
        if connection is not None:
            link, _ = await self.service.access.setup_links.create(connection, by=BY)
            value = await sessions.open_setup(link, place)
        else:
            bound = await self.service.control.directory(directory) if directory else None
            made = await self.service.access.administrators.create(
                f"{role}-{next(_numbers)}", role, directory=bound.id if bound else None, by=BY
            )
            value = await sessions.open(made, place, way="test")
        visitor = await sessions.visitor(value, place)
        assert visitor is not None
        return Visit(self._client({SESSION: value}), visitor.csrf)

    def guest(self) -> Visit:
        """Somebody who has not logged in."""
        return Visit(self._client({}))

    async def user(self, name: str, /, **more: Any) -> dict[str, Any]:
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

    def _client(self, cookies: dict[str, str]) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.site, base_url=ORIGIN, cookies=cookies)


def run(path: Path, test: Callable[[World], Awaitable[None]], **settings: Any) -> None:
    """Run a test on a fresh data directory."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data", **settings)) as service:
            site = httpx.ASGITransport(service.http.site)
            for name in ("other", "acme"):
                home = await service.directories.create(name, by=BY)
                line = await service.connections.create(home, "okta", by=BY, policy=Policy())
            _, token = await service.tokens.issue(home.id, line.id, label="first", by=BY)
            async with httpx.AsyncClient(
                transport=site, base_url=f"{ORIGIN}/scim/v2", headers={"Authorization": f"Bearer {token}"}
            ) as scim:
                world = World(service, scim, site, home, line)
                await test(world)

    asyncio.run(main())


def told(value: object) -> str:
    """A parameter as the id of its test: always the same, also of a set."""
    return str(sorted(value)) if isinstance(value, set) else str(value)
