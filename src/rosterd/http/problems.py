"""The one place where an error becomes bytes.

A ``ScimError`` is told as it is. The store being away is 503. Anything else is a fault of ours: the
client gets an opaque 500 with the request id, the log gets the cause. SCIM has a form of its own for that
(RFC 7644 §3.12), the management API problem details (RFC 9457), the Token Provider OAuth errors (RFC 6749).
"""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog

from rosterd.http.reply import Header, Reply
from rosterd.scim import errors, urns
from rosterd.service.clients import Refused
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable

_log = structlog.get_logger("rosterd.http")

RETRY_AFTER = 5  # seconds, when the store is away
PROBLEM_JSON: Final[Header] = (b"content-type", b"application/problem+json")
_JSON: Final[Header] = (b"content-type", b"application/json")

_OAUTH_CODES: Final = {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"}
# error_description = 1*( %x20-21 / %x23-5B / %x5D-7E ) (RFC 6749 §5.2).
_NO_OAUTH_TEXT: Final = re.compile(r"[^\x20\x21\x23-\x5B\x5D-\x7E]")


class InvalidRequest(errors.InvalidValue):
    """Query or body do not fit; ``faults`` say where and what, the place as a JSON pointer (RFC 6901)."""

    def __init__(self, detail: str, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.faults = tuple(faults)


class KeyReused(errors.ScimError):
    """The idempotency key was used for another request."""

    status = 422


def reply_to(error: BaseException, request_id: str) -> Reply:
    """The reply that tells this error as SCIM does; logs it where an operator must know."""
    known = told(error, request_id)
    if known is None:
        body: dict[str, Any] = {"schemas": [urns.ERROR], "status": "500", "detail": _ours(request_id)}
        return Reply(500, orjson.dumps(body))
    return Reply(known.status, orjson.dumps(known.to_json()), _headers(known))


def problem_to(error: BaseException, request_id: str) -> Reply:
    """The same as problem details: ``instance`` is the request's id as a URN-like reference."""
    known = told(error, request_id)
    status = 500 if known is None else known.status
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _ours(request_id) if known is None else known.detail,
        "instance": request_id,
    }
    if isinstance(known, InvalidRequest):
        body["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in known.faults]
    headers = () if known is None else _headers(known)
    return Reply(status, orjson.dumps(body), headers, content_type=PROBLEM_JSON)


def oauth_reply_to(error: BaseException, request_id: str, challenge: str) -> Reply:
    """The same as RFC 6749 §5.2: ``error`` and ``error_description``; ``challenge`` is for a 401.

    RFC 6749 has no ``error`` for what HTTP says by its status alone; it is ``invalid_request`` then, and
    §4.1.2.1's ``temporarily_unavailable`` and ``server_error``.
    """
    headers: tuple[Header, ...] = ()
    if isinstance(error, Refused):
        status, code, detail = (401 if error.code == "invalid_client" else 400), error.code, error.detail
        if status == 401:
            headers = ((b"www-authenticate", challenge.encode()),)
    else:
        known = told(error, request_id)
        status = 500 if known is None else known.status
        code = _OAUTH_CODES.get(status, "invalid_request")
        detail = _ours(request_id) if known is None else known.detail
        headers = () if known is None else _headers(known)
    body = {"error": code, "error_description": _NO_OAUTH_TEXT.sub("?", detail.replace('"', "'"))}
    return Reply(status, orjson.dumps(body), headers, content_type=_JSON)


def told(error: BaseException, request_id: str) -> errors.ScimError | None:
    """The error as the client may know it; ``None`` for a fault of ours. Logs where an operator must know."""
    if isinstance(error, StoreUnavailable):
        unknown = isinstance(error, OutcomeUnknown)
        _log.error("store unavailable", request_id=request_id, why=str(error), unknown=unknown)
        return errors.Unavailable(error.told, retry_after=RETRY_AFTER)
    if isinstance(error, errors.ScimError):
        return error
    _log.error("unexpected error", request_id=request_id, exc_info=error)
    return None


def _ours(request_id: str) -> str:
    return f"Something went wrong on our side. Give the operator this request id: {request_id}"


def _headers(error: errors.ScimError) -> tuple[Header, ...]:
    headers: list[Header] = []
    if isinstance(error, errors.Unauthorized):
        # Whoever sent no token is told of none that is wrong (RFC 6750 §3.1).
        wrong = b', error="invalid_token"' if error.sent else b""
        headers.append((b"www-authenticate", b'Bearer realm="rosterd"' + wrong))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if isinstance(error, errors.MethodNotAllowed) and error.allow:
        headers.append((b"allow", ", ".join(error.allow).encode()))
    return tuple(headers)
