"""What is sent back: a status, headers and the whole body."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

SCIM_JSON: Final[Header] = (b"content-type", b"application/scim+json; charset=utf-8")
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
GUARDS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
)
"""A browser that opens what is no page runs nothing of it."""


_BARE: Final = frozenset((204, 304))
"""Statuses of replies that never have a body, and so no length of one."""
WHOLE: Final = "rosterd.whole"
"""An ASGI extension: a server that has it in a scope's ``extensions`` takes status, headers and body in one
message of this type, and what it sends to HEAD is its own affair. Its headers say nothing of the
connection."""


@dataclass(slots=True)
class Reply:
    """One HTTP response. A body is SCIM JSON unless ``content_type`` says otherwise."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    content_type: Header = SCIM_JSON
    cache: Header = NO_STORE

    def send(
        self,
        scope: Scope,
        send: Send,
        request_id: str,
        more: tuple[Header, ...] = (),
        guards: tuple[Header, ...] = GUARDS,
    ) -> Awaitable[None]:
        """Send it with ``more`` headers and the ``guards``; for HEAD everything but the body."""
        headers = self.usual_headers(request_id, more, guards)
        status, body = self.status, self.body
        if body:
            headers.append(self.content_type)
        if status not in _BARE:
            headers.append((b"content-length", b"%d" % len(body)))
        if WHOLE in (scope.get("extensions") or ()):
            return send({"type": WHOLE, "status": status, "headers": headers, "body": body})
        return _in_parts(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    def usual_headers(
        self, request_id: str, more: tuple[Header, ...], guards: tuple[Header, ...]
    ) -> list[Header]:
        """Those that do not depend on how the body is sent."""
        return [*self.headers, *more, *guards, (b"x-request-id", request_id.encode("latin-1")), self.cache]


async def _in_parts(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_part(send: Send, part: bytes, *, last: bool = False) -> bool:
    """Send a part of a body; whether there is still somebody who takes it (a server of ASGI 2.4 tells)."""
    try:
        await send({"type": "http.response.body", "body": part, "more_body": not last})
    except OSError:
        return False
    return True
