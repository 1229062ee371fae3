"""A stand-in for an Okta organisation: a real HTTP server that plays Okta's side of the CRUD suites.

It answers the calls of Okta's management API that occur in the suites, and does to the SCIM server
what Okta does on such a call, in one of Okta's two styles: ``patch`` (OIN apps: activation by a
path-less PATCH) or ``put`` (App Integration Wizard apps: GET, then PUT of what came back, changed).
A call that it does not know is 501, which no suite expects.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from judges.harness import NO_TLS

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
HEADERS = {
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "Okta SCIM Client 1.0.0",
}


@dataclass
class Person:
    """A person of the organisation, and what the SCIM server calls them once assigned."""

    id: str
    profile: dict[str, Any]
    app_profile: dict[str, Any] = field(default_factory=dict)
    scim_id: str | None = None


class ProvisioningFailed(Exception):
    """The SCIM server did not do what Okta needs; Okta would show the text among its tasks."""


@dataclass
class Okta:
    """The organisation and its one SCIM app."""

    scim_url: str
    scim_auth: str
    style: str
    app_id: str = "0oa1scimapp"
    token: str = "00okta-api-token"
    entitlements: tuple[dict[str, str], ...] = ()
    people: dict[str, Person] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer one call of the management API."""
        for verb, pattern, act in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and verb == method:
                try:
                    return act(self, match.groupdict(), body)
                except ProvisioningFailed as error:
                    self.tasks.append(str(error))
                    return 500, {"errorSummary": str(error)}
        return 501, {"errorSummary": f"{method} {path} is not played"}

    # --- towards the SCIM server

    def scim(self, method: str, path: str, body: Any = None, *, expect: tuple[int, ...] = (200,)) -> Any:
        """One SCIM request as Okta sends it."""
        with httpx.Client(timeout=60, verify=NO_TLS) as client:
            response = client.request(
                method,
                self.scim_url + path,
                headers={**HEADERS, "Authorization": self.scim_auth},
                content=None if body is None else json.dumps(body),
            )
        if response.status_code not in expect:
            raise ProvisioningFailed(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None

    def find(self, user_name: str) -> dict[str, Any] | None:
        """Okta's look-up before it creates."""
        query = httpx.QueryParams({"filter": f'userName eq "{user_name}"', "startIndex": 1, "count": 100})
        found = self.scim("GET", f"/Users?{query}")
        return found["Resources"][0] if found["totalResults"] else None

    def resource(self, person: Person) -> dict[str, Any]:
        """The SCIM user that Okta makes of a person."""
        profile = person.app_profile
        resource: dict[str, Any] = {
            "schemas": [USER],
            "userName": profile["email"],
            "name": {"givenName": profile["givenName"], "familyName": profile["familyName"]},
            "emails": [{"primary": True, "value": profile["email"], "type": "work"}],
            "displayName": f"{profile['givenName']} {profile['familyName']}",
            "locale": "en-US",
            "externalId": person.id,
            "groups": [],
            "active": True,
        }
        if self.entitlements:
            resource["entitlements"] = list(self.entitlements)
        return resource

    def push(self, person: Person, **changes: Any) -> None:
        """Okta's profile update: GET, then PUT of what the server returned, changed."""
        current = self.scim("GET", f"/Users/{person.scim_id}")
        wanted = self.resource(person)
        wanted.pop("groups")
        merged = {**current, **wanted, "active": current.get("active", True), **changes}
        merged["schemas"] = current["schemas"]
        self.scim("PUT", f"/Users/{person.scim_id}", merged)

    def set_active(self, person: Person, active: bool) -> None:
        """Activation and deactivation."""
        if self.style == "put":
            self.push(person, active=active)
            return
        body = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": active}}]}
        self.scim("PATCH", f"/Users/{person.scim_id}", body, expect=(200, 204))

    # --- the management API

    def get_app(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        return (200, {"id": self.app_id, "status": "ACTIVE"}) if names["app"] == self.app_id else (404, {})

    def add_user(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        person = Person("00u" + uuid.uuid4().hex[:17], body["profile"])
        self.people[person.id] = person
        return 200, {"id": person.id, "status": "ACTIVE", "profile": person.profile}

    def assign(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        person = self.people[body["id"]]
        person.app_profile = body["profile"]
        existing = self.find(body["profile"]["email"])
        if existing is None:
            created = self.scim(
                "POST", "/Users", {**self.resource(person), "password": uuid.uuid4().hex}, expect=(201,)
            )
            if not created:
                raise ProvisioningFailed("Create new user returned empty user")
            person.scim_id = created["id"]
        else:
            if person.scim_id not in (None, existing["id"]):
                raise ProvisioningFailed(f"the user's id changed from {person.scim_id} to {existing['id']}")
            person.scim_id = existing["id"]
            if not existing["active"]:
                self.set_active(person, True)
            self.push(person)
        return 200, {"id": person.id, "externalId": person.scim_id, "status": "PROVISIONED"}

    def update_user(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        person = self.people[names["user"]]
        person.profile |= body["profile"]
        person.app_profile["givenName"] = person.profile["firstName"]
        self.push(person)
        return 200, {"id": person.id, "profile": person.profile}

    def deactivate_user(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        self.set_active(self.people[names["user"]], False)
        return 200, {}

    def activate_user(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        # Okta activates the person; the app hears of it with the new assignment.
        return (200, {"activationUrl": "x"}) if names["user"] in self.people else (404, {})

    def unassign(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        self.set_active(self.people[names["user"]], False)
        return 204, None

    def grant(self, names: dict[str, str], body: Any) -> tuple[int, Any]:
        person = self.people[body["targetPrincipal"]["externalId"]]
        self.push(person)
        return 200, {"id": uuid.uuid4().hex}


Act = Callable[[Okta, dict[str, str], Any], tuple[int, Any]]
ROUTES: tuple[tuple[str, str, Act], ...] = (
    ("GET", r"/api/v1/apps/(?P<app>\w+)", Okta.get_app),
    ("POST", r"/api/v1/users\?activate=true", Okta.add_user),
    ("PUT", r"/api/v1/users/(?P<user>\w+)", Okta.update_user),
    ("POST", r"/api/v1/apps/(?P<app>\w+)/users", Okta.assign),
    ("DELETE", r"/api/v1/apps/(?P<app>\w+)/users/(?P<user>\w+)", Okta.unassign),
    ("POST", r"/api/v1/users/(?P<user>\w+)/lifecycle/deactivate", Okta.deactivate_user),
    ("POST", r"/api/v1/users/(?P<user>\w+)/lifecycle/activate", Okta.activate_user),
    ("POST", r"/governance/api/v1/grants", Okta.grant),
)


@contextmanager
def serving(okta: Okta) -> Iterator[str]:
    """Run the organisation on a free port of the loopback; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            if self.headers.get("Authorization") != f"SSWS {okta.token}":
                status, body = 401, {"errorSummary": "Invalid token provided"}
            else:
                status, body = okta.handle(self.command, self.path, json.loads(text) if text else None)
            payload = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
