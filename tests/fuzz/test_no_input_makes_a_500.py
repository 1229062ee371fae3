"""No input makes a 500, and every refusal is a SCIM error: bodies, headers, filters, cursors, paths.

The requests go to the application in this process, over ASGI, with a fresh database.
"""

import asyncio
import json
import logging
import string
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judges.harness import BULK, ENTERPRISE, PATCH_OP, SEARCH, USER, check_reply

from rosterd.wiring import Settings, open_service

BASE = "http://test/scim/v2"
FUZZ = settings(max_examples=max(200, settings.default.max_examples), suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class App:
    """The application and how to ask it."""

    ask: Callable[..., httpx.Response]
    user: str
    group: str


@asynccontextmanager
async def client(data: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_service(Settings(data=data)) as service:
        first = await service.setup()
        assert first is not None
        transport = httpx.ASGITransport(app=service.http.site, raise_app_exceptions=True)
        headers = {"Authorization": f"Bearer {first.token_text}"}
        async with httpx.AsyncClient(transport=transport, headers=headers) as asking:
            yield asking


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with asyncio.Runner() as runner:
        context = client(tmp_path_factory.mktemp("fuzz") / "data")
        asking = runner.run(context.__aenter__())

        def ask(method: str, path: str, **options: Any) -> httpx.Response:
            response = runner.run(asking.request(method, f"{BASE}{path}", **options))
            check_reply(response)
            return response

        body = {"schemas": [USER], "userName": "fuzz", "emails": [{"value": "f@example.com", "type": "work"}]}
        user = ask("POST", "/Users", json=body).json()["id"]
        group = ask("POST", "/Groups", json={"displayName": "fuzz", "members": [{"value": user}]}).json()[
            "id"
        ]
        yield App(ask, user, group)
        runner.run(context.__aexit__(None, None, None))
    structlog.reset_defaults()


# --- JSON that looks like SCIM

NAMES = st.sampled_from(
    [
        *("schemas", "id", "externalId", "meta", "userName", "name", "displayName", "emails", "active"),
        *(
            "password",
            "groups",
            "members",
            "roles",
            "entitlements",
            "addresses",
            "x509Certificates",
            "photos",
        ),
        *("value", "type", "primary", "display", "$ref", "familyName", "location", "USERNAME", "nickname"),
        *(ENTERPRISE, "manager", "department", USER, "urn:x", "", "name.familyName", "emails[0]", "$x"),
        f"{ENTERPRISE}:manager",
    ]
) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["True", "false", "2026-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "%", "\u0000", "İ", "ß"]
    )
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
RESOURCES = st.dictionaries(NAMES, JSON, max_size=6).map(lambda d: {"userName": "u", "displayName": "g", **d})


@st.composite
def filters(draw: st.DrawFn) -> str:
    """Filters from well-formed to nonsense."""
    names = [
        "userName",
        "emails",
        "emails.value",
        "meta.created",
        "active",
        "name",
        "id",
        "schemas",
        "members",
    ]
    names += [
        "externalId",
        "groups.value",
        f"{ENTERPRISE}:manager.value",
        f"{USER}:userName",
        "password",
        "x.y.z",
    ]
    attribute = st.sampled_from(names) | st.text("ab.:$-_09Z[]", max_size=8)
    literal = st.sampled_from(
        ["true", "null", "1", "-1.5e400", '"x"', '"%_\\u0000"', '"2026-01-01T00:00:00Z"']
    )
    literal |= st.text(max_size=6).map(json.dumps) | st.integers().map(str)
    operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "xx"])
    compare = st.builds(lambda a, o, v: f"{a} {o} {v}", attribute, operators, literal)
    atom = compare | attribute.map(lambda a: f"{a} pr") | st.text(string.printable, max_size=12)
    tree = st.recursive(
        atom,
        lambda inner: st.one_of(
            st.builds(lambda a, w, b: f"{a} {w} {b}", inner, st.sampled_from(["and", "or", "And"]), inner),
            inner.map(lambda a: f"({a})"),
            inner.map(lambda a: f"not ({a})"),
            st.builds(lambda a, b: f"{a}[{b}]", attribute, inner),
            st.builds(lambda a, b: f"{a}[{b}].value", attribute, inner),
        ),
        max_leaves=6,
    )
    return draw(tree)


PATHS = filters() | NAMES | st.builds(lambda a, f: f"{a}[{f}]", NAMES, filters())
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "Remove", "replace", "move"]) | JSON,
        "path": PATHS | JSON,
        "value": JSON,
    },
)
PATCHES = st.lists(OPERATIONS, max_size=4).map(lambda ops: {"schemas": [PATCH_OP], "Operations": ops})


@FUZZ
@given(body=RESOURCES, endpoint=st.sampled_from(["/Users", "/Groups"]))
def test_bodies_of_create(app: App, body: Any, endpoint: str) -> None:
    response = app.ask("POST", endpoint, json=body)
    assert response.status_code in (201, 400, 409)
    if response.status_code == 201:
        path = f"{endpoint}/{response.json()['id']}"
        assert app.ask("GET", path).status_code == 200
        assert app.ask("PUT", path, json=response.json()).status_code == 200, "what we give can be put back"
        assert app.ask("DELETE", path).status_code == 204


@FUZZ
@given(body=RESOURCES, kind=st.sampled_from(["Users", "Groups"]))
def test_bodies_of_replace(app: App, body: Any, kind: str) -> None:
    id = app.user if kind == "Users" else app.group
    assert app.ask("PUT", f"/{kind}/{id}", json=body).status_code in (200, 400, 409)
    assert app.ask("GET", f"/{kind}/{id}").status_code == 200


