"""Set-up links of a connection: list, make, revoke. A link is in the reply to the form that makes it only."""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form, sent_before
from rosterd.console.paging import first, here, pack, unpack
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.service.setup_links import DEFAULT_LIFETIME, PATH
from rosterd.service.visitor import OPERATOR, VIEWER

_ALL: Final = "/directories/{directory}/connections/{connection}/links"
_PAGE: Final = 50

LIFETIMES: Final = (
    (3_600, "An hour"),
    (86_400, "A day"),
    (DEFAULT_LIFETIME, "A week"),
    (2_592_000, "30 days"),
)


async def list_links(console: Console, request: PageRequest) -> Reply:
    """GET …/links."""
    directory, line = await console.connection(request)
    place = unpack(request, int, str)
    found = await console.access.control.setup_link_page(
        directory.id, line.id, (place[0], place[1]) if place else None, _PAGE + 1
    )
    rows = found[:_PAGE]
    return console.page(
        request,
        "links.html",
        directory=directory,
        line=line,
        rows=rows,
        mark=console.once.mark(request.request_id, request.visitor.session),
        lifetimes=LIFETIMES,
        usual=DEFAULT_LIFETIME,
        first=first(request),
        following=here(request, after=pack(rows[-1].created, rows[-1].id)) if len(found) > _PAGE else None,
    )


async def create_link(console: Console, request: PageRequest) -> Reply:
    """POST …/links."""
    directory, line = await console.connection(request)
    form = Form(request)
    lifetime = form.choice("lifetime", [str(seconds) for seconds, _ in LIFETIMES])
    label = form.text("label")
    form.require_valid()
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    link, text = await console.access.setup_links.create(
        line, label=label, lifetime=int(lifetime), by=request.visitor.actor
    )
    site = console.public_url or request.origin
    return console.page(
        request, "link_made.html", directory=directory, line=line, link=link, url=site + PATH + text
    )


async def revoke_link(console: Console, request: PageRequest) -> Reply:
    """POST …/links/{link}/revoke."""
    directory, line = await console.connection(request)
    Form(request).require_consent()
    await console.access.setup_links.revoke(line, request.path["link"], by=request.visitor.actor)
    to = path("directories", directory.name, "connections", line.name, "links")
    return console.redirect(request, to, "The link is revoked, and whoever came by it is logged out.")


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_links),
    Page("POST", _ALL, OPERATOR, create_link),
    Page("POST", f"{_ALL}/{{link}}/revoke", OPERATOR, revoke_link),
)
