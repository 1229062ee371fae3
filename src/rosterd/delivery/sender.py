"""One request with one message: signed, within limits of time and size, to an address that was looked at.

Whatever the receiver does becomes an ``Outcome``, nothing an exception. Redirects are failures: whoever
answers for the endpoint must be where an administrator said.
"""

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver

from rosterd.delivery import connecting, egress
from rosterd.delivery.set_push import TOKEN_HEADERS, SetPush, judged
from rosterd.delivery.signing import Vault
from rosterd.delivery.spans import DeliverySpan, DeliverySpans
from rosterd.scim import errors
from rosterd.service.audit import MASK
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome

_log = structlog.get_logger("rosterd.delivery")

TOTAL_SECONDS: Final = 15
CONNECT_SECONDS: Final = 5
MAX_REPLY: Final = 65_536
"""Bytes of a reply's body that are read; then the connection is closed."""
KEPT_REPLY: Final = 4096
"""Bytes of it that the log keeps."""
KEPT_HEADERS: Final = 32
KEPT_HEADER: Final = 256
KEEPALIVE: Final = 4
"""Seconds; less than most servers wait before they close, so that none closes while a message is sent."""
_AGENT: Final = f"rosterd/{metadata.version('rosterd')}"
_HIDDEN: Final = frozenset(("set-cookie", "www-authenticate", "authorization"))
_NEVER_SENT: Final = ("Accept", "Accept-Encoding", "User-Agent")


class HttpSender:
    """See ``rosterd.service.webhook_admin.Sender``. Needs an event loop from the first message on."""

    def __init__(
        self,
        vault: Vault,
        policy: egress.Policy,
        now: Callable[[], int],
        resolver: AbstractResolver | None = None,
        total: float = TOTAL_SECONDS,
        signing: SigningKeys | None = None,
        spans: DeliverySpans | None = None,
    ) -> None:
        self._vault = vault
        self._tokens = SetPush(vault, signing)
        self._policy = policy
        self._now = now
        self._resolver = resolver
        self._total = total
        self._spans = spans
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        """See ``Sender.send``."""
        span = None if self._spans is None else self._spans.deliver(endpoint, message)
        outcome: Outcome | None = None
        try:
            outcome = await self._sent(endpoint, message, span)
        finally:
            if span is not None:
                span.end(outcome)
        return outcome

    async def _sent(self, endpoint: Endpoint, message: Message, span: DeliverySpan | None) -> Outcome:
        at = self._now()
        started = time.monotonic()
        request: dict[str, str] = {}
        status, reply, body = None, {}, ""
        retry_after, final = None, False
        try:
            self._policy.check_url(endpoint.url)
            if endpoint.stream is None:
                request = {
                    "content-type": "application/json",
                    "user-agent": _AGENT,
                    "webhook-id": message.id,
                    "webhook-timestamp": str(at // 1000),
                    "webhook-signature": self._vault.signatures(endpoint, message.id, at, message.body),
                }
                data = message.body
                secret: dict[str, str] = {}
            else:
                request = {**TOKEN_HEADERS, "user-agent": _AGENT}
                data, secret = await self._tokens.prepared(endpoint, endpoint.stream, message)
            if span is not None:
                request["traceparent"] = span.traceparent
            session = self._session(plain=endpoint.url.startswith("http:"))
            async with session.post(
                endpoint.url, data=data, headers=request | secret, allow_redirects=False
            ) as response:
                status = response.status
                reply = _kept_headers(response.headers)
                retry_after = _retry_after(response.headers.get("Retry-After"), at)
                body = await _beginning(response)
            error = _fault(status, reply)
            if endpoint.stream is not None:
                error, final = judged(status, body, error)
        except TimeoutError:
            error = _late(status, self._total)
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            error = _broken(fault)
        except errors.InvalidValue as fault:  # what was allowed when it was said is not any more
            error = fault.detail
        except LookupError as fault:  # no secret that can sign
            error = f"The message could not be signed: {fault}."
        except Exception as fault:  # noqa: BLE001 - one endpoint's oddity must not end the others' delivery
            _log.error("unexpected error of delivery", webhook=endpoint.id, exc_info=fault)
            error = "Something went wrong on our side; the log of the server tells more."
        took = int((time.monotonic() - started) * 1000)
        return Outcome(at, took, status, error, retry_after, request, reply, body, final)

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _session(self, *, plain: bool) -> aiohttp.ClientSession:
        if plain not in self._sessions:
            connector = connecting.connector(
                self._policy, plain=plain, resolver=self._resolver, limit=0, keepalive_timeout=KEEPALIVE
            )
            self._sessions[plain] = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(
                    total=self._total, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                skip_auto_headers=_NEVER_SENT,
                max_line_size=8190,
                max_field_size=8190,
            )
        return self._sessions[plain]


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The beginning of the body; a reply that goes on too long loses its connection."""
    parts = bytearray()
    async for chunk in response.content.iter_chunked(16_384):
        parts += chunk
        if len(parts) > MAX_REPLY:
            response.close()
            break
    return bytes(parts[:KEPT_REPLY]).decode("utf-8", "replace")


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    for name, value in list(headers.items())[:KEPT_HEADERS]:
        low = name.lower()[:KEPT_HEADER]
        kept[low] = MASK if low in _HIDDEN else value[:KEPT_HEADER]
    return kept


def _retry_after(text: str | None, now: int) -> int | None:
    """Seconds (RFC 9110 §10.2.3: a number of them, or a date)."""
    if not text:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return min(int(text.strip()[:9]), 10**9)
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp() - now / 1000))
    except (TypeError, ValueError, OverflowError):
        return None


def _fault(status: int, reply: Mapping[str, str]) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        where = f" to {reply['location']}" if "location" in reply else ""
        return f"The receiver answered {status}, a redirect{where}; redirects are not followed."
    if status == 410:
        return "The receiver answered 410: it wants no more messages."
    return f"The receiver answered {status}."


def _late(status: int | None, total: float) -> str:
    if status is None:
        return f"The receiver did not answer in time ({CONNECT_SECONDS} s to connect, {total:g} s in all)."
    return f"The receiver answered {status}, but its body did not end within {total:g} s."


def _broken(fault: Exception) -> str:
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, egress.Refused):
            return str(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__ or cause.__context__
    inner = fault.os_error if isinstance(fault, aiohttp.ClientConnectorError) else fault
    detail = getattr(inner, "strerror", None) or str(inner) or type(fault).__name__
    return f"No answer came: {detail}"[:1000]
