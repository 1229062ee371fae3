"""What the management API shows and takes of webhooks, as schemas of the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.http.api.schemas import maybe, number, text, thing, time
from rosterd.service.set_stream import (
    DETAILS,
    MAX_AUDIENCE,
    MAX_AUTHORIZATION,
    METHODS,
    VOCABULARIES,
)
from rosterd.service.webhook_messages import MAX_BATCH, MAX_BATCH_WAIT
from rosterd.service.webhook_rules import MAX_LABEL, MAX_URL
from rosterd.service.webhooks import KINDS, SCHEMES

Schema = Mapping[str, Any]

EVENT_ID: Final = "^[0-9]{1,15}-[0-9]{1,18}$"
SCHEME: Final = text(
    "How messages are signed: "
    + "; ".join(f"`{name}`: {meaning}" for name, meaning in SCHEMES.items())
    + ".",
    enum=list(SCHEMES),
)

CHANGEABLE: Final[Mapping[str, Schema]] = {
    "url": text("Where messages are sent; a stream that is polled has none.", maxLength=MAX_URL),
    "label": text("What or whom it is for.", maxLength=MAX_LABEL),
    "types": {
        "type": "array",
        "description": "Types of events it hears of, such as `user.created` or `user.*`; none: all.",
        "items": text("A type or the beginning of types.", pattern="^[^,]{1,100}$"),
        "maxItems": 20,
    },
    "maxEvents": number("Events to a message; with 1 a message is an event.", 1, MAX_BATCH),
    "maxWait": number("Seconds that an event may wait for others to fill a message.", 0, MAX_BATCH_WAIT),
}
"""What can be changed of a webhook."""


def _choice(description: str, meanings: Mapping[str, str]) -> Schema:
    told = "; ".join(f"`{name}`: {meaning}" for name, meaning in meanings.items())
    return text(f"{description}: {told}.", enum=list(meanings))


_AUDIENCE: Final = "The claim `aud` of the tokens: what the receiver calls itself."
_DETAIL: Final = _choice("How much a token tells", DETAILS)
_VOCABULARY: Final = _choice("In which words", VOCABULARIES)
STREAM: Final = thing(
    "It gets security event tokens (RFC 9967) in the place of webhooks.",
    ("method", "detail", "vocabulary", "authorization"),
    audience=text(_AUDIENCE, minLength=1, maxLength=MAX_AUDIENCE),
    method=_choice("By which way", METHODS),
    detail=_DETAIL,
    vocabulary=_VOCABULARY,
    authorization=text(
        "The value of the header `Authorization` of a push.", minLength=1, maxLength=MAX_AUTHORIZATION
    ),
)
"""What is said of a stream when it is made."""
STREAM_CHANGES: Final = thing(
    "What to change of a stream.",
    ("audience", "detail", "vocabulary", "authorization"),
    **{name: schema for name, schema in STREAM["properties"].items() if name != "method"},
)

_WEBHOOK: Final[Mapping[str, Schema]] = {
    "id": text("Its id."),
    "directory": maybe(text("Name of the only directory it hears of; null for all.")),
    **{
        name: {k: v for k, v in schema.items() if k not in ("maxLength", "minLength")}
        for name, schema in CHANGEABLE.items()
    },
    "stream": maybe(
        thing(
            "What it is that gets security event tokens; null if it gets webhooks.",
            audience=text(_AUDIENCE),
            method=text("By which way.", enum=list(METHODS)),
            detail=_DETAIL,
            vocabulary=_VOCABULARY,
            authorization={"type": "boolean", "description": "Whether pushes carry an authorization."},
        )
    ),
    "state": thing(
        "Whether messages are sent.",
        by=text("Who brought that about."),
        reason=text("Why."),
        since=maybe(time("Since when.")),
        **{"is": text("The state.", enum=["enabled", "disabled"])},
    ),
    "failingSince": maybe(time("Since when every attempt has failed; null if the last one did not.")),
    "secrets": {
        "type": "array",
        "description": "What signs, newest first, without the secrets.",
        "items": thing(
            "One secret.",
            scheme=text("How it signs.", enum=list(SCHEMES)),
            created=time("When it was made."),
            expires=maybe(time("Until when it signs beside a newer one.")),
            publicKey=maybe(text("`whpk_…`, of `v1a`.")),
        ),
    },
    "created": time("When it was made."),
}

_DELIVERY: Final[Mapping[str, Schema]] = {
    "id": {"type": "integer", "description": "Its number in the log; numbers only grow."},
    "directory": maybe(text("Name of the directory.")),
    "kind": text(
        "Why it was sent: by the feed, a replay of events or of dead letters, or a test.", enum=list(KINDS)
    ),
    "message": text("The `webhook-id`; empty if there was nothing to send."),
    "firstEvent": maybe(text("Id of its first event.")),
    "lastEvent": maybe(text("Id of its last event.")),
    "attempt": {"type": "integer", "description": "1 for the first; 0 if nothing could be sent."},
    "at": time("When."),
    "milliseconds": {"type": "integer", "description": "How long it took."},
    "status": maybe({"type": "integer", "description": "The status of the reply; null without one."}),
    "error": text("What went wrong; empty after success."),
}
_HEADERS: Final = {"type": "object", "description": "Headers by name."}

COMPONENTS: Final[Mapping[str, Schema]] = {
    "Webhook": thing("An endpoint, without its secrets.", **_WEBHOOK),
    "NewWebhook": thing(
        "An endpoint with its new secret, this once.",
        **_WEBHOOK,
        secret=maybe(
            text(
                "What the receiver verifies with: `whsec_…`, or of `v1a` the public key `whpk_…`; null for a "
                "stream, whose tokens are verified with the keys at `/.well-known/jwks.json`."
            )
        ),
    ),
    "Line": thing(
        "How far the messages of a directory are.",
        directory=text("Name of the directory."),
        lane={"type": "integer", "description": "0 follows the feed; others are replays."},
        kind=text("What is sent.", enum=list(KINDS)),
        event=text("Id of the last event that is dealt with."),
        behind={"type": "integer", "description": "Events that are still to come, at most."},
        attempt={"type": "integer", "description": "How often the next message has failed."},
        nextAttempt=maybe(time("Not before then; null if nothing waits.")),
        lostThrough=maybe(text("The newest event that was forgotten before it could be sent.")),
        lostAt=maybe(time("When that was found.")),
    ),
    "Delivery": thing("An attempt.", **_DELIVERY),
    "DeliveryDetail": thing(
        "An attempt with request and reply.",
        **_DELIVERY,
        request=thing(
            "What was sent.",
            headers=_HEADERS,
            body=maybe(text("The body, from the feed; null if its events are not kept any more.")),
        ),
        reply=thing("The beginning of what was answered.", headers=_HEADERS, body=text("The body.")),
    ),
    "DeadLetter": thing(
        "A message that was given up.",
        directory=text("Name of the directory."),
        message=text("The `webhook-id`."),
        firstEvent=text("Id of its first event."),
        lastEvent=text("Id of its last event."),
        at=time("When it was given up."),
        attempts={"type": "integer", "description": "How often it was tried."},
        status=maybe({"type": "integer", "description": "The last status; null without a reply."}),
        error=text("What went wrong the last time."),
    ),
    "Replay": thing(
        "A replay that has begun.",
        directory=text("Name of the directory."),
        lane={"type": "integer", "description": "Its lane, as among the lines."},
        kind=text("What is sent.", enum=list(KINDS)),
        firstEvent=text("It begins with this event, or the next one there is."),
        lastEvent=text("It ends with this event."),
    ),
}
