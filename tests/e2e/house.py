"""A server over one installation with something of everything, which moves from database to database."""

import asyncio
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from e2e.faulty import Faulty
from judges.harness import COMMAND, NO_TLS, environment

from rosterd.scim import urns
from rosterd.service.caller import Caller
from rosterd.service.connections import commit
from rosterd.service.mapping import Rules
from rosterd.service.sessions import Place
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

MEMBERS = 2000
OUTSIDE = "urn:example:floor:1.0:User"


def rosterd(*arguments: str, code: int = 0) -> str:
    """What a command says that ends with the code."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=120, env=environment()
    )
    assert done.returncode == code, f"{arguments}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


class House(Faulty):
    """A server over one installation, which moves from database to database."""

    def __init__(self, data: Path, token: str, key: str) -> None:
        super().__init__(data, token, delivery="off")
        self.key = key

    def move_to(self, data: Path, url: str | None) -> None:
        self.data = data
        self.settings.pop("ROSTERD_DATABASE_URL", None)
        if url is not None:
            self.settings["ROSTERD_DATABASE_URL"] = url

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(60) == 0

    def api(self, path: str, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        reply = httpx.get(
            f"{self.origin}/api/v1{path}", params=query, headers=headers, verify=NO_TLS, timeout=30
        )
        assert reply.status_code == 200, reply.text
        return reply.json() if reply.text[:1] in "{[" else reply.text

    def look(self, changes: int) -> dict[str, Any]:
        """All that clients and programs can see, but for what looking itself changes.

        Waits for the request log to have so many changes.
        """
        home = "/directories/acme"
        (webhook,) = self.api("/webhooks")["items"]
        (administrator,) = self.api("/administrators")["items"]
        (group,) = self.api(f"{home}/groups")["items"]
        (mapped,) = self.api(f"{home}/users", q="mapped")["items"]
        seen = {
            path: self.api(path)
            for path in (
                "/directories",
                f"{home}/schemas",
                f"{home}/requirements",
                f"{home}/connections",
                f"{home}/connections/okta/clients",
                f"{home}/users",
                f"{home}/users?state=deleted",
                f"{home}/users/{mapped['id']}/history",
                f"{home}/users/{mapped['id']}/mapped",
                f"{home}/groups/{group['id']}",
                f"{home}/groups/{group['id']}/members",
                f"{home}/groups/{group['id']}/pending",
                f"{home}/mapping",
                "/settings",
                "/signing-keys",
                f"/webhooks/{webhook['id']}",
                f"/webhooks/{webhook['id']}/lines",
                f"/administrators/{administrator['id']}/sessions",
            )
        }
        for page in seen.values():
            page.pop("nextCursor", None)  # it says until when it holds
        for _ in range(200):
            asked = self.api("/requests", directory="acme", limit="1000")["items"]
            seen["changes"] = [each for each in asked if each["method"] != "GET"]
            if len(seen["changes"]) == changes:
                break
            time.sleep(0.1)
        seen["audit"] = [e for e in self.api("/audit")["items"] if e["action"] != "installation.copied"]
        with self.client() as http:
            page = http.get("/Users", params={"filter": 'displayName co "mber 19"', "sortBy": "userName"})
            seen["users"] = page.json()
            found = http.get(f"/Groups/{group['id']}", params={"attributes": "displayName"})
            seen["group"], seen["tag"] = found.json(), found.headers["etag"]
            for entry in seen["users"]["Resources"][:5]:
                assert http.get(entry["meta"]["location"]).headers["etag"] == entry["meta"]["version"]
        return seen

    def read_on(self, cursor: str) -> list[Any]:
        """The events behind a cursor."""
        events: list[Any] = []
        more = True
        while more:
            page = self.api("/events", directory="acme", limit="1000", after=cursor)
            events, cursor, more = events + page["events"], page["next"], page["more"]
        return events


async def furnish(service: Service) -> tuple[str, str]:
    """A directory with something of everything; a token and a key."""
    home = await service.directories.create("acme", by=BY)
    attributes = [{"name": "floor", "type": "integer"}, {"name": "ratio", "type": "decimal"}]
    home = await service.extensions.put(home, OUTSIDE, attributes, by=BY)
    okta = await service.connections.create(home, "okta", by=BY)
    _, token = await service.tokens.issue(home.id, okta.id, by=BY)
    _, key = await service.keys.create(by=BY)
    await service.clients.create(home.id, okta.id, by=BY)
    rules = {"fields": [], "roles": [{"role": "staff", "when": "true"}]}
    await service.mappings.save(home, Rules.of(rules), by=BY)
    made = await service.access.administrators.first(by=BY)
    assert made
    owner = made[0]
    await service.access.sessions.open(owner, Place("192.0.2.1", "Browser", ""), way="password")
    await service.webhooks.create("https://app.example/hooks", by=BY)
    model = service.admission.model_of(home)
    caller = Caller(home, okta, ("scim.read", "scim.write"), model, "http://x", "request")
    users, groups = model.types["User"], model.types["Group"]

    async def create(body: dict[str, Any], type: Any = users) -> str:
        return (await commit(service.store, caller, service.commands.create(caller, type, body))).row.id

    def user(name: str, **more: Any) -> dict[str, Any]:
        return {"schemas": [urns.USER], "userName": name, **more}

    ids = await asyncio.gather(
        *(create(user(f"user{n}", displayName=f"Number {n}", externalId=f"x{n}")) for n in range(MEMBERS))
    )
    await create(user("x" * 900, displayName="Number 1900", **{OUTSIDE: {"floor": 3, "ratio": 1e20}}))
    await create(user("mapped"))
    members = [{"value": id} for id in (*ids, "nobody-yet")]
    await create({"schemas": [urns.GROUP], "displayName": "everybody", "members": members}, groups)
    await commit(service.store, caller, service.commands.delete(caller, users, ids[0]))
    while await service.projecting.catch_up():
        pass
    return token, key


async def furnished(data: Path) -> tuple[str, str]:
    async with open_service(Settings(data=data, delivery="off")) as service:
        return await furnish(service)
