"""The server under test, and a client that checks what holds for every reply.

The server is a process of its own with its own file, started by the command that users type. Each test
gets a directory of its own in it, so that tests do not see each other.
"""

import contextlib
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from judges.commands import said

from rosterd.service.audit import ITSELF
from rosterd.service.control import Policy
from rosterd.service.limits import Limits
from rosterd.wiring import Settings, open_service

SCIM_JSON = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# RFC 7644 table 9 and RFC 9865 §2.1.
SCIM_TYPES = {
    *("invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget"),
    *("invalidValue", "invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount"),
}

COMMAND = [str(Path(sys.executable).with_name("rosterd"))]
START_TIMEOUT = 30.0


def check_reply(response: httpx.Response) -> None:
    """What holds for every reply of a SCIM server, whatever was asked (RFC 7644 §3.1, §3.12)."""
    asked = f"{response.request.method} {response.request.url}"
    assert response.status_code != 500, f"{asked}: {response.status_code} {response.text}"
    if response.status_code in (204, 304) or response.request.method == "HEAD":
        assert response.content == b"", f"{asked}: {response.status_code} with a body {response.content!r}"
        return
    if not response.content:
        assert response.request.method == "OPTIONS", f"{asked}: {response.status_code} without a body"
        return
    media = response.headers.get("content-type", "").partition(";")[0].strip()
    assert media == SCIM_JSON, f"{asked}: Content-Type {media!r}"
    body = response.json()
    assert isinstance(body, dict)
    if response.status_code >= 400:
        check_error(body, response.status_code, asked)
    if response.status_code == 401:
        assert "bearer" in response.headers.get("www-authenticate", "").lower(), asked


def check_error(body: Mapping[str, Any], status: int, asked: str = "") -> None:
    """A SCIM error message (RFC 7644 §3.12): ``status`` is a string, ``detail`` is for people."""
    assert body.get("schemas") == [ERROR], f"{asked}: {body}"
    assert body.get("status") == str(status), f"{asked}: {body}"
    assert isinstance(body.get("detail"), str), f"{asked}: {body}"
    assert body["detail"], f"{asked}: {body}"
    assert body.get("scimType", "invalidValue") in SCIM_TYPES, f"{asked}: {body}"
    assert "Traceback" not in body["detail"], f"{asked}: {body}"


# Shared, because a context of its own would make each client slow to make; nothing here speaks TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_client() -> httpx.Client:
    """A client for HTTP on the loopback that checks nothing."""
    return httpx.Client(verify=NO_TLS, timeout=30)


def scim_client(base_url: str, token: str, **options: Any) -> httpx.Client:
    """A client of one connection; every reply that it gets is checked."""
    return httpx.Client(
        base_url=base_url,
        headers={"Authorization": f"Bearer {token}", "Accept": SCIM_JSON, "Content-Type": SCIM_JSON},
        event_hooks={"response": [_checked]},
        timeout=30,
        verify=NO_TLS,
        **options,
    )


def _checked(response: httpx.Response) -> None:
    response.read()
    check_reply(response)


@dataclass(frozen=True)
class Tenant:
    """A directory of its own, one connection into it, and a client that speaks for that."""

    directory: str
    connection: str
    base_url: str
    token: str
    scim: httpx.Client


Tenants = Callable[..., Tenant]
"""``tenants(profile="auto", on_delete="deactivate", reach="own", directory=None)``"""


@dataclass(frozen=True)
class Made:
    """A new directory and connection, without a client."""

    directory: str
    connection: str
    base_url: str
    token: str


_numbers = itertools.count(1)
UNLIMITED = Limits(read_rate=0, write_rate=0)  # how fast the server is, not how fast one may be