@FUZZ
@given(body=PATCHES | JSON, kind=st.sampled_from(["Users", "Groups"]))
def test_bodies_of_patch(app: App, body: Any, kind: str) -> None:
    id = app.user if kind == "Users" else app.group
    before = app.ask("GET", f"/{kind}/{id}").json()
    response = app.ask("PATCH", f"/{kind}/{id}", json=body)
    after = app.ask("GET", f"/{kind}/{id}").json()
    assert response.status_code in (200, 204, 400, 409)
    if response.status_code >= 400:
        assert after == before, "a refused PATCH changes nothing"


@FUZZ
@given(text=filters(), path=st.sampled_from(["/Users", "/Groups", "/"]))
def test_filters(app: App, text: str, path: str) -> None:
    by_get = app.ask("GET", path, params={"filter": text})
    by_post = app.ask("POST", f"{path.rstrip('/')}/.search", json={"schemas": [SEARCH], "filter": text})
    assert by_get.status_code in (200, 400)
    assert by_get.status_code == by_post.status_code
    if by_get.status_code == 200:
        assert by_get.json()["Resources"] == by_post.json()["Resources"]


@FUZZ
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                *("filter", "cursor", "count", "startIndex", "sortBy", "sortOrder"),
                *("attributes", "excludedAttributes", "COUNT", "x"),
            ]
        ),
        st.integers().map(str) | filters() | NAMES | st.text(max_size=20),
        max_size=4,
    ),
    path=st.sampled_from(["/Users", "/Groups", "/", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig"]),
)
def test_query_parameters(app: App, query: dict[str, str], path: str) -> None:
    assert app.ask("GET", path, params=query).status_code in (200, 400, 403)


@FUZZ
@given(
    message=st.dictionaries(
        NAMES | st.sampled_from(["filter", "cursor", "count", "startIndex", "sortBy"]), JSON
    )
)
def test_search_messages(app: App, message: Any) -> None:
    assert app.ask("POST", "/.search", json={"schemas": [SEARCH], **message}).status_code in (200, 400)


@FUZZ
@given(
    operations=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "method": st.sampled_from(["POST", "put", "PATCH", "DELETE", "GET"]) | JSON,
                "path": st.sampled_from(["/Users", "/Groups", "/Users/x", "Groups/bulkId:1", "/", ""]) | JSON,
                "bulkId": st.sampled_from(["1", "2"]) | JSON,
                "version": SCALARS,
                "data": RESOURCES | PATCHES | JSON | st.just({"members": [{"value": "bulkId:2"}]}),
            },
        ),
        max_size=4,
    ),
    fail=SCALARS,
)
def test_bulk_messages(app: App, operations: Any, fail: Any) -> None:
    response = app.ask(
        "POST", "/Bulk", json={"schemas": [BULK], "Operations": operations, "failOnErrors": fail}
    )
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        statuses = [operation["status"] for operation in response.json()["Operations"]]
        assert all((isinstance(status, str) and status < "500") or status == "501" for status in statuses), (
            statuses
        )


@FUZZ
@given(
    body=st.binary(max_size=40)
    | st.sampled_from([b"[" * 5000, b'{"a":' * 5000, b"\xff\xfe{}", b"NaN", b"1e999"])
)
def test_bytes_for_a_body(app: App, body: bytes) -> None:
    for method, path in (
        ("POST", "/Users"),
        ("PATCH", f"/Users/{app.user}"),
        ("POST", "/Bulk"),
        ("POST", "/.search"),
    ):
        assert app.ask(method, path, content=body).status_code in (200, 400)


SEGMENTS = st.sampled_from(
    ["Users", "Groups", "Me", "Bulk", ".search", "d", "default", "Schemas", USER, "", ".."]
)


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]),
    segments=st.lists(SEGMENTS | st.text(max_size=10), max_size=4),
)
def test_paths(app: App, method: str, segments: list[str]) -> None:
    # Clients resolve «.» and «..» themselves; encoded they arrive.
    path = "/" + "/".join(quote(segment, safe="").replace(".", "%2e") for segment in segments)
    body = {} if method in ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE") else {"content": b"{}"}
    response = app.ask(method, path, **body)
    assert response.status_code in (200, 204, 400, 404, 405, 501)


TITLE = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]}
HEADERS = ("Authorization", "Accept", "Content-Type", "If-Match", "If-None-Match", "Content-Length", "Host")
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
VALUES |= st.sampled_from(
    ["Bearer ", "bearer x", "Basic eDp5", 'W/"1"', "*", '"', "application/scim+json;q=0", "-1"]
)


@FUZZ
@given(headers=st.dictionaries(st.sampled_from(HEADERS) | st.just("X-Forwarded-For"), VALUES, max_size=4))
def test_headers(app: App, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for method, path, body in (
        ("GET", f"/Users/{app.user}", None),
        ("PATCH", f"/Users/{app.user}", json.dumps(TITLE).encode()),
    ):
        response = app.ask(method, path, headers=raw, content=body)
        assert response.status_code in (200, 204, 304, 400, 401, 406, 412, 413, 415)


@FUZZ
@given(
    cursor=st.text(max_size=40) | st.binary(max_size=60).map(lambda b: b.hex()), count=st.integers(-5, 3000)
)
def test_cursors(app: App, cursor: str, count: int) -> None:
    response = app.ask("GET", "/Users", params={"cursor": cursor, "count": count})
    assert response.status_code == (200 if cursor == "" and count > 0 else 400)
