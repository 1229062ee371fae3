"""The clients of a connection, which fetch their tokens by themselves: list, create, rotate, revoke.

A client's secret is in the reply to the form that makes it, and nowhere else.
"""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form, sent_before
from rosterd.console.paging import first, here, pack, unpack
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.console.tokens import OVERLAPS, RIGHT_NAMES, RIGHTS, rights_of
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.clients import Client
from rosterd.service.control import Connection, Directory
from rosterd.service.expiry import secrets_end_soon
from rosterd.service.visitor import OPERATOR, VIEWER

_ALL: Final = "/directories/{directory}/connections/{connection}/clients"
_PAGE: Final = 50


async def list_clients(console: Console, request: PageRequest) -> Reply:
    """GET …/clients."""
    directory, line = await console.connection(request)
    place = unpack(request, int, str)
    found = await console.registry.client_page(
        directory.id, line.id, (place[0], place[1]) if place else None, _PAGE + 1
    )
    rows = found[:_PAGE]
    now, days = console.now(), (await console.preferences.get()).token_warning_days
    return console.page(
        request,
        "clients.html",
        directory=directory,
        line=line,
        rows=rows,
        mark=console.once.mark(request.request_id, request.visitor.session),
        overlaps=OVERLAPS,
        rights=RIGHT_NAMES,
        rights_of=rights_of,
        ending={client.id for client in rows if secrets_end_soon(client, now, days)},
        first=first(request),
        following=here(request, after=pack(rows[-1].created, rows[-1].id)) if len(found) > _PAGE else None,
    )


async def create_client(console: Console, request: PageRequest) -> Reply:
    """POST …/clients."""
    directory, line = await console.connection(request)
    form = Form(request)
    rights, label = form.choice("rights", RIGHTS), form.text("label")
    form.require_valid()
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    client, secret = await console.clients.create(
        directory.id, line.id, by=request.visitor.actor, label=label, scopes=RIGHTS[rights][1]
    )
    return _secret(console, request, directory, line, client, secret)


async def rotate_client(console: Console, request: PageRequest) -> Reply:
    """POST …/clients/{client}/rotate."""
    directory, line, old = await _find(console, request)
    form = Form(request)
    overlap = form.choice("overlap", [str(seconds) for seconds, _ in OVERLAPS])
    form.require_valid()
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    client, secret = await console.clients.rotate(
        directory.id, old.id, by=request.visitor.actor, overlap=int(overlap)
    )
    return _secret(console, request, directory, line, client, secret)


async def revoke_client(console: Console, request: PageRequest) -> Reply:
    """POST …/clients/{client}/revoke."""
    directory, line, client = await _find(console, request)
    Form(request).require_consent()
    await console.clients.revoke(directory.id, client.id, by=request.visitor.actor)
    to = path("directories", directory.name, "connections", line.name, "clients")
    name = f"“{client.label}”" if client.label else client.id
    return console.redirect(request, to, f"Client {name} and every token it fetched are revoked.")


async def _find(console: Console, request: PageRequest) -> tuple[Directory, Connection, Client]:
    directory, line = await console.connection(request)
    id = request.path["client"]
    found = await console.client_control.client(id)
    if found is None or (found.directory, found.connection) != (directory.id, line.id):
        raise errors.NotFound(f"Connection '{line.name}' has no client {id}.")
    return directory, line, found


def _secret(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    client: Client,
    secret: str,
) -> Reply:
    return console.page(
        request,
        "client_made.html",
        directory=directory,
        line=line,
        client=client,
        secret=secret,
        site=console.public_url or request.origin,
    )


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_clients),
    Page("POST", _ALL, OPERATOR, create_client),
    Page("POST", f"{_ALL}/{{client}}/rotate", OPERATOR, rotate_client),
    Page("POST", f"{_ALL}/{{client}}/revoke", OPERATOR, revoke_client),
)
