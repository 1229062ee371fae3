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


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response. A body is SCIM JSON unless ``content_type`` says otherwise."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    content_type: Header = SCIM_JSON
    cache: Header = NO_STORE

    async def send(
        self,
        send: Send,
        request_id: str,
        *,
        head: bool = False,
        more: tuple[Header, ...] = (),
        guards: tuple[Header, ...] = GUARDS,
    ) -> None:
        """Send it with ``more`` headers and the ``guards``; for HEAD everything but the body."""
        headers = self.usual_headers(request_id, more, guards)
        if self.body:
            headers.append(self.content_type)
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})

    def usual_headers(
        self, request_id: str, more: tuple[Header, ...], guards: tuple[Header, ...]
    ) -> list[Header]:
        """Those that do not depend on how the body is sent."""
        return [*self.headers, *more, *guards, (b"x-request-id", request_id.encode("latin-1")), self.cache]
