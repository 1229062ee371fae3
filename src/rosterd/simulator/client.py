"""How an identity provider's HTTP client talks: its headers, its time-out, when it tries again.

Whatever a server does is a ``Reply``, silence included (status 0); only a programming fault raises.
A ``Manner`` is data, so that a new client is a new value and no code.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, quote_plus

import orjson

if TYPE_CHECKING:
    from rosterd.simulator.transport import Transport

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Backoff:
    """When a refused request is sent again.

    Okta reads ``Retry-After`` as whole seconds only, takes five minutes where there is none it can
    read, doubles the wait with each attempt and gives up after ten.
    """

    statuses: frozenset[int] = frozenset((429, 503))
    default: float = 300.0
    """Seconds to wait without a usable ``Retry-After``."""
    attempts: int = 10

    def wait(self, attempt: int, retry_after: str | None) -> float | None:
        """Seconds to wait after the ``attempt``-th refusal (from 1); ``None`` to give up."""
        if attempt >= self.attempts:
            return None
        text = (retry_after or "").strip()
        seconds = float(text) if text.isascii() and text.isdigit() else self.default
        return float(seconds * 2 ** (attempt - 1))


@dataclass(frozen=True, slots=True)
class Manner:
    """The habits of one client; ``headers`` is by method, with ``""`` for all others."""

    name: str
    headers: Mapping[str, Mapping[str, str]]
    space: str = "%20"
    """How a space in the query is written: ``%20`` or ``+``."""
    timeout: float = 60.0
    """Seconds until the client closes the socket."""
    backoff: Backoff = field(default_factory=Backoff)

    def headers_for(self, method: str) -> Mapping[str, str]:
        """The headers of a request, without ``Authorization``."""
        return self.headers.get(method, self.headers[""])

    def encode(self, query: Query) -> str:
        """The query string as this client writes it."""
        encode = quote_plus if self.space == "+" else quote
        return "&".join(f"{name}={encode(value, safe='')}" for name, value in query)


_OKTA_READ: Final = {
    "User-Agent": "Okta SCIM Client 1.0.0",
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    # Okta's test suite sends it with bodyless requests too.
    "Content-Type": "application/scim+json; charset=utf-8",
}
_OKTA_POST: Final = {
    "User-Agent": "Okta SCIM Client 1.0.0",
    "Accept": "application/scim+json; charset=utf-8",
    "Content-Type": "application/json",
}
OKTA: Final = Manner("Okta", {"": _OKTA_READ, "POST": _OKTA_POST})

_ENTRA_READ: Final = {"User-Agent": "rosterd simulator (Entra)", "Accept": "application/scim+json"}
_ENTRA_WRITE: Final = {**_ENTRA_READ, "Content-Type": "application/scim+json; charset=utf-8"}
ENTRA: Final = Manner(
    "Entra",
    {"": _ENTRA_READ, "POST": _ENTRA_WRITE, "PATCH": _ENTRA_WRITE, "PUT": _ENTRA_WRITE},
    space="+",
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``status`` 0: nothing did, and ``text`` says why."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    text: str = ""
    body: Any = None
    """The parsed JSON; ``None`` without a body or where it is not JSON."""
    ms: float = 0.0
    """Duration of the last attempt, waiting between attempts not counted."""
    attempts: int = 1

    @property
    def detail(self) -> str:
        """The server's own explanation, or the beginning of whatever it sent."""
        found = self.body.get("detail") if isinstance(self.body, dict) else None
        return " ".join((str(found) if found else self.text).split())[:200]


class Client:
    """Sends requests to one SCIM base URL in one manner. Use as an asynchronous context manager.

    ``on_reply`` sees the reply to every attempt; ``sleep`` is how waiting is done.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        manner: Manner,
        *,
        connections: int = 16,
        on_reply: Callable[[Reply], None] = lambda reply: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.manner = manner
        self._authorization = f"Bearer {token}"
        self._connections = connections
        self._on_reply = on_reply
        self._sleep = sleep
        self._transport: Transport | None = None
        self._no_answer: type[Exception] = Exception

    async def __aenter__(self) -> Self:
        # aiohttp takes a quarter of a second to import, and most commands never send a request.
        from rosterd.simulator.transport import NoAnswer, Transport  # noqa: PLC0415

        self._transport = Transport(self._connections, self.manner.timeout)
        self._no_answer = NoAnswer
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def send(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Any = None,
        authorization: str | None = None,
    ) -> Reply:
        """Send one request, again and again where the manner says so, and give the last reply.

        ``path`` begins with a slash behind the base URL; ``body`` ``None`` sends none;
        ``authorization`` replaces the whole header value.
        """
        address = f"{self.base_url}{path}"
        if query:
            address = f"{address}?{self.manner.encode(query)}"
        headers = {
            **self.manner.headers_for(method),
            "Authorization": authorization if authorization is not None else self._authorization,
        }
        content = None if body is None else orjson.dumps(body)
        attempt = 1
        while True:
            reply = await self._once(method, address, headers, content, attempt)
            self._on_reply(reply)
            if reply.status not in self.manner.backoff.statuses:
                return reply
            wait = self.manner.backoff.wait(attempt, reply.headers.get("retry-after"))
            if wait is None:
                return reply
            await self._sleep(wait)
            attempt += 1

    async def _once(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None, attempt: int
    ) -> Reply:
        if self._transport is None:
            raise RuntimeError("use the client in 'async with'")
        begin = time.perf_counter()
        try:
            status, named, raw = await self._transport.request(method, address, headers, content)
        except self._no_answer as silence:
            return Reply(0, text=str(silence), ms=_since(begin), attempts=attempt)
        return Reply(
            status=status,
            headers=named,
            text=raw.decode("utf-8", "replace"),
            body=_parse(raw),
            ms=_since(begin),
            attempts=attempt,
        )


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000
