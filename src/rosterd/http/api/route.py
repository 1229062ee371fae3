"""One row of the management API's table: an address, who may use it, what goes in and what comes out.

The schemas (JSON Schema 2020-12) of query and body are checked before the handler is called, and are what
the OpenAPI document shows; so one cannot say anything else than the other.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rosterd.http.api.request import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ApiContext,
    ApiReply,
    ApiRequest,
    StreamReply,
)

Schema = Mapping[str, Any]
Handler = Callable[[ApiContext, ApiRequest], Awaitable[ApiReply | StreamReply]]

JSON: Final = "application/json"
MAX_BODY: Final = 1024 * 1024

PAGE: Final[Mapping[str, Schema]] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LIMIT,
        "description": "The most items on a page; a page may be shorter though more follow.",
        "default": DEFAULT_LIMIT,
    },
    "cursor": {
        "type": "string",
        "maxLength": 4096,
        "description": "`nextCursor` of the page before; it lives an hour, for the same query and key.",
    },
}
"""The query parameters of every list."""


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """One method at one kind of address below ``/api/v1``."""

    method: str
    template: str
    scope: str | None
    """The scope the API key needs; ``None``: no key is needed."""
    handler: Handler
    summary: str
    query: Mapping[str, Schema] = field(default_factory=dict)
    """The parameters by name; there are no others, and each may be given once."""
    body: Schema | None = None
    reply: Schema | None = None
    """The schema of the body of the successful reply, if it has one."""
    status: int = 200
    """The status of the successful reply."""
    statuses: tuple[int, ...] = ()
    """Statuses of errors of its own, besides those that any route with this form has."""
    media: tuple[str, ...] = (JSON,)
    """The media types it can reply with."""
    max_body: int = MAX_BODY
    """Bytes."""
    secret: bool = False
    """Whether the reply holds a secret, which is never kept for a repeated request."""
