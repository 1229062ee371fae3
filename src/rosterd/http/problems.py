"""The one place where an error becomes bytes.

A ``ScimError`` is told as it is. The store being away is 503. Anything else is a fault of ours: the
client gets an opaque 500 with the request id, the log gets the cause.
"""

import orjson
import structlog

from rosterd.http.reply import Header, Reply
from rosterd.scim import errors, urns
from rosterd.service.ports import StoreUnavailable

_log = structlog.get_logger("rosterd.http")

RETRY_AFTER = 5  # seconds, when the store is away


def reply_to(error: BaseException, request_id: str) -> Reply:
    """The reply that tells this error; logs it where an operator must know."""
    if isinstance(error, StoreUnavailable):
        _log.error("store unavailable", request_id=request_id, exc_info=error)
        error = errors.Unavailable(
            "The database cannot take this at the moment; nothing was changed. Try again later.",
            retry_after=RETRY_AFTER,
        )
    if isinstance(error, errors.ScimError):
        return Reply(error.status, orjson.dumps(error.to_json()), _headers(error))
    _log.error("unexpected error", request_id=request_id, exc_info=error)
    body = {
        "schemas": [urns.ERROR],
        "status": "500",
        "detail": f"Something went wrong on our side. Give the operator this request id: {request_id}",
    }
    return Reply(500, orjson.dumps(body))


def _headers(error: errors.ScimError) -> tuple[Header, ...]:
    headers: list[Header] = []
    if isinstance(error, errors.Unauthorized):
        headers.append((b"www-authenticate", b'Bearer realm="rosterd", error="invalid_token"'))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if isinstance(error, errors.MethodNotAllowed) and error.allow:
        headers.append((b"allow", ", ".join(error.allow).encode()))
    return tuple(headers)
