"""A directory with something of everything, for browser tests: users in each state, groups, requests."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page

from rosterd.scim import urns
from rosterd.service.control import Policy
from rosterd.service.request_log import Wanted
from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

NAME, PASSWORD = "ada@example.com", "correct horse battery staple"
SCRIPT = "<script>alert(1)</script>"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PEOPLE = (
    ("Anna", "Berg", "Head of Finance"),
    ("Bruno", "Keller", "Engineer"),
    ("Chiara", "Rossi", "Engineer"),
    ("Dilnoza", "Karimova", "Designer"),
    ("Émile", "Durand", "Support"),
    ("Fatou", "Ndiaye", "Engineer"),
    ("Grace", "O'Connor", "Sales"),
    ("Hiro", "Tanaka", "Sales"),
)


@dataclass(frozen=True)
class Company:
    """Ids of what was made in directory ``acme``."""

    anna: str
    inactive: str
    deleted: str
    script: str
    engineers: str
    everybody: str
    conflict: int = 0
    """Number of a refused request in the log."""
    token: str = ""


def prepare(data: Path) -> Company:
    """Make a data directory that holds it."""
    return asyncio.run(_prepare(data))


def log_in(page: Page) -> None:
    """Log in as the owner."""
    page.goto("/login")
    page.get_by_label("Name or e-mail address").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/")


async def _prepare(data: Path) -> Company:
    async with open_service(Settings(data=data)) as service:
        acme = await service.directories.create("acme", by=BY)
        okta = await service.connections.create(acme, "okta", by=BY, policy=Policy())
        await service.connections.create(acme, "entra", by=BY, policy=Policy())
        _, token = await service.tokens.issue(acme.id, okta.id, label="Okta", by=BY)
        await service.webhooks.create("https://crm.invalid/", label="CRM", directory=acme.id, by=BY)
        await service.keys.create(by=BY, label="billing", scopes=("users.read", "events.read"))
        await service.access.administrators.create(NAME, OWNER, password=PASSWORD, by=BY)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "Okta SCIM Client 1.0.0"}
        site = httpx.ASGITransport(service.http.site)
        async with httpx.AsyncClient(
            transport=site, base_url="http://sp.example/scim/v2", headers=headers
        ) as scim:
            made = await _provision(scim)
        await service.journal.flush()
        refused = await service.control.exchange_page(acme.id, None, None, 1, Wanted(status=(409, 409)))
        return replace(made, conflict=refused.rows[0].seq, token=token)


async def _provision(scim: httpx.AsyncClient) -> Company:
    async def post(path: str, schema: str, **body: Any) -> str:
        reply = await scim.post(path, json={"schemas": [schema], **body})
        return str(reply.json().get("id", ""))

    async def change(path: str, **value: Any) -> None:
        await scim.patch(path, json={"schemas": [PATCH], "Operations": [{"op": "replace", "value": value}]})

    ids = [
        await post("/Users", urns.USER, **_person(number, *person)) for number, person in enumerate(PEOPLE)
    ]
    script = await post("/Users", urns.USER, userName=SCRIPT, displayName=SCRIPT)
    await change(f"/Users/{ids[0]}", title="Chief Financial Officer", nickName="Annie")
    await change(f"/Users/{ids[6]}", active="False")
    await scim.delete(f"/Users/{ids[7]}")
    await post("/Users", urns.USER, userName="anna.berg@acme.example")
    await post("/Users", urns.USER, displayName="Nobody")
    await scim.get("/Users", params={"filter": 'userName eq "zoe@acme.example"'})
    await scim.get("/Users/00u-never-seen")
    members = [{"value": id} for id in (*ids[1:3], ids[5], "00u-not-yet-here")]
    engineers = await post("/Groups", urns.GROUP, displayName="Engineers", members=members)
    everybody = await post(
        "/Groups", urns.GROUP, displayName="Everybody", members=[{"value": engineers}, {"value": ids[0]}]
    )
    return Company(ids[0], ids[6], ids[7], script, engineers, everybody)


def _person(number: int, given: str, family: str, title: str) -> dict[str, Any]:
    address = f"{given}.{family}@acme.example".casefold()
    return {
        "userName": address,
        "externalId": f"00u{number}",
        "displayName": f"{given} {family}",
        "name": {"givenName": given, "familyName": family},
        "title": title,
        "emails": [{"value": address, "type": "work", "primary": True}],
    }
