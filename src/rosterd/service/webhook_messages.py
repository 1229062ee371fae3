"""What is sent to a webhook, under which id, and when it is tried again: data and pure functions.

    id      = "msg_" directory "-" seq                        ; one event
            / "msg_" directory "-" first "-" last "-" count   ; a batch
            / "msg_test-" chance                              ; a test

A message has the same id and the same events at every attempt, so a receiver that remembers ids acts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.scim.render import format_time
from rosterd.service.control import Directory
from rosterd.service.events import StoredEvent
from rosterd.service.feed import SCHEMA_VERSION, document

RETRIES: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 86_400)
"""Seconds until a message that failed is tried again, and again: thirteen attempts in 3 days and 5 hours."""
JITTER: Final = 0.2
"""A wait is up to so much longer or shorter, so that many do not come back at once."""
MAX_RETRY_AFTER: Final = 86_400
"""The longest that a receiver's Retry-After counts, in seconds."""
GIVE_UP: Final = 5 * 86_400_000
"""After so long (ms) of nothing but failures an endpoint is disabled."""
MAX_BATCH: Final = 500
MAX_BATCH_WAIT: Final = 3600
"""Seconds."""
BATCH_BYTES: Final = 1_048_576
"""A batch ends early when it grows beyond this."""
TEST_TYPE: Final = "webhook.test"
BATCH_TYPE: Final = "batch"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the events from ``first`` to ``last`` of a directory, or a test (0)."""

    id: str
    body: bytes
    first: int = 0
    last: int = 0
    causes: tuple[str, ...] = ()
    """The ids of the requests that its events came from."""


def single(stored: StoredEvent, directory: Directory, connections: Mapping[int, str]) -> Message:
    """An event as a message: what the feed shows of it."""
    body = orjson.dumps(document(stored, directory, connections))
    return Message(
        f"msg_{directory.id}-{stored.seq}", body, stored.seq, stored.seq, (stored.event.request_id,)
    )


def batch(events: Sequence[StoredEvent], directory: Directory, connections: Mapping[int, str]) -> Message:
    """Several events as one message."""
    first, last = events[0].seq, events[-1].seq
    id = f"msg_{directory.id}-{first}-{last}-{len(events)}"
    body = {
        "id": id,
        "type": BATCH_TYPE,
        "schemaVersion": SCHEMA_VERSION,
        "directory": directory.name,
        "events": [document(stored, directory, connections) for stored in events],
    }
    causes = tuple(dict.fromkeys(stored.event.request_id for stored in events))
    return Message(id, orjson.dumps(body), first, last, causes)


def test(id: str, at: int, directory: str | None, webhook: str) -> Message:
    """A message that says nothing happened, in the form of an event; it is in no feed."""
    body: dict[str, Any] = {
        "id": id,
        "type": TEST_TYPE,
        "schemaVersion": SCHEMA_VERSION,
        "directory": directory,
        "time": format_time(at),
        "resource": {"type": "Webhook", "id": webhook},
        "cause": {"connection": None, "requestId": ""},
        "data": {"text": "This is a test of rosterd. Nothing happened."},
    }
    return Message(id, orjson.dumps(body))


def wait(failures: int, chance: float, retry_after: int | None = None) -> int | None:
    """Milliseconds until the next attempt after so many failures; ``None``: there is none.

    ``chance`` lies from 0 to 1. What the receiver asked for counts if it is longer, within bounds.
    """
    if failures > len(RETRIES):
        return None
    seconds = RETRIES[failures - 1] * (1 + JITTER * (2 * chance - 1))
    return int(1000 * max(seconds, min(retry_after or 0, MAX_RETRY_AFTER)))
