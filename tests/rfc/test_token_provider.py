"""The Token Provider over HTTP: its own form, RFC 6749 §4.4 and §5.2, RFC 7009, RFC 8414."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from judges.harness import NO_TLS, Server, Tenant, Tenants, running

from rosterd.http.token_provider import ROUTES
from rosterd.simulator import OKTA, Client, okta_steps, run
from rosterd.testing.scenario import BY
from rosterd.wiring import Settings, open_service

TOKEN = re.compile(r"rst_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")
# RFC 6749 §5.2: what error_description may hold.
DESCRIPTION = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]+")
CODES = {
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"),
    *("unsupported_grant_type", "invalid_scope", "temporarily_unavailable", "server_error"),
}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Known:
    """A client of a connection, with its secret."""

    id: str
    secret: str
    tenant: Tenant

    def own(self, **fields: str) -> dict[str, str]:
        return {
            "scimClientId": self.id,
            "scimClientSecret": self.secret,
            "grantType": "password",
            **fields,
        }

    def oauth(self, **fields: str) -> dict[str, str]:
        return {
            "client_id": self.id,
            "client_secret": self.secret,
            "grant_type": "client_credentials",
            **fields,
        }

    @property
    def basic(self) -> dict[str, str]:
        pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def make_client(server: Server, tenant: Tenant, *scopes: str) -> Known:
    async def main() -> Known:
        async with open_service(Settings(data=server.data)) as service:
            home = next(d for d in await service.control.directories() if d.name == tenant.directory)
            line = next(c for c in await service.control.connections(home.id) if c.name == tenant.connection)
            more = {"scopes": scopes} if scopes else {}
            client, secret = await service.clients.create(home.id, line.id, label="test", **more, by=BY)
            return Known(client.id, secret, tenant)

    return asyncio.run(main())


@pytest.fixture
def known(server: Server, tenant: Tenant) -> Known:
    return make_client(server, tenant)


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of the Token Provider; what holds for every answer of it is checked."""

    def check(response: httpx.Response) -> None:
        response.read()
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["pragma"] == "no-cache"
        for name in response.headers:
            assert not name.startswith(("set-cookie", "access-control"))
        if response.content:
            assert response.headers["content-type"] == "application/json"
        if response.status_code >= 400 and response.request.method != "HEAD":
            body = response.json()
            assert body.keys() == {"error", "error_description"}
            assert body["error"] in CODES
            assert DESCRIPTION.fullmatch(body["error_description"])
        if response.status_code == 401:
            assert response.headers["www-authenticate"]

    with httpx.Client(
        base_url=server.origin, event_hooks={"response": [check]}, verify=NO_TLS, timeout=30
    ) as client:
        yield client


def status_of(known: Known, token: str, method: str = "GET", **more: Any) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{known.tenant.base_url}/Users"
    return httpx.request(method, url, headers=headers, verify=NO_TLS, **more).status_code


# The own form


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 86_400),
        ({"tokenExpiry": "60"}, 60),
        ({"tokenExpiry": "315360000"}, 315_360_000),
        ({"tokenExpiry": "0003600"}, 3600),
        ({"tokenExpiry": ""}, 86_400),
        ({"unheardOf": "x"}, 86_400),
    ],
)
def test_a_client_gets_a_token_that_works_at_once(
    http: httpx.Client, known: Known, fields: dict[str, str], seconds: int
) -> None:
    response = http.post("/api/v1/token", data=known.own(**fields))
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["accessToken", "tokenType", "expiresIn"]
    assert (body["tokenType"], body["expiresIn"]) == ("bearer", seconds)
    assert TOKEN.fullmatch(body["accessToken"])
    assert status_of(known, body["accessToken"]) == 200


def without(known: Known, name: str) -> dict[str, str]:
    return {k: v for k, v in known.own().items() if k != name}


