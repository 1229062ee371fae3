"""What the application is told of a directory: its feed, newest first, each event in full, and sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rosterd.console.context import Console
from rosterd.console.history import Happened, Mentioned, happened, mentioned
from rosterd.console.paging import chosen, first, here, pack, unpack
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.changes import EVENTS, noun
from rosterd.service.control import Directory
from rosterd.service.events import StoredEvent
from rosterd.service.feed import document
from rosterd.service.ports import Reader
from rosterd.service.set_stream import POLL
from rosterd.service.visitor import OPERATOR, VIEWER
from rosterd.service.webhooks import ENABLED, Endpoint

PAGE: Final = 50
WEBHOOKS: Final = 100
"""Webhooks that an event can be sent again to, at most."""
_ALL: Final = "/directories/{directory}/events"
_ONE: Final = f"{_ALL}/{{event}}"
_FAR: Final = 10**18


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the list."""

    id: str
    """As the application sees it."""
    type: str
    what: Happened
    about: Mentioned
    address: str
    """Of the page about it; ``""`` if there is none."""
    changed: tuple[str, ...]
    """Names of the attributes that differ."""
    count: int
    """Members that it tells of."""


def kinds(console: Console, directory: Directory) -> list[tuple[str, str]]:
    """What the feed can be narrowed down to: a pattern, and what people call that."""
    nouns = [noun(one) for one in console.model_of(directory).types.values()]
    every = [(f"{one}.*", f"Everything about {one}s") for one in nouns]
    return [*every, *((type, type) for type in EVENTS)]


async def list_events(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/events."""
    directory = await console.directory(request)
    types = kinds(console, directory)
    type = chosen(request, "type", [pattern for pattern, _ in types])
    place = unpack(request, int)
    reader = console.store.reader(directory.id)
    page = await reader.feed_back(place[0] if place else None, PAGE, (type,) if type else ())
    names = await console.control.connection_names(directory.id)
    more = page.through > page.forgotten + 1
    return console.page(
        request,
        "events.html",
        directory=directory,
        rows=[await _line(reader, directory, one, names) for one in page.events],
        types=types,
        type=type or "",
        live=place is None,
        forgotten=page.forgotten,
        first=first(request),
        following=here(request, after=pack(page.through)) if more else None,
    )


async def show_event(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/events/{event}."""
    directory, stored = await _in_path(console, request)
    reader = console.store.reader(directory.id)
    names = await console.control.connection_names(directory.id)
    told = document(stored, directory, names)
    return console.page(
        request,
        "event.html",
        directory=directory,
        one=await _line(reader, directory, stored, names),
        what=await happened(reader, stored, names),
        meaning=EVENTS[stored.event.type].when if stored.event.type in EVENTS else "",
        raw=orjson.dumps(told, option=orjson.OPT_INDENT_2).decode(),
        webhooks=await _hearing(console, request, directory, stored.event.type),
    )


async def send_event(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/events/{event}/send: to one webhook, under the id it had."""
    directory, stored = await _in_path(console, request)
    bound = directory if request.visitor.directory is not None else None
    endpoint = await console.webhooks.find(request.text("webhook"), bound)
    await console.webhooks.replay(
        endpoint, directory, after=stored.seq - 1, through=stored.seq, by=request.visitor.actor
    )
    return console.redirect(
        request,
        path("directories", directory.name, "events", f"{directory.id}-{stored.seq}"),
        f"The event is sent to {endpoint.label or endpoint.url} once more. Its log shows what comes of it.",
    )


async def _in_path(console: Console, request: PageRequest) -> tuple[Directory, StoredEvent]:
    """The event in the path, by the id that the application sees. Raises ``NotFound``."""
    directory = await console.directory(request)
    home, _, text = request.path["event"].partition("-")
    if home == str(directory.id) and text.isascii() and text.isdigit() and 0 < int(text) < _FAR:
        found = await console.store.reader(directory.id).events(int(text) - 1, 1)
        if found and found[0].seq == int(text):
            return directory, found[0]
    raise errors.NotFound(
        f"Directory '{directory.name}' has no event '{request.path['event'][:50]}'. Old ones are forgotten."
    )


async def _line(
    reader: Reader, directory: Directory, stored: StoredEvent, connections: Mapping[int, str]
) -> Line:
    event = stored.event
    what = await happened(reader, stored, connections, 0)
    about, address = Mentioned(event.resource, event.resource, None), ""
    if event.kind in ("User", "Group"):
        about = await mentioned(reader, event.resource)
        section = "users" if event.kind == "User" else "groups"
        address = path("directories", directory.name, section, event.resource)
    elif event.kind == "Connection" and what.connection:
        about = Mentioned(event.resource, what.connection, None)
        address = path("directories", directory.name, "connections", what.connection)
    elif event.data.get("label"):
        about = Mentioned(event.resource, str(event.data["label"]), None)
    changed = () if what.whole else tuple(dict.fromkeys((*what.before, *what.after)))
    count = len(event.data.get("members", ())) + len(event.data.get("pending", ()))
    return Line(f"{directory.id}-{stored.seq}", event.type, what, about, address, changed, count)


async def _hearing(
    console: Console, request: PageRequest, directory: Directory, type: str
) -> Sequence[Endpoint]:
    """The enabled webhooks that hear of such an event, as far as the visitor knows of them."""
    if not request.visitor.may(OPERATOR):
        return ()
    found = await console.webhook_control.webhook_page(request.visitor.directory, "", WEBHOOKS)
    return [
        one
        for one in found
        if one.directory in (None, directory.id)
        and one.standing.state == ENABLED
        and not (one.stream is not None and one.stream.method == POLL)
        and (not one.types or any(_fits(type, pattern) for pattern in one.types))
    ]


def _fits(type: str, pattern: str) -> bool:
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_events),
    Page("GET", _ONE, VIEWER, show_event),
    Page("POST", f"{_ONE}/send", OPERATOR, send_event),
)
