"""Webhooks: how each is doing, a new one, what it hears of, its secrets, stop and go.

A secret is in the reply to the form that makes it, and nowhere else. Who is bound to a directory sees the
webhooks of that one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import SHOWN, Form, sent_before
from rosterd.console.paging import AFTER, first, here, text
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.console.webhook_form import beside, checked, form_page, given, title_of, values_of
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.set_stream import DETAILS, METHODS, POLL, VOCABULARIES
from rosterd.service.visitor import OPERATOR, VIEWER
from rosterd.service.webhook_admin import MAX_OVERLAP, MAX_REASON
from rosterd.service.webhooks import DISABLED, HANDLER, SCHEMES, Endpoint, Line, StoredAttempt

PAGE: Final = 25
LINES: Final = 100
"""Directories of a webhook that its page shows."""
DEAD: Final = 100
"""Dead letters are counted up to here."""
_ALL: Final = "/webhooks"
ONE: Final = "/webhooks/{webhook}"

OVERLAPS: Final = (
    ("86400", "A day"),
    ("604800", "A week"),
    ("2592000", "30 days"),
    ("3600", "An hour"),
    ("0", "No longer: only the new one signs from now on"),
)
"""Seconds that a former secret signs too."""
_CHANGEABLE: Final = ("audience", "detail", "vocabulary")
"""What can be changed of a stream beside its authorization."""


@dataclass(frozen=True, slots=True)
class Card:
    """How a webhook is doing."""

    hook: Endpoint
    title: str
    home: str
    """The only directory it hears of; ``""`` for all."""
    word: str
    tone: str
    last: StoredAttempt | None
    lines: Sequence[tuple[Line, int]]
    behind: int
    """Numbers of the feeds that its lines have not come to; so many events at most."""
    dead: int
    many: bool
    """Whether there are more dead letters than were counted."""


async def in_path(console: Console, request: PageRequest) -> Endpoint:
    """The webhook in the path, if the visitor may know of it. Raises ``NotFound``."""
    return await console.webhooks.find(request.path["webhook"], await console.bound(request))


async def card(console: Console, hook: Endpoint, names: Mapping[int, str]) -> Card:
    """How it is doing, at a cost that does not grow with what it has delivered."""
    attempts = await console.webhook_control.attempts(hook.id, None, 1)
    lines = await console.webhook_control.lines(hook.id, (0, -1), LINES)
    dead = await console.webhook_control.dead_letters(hook.id, (0, 0), DEAD + 1)
    word, tone = "Working", "good"
    if hook.standing.state == DISABLED:
        word, tone = "Disabled", "bad"
    elif hook.failing is not None:
        word, tone = "Failing", "warn"
    elif not attempts:
        word, tone = "Nothing sent yet", "dim"
    return Card(
        hook,
        title_of(hook),
        "" if hook.directory is None else names.get(hook.directory, ""),
        word,
        tone,
        attempts[0] if attempts else None,
        lines,
        sum(max(0, last - line.cursor) for line, last in lines if line.finish is None),
        min(len(dead), DEAD),
        len(dead) > DEAD,
    )


async def list_webhooks(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks."""
    found = await console.webhook_control.webhook_page(
        request.visitor.directory, text(request, AFTER), PAGE + 1
    )
    rows = found[:PAGE]
    names = await console.registry.directory_names({r.directory for r in rows if r.directory is not None})
    return console.page(
        request,
        "webhooks.html",
        cards=[await card(console, one, names) for one in rows],
        first=first(request),
        following=here(request, after=rows[-1].id) if len(found) > PAGE else None,
    )