@pytest.mark.parametrize(
    "value", ["59", "315360001", "0", "-1", "1.5", "soon", "1e3", " 60", "٦٠", "9" * 400]
)
@pytest.mark.parametrize("path", ["/api/v1/token", "/oauth/token"])
def test_a_lifetime_that_is_not_possible_is_told_with_what_is(
    http: httpx.Client, known: Known, path: str, value: str
) -> None:
    name = "tokenExpiry" if path == "/api/v1/token" else "expires_in"
    form = known.own(tokenExpiry=value) if name == "tokenExpiry" else known.oauth(expires_in=value)
    response = http.post(path, data=form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert f"{name} must be a whole number of seconds from 60 to 315360000" in response.text
    assert known.secret not in response.text


@pytest.mark.parametrize("name", ["scimClientId", "scimClientSecret", "grantType"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_field_is_named(http: httpx.Client, known: Known, name: str, empty: bool) -> None:
    form = known.own(**{name: ""}) if empty else without(known, name)
    response = http.post("/api/v1/token", data=form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert f"The field {name} is missing or empty" in response.text


@pytest.mark.parametrize("value", ["client_credentials", "Password", "authorization_code"])
def test_another_grant_type_is_not_supported(http: httpx.Client, known: Known, value: str) -> None:
    response = http.post("/api/v1/token", data=known.own(grantType=value))
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")
    assert "grantType must be password" in response.text


WRONG = [
    ("scimClientId", "rsc_000000000000"),
    ("scimClientId", "nobody"),
    ("scimClientSecret", "wrong"),
    ("scimClientSecret", "rss_" + "0" * 49),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_client_or_secret_is_401(http: httpx.Client, known: Known, name: str, value: str) -> None:
    response = http.post("/api/v1/token", data=known.own(**{name: value}))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("ScimClient ")


def test_a_client_of_another_directory_is_not_told_from_one_that_is_not_there(
    http: httpx.Client, server: Server, tenants: Tenants
) -> None:
    one, other = make_client(server, tenants()), make_client(server, tenants())
    answers = [
        http.post("/api/v1/token", data=one.own(scimClientId=id)) for id in (other.id, "rsc_000000000000")
    ]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("path", [r.path for r in ROUTES if r.method == "POST"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_taken(http: httpx.Client, path: str, method: str) -> None:
    response = http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [r.path for r in ROUTES if r.method == "POST"])
@pytest.mark.parametrize(
    ("headers", "content", "status", "words"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415, FORM),
        ({"Content-Type": "text/plain; \xe9"}, b"a=b", 415, FORM),
        ({}, b"a=b", 415, "without a Content-Type"),
        ({"Content-Type": FORM, "Content-Encoding": "gzip"}, b"a=b", 415, "without an encoding"),
        ({"Content-Type": FORM}, b"a=" + b"b" * 16384, 413, "16384 bytes"),
        ({"Content-Type": FORM}, b"a=%ff", 400, "UTF-8"),
        ({"Content-Type": FORM}, b"a=\xff", 400, "UTF-8"),
        ({"Content-Type": FORM}, b"&".join([b"a=b"] * 101), 400, "at most 100 fields"),
        ({"Content-Type": FORM}, b"x=1&x=2", 400, "Send each field once"),
        ({"Content-Type": FORM}, b"", 400, "is missing or empty"),
    ],
)
def test_a_body_that_is_no_small_form_is_refused(
    http: httpx.Client, path: str, headers: dict[str, str], content: bytes, status: int, words: str
) -> None:
    response = http.post(
        path, content=content, headers=[(k, v.encode("latin-1")) for k, v in headers.items()]
    )
    assert (response.status_code, response.json()["error"]) == (status, "invalid_request")
    assert words in response.json()["error_description"]


def test_a_chunked_body_is_limited_too(http: httpx.Client) -> None:
    pieces = (b"a" * 1000 for _ in range(20))
    response = http.post("/api/v1/token", content=pieces, headers={"Content-Type": FORM})
    assert response.status_code == 413


@pytest.mark.parametrize("media", [FORM.upper(), f"{FORM}; charset=utf-8"])
def test_the_media_type_may_have_parameters_and_any_letter_case(
    http: httpx.Client, known: Known, media: str
) -> None:
    content = "&".join(f"{k}={v}" for k, v in known.own().items())
    response = http.post("/api/v1/token", content=content, headers={"Content-Type": media})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("&scimClientId=x", "scimClientId was repeated"),
        ("&grantType=password", "grantType was repeated"),
        ("&tokenexpiry=60", "must read tokenExpiry"),
    ],
)
def test_a_repeated_or_misspelt_field_is_refused(
    http: httpx.Client, known: Known, more: str, words: str
) -> None:
    content = "&".join(f"{k}={v}" for k, v in known.own().items()) + more
    response = http.post("/api/v1/token", content=content, headers={"Content-Type": FORM})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert words in response.text


def test_a_secret_in_the_address_is_refused(http: httpx.Client, known: Known) -> None:
    response = http.post(
        "/api/v1/token", params={"scimClientSecret": known.secret}, data=without(known, "scimClientSecret")
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "never in the address" in response.text


# OAuth 2.0


@pytest.mark.parametrize("by", ["basic", "form", "basic with the id in the form too"])
@pytest.mark.parametrize(
    ("fields", "scope", "seconds"),
    [
        ({}, "scim.read scim.write", 86_400),
        ({"scope": "scim.read"}, "scim.read", 86_400),
        ({"scope": "scim.write scim.read", "expires_in": "3600"}, "scim.write scim.read", 3600),
        ({"scope": "", "audience": "x"}, "scim.read scim.write", 86_400),
    ],
)
def test_client_credentials(
    http: httpx.Client, known: Known, by: str, fields: dict[str, str], scope: str, seconds: int
) -> None:
    form = known.oauth(**fields)
    if by != "form":
        del form["client_secret"]
        if by == "basic":
            del form["client_id"]
    response = http.post("/oauth/token", data=form, headers={} if by == "form" else known.basic)
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["access_token", "token_type", "expires_in", "scope"]
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", seconds, scope)
    assert status_of(known, body["access_token"]) == 200


def test_a_token_permits_its_scopes_only(http: httpx.Client, known: Known) -> None:
    token = http.post("/oauth/token", data=known.oauth(scope="scim.read")).json()["access_token"]
    assert status_of(known, token) == 200
    assert status_of(known, token, "POST", json={"userName": "x"}) == 403


def test_a_client_cannot_ask_for_more_than_it_has(http: httpx.Client, server: Server, tenant: Tenant) -> None:
    reader = make_client(server, tenant, "scim.read")
    assert http.post("/oauth/token", data=reader.oauth()).json()["scope"] == "scim.read"
    token = http.post("/api/v1/token", data=reader.own()).json()["accessToken"]
    assert status_of(reader, token, "POST", json={"userName": "x"}) == 403
    for scope in ("scim.write", "scim.read scim.write", "everything", "scim.read  scim.read", "SCIM.READ"):
        response = http.post("/oauth/token", data=reader.oauth(scope=scope))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
        assert "may ask for: scim.read" in response.text


OAUTH_ERRORS: list[tuple[str, dict[str, str | None], str | None, int, str]] = [
    ("no grant type", {"grant_type": None}, None, 400, "invalid_request"),
    ("another grant type", {"grant_type": "password"}, None, 400, "unsupported_grant_type"),
    ("no secret", {"client_secret": None}, None, 401, "invalid_client"),
    ("no id", {"client_id": None}, None, 401, "invalid_client"),
    ("a wrong secret", {"client_secret": "rss_" + "0" * 49}, None, 401, "invalid_client"),
    ("a wrong id", {"client_id": "rsc_000000000000"}, None, 401, "invalid_client"),
    ("both ways", {}, "{basic}", 400, "invalid_request"),
    ("another id in the form", {"client_secret": None, "client_id": "x"}, "{basic}", 400, "invalid_request"),
    ("another scheme", {"client_secret": None, "client_id": None}, "Bearer x", 401, "invalid_client"),
    ("no Base64", {"client_secret": None, "client_id": None}, "Basic ???", 401, "invalid_client"),
    ("no colon", {"client_secret": None, "client_id": None}, "Basic YQ==", 401, "invalid_client"),
    ("no UTF-8", {"client_secret": None, "client_id": None}, "Basic /zr/", 401, "invalid_client"),
    ("nothing", {"client_secret": None, "client_id": None}, "Basic", 401, "invalid_client"),
    ("wrong by Basic", {"client_secret": None, "client_id": None}, "Basic YTpi", 401, "invalid_client"),
]


@pytest.mark.parametrize(
    ("changes", "header", "status", "code"),
    [row[1:] for row in OAUTH_ERRORS],
    ids=[r[0] for r in OAUTH_ERRORS],
)
def test_oauth_errors_are_those_of_the_rfc(
    http: httpx.Client,
    known: Known,
    changes: dict[str, str | None],
    header: str | None,
    status: int,
    code: str,
) -> None:
    form = {k: v for k, v in {**known.oauth(), **changes}.items() if v is not None}
    headers = (
        {} if header is None else {"Authorization": header.replace("{basic}", known.basic["Authorization"])}
    )
    response = http.post("/oauth/token", data=form, headers=headers)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert known.secret not in response.text
    if status == 401:
        assert response.headers["www-authenticate"].startswith('Basic realm="rosterd"')


def test_basic_holds_form_encoded_words_and_any_letter_case_of_the_scheme(
    http: httpx.Client, known: Known
) -> None:
    escaped = known.id.replace("_", "%5F") + ":" + known.secret.replace("_", "%5f")
    for scheme in ("Basic", "basic", "BASIC"):
        headers = {"Authorization": f"{scheme} {b64encode(escaped.encode()).decode()}"}
        response = http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert response.status_code == 200


# RFC 8414 and RFC 7009


def test_the_metadata_name_addresses_that_work(http: httpx.Client, server: Server, known: Known) -> None:
    response = http.get("/.well-known/oauth-authorization-server")
    assert response.status_code == 200
    body = response.json()
    assert body["issuer"] == server.origin
    assert body["grant_types_supported"] == ["client_credentials"]
    assert body["response_types_supported"] == []
    assert body["scopes_supported"] == ["scim.read", "scim.write"]
    for name in ("token_endpoint", "revocation_endpoint"):
        assert body[f"{name}_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    token = http.post(body["token_endpoint"], data=known.oauth()).json()["access_token"]
    assert http.post(body["revocation_endpoint"], data=known.oauth(token=token)).status_code == 200
    assert status_of(known, token) == 401
    head = http.head("/.well-known/oauth-authorization-server")
    assert (head.status_code, head.content) == (200, b"")
    wrong = http.post("/.well-known/oauth-authorization-server")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")


def test_the_metadata_name_the_public_address(tmp_path: Path) -> None:
    with running(tmp_path / "data", "--base-url", "https://scim.example.com/") as server:
        body = httpx.get(f"{server.origin}/.well-known/oauth-authorization-server", verify=NO_TLS).json()
    assert body["issuer"] == "https://scim.example.com"
    assert body["token_endpoint"] == "https://scim.example.com/oauth/token"


def test_a_client_revokes_a_token_that_it_fetched(http: httpx.Client, known: Known) -> None:
    one, two = (http.post("/api/v1/token", data=known.own()).json()["accessToken"] for _ in range(2))
    form = {"token": one, "token_type_hint": "access_token"}
    response = http.post("/oauth/revoke", data=form, headers=known.basic)
    assert (response.status_code, response.content) == (200, b"")
    assert [status_of(known, one), status_of(known, two)] == [401, 200]
    assert http.post("/oauth/revoke", data=form, headers=known.basic).status_code == 200


@pytest.mark.parametrize("token", ["x", "rst_000000000000_" + "0" * 49, "é"])
def test_revoking_what_nobody_knows_is_no_error(http: httpx.Client, known: Known, token: str) -> None:
    assert http.post("/oauth/revoke", data=known.oauth(token=token)).status_code == 200


def test_a_client_cannot_revoke_what_it_did_not_fetch(
    http: httpx.Client, server: Server, known: Known, tenants: Tenants
) -> None:
    other = make_client(server, tenants())
    fetched = http.post("/oauth/token", data=other.oauth()).json()["access_token"]
    for token in (fetched, known.tenant.token):
        response = http.post("/oauth/revoke", data=known.oauth(token=token))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
        assert status_of(known, token) == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"token": None}, 400, "invalid_request"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": "x"}, 401, "invalid_client"),
    ],
)
def test_revocation_needs_a_token_and_a_client(
    http: httpx.Client, known: Known, changes: dict[str, str | None], status: int, code: str
) -> None:
    form = {k: v for k, v in {**known.oauth(token="x"), **changes}.items() if v is not None}
    response = http.post("/oauth/revoke", data=form)
    assert (response.status_code, response.json()["error"]) == (status, code)


# What becomes of tokens


def test_a_revoked_client_and_all_it_fetched_stop_at_once(
    http: httpx.Client, server: Server, known: Known
) -> None:
    other = make_client(server, known.tenant)
    tokens = [http.post("/api/v1/token", data=known.own()).json()["accessToken"] for _ in range(3)]
    kept = http.post("/api/v1/token", data=other.own()).json()["accessToken"]
    server.cli("client", "revoke", known.id, "--directory", known.tenant.directory)
    assert [status_of(known, token) for token in (*tokens, kept)] == [401, 401, 401, 200]
    for path, form in (("/api/v1/token", known.own()), ("/oauth/token", known.oauth())):
        response = http.post(path, data=form)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert "was revoked" in response.text


@pytest.mark.parametrize("style", ["patch", "put"])
def test_an_issued_token_passes_all_that_okta_does(http: httpx.Client, known: Known, style: Any) -> None:
    token = http.post("/api/v1/token", data=known.own()).json()["accessToken"]

    async def play() -> list[str]:
        async with Client(known.tenant.base_url, token, OKTA) as client:
            return [
                v.why for v in [v async for v in run(okta_steps(f"tp-{style}", style), client)] if not v.ok
            ]

    assert asyncio.run(play()) == []


def test_the_token_says_who_fetched_it_and_when_it_was_used(server: Server, known: Known) -> None:
    with httpx.Client(base_url=server.origin, verify=NO_TLS) as http:
        token = http.post("/oauth/token", data=known.oauth(expires_in="600")).json()["access_token"]
    assert status_of(known, token) == 200

    async def listed() -> Any:
        async with open_service(Settings(data=server.data)) as service:
            credential = await service.control.credential(token[4:16])
            return credential, await service.control.client(known.id)

    credential, client = asyncio.run(listed())
    assert credential.token.client == known.id
    assert credential.token.expires - credential.token.created == 600_000
    assert client.last_used == credential.token.created


# Secrets, and what it costs


def test_secrets_are_in_no_file_and_no_log(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        made = json.loads(server.cli("client", "create", "--json"))
        id, secret = made["scimClientId"], made["scimClientSecret"]
        known = Known(id, secret, Tenant("default", "default", server.base_url, "", httpx.Client()))
        fetched = [
            httpx.post(f"{server.origin}{path}", data=form, verify=NO_TLS).json()
            for path, form in (("/api/v1/token", known.own()), ("/oauth/token", known.oauth()))
        ]
        wrong = [
            known.own(scimClientId=secret),
            known.own(scimClientSecret=secret[:-1]),
            known.own(tokenExpiry=secret),
        ]
        wrong.append(known.own(grantType=secret))
        answers = [httpx.post(f"{server.origin}/api/v1/token", data=form, verify=NO_TLS) for form in wrong]
        answers.append(httpx.post(f"{server.origin}/oauth/token?client_secret={secret}", headers=known.basic))
        assert {a.status_code for a in answers} <= {400, 401, 415}
        files = [path.read_bytes() for path in server.data.iterdir()]
    files += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    log = next(tmp_path.glob("*.log")).read_text()
    texts = [fetched[0]["accessToken"], fetched[1]["access_token"], secret]
    for text in texts:
        assert not any(text[-49:].encode() in content for content in files)
    assert any(id.encode() in content for content in files)
    failed = [line for line in log.splitlines() if "client authentication failed" in line]
    assert len(failed) == 2
    assert f'"client":"{id}"' in failed[1] and '"client":null' in failed[0]
    assert all('"level":"warning"' in line for line in failed)


def test_the_neighbours_of_these_addresses_are_somebody_elses(server: Server) -> None:
    for path in ("/oauth", "/oauth/token/", "/.well-known/nothing"):
        assert httpx.post(server.origin + path, verify=NO_TLS).status_code == 404
