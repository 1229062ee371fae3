"""What an endpoint of webhooks may be, and how the audit log speaks of it."""

from typing import Any, Final

from rosterd.scim import errors
from rosterd.service.set_stream import POLL
from rosterd.service.webhook_messages import MAX_BATCH, MAX_BATCH_WAIT
from rosterd.service.webhooks import HANDLER, Endpoint

MAX_URL: Final = 2000
MAX_LABEL: Final = 200


def check(endpoint: Endpoint) -> None:
    """Raise ``InvalidValue`` for an endpoint that cannot be; where its URL leads is another question."""
    if len(endpoint.url) > MAX_URL:
        raise errors.InvalidValue(f"url: at most {MAX_URL} characters.")
    if len(endpoint.label) > MAX_LABEL:
        raise errors.InvalidValue(f"label: at most {MAX_LABEL} characters, not {len(endpoint.label)}.")
    if not 1 <= endpoint.max_events <= MAX_BATCH:
        raise errors.InvalidValue(f"maxEvents: must be 1 to {MAX_BATCH}, not {endpoint.max_events}.")
    if not 0 <= endpoint.max_wait <= MAX_BATCH_WAIT:
        raise errors.InvalidValue(f"maxWait: must be 0 to {MAX_BATCH_WAIT} s, not {endpoint.max_wait}.")
    if endpoint.stream is not None:
        endpoint.stream.check(endpoint.url, endpoint.directory)
        if endpoint.max_events > 1:
            raise errors.InvalidValue("maxEvents: must be 1, as a security event token tells one event.")


def no_handler(endpoint: Endpoint) -> None:
    """Raise ``Conflict`` for the endpoint of a handler."""
    if endpoint.url.startswith(HANDLER):
        name = endpoint.url.removeprefix(HANDLER)
        raise errors.Conflict(
            f"This is the handler '{name}', a function of the application: its code says what it hears of. "
            "It can be enabled, disabled, replayed and removed."
        )


def not_polled(endpoint: Endpoint) -> None:
    """Raise ``Conflict`` for a stream that is polled."""
    if endpoint.stream is not None and endpoint.stream.method == POLL:
        raise errors.Conflict(
            "This stream is polled: the receiver fetches its tokens, and nothing is sent to it."
        )


def target(endpoint: Endpoint) -> str:
    """The endpoint as an administrator knows it."""
    return f"webhook {endpoint.id}" + (f" '{endpoint.label}'" if endpoint.label else "")


def told(endpoint: Endpoint) -> dict[str, Any]:
    """What an entry of the audit log says of it; the query of a URL may hold a secret."""
    return {
        "url": endpoint.url.partition("?")[0],
        "label": endpoint.label,
        "types": list(endpoint.types),
        "maxEvents": endpoint.max_events,
        "maxWait": endpoint.max_wait,
        **(endpoint.stream.told if endpoint.stream else {}),
    }
