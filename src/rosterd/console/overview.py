"""The overview: what there is, what needs attention first, and a card for each connection, by pages.

The figures and what needs attention are of all that the visitor may see; cards are of a page's directories.
"""

import asyncio
from typing import Final

from rosterd.console.attention import attention
from rosterd.console.chart import HOURS, chart
from rosterd.console.context import Console
from rosterd.console.paging import AFTER, first, here, text
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.console.vitals import Vitals, vitals
from rosterd.http.reply import Reply
from rosterd.service.control import Directory
from rosterd.service.health import BAD, WARN
from rosterd.service.request_log import HOUR, Activity
from rosterd.service.survey import EVERYWHERE, LOOKED_AT, Range
from rosterd.service.visitor import VIEWER

DIRECTORIES: Final = 20
"""Directories to a page."""
CONNECTIONS: Final = 50
"""Connections of each that have a card."""

_ORDER: Final = {BAD: 0, WARN: 1, "dim": 2, "good": 3}


async def show_overview(console: Console, request: PageRequest) -> Reply:
    """GET /; whoever came by a set-up link goes to that page, whatever the connection is called now."""
    bound = await console.bound(request)
    if bound is not None and request.visitor.connection is not None:
        name = (await console.control.connection_names(bound.id))[request.visitor.connection]
        return console.redirect(request, path("directories", bound.name, "connections", name, "setup"))
    if bound is not None:
        return await _page(console, request, (bound,), None, Range(bound.id, bound.id))
    found = await console.registry.directory_page(text(request, AFTER), DIRECTORIES + 1)
    directories = found[:DIRECTORIES]
    following = directories[-1].name if len(found) > DIRECTORIES else None
    return await _page(console, request, directories, following, EVERYWHERE)


async def show_directory(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}."""
    home = await console.directory(request)
    return await _page(console, request, (home,), None, Range(home.id, home.id), single=True)


async def _page(
    console: Console,
    request: PageRequest,
    directories: tuple[Directory, ...],
    following: str | None,
    of: Range,
    *,
    single: bool = False,
) -> Reply:
    cards: list[Vitals] = []
    larger: list[Directory] = []
    for directory in directories:
        lines = await console.registry.connection_page(directory.id, "", CONNECTIONS + 1)
        if len(lines) > CONNECTIONS:
            larger.append(directory)
        cards += await vitals(console, directory, lines[:CONNECTIONS])
    cards.sort(key=lambda card: _ORDER[card.tone])
    hours, sums, worries = await asyncio.gather(  # each waits for the store, which can do several at a time
        console.survey.hours(of, console.now() // HOUR - HOURS),
        console.survey.sums(of),
        attention(console, request, of),
    )
    return console.page(
        request,
        "overview.html",
        single=directories[0] if single else None,
        directories=directories,
        cards=cards,
        larger=larger,
        most=CONNECTIONS,
        sums=sums,
        looked_at=LOOKED_AT,
        attention=worries,
        insecure=not (console.public_url or request.origin).startswith("https://"),
        chart=chart([Activity(0, None, None, None, hours)], console.now()),
        first=first(request),
        following=here(request, after=following) if following else None,
    )


PAGES: Final = (
    Page("GET", "/", VIEWER, show_overview, setup=True),
    Page("GET", "/directories/{directory}", VIEWER, show_directory),
)
