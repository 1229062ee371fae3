"""The empty ASGI application: what the client can do at most, uvicorn included."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"{}"}


async def app(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer ``{}`` to everything."""
    if scope["type"] == "http":
        await send(START)
        await send(BODY)
