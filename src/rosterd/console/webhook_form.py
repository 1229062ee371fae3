"""The form of a webhook: what is typed becomes what it is to be; what is wrong stands beside its field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.request import PageRequest
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.changes import EVENTS
from rosterd.service.set_stream import (
    DETAILS,
    MAX_AUDIENCE,
    MAX_AUTHORIZATION,
    POLL,
    PUSH,
    VOCABULARIES,
    Stream,
)
from rosterd.service.webhook_messages import MAX_BATCH, MAX_BATCH_WAIT
from rosterd.service.webhook_rules import MAX_LABEL, MAX_URL
from rosterd.service.webhooks import SCHEMES, Endpoint

MESSAGES: Final = "messages"
KINDS: Final = (
    (MESSAGES, "Webhook messages", "Signed JSON by Standard Webhooks, for your own application."),
    (
        PUSH,
        "Security event tokens, sent",
        "Signed tokens of RFC 8417 by POST (RFC 8935), for a receiver of SETs.",
    ),
    (POLL, "Security event tokens, fetched", "The receiver asks for them with an API key (RFC 8936)."),
)
"""What an endpoint gets: value, label, explanation."""
BOXES: Final = frozenset((*EVENTS, *(f"{type.partition('.')[0]}.*" for type in EVENTS)))
"""The types that have a box to check."""

# Where the service begins the detail of an error so, it belongs to this field.
_FIELDS: Final = {
    "url": "url",
    "types": "others",
    "label": "label",
    "maxEvents": "max_events",
    "maxWait": "max_wait",
    "audience": "audience",
    "authorization": "authorization",
}


@dataclass(frozen=True, slots=True)
class Given:
    """What a webhook is to be, as the form says it."""

    url: str
    label: str
    types: str
    max_events: int
    max_wait: int
    stream: Stream | None
    authorization: str | None


def title_of(hook: Endpoint) -> str:
    """What people know it by: its label, else its address without the query, which may hold a secret."""
    return hook.label or hook.url.partition("?")[0] or hook.id


def given(console: Console, request: PageRequest, form: Form, hook: Endpoint | None = None) -> Given:
    """What is typed, for a new webhook or one that is there; what is wrong is among the form's errors."""
    stream = _stream(console, form, hook)
    url = form.text("url", MAX_URL) if stream is None or stream.method == PUSH else ""
    if not url and (stream is None or stream.method == PUSH):
        form.errors.setdefault("url", "Where messages are taken, such as https://app.example.com/hooks.")
    wanted = [*checked(request), *form.text("others", 2000).split(",")]
    wide = tuple(one[:-1] for one in wanted if one.endswith(".*"))
    kept = [one for one in wanted if one.endswith(".*") or not one.startswith(wide)]
    batch = (1, 0)
    if stream is None:
        batch = form.number("max_events", 1, MAX_BATCH), form.number("max_wait", 0, MAX_BATCH_WAIT)
    authorization = form.text("authorization", MAX_AUTHORIZATION) if stream and stream.method == PUSH else ""
    label = form.text("label", MAX_LABEL)
    return Given(url, label, ",".join(filter(None, kept)), *batch, stream, authorization or None)


def _stream(console: Console, form: Form, hook: Endpoint | None) -> Stream | None:
    """The stream that is to be, if any; how tokens get there cannot be changed later."""
    if hook is not None:
        kind = hook.stream.method if hook.stream else MESSAGES
    else:
        kind = form.choice("kind", (MESSAGES, PUSH, POLL))
    if kind == MESSAGES:
        return None
    try:
        console.webhooks.composer.check_issuer()
    except errors.ScimError as error:
        form.errors["kind"] = error.detail
    stream = Stream(
        form.text("audience", MAX_AUDIENCE),
        kind,
        form.choice("detail", DETAILS),
        form.choice("vocabulary", VOCABULARIES),
    )
    if not stream.audience:
        form.errors.setdefault("audience", "The receiver's name for itself, often a URL.")
    return stream


def checked(request: PageRequest) -> tuple[str, ...]:
    """The boxes that are checked."""
    return tuple(one for one in request.lists.get("type", ()) if one in BOXES)


def beside(error: errors.InvalidValue) -> Mapping[str, str]:
    """The error at its field."""
    name, _, detail = error.detail.partition(": ")
    return {_FIELDS[name]: detail} if name in _FIELDS else {"url": error.detail}


def values_of(hook: Endpoint) -> Mapping[str, str]:
    """A webhook as the form shows it; its authorization is not told."""
    stream = hook.stream or Stream("")
    return {
        "url": hook.url,
        "label": hook.label,
        "others": ", ".join(one for one in hook.types if one not in BOXES),
        "max_events": str(hook.max_events),
        "max_wait": str(hook.max_wait),
        "audience": stream.audience,
        "detail": stream.detail,
        "vocabulary": stream.vocabulary,
    }


def form_page(
    console: Console,
    request: PageRequest,
    hook: Endpoint | None,
    values: Mapping[str, str],
    boxes: Sequence[str],
    wrong: Mapping[str, str],
) -> Reply:
    """The form for a new webhook or the settings of one, with what was typed and what is wrong."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for type, event in EVENTS.items():
        groups.setdefault(type.partition(".")[0], []).append((type, event.when))
    present = {**values_of(hook), "type": " ".join(hook.types)} if hook else {}
    return console.page(
        request,
        "webhook_form.html",
        400 if wrong else 200,
        hook=hook,
        shown=Form(request).shown(present),
        title=title_of(hook) if hook else "",
        kind=(hook.stream.method if hook.stream else MESSAGES) if hook else values.get("kind", MESSAGES),
        kinds=KINDS,
        values=values,
        checked=boxes,
        wrong=wrong,
        groups=groups,
        schemes=SCHEMES,
        details=DETAILS,
        vocabularies=VOCABULARIES,
        most=MAX_BATCH,
        longest=MAX_BATCH_WAIT,
        mark=console.once.mark(request.request_id, request.visitor.session),
    )
