"""The overview: how every connection is doing that the visitor knows of, what wants attention first."""

from typing import Final

from rosterd.console.chart import chart
from rosterd.console.context import Console
from rosterd.console.paging import AFTER, first, here, text
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.console.vitals import Vitals, vitals
from rosterd.console.webhook_form import title_of
from rosterd.http.reply import Reply
from rosterd.service.audit import ITSELF
from rosterd.service.control import Directory
from rosterd.service.health import BAD, WARN
from rosterd.service.visitor import VIEWER
from rosterd.service.webhooks import DISABLED, Endpoint

DIRECTORIES: Final = 20
"""Directories to a page."""
CONNECTIONS: Final = 50
"""Connections of each that are shown."""
WEBHOOKS: Final = 100
"""Webhooks that are looked at for what is wrong with them."""

_ORDER: Final = {BAD: 0, WARN: 1, "dim": 2, "good": 3}


async def show_overview(console: Console, request: PageRequest) -> Reply:
    """GET /."""
    bound = await console.bound(request)
    if bound is not None:
        return await _page(console, request, (bound,), None)
    found = await console.registry.directory_page(text(request, AFTER), DIRECTORIES + 1)
    directories = found[:DIRECTORIES]
    following = directories[-1].name if len(found) > DIRECTORIES else None
    return await _page(console, request, directories, following)


async def show_directory(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}."""
    return await _page(console, request, (await console.directory(request),), None, single=True)


async def _page(
    console: Console,
    request: PageRequest,
    directories: tuple[Directory, ...],
    following: str | None,
    *,
    single: bool = False,
) -> Reply:
    cards: list[Vitals] = []
    larger: list[Directory] = []
    users = groups = 0
    for directory in directories:
        lines = await console.registry.connection_page(directory.id, "", CONNECTIONS + 1)
        if len(lines) > CONNECTIONS:
            larger.append(directory)
        cards += await vitals(console, directory, lines[:CONNECTIONS])
        reader = console.store.reader(directory.id)
        users += await reader.count("User")
        groups += await reader.count("Group")
    cards.sort(key=lambda card: _ORDER[card.tone])
    hooks = await console.webhook_control.webhook_page(request.visitor.directory, "", WEBHOOKS)
    shown = {None, *(directory.id for directory in directories)}
    return console.page(
        request,
        "overview.html",
        single=directories[0] if single else None,
        directories=directories,
        cards=cards,
        larger=larger,
        most=CONNECTIONS,
        concerns=[(card, concern) for card in cards for concern in card.concerns],
        worries=[
            (hook, title_of(hook), *worry)
            for hook in hooks
            if hook.directory in shown and (worry := _worry(hook))
        ],
        insecure=not (console.public_url or request.origin).startswith("https://"),
        users=users,
        groups=groups,
        chart=chart([card.activity for card in cards if card.activity], console.now()),
        first=first(request),
        following=here(request, after=following) if following else None,
    )


def _worry(hook: Endpoint) -> tuple[str, str, int | None] | None:
    """What is wrong with a webhook that nobody meant: its tone, what, and since when."""
    if hook.standing.state == DISABLED:
        given_up = hook.standing.by == str(ITSELF)
        return (BAD, "was disabled because nothing reached it", hook.standing.since) if given_up else None
    return (WARN, "has refused or missed every message since", hook.failing) if hook.failing else None


PAGES: Final = (
    Page("GET", "/", VIEWER, show_overview),
    Page("GET", "/directories/{directory}", VIEWER, show_directory),
)
