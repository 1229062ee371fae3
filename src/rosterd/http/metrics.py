"""``GET /metrics``: what is measured, as text for Prometheus, and who may read it.

With a token set, whoever sends it as a bearer token, from wherever; without one, clients on this machine and
in private networks. What is told has no names and no personal data in it, but says how busy somebody is.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Final

from rosterd.http.guard import Guard
from rosterd.http.headers import Headers, bearer
from rosterd.http.reply import Header, Reply, Scope
from rosterd.scim import errors

PATH: Final = "/metrics"
TEXT: Final[Header] = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
_PROBLEM: Final[Header] = (b"content-type", b"text/plain; charset=utf-8")
_CHALLENGE: Final[Header] = (b"www-authenticate", b'Bearer realm="rosterd metrics"')


class Metrics:
    """The address for Prometheus. ``collect`` gives the text; ``token`` is what to ask for, or ``""``."""

    def __init__(self, collect: Callable[[], Awaitable[bytes]], token: str, guard: Guard) -> None:
        self._collect = collect
        self._token = token
        self._guard = guard

    async def reply(self, scope: Scope) -> Reply:
        """The answer to one request."""
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise errors.MethodNotAllowed("Only GET is supported here.", allow=("GET", "HEAD"))
            self._admit(scope)
        except errors.ScimError as error:
            headers = (_CHALLENGE,) if isinstance(error, errors.Unauthorized) else ()
            if isinstance(error, errors.MethodNotAllowed):
                headers = ((b"allow", ", ".join(error.allow).encode()),)
            if error.retry_after is not None:
                headers = ((b"retry-after", b"%d" % error.retry_after),)
            return Reply(error.status, f"{error.detail}\n".encode(), headers, content_type=_PROBLEM)
        return Reply(200, await self._collect(), content_type=TEXT)

    def _admit(self, scope: Scope) -> None:
        """Raises ``Unauthorized``, ``Forbidden`` and ``TooManyRequests``."""
        if not self._token:
            if not is_near(scope):
                raise errors.Forbidden(
                    "Metrics are for clients on this machine and in private networks; from elsewhere they "
                    "need a token, which ROSTERD_METRICS_TOKEN sets."
                )
            return
        try:
            given = bearer(Headers(scope["headers"]).get(b"authorization"))
        except errors.Unauthorized:
            given = ""
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            self._guard.failed(scope)
            raise errors.Unauthorized(
                "Send the token of ROSTERD_METRICS_TOKEN as a bearer token.", sent=bool(given)
            )


def is_near(scope: Scope) -> bool:
    """Whether a client is on this machine or in a private network."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(str(client[0]) if client else "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_private
