"""API keys: what programs may do; made and revoked by owners, within their directory if bound to one.

A key's text is in the reply to the form that makes it, and nowhere else.
"""

from collections.abc import Mapping
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form, sent_before
from rosterd.console.paging import first, here, pack, unpack
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.keys import SCOPES
from rosterd.service.visitor import OWNER

PAGE: Final = 50
LIFETIMES: Final = (
    ("2592000", "30 days"),
    ("7776000", "90 days"),
    ("31536000", "1 year"),
    ("63072000", "2 years"),
    ("315360000", "10 years"),
)
"""Seconds that a key is valid, to choose from."""
_ALL: Final = "/keys"


async def list_keys(console: Console, request: PageRequest) -> Reply:
    """GET /keys."""
    return await _list(console, request, {})


async def create_key(console: Console, request: PageRequest) -> Reply:
    """POST /keys."""
    form = Form(request)
    label = form.text("label")
    lifetime = form.choice("lifetime", [seconds for seconds, _ in LIFETIMES])
    scopes = tuple(scope for scope in request.lists.get("scope", ()) if scope in SCOPES)
    if not scopes:
        form.errors["scope"] = "Check at least one: a key without rights is of no use."
    directory = request.visitor.directory
    name = form.text("directory")
    if directory is None and name:
        found = await console.registry.directory(name)
        if found is None:
            form.errors["directory"] = f"There is no directory '{name}'."
        else:
            directory = found.id
    if form.errors:
        return await _list(console, request, form.errors)
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    key, secret = await console.keys.create(
        by=request.visitor.actor, label=label, scopes=scopes, directory=directory, lifetime=int(lifetime)
    )
    return console.page(request, "key_made.html", key=key, secret=secret)


async def revoke_key(console: Console, request: PageRequest) -> Reply:
    """POST /keys/{key}/revoke."""
    id, bound = request.path["key"], request.visitor.directory
    holder = await console.registry.key(id)
    if holder is None or (bound is not None and holder.key.directory != bound):
        raise errors.NotFound(f"There is no API key {id}.")
    Form(request).require_consent()
    await console.keys.revoke(id, by=request.visitor.actor)
    return console.redirect(
        request, _ALL, f"API key {holder.key.label or id} is revoked; programs with it get 401 from now on."
    )


async def _list(console: Console, request: PageRequest, wrong: Mapping[str, str]) -> Reply:
    place = unpack(request, int, str)
    after = (place[0], place[1]) if place else None
    found = await console.registry.key_page(request.visitor.directory, after, PAGE + 1)
    rows = found[:PAGE]
    names = await console.registry.directory_names({k.directory for k in rows if k.directory is not None})
    return console.page(
        request,
        "keys.html",
        400 if wrong else 200,
        rows=rows,
        names=names,
        scopes=SCOPES,
        chosen=request.lists.get("scope", ()),
        lifetimes=LIFETIMES,
        wrong=wrong,
        mark=console.once.mark(request.request_id, request.visitor.session),
        first=first(request),
        following=here(request, after=pack(rows[-1].created, rows[-1].id)) if len(found) > PAGE else None,
    )


PAGES: Final = (
    Page("GET", _ALL, OWNER, list_keys),
    Page("POST", _ALL, OWNER, create_key),
    Page("POST", f"{_ALL}/{{key}}/revoke", OWNER, revoke_key),
)
