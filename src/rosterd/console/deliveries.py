"""What became of a webhook's messages: the log, one attempt in full, dead letters, and sending them again."""

from collections.abc import Sequence
from typing import Final

from rosterd.console.context import Console
from rosterd.console.paging import chosen, cut, first, here, pack, unpack
from rosterd.console.request import PageRequest, path
from rosterd.console.requests import pretty
from rosterd.console.route import Page
from rosterd.console.webhook_form import title_of
from rosterd.console.webhooks import ONE, in_path
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.visitor import OPERATOR, VIEWER
from rosterd.service.webhooks import ENABLED, TEST, Endpoint, StoredAttempt

PAGE: Final = 50
_LOG: Final = f"{ONE}/deliveries"
_DEAD: Final = f"{ONE}/dead-letters"
_FAR: Final = 10**18

KINDS: Final = {
    "feed": "New event",
    "range": "Sent again",
    "failed": "Dead letter, sent again",
    "test": "Test",
}
"""Why something was sent."""


async def list_deliveries(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}/deliveries."""
    hook = await in_path(console, request)
    result = chosen(request, "result", ("failed",))
    place = unpack(request, int)
    rows = await console.webhook_control.attempts(
        hook.id, place[0] if place else None, PAGE + 1, result == "failed"
    )
    page = cut(request, rows, PAGE, lambda row: row.seq)
    ids = {row.attempt.directory for row in page.rows if row.attempt.directory is not None}
    return console.page(
        request,
        "deliveries.html",
        hook=hook,
        title=title_of(hook),
        page=page,
        names=await console.registry.directory_names(ids),
        kinds=KINDS,
        result=result or "",
        live=place is None,
    )


async def show_delivery(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}/deliveries/{delivery}."""
    hook, stored = await _attempt(console, request)
    home = await _home(console, stored.attempt.directory)
    body = await console.webhooks.sent(stored.attempt, home)
    return console.page(
        request,
        "delivery.html",
        hook=hook,
        title=title_of(hook),
        stored=stored,
        one=stored.attempt,
        outcome=stored.attempt.outcome,
        home=home,
        kinds=KINDS,
        body=None if body is None else pretty(body.decode()),
        reply=pretty(stored.attempt.outcome.body),
        again=stored.attempt.kind != TEST and home is not None and hook.standing.state == ENABLED,
    )


async def send_again(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/deliveries/{delivery}/replay."""
    hook, stored = await _attempt(console, request)
    attempt = stored.attempt
    home = await _home(console, attempt.directory)
    if home is None or not attempt.first:
        raise errors.InvalidValue("A test is not sent again; send another one.")
    await console.webhooks.replay(
        hook, home, after=attempt.first - 1, through=attempt.last, by=request.visitor.actor
    )
    return console.redirect(request, path("webhooks", hook.id, "deliveries"), "It is sent once more now.")


async def list_dead_letters(console: Console, request: PageRequest) -> Reply:
    """GET /webhooks/{webhook}/dead-letters."""
    hook = await in_path(console, request)
    place = unpack(request, int, int)
    found = await console.webhook_control.dead_letters(
        hook.id, (place[0], place[1]) if place else (0, 0), PAGE + 1
    )
    rows = found[:PAGE]
    more = len(found) > PAGE
    return console.page(
        request,
        "dead_letters.html",
        hook=hook,
        title=title_of(hook),
        rows=rows,
        names=await console.registry.directory_names({row.directory for row in rows}),
        first=first(request),
        following=here(request, after=pack(rows[-1].directory, rows[-1].first)) if more else None,
    )


async def replay_dead_letters(console: Console, request: PageRequest) -> Reply:
    """POST /webhooks/{webhook}/dead-letters/replay: all of them, or those that are checked."""
    hook = await in_path(console, request)
    if request.text("which") == "all":
        count = await _all(console, request, hook)
    else:
        wanted = [_letter(text) for text in request.lists.get("letter", ())]
        if not wanted:
            raise errors.InvalidValue("Check the dead letters that are to be sent again. Go back to do so.")
        count = await _ranges(console, request, hook, wanted)
    if not count:
        raise errors.NotFound("There is no such dead letter any more; it may have been accepted meanwhile.")
    return console.redirect(
        request,
        path("webhooks", hook.id, "dead-letters"),
        "They are sent once more now. Those that are accepted leave this list.",
    )


async def _all(console: Console, request: PageRequest, hook: Endpoint) -> int:
    """Replay the dead letters of every directory; for how many directories."""
    count, place = 0, (0, 0)
    while True:
        found = await console.webhook_control.dead_letters(hook.id, place, 1)
        if not found:
            return count
        home = await _home(console, found[0].directory)
        if home is not None:
            await console.webhooks.replay(
                hook, home, after=found[0].first - 1, failed=True, by=request.visitor.actor
            )
            count += 1
        place = (found[0].directory, _FAR)


async def _ranges(
    console: Console, request: PageRequest, hook: Endpoint, wanted: Sequence[tuple[int, int]]
) -> int:
    count = 0
    for directory, number in wanted:
        found = await console.webhook_control.dead_letters(hook.id, (directory, number - 1), 1)
        if not found or (found[0].directory, found[0].first) != (directory, number):
            continue
        home = await _home(console, directory)
        if home is not None:
            await console.webhooks.replay(
                hook,
                home,
                after=number - 1,
                through=found[0].last,
                failed=True,
                by=request.visitor.actor,
            )
            count += 1
    return count


def _letter(text: str) -> tuple[int, int]:
    """``1-4711``, directory and first event. Raises ``InvalidValue``."""
    home, _, first = text.partition("-")
    if not all(part.isascii() and part.isdigit() and 0 < int(part[:19]) < _FAR for part in (home, first)):
        raise errors.InvalidValue(f"'{text[:50]}' is no dead letter.")
    return int(home), int(first)


async def _attempt(console: Console, request: PageRequest) -> tuple[Endpoint, StoredAttempt]:
    hook = await in_path(console, request)
    text, stored = request.path["delivery"], None
    if text.isascii() and text.isdigit() and len(text) < 19:
        stored = await console.webhook_control.attempt(hook.id, int(text))
    if stored is None:
        raise errors.NotFound(f"The webhook has no delivery {text[:50]}. Its log is kept for a while only.")
    return hook, stored


async def _home(console: Console, id: int | None) -> Directory | None:
    if id is None:
        return None
    names = await console.registry.directory_names({id})
    return await console.registry.directory(names[id]) if id in names else None


PAGES: Final = (
    Page("GET", _LOG, VIEWER, list_deliveries),
    Page("GET", f"{_LOG}/{{delivery}}", VIEWER, show_delivery),
    Page("POST", f"{_LOG}/{{delivery}}/replay", OPERATOR, send_again),
    Page("GET", _DEAD, VIEWER, list_dead_letters),
    Page("POST", f"{_DEAD}/replay", OPERATOR, replay_dead_letters),
)