async def show_new(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/new."""
    return form_page(console, request, None, {"max_events": "1", "max_wait": "0"}, (), {})


async def create_webhook(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks."""
    form = Form(request)
    directory = await console.bound(request)
    name = form.text("directory", 63)
    if directory is None and name:
        directory = await console.registry.directory(name)
        if directory is None:
            form.errors["directory"] = f"There is no directory '{name}'."
    scheme = form.choice("scheme", SCHEMES)
    wanted = given(console, request, form)
    if wanted.stream and wanted.stream.method == POLL and directory is None:
        form.errors.setdefault("directory", "A stream that is fetched is of one directory: name it.")
    if form.errors:
        return form_page(console, request, None, form.values, checked(request), form.errors)
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    try:
        hook, secret = await console.webhooks.create(
            wanted.url,
            directory=directory.id if directory else None,
            label=wanted.label,
            types=wanted.types,
            scheme=scheme,
            max_events=wanted.max_events,
            max_wait=wanted.max_wait,
            stream=wanted.stream,
            authorization=wanted.authorization,
            by=request.visitor.actor,
        )
    except errors.InvalidValue as error:
        return form_page(console, request, None, form.values, checked(request), beside(error))
    if hook.stream is not None:
        told = "The stream is made. Its tokens are signed with the keys of this installation."
        return console.redirect(request, path("webhooks", hook.id), told)
    return console.page(request, "webhook_secret.html", hook=hook, title=title_of(hook), secret=secret)


async def show_webhook(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}."""
    hook = await in_path(console, request)
    ids = {hook.directory} if hook.directory is not None else set()
    found = await card(console, hook, await console.registry.directory_names(ids))
    return console.page(
        request,
        "webhook.html",
        hook=hook,
        card=found,
        title=found.title,
        names=await console.registry.directory_names({line.key.directory for line, _ in found.lines}),
        most=LINES,
        max_reason=MAX_REASON,
        schemes=SCHEMES,
        methods=METHODS,
        details=DETAILS,
        vocabularies=VOCABULARIES,
        handler=hook.url.startswith(HANDLER),
        polled=hook.stream is not None and hook.stream.method == POLL,
        poll_url=(console.public_url or request.origin) + path("api", "v1", "sets", hook.id, "poll"),
    )


async def show_settings(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}/settings."""
    hook = await in_path(console, request)
    return form_page(console, request, hook, values_of(hook), hook.types, {})


async def update_webhook(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/settings."""
    hook = await in_path(console, request)
    form = Form(request)
    wanted = given(console, request, form, hook)
    if form.errors:
        return form_page(console, request, hook, form.values, checked(request), form.errors)
    stream = wanted.stream
    try:
        await console.webhooks.update(
            hook,
            url=wanted.url if form.is_changed("url") else None,
            label=wanted.label if form.is_changed("label") else None,
            types=wanted.types if _are_other(wanted.types, request) else None,
            max_events=wanted.max_events if form.is_changed("max_events") else None,
            max_wait=wanted.max_wait if form.is_changed("max_wait") else None,
            stream={name: getattr(stream, name) for name in _CHANGEABLE if form.is_changed(name)}
            if stream
            else None,
            authorization=wanted.authorization,
            by=request.visitor.actor,
        )
    except errors.InvalidValue as error:
        return form_page(console, request, hook, form.values, checked(request), beside(error))
    return console.redirect(request, path("webhooks", hook.id), "Saved. It counts from the next message on.")


def _are_other(types: str, request: PageRequest) -> bool:
    """Whether these are other types than the page showed."""
    shown = request.form.get(f"{SHOWN}type")
    return shown is None or set(filter(None, types.split(","))) != set(shown.split())


async def rotate_secret(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/secrets/rotate."""
    hook = await in_path(console, request)
    form = Form(request)
    overlap = form.number("overlap", 0, MAX_OVERLAP)
    scheme = form.choice("scheme", SCHEMES)
    form.require_valid()
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    hook, secret = await console.webhooks.rotate(
        hook, overlap=overlap, scheme=scheme, by=request.visitor.actor
    )
    return console.page(request, "webhook_secret.html", hook=hook, title=title_of(hook), secret=secret)


async def test_webhook(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/test: one message at once; the reply is in the log."""
    hook = await in_path(console, request)
    stored = await console.webhooks.test(hook, by=request.visitor.actor)
    outcome = stored.attempt.outcome
    return console.redirect(
        request,
        path("webhooks", hook.id, "deliveries", str(stored.seq)),
        f"The test was accepted in {outcome.took:,} ms."
        if outcome.accepted
        else "The test was not accepted.",
    )


async def move_webhook(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/state: enable, which also tries again at once, or disable."""
    hook = await in_path(console, request)
    form = Form(request)
    if form.choice("move", ("enable", "disable")) == "enable" and not form.errors:
        await console.webhooks.enable(hook, by=request.visitor.actor)
        told = "It goes on where it stood; what waits for a retry is tried now."
    else:
        form.require_consent()
        await console.webhooks.disable(hook, reason=form.text("reason", 5000), by=request.visitor.actor)
        told = "Nothing more is sent until you enable it. Where it stands is kept."
    return console.redirect(request, path("webhooks", hook.id), told)


async def remove_webhook(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/remove."""
    hook = await in_path(console, request)
    Form(request).require_consent()
    await console.webhooks.remove(hook, by=request.visitor.actor)
    return console.redirect(request, _ALL, f"Webhook {title_of(hook)} is removed.")


async def show_secrets(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}/secrets."""
    hook = await in_path(console, request)
    return console.page(
        request,
        "webhook_secrets.html",
        hook=hook,
        title=title_of(hook),
        schemes=SCHEMES,
        overlaps=OVERLAPS,
        mark=console.once.mark(request.request_id, request.visitor.session),
    )


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_webhooks),
    Page("POST", _ALL, OPERATOR, create_webhook),
    Page("GET", f"{_ALL}/new", OPERATOR, show_new),
    Page("GET", ONE, VIEWER, show_webhook),
    Page("GET", f"{ONE}/settings", OPERATOR, show_settings),
    Page("POST", f"{ONE}/settings", OPERATOR, update_webhook),
    Page("GET", f"{ONE}/secrets", VIEWER, show_secrets),
    Page("POST", f"{ONE}/secrets/rotate", OPERATOR, rotate_secret),
    Page("POST", f"{ONE}/test", OPERATOR, test_webhook),
    Page("POST", f"{ONE}/state", OPERATOR, move_webhook),
    Page("POST", f"{ONE}/remove", OPERATOR, remove_webhook),
)
