"""Connections: the list, a new one, one with its health, and what may be done to it."""

from dataclasses import replace
from typing import Any, Final

from rosterd.console.context import Console
from rosterd.console.forms import Form, sent_before
from rosterd.console.paging import AFTER, first, here, text
from rosterd.console.policy import described, policy_of, spoken
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.console.vitals import vitals
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.connections import MAX_REASON
from rosterd.service.control import Directory, Policy
from rosterd.service.limits import Limits
from rosterd.service.setup_guide import PROVIDERS
from rosterd.service.standing import MOVES
from rosterd.service.visitor import OPERATOR, VIEWER

ONE: Final = "/directories/{directory}/connections/{connection}"
_PAGE: Final = 50

CAREFUL: Final = Policy(limits=Limits(fuse_count=500, fuse_percent=10))
"""What a connection made here has unless it is changed: the fuse is on."""

DONE: Final = {
    "pause": "is paused. The identity provider is told to come back later.",
    "resume": "goes on. The identity provider sends what it could not.",
    "disable": "is disabled. Every request is refused until you enable it.",
    "enable": "is enabled.",
}


async def list_connections(console: Console, request: PageRequest) -> Reply:
    """GET …/connections."""
    directory = await console.directory(request)
    found = await console.registry.connection_page(directory.id, text(request, AFTER), _PAGE + 1)
    lines = found[:_PAGE]
    return console.page(
        request,
        "connections.html",
        directory=directory,
        cards=await vitals(console, directory, lines),
        first=first(request),
        following=here(request, after=lines[-1].name) if len(found) > _PAGE else None,
    )


async def show_new(console: Console, request: PageRequest) -> Reply:
    """GET …/new-connection."""
    values = {"name": "", "idp": "okta", **described(CAREFUL)}
    return await _new(console, request, values, {})


async def create_connection(console: Console, request: PageRequest) -> Reply:
    """POST …/connections."""
    directory = await console.directory(request)
    form = Form(request)
    provider = PROVIDERS[form.choice("idp", PROVIDERS)]
    name, policy = form.text("name", 100), policy_of(form)
    name = name or await _free(console, directory, provider.id)
    if form.errors:
        return await _new(console, request, form.values, form.errors, 400)
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    try:
        made = await console.connections.create(
            directory, name, by=request.visitor.actor, profile=provider.profile, policy=policy
        )
    except (errors.InvalidValue, errors.Uniqueness) as error:
        return await _new(console, request, form.values, {"name": error.detail}, error.status)
    to = path("directories", directory.name, "connections", made.name, "setup")
    return console.redirect(
        request, f"{to}?idp={provider.id}", f"Connection '{made.name}' is made. Now connect {provider.name}."
    )


async def show_connection(console: Console, request: PageRequest) -> Reply:
    """GET …/connections/{connection}."""
    directory, line = await console.connection(request)
    (card,) = await vitals(console, directory, (line,))
    return console.page(
        request,
        "connection.html",
        directory=directory,
        line=line,
        card=card,
        window=spoken(line.policy.limits.fuse_window),
        moves=[name for name, move in MOVES.items() if line.standing.state in move.sources],
        max_reason=MAX_REASON,
    )


async def move_connection(console: Console, request: PageRequest) -> Reply:
    """POST …/connections/{connection}/state."""
    directory, line = await console.connection(request)
    form = Form(request)
    name = form.choice("move", MOVES)
    form.require_valid()
    form.require_consent()
    reason = request.text("reason", MAX_REASON)
    standing = await console.connections.move(line, name, by=request.visitor.actor, reason=reason)
    line = replace(line, standing=standing)
    return console.redirect(
        request,
        path("directories", directory.name, "connections", line.name),
        f"Connection '{line.name}' {DONE[name]}",
    )


async def _free(console: Console, directory: Directory, name: str) -> str:
    """The name, or with the next number behind it if it is taken."""
    for number in range(1, 100):
        wanted = name if number == 1 else f"{name}-{number}"
        if await console.registry.connection(directory.id, wanted) is None:
            return wanted
    return name


async def _new(
    console: Console, request: PageRequest, values: Any, wrong: dict[str, str], status: int = 200
) -> Reply:
    return console.page(
        request,
        "connection_new.html",
        status,
        directory=await console.directory(request),
        providers=[(provider.id, provider.name) for provider in PROVIDERS.values()],
        values=values,
        errors=wrong,
        mark=console.once.mark(request.request_id, request.visitor.session),
    )


PAGES: Final = (
    Page("GET", "/directories/{directory}/connections", VIEWER, list_connections),
    Page("POST", "/directories/{directory}/connections", OPERATOR, create_connection),
    Page("GET", "/directories/{directory}/new-connection", OPERATOR, show_new),
    Page("GET", ONE, VIEWER, show_connection),
    Page("POST", f"{ONE}/state", OPERATOR, move_connection),
)
