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
connection; before them go those of ``usual``, a tuple that many replies have alike."""
SAME: Final = "rosterd.same"
"""Another one: a list that the requests of a connection have in common for as long as their headers are the
same. What an application finds out from those it may keep there."""


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
        headers = self.own_headers(request_id, more)
        status, body = self.status, self.body
        usual = (*guards, self.cache, self.content_type) if body else (*guards, self.cache)
        if status not in _BARE:
            headers.append((b"content-length", b"%d" % len(body)))
        if WHOLE in (scope.get("extensions") or ()):
            return send({"type": WHOLE, "status": status, "headers": headers, "usual": usual, "body": body})
        return _in_parts(send, status, [*usual, *headers], b"" if scope["method"] == "HEAD" else body)

    def own_headers(self, request_id: str, more: tuple[Header, ...]) -> list[Header]:
        """Those that other replies have not alike, without what depends on how the body is sent."""
        return [*self.headers, *more, (b"x-request-id", request_id.encode("latin-1"))]


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
