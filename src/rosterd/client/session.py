"""One HTTP session with a server: asks, asks again where that is safe, tells errors as exceptions.

A request that came to nothing (no answer, 429, 503) is sent again after a while; a POST carries an
idempotency key, so that it is carried out once however often it is sent.
"""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import quote

import aiohttp

T = TypeVar("T")

ATTEMPTS: Final = 5
LONGEST_PAUSE: Final = 60.0
"""Seconds; a server that asks for more is not waited for."""
_AGAIN: Final = frozenset((429, 502, 503, 504))


class ApiError(Exception):
    """The server refused: its problem details (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.request_id = str(problem.get("instance", ""))
        self.errors: Sequence[Mapping[str, str]] = problem.get("errors", ())
        """Where query or body do not fit: ``pointer`` and ``detail``."""
        super().__init__(f"{status} {self.title}: {self.detail}")


class Unreachable(Exception):
    """No answer came, however often the server was asked."""


class Pages(Generic[T]):
    """The items of a list: ``async for item in pages`` goes through all its pages."""

    def __init__(self, session: "Session", path: str, query: Mapping[str, Any]) -> None:
        self._session = session
        self._path = path
        self._query = dict(query)

    async def __aiter__(self) -> AsyncIterator[T]:
        cursor = self._query.get("cursor")
        while True:
            page = await self._session.ask("GET", self._path, query={**self._query, "cursor": cursor})
            for item in page["items"]:
                yield item
            cursor = page["nextCursor"]
            if cursor is None:
                return

    async def page(self) -> tuple[Sequence[T], str | None]:
        """The first page only, and the cursor of the next one, ``None`` at the end."""
        page = await self._session.ask("GET", self._path, query=self._query)
        return page["items"], page["nextCursor"]


class Session:
    """``url`` is the server's address, without ``/api/v1``; ``key`` an API key.

    ``timeout`` is in seconds, for one attempt, beside what the server is asked to wait. Use it as ``async
    with``. Raises ``ValueError`` for what cannot be an address or a key.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 60.0, attempts: int = ATTEMPTS) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no address of a server: it begins with https:// or http://")
        if key.split() != [key]:
            raise ValueError(
                "the API key is empty or has white space in it, such as the end of a line: strip it"
            )
        self._base = url.rstrip("/") + "/api/v1"
        self._headers = {"authorization": f"Bearer {key}", "accept": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._attempts = attempts
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        wait: float = 0,
    ) -> Any:
        """The JSON of the answer, ``None`` if it has none.

        ``wait`` is how long the server is asked to wait, in seconds. Raises ``ApiError`` and ``Unreachable``.
        """
        total = self._timeout.total
        patience = aiohttp.ClientTimeout(total=None if total is None else total + wait)
        headers = {"idempotency-key": secrets.token_hex(16)} if method == "POST" else {}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        for attempt in range(1, self._attempts + 1):
            try:
                # A redirect is not followed: it would make a GET of a POST, and take the key elsewhere.
                async with self._open.request(
                    method, self._base + path, params=parameters(query), data=data, headers=headers,
                    allow_redirects=False, timeout=patience,
                ) as reply:  # fmt: skip
                    pause = await self._refused(attempt, reply)
                    if pause is None:
                        return None if reply.status == 204 else await _content(reply)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                if attempt == self._attempts:
                    raise Unreachable(f"{method} {path}: {type(error).__name__}: {error}") from error
                pause = _pause(attempt, None)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def lines(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[Any]:
        """The JSON values of an answer in JSON Lines, as they come.

        Raises ``ApiError`` and ``Unreachable``.
        """
        try:
            async for value in self._lines(path, query):
                yield value
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unreachable(f"GET {path}: {type(error).__name__}: {error}") from error

    async def _lines(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[Any]:
        unlimited = aiohttp.ClientTimeout(total=None, sock_read=self._timeout.total)
        headers = {"accept": "application/jsonl"}
        for attempt in range(1, self._attempts + 1):
            async with self._open.get(
                self._base + path, params=parameters(query), headers=headers, timeout=unlimited,
                allow_redirects=False,
            ) as reply:  # fmt: skip
                pause = await self._refused(attempt, reply)
                if pause is None:
                    async for value in _values(reply):
                        yield value
                    return
            await asyncio.sleep(pause)

    async def _refused(self, attempt: int, reply: aiohttp.ClientResponse) -> float | None:
        """Seconds until the next attempt, ``None`` if the server did what was asked. Raises ``ApiError``."""
        if reply.status < 300:
            return None
        pause = _pause(attempt, reply.headers.get("retry-after"))
        if reply.status not in _AGAIN or attempt == self._attempts or pause > LONGEST_PAUSE:
            raise await _error(reply)
        return pause

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("use the client as 'async with Client(url, key) as client'")
        return self._http


def path(*segments: str) -> str:
    """The address of these segments, each percent-encoded."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def parameters(query: Mapping[str, Any] | None) -> dict[str, str]:
    """Query parameters as they are sent; ``None`` is left out."""
    texts = {True: "true", False: "false"}
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return {name: texts[v] if isinstance(v, bool) else str(v) for name, v in given.items()}


async def _values(reply: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    rest = b""
    async for chunk in reply.content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield json.loads(line)
    if rest.strip():
        yield json.loads(rest)


async def _content(reply: aiohttp.ClientResponse) -> Any:
    try:
        return await reply.json(content_type=None)
    except ValueError as error:
        detail = "The answer is no JSON: another server than rosterd is at this address."
        raise ApiError(reply.status, {"title": reply.reason, "detail": detail}) from error


async def _error(reply: aiohttp.ClientResponse) -> ApiError:
    if reply.status < 400:
        place = reply.headers.get("location", "nowhere")
        detail = f"The server sends on to {place}: give the client that address."
        return ApiError(reply.status, {"title": reply.reason, "detail": detail})
    try:
        problem = await reply.json(content_type=None)
    except (ValueError, aiohttp.ClientError):
        problem = None
    return ApiError(reply.status, problem if isinstance(problem, dict) else {"title": reply.reason or ""})


def _pause(attempt: int, asked: str | None) -> float:
    """Seconds until the next attempt: what the server asks for, else longer each time, with jitter."""
    if asked and asked.isdigit():
        return float(asked)
    return float(0.2 * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