@dataclass(frozen=True)
class Server:
    """A running ``rosterd serve``."""

    origin: str
    data: Path

    @property
    def base_url(self) -> str:
        return f"{self.origin}/scim/v2"

    def cli(self, *arguments: str) -> str:
        """Run a command on the server's data and return its standard output."""
        return said(*arguments, "--data", self.data)

    async def make(
        self,
        profile: str = "auto",
        on_delete: str = "deactivate",
        reach: str = "own",
        directory: str | None = None,
    ) -> Made:
        """What ``connect`` does, in this process beside the running server: quick enough for every test."""
        number = next(_numbers)
        async with open_service(Settings(data=self.data)) as service:
            if directory is None:
                home = await service.directories.create(f"directory-{number}", by=ITSELF)
            else:
                home = next(d for d in await service.control.directories() if d.name == directory)
            name, policy = f"connection-{number}", Policy(reach, on_delete, UNLIMITED)
            connection = await service.connections.create(
                home, name, by=ITSELF, profile=profile, policy=policy
            )
            _, token = await service.tokens.issue(home.id, connection.id, by=ITSELF)
        return Made(home.name, name, self.base_url, token)

    def connect(self, name: str, *options: str) -> Made:
        """A directory with a connection and its token, made by the commands that users type."""
        self.cli("directory", "create", name)
        self.cli("connection", "create", name, "--directory", name, *options)
        token = self.token("--directory", name, "--connection", name)
        return Made(name, name, self.base_url, token)

    def token(self, *arguments: str) -> str:
        """A new token, as a script gets it."""
        text = self.cli("token", "create", *arguments, "--quiet")
        assert text.strip(), "token create --quiet printed nothing"
        assert len(text.split()) == 1, f"token create --quiet prints only the token, not {text!r}"
        return text.strip()


def environment() -> dict[str, str]:
    """The environment of the processes under test: no colours, warnings shown."""
    return {**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def running(data: Path, *arguments: str) -> Iterator[Server]:
    """Start ``rosterd serve`` on a free port, wait until it answers, and stop it again.

    Fails if the server does not end by itself after SIGTERM, or printed a traceback.
    """
    port = free_port()
    log = data.parent / f"{data.name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--data", str(data), "--port", str(port), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment(),
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", data)
            _wait(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                code = process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = None
    text = log.read_text(errors="replace")
    assert code is not None, f"the server did not end after SIGTERM:\n{text[-3000:]}"
    secrets = [line for line in text.splitlines() if '"event"' in line and "rst_" in line]
    assert secrets == [], "a token is in the log"
    for sign in ("Traceback (most recent call last)", "unexpected error"):
        assert sign not in text, text[max(0, text.index(sign) - 500) :][:6000]


def _wait(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        assert process.poll() is None, f"rosterd serve ended: {log.read_text(errors='replace')}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.base_url}/ServiceProviderConfig", verify=NO_TLS).status_code in (200, 401):
                return
        time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {log.read_text(errors='replace')}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- messages


def patch(*operations: Mapping[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def user(user_name: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": user_name, **attributes}


def group(display_name: str, *members: str, **attributes: Any) -> dict[str, Any]:
    listed = {"members": [{"value": value} for value in members]} if members else {}
    return {"schemas": [GROUP], "displayName": display_name, **listed, **attributes}


def created(client: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """POST and return the resource; it must have been created."""
    response = client.post(path, content=json.dumps(body))
    assert response.status_code == 201, f"POST {path}: {response.status_code} {response.text}"
    resource: dict[str, Any] = response.json()
    return resource


def page(client: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    """GET a listing; it must be answered with a list response that agrees with itself."""
    response = client.get(path, params=query)
    assert response.status_code == 200, f"GET {path} {query}: {response.status_code} {response.text}"
    body: dict[str, Any] = response.json()
    check_list(body)
    return body


def check_list(body: Mapping[str, Any]) -> None:
    """A list response (RFC 7644 §3.4.2), strict in what Okta is strict about."""
    assert body["schemas"] == [LIST], body
    resources = body.get("Resources", [])
    assert isinstance(resources, list), body
    for key in ("totalResults", "itemsPerPage", "startIndex"):
        if key in body:
            assert type(body[key]) is int, body
    assert type(body["totalResults"]) is int
    assert body["totalResults"] >= len(resources)
    assert body.get("itemsPerPage", len(resources)) == len(resources)
