"""One request, and what came of it: never an exception, whatever the network or the server does."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from faults.history import REFUSED, UNKNOWN, outcome_of
from judges.harness import NO_TLS, SCIM_JSON

PATIENCE: Final = 10.0
"""Seconds until a reply is given up."""
PAUSE: Final = 0.3
"""Seconds until a client that was cut off asks again."""


@dataclass(slots=True)
class Reply:
    """What came of one request."""

    began: int
    ended: int | None
    outcome: str
    status: int | None = None
    body: Any = None
    note: str = ""


class Client:
    """One line of keep-alive connections; it goes to the next server when one does not answer."""

    def __init__(self, number: int, urls: Sequence[str], token: str) -> None:
        self.number = number
        self._urls = urls
        self._at = number % len(urls)
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}", "Content-Type": SCIM_JSON},
            timeout=PATIENCE, verify=NO_TLS,
        )  # fmt: skip

    async def ask(self, method: str, path: str, body: Any = None, match: int | None = None) -> Reply:
        """Send one request to ``/scim/v2``; never raises for what the network or the server does."""
        url = self._urls[self._at]
        headers = {} if match is None else {"If-Match": f'W/"{match}"'}
        began = time.monotonic_ns()
        try:
            reply = await self._http.request(method, f"{url}/scim/v2{path}", json=body, headers=headers)
            ended = time.monotonic_ns()
            shown = reply.json() if reply.content else None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:  # nothing was sent
            await self._next()
            return Reply(began, time.monotonic_ns(), REFUSED, note=f"{url} {type(error).__name__}")
        except (httpx.HTTPError, ValueError) as error:
            await self._next()
            return Reply(began, None, UNKNOWN, note=f"{url} {type(error).__name__}")
        outcome = outcome_of(reply.status_code, shown)
        told = f"{url} {reply.headers.get('x-request-id', '')}"
        if reply.status_code >= 400:
            told += f" {shown.get('detail') if isinstance(shown, dict) else reply.text[:200]}"
        if reply.status_code >= 500:
            await self._next()
        return Reply(began, ended if outcome != UNKNOWN else None, outcome, reply.status_code, shown, told)

    async def _next(self) -> None:
        self._at = (self._at + 1) % len(self._urls)
        await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
