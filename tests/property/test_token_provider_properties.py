"""Nothing that is sent to the Token Provider makes it fail; nothing but a client's secret gets a token."""

import asyncio
import os
from base64 import b64encode
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from rosterd.http.guard import Guard
from rosterd.http.token_provider import ROUTES, TokenProvider
from rosterd.service.clients import Clients
from rosterd.service.control import Policy
from rosterd.service.tokens import Tokens
from rosterd.store.memory import MemoryStore
from rosterd.testing import FakeClock
from rosterd.testing.scenario import BY, ENTRY

FORM = b"application/x-www-form-urlencoded"
NAMES = (
    *("scimClientId", "scimClientSecret", "grantType", "tokenExpiry", "client_id", "client_secret"),
    *("grant_type", "scope", "expires_in", "token", "token_type_hint"),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *("rsc_000000000000", "rss_" + "0" * 49, "rst_000000000000_" + "0" * 49, "60", "scim.read"),
            *("password", "client_credentials", "", "%00", "%ff", "%", "+", "&", "=", "\x00", "é", "%F0%9F"),
        ]
    ),
    st.text(max_size=60),
)
FIELDS = st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), VALUES), max_size=8)
BODIES = st.one_of(
    st.binary(max_size=200), FIELDS.map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs).encode())
)
HEADERS = st.one_of(
    st.just([]),
    st.binary(max_size=40).map(lambda raw: [(b"authorization", raw)]),
    st.binary(max_size=40).map(lambda raw: [(b"authorization", b"Basic " + b64encode(raw))]),
)


async def ask(
    provider: TokenProvider, method: str, path: str, query: bytes, headers: Any, body: bytes
) -> Any:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    await provider(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


@given(
    route=st.sampled_from(ROUTES),
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    query=st.one_of(st.just(b""), st.binary(max_size=30), st.just(b"client_secret=x")),
    media=st.one_of(st.just(FORM), st.binary(max_size=30)),
    headers=HEADERS,
    body=BODIES,
)
def test_no_input_makes_a_500_or_a_token(
    route: Any, method: str, query: bytes, media: bytes, headers: Any, body: bytes
) -> None:
    async def main() -> None:
        store, clock = MemoryStore(), FakeClock()
        await store.create_directory("acme", 1, ENTRY)
        await store.create_connection(1, "okta", "auto", Policy(), 1, ENTRY)
        clients = Clients(store, Tokens(store, clock, os.urandom), clock, os.urandom)
        await clients.create(1, 1, by=BY)
        provider = TokenProvider(clients, lambda: "request", Guard(lambda: 0))
        given_headers = [*headers, (b"content-type", media)]
        status, answer = await ask(provider, method, route.path, query, given_headers, body)
        assert status in (200, 400, 401, 405, 415)
        assert await store.tokens(1) == ()
        if method != "HEAD" and status != 200:
            told = orjson.loads(answer)
            assert told["error"] and told["error_description"].isascii()

    asyncio.run(main())
