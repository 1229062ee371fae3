"""The request log: what identity providers asked, what came of it and why; live, or as a file to keep."""

from typing import Any, Final

import orjson

from rosterd.console.context import Console
from rosterd.console.history import Mentioned, mentioned
from rosterd.console.paging import AFTER, chosen, first, here, pack, text, unpack
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Header, Reply
from rosterd.service.control import Directory
from rosterd.service.ports import Reader
from rosterd.service.request_log import Wanted
from rosterd.service.requests import Explained, Requests, parse_status
from rosterd.service.visitor import VIEWER

PAGE: Final = 50
MOST: Final = 10_000
"""Requests of one download."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""A download ends early when it grows beyond this."""
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")
_LINES: Final[Header] = (b"content-type", b"application/x-ndjson; charset=utf-8")
_FILTERS: Final = ("connection", "status", "method", "q", "errors", "resource")


def log_of(console: Console) -> Requests:
    """The request log with its explanations."""
    return Requests(console.log, console.store, console.control)


async def recent(console: Console, directory: Directory, resource: str, count: int) -> list[Explained]:
    """The newest requests about one user or group."""
    found, _ = await log_of(console).page(directory, None, None, count, Wanted(resource=resource))
    return found


async def list_requests(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/requests."""
    directory = await console.directory(request)
    connection, wanted, names = await _asked(console, request, directory)
    place = unpack(request, int)
    found, before = await log_of(console).page(
        directory, connection, place[0] if place else None, PAGE, wanted
    )
    asked = {name: text(request, name) for name in _FILTERS}
    return console.page(
        request,
        "requests.html",
        directory=directory,
        rows=found,
        asked=asked,
        narrowed=any(asked.values()),
        names=names,
        methods=METHODS,
        classes=CLASSES,
        live=place is None,
        first=first(request),
        following=None if before is None else here(request, **{AFTER: pack(before)}),
        download=here(request, "download", **{AFTER: None}),
        most=MOST,
    )


async def show_request(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/requests/{request}."""
    directory = await console.directory(request)
    found = await log_of(console).one(directory, request.path["request"])
    one = found.stored.exchange
    reader = console.store.reader(directory.id)
    return console.page(
        request,
        "exchange.html",
        directory=directory,
        found=found,
        one=one,
        about=await _known(reader, one.resource),
        other=await _known(reader, one.other),
        body=pretty(one.body),
        reply=pretty(one.reply),
    )


async def download(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/requests/download: JSON Lines, newest first."""
    directory = await console.directory(request)
    connection, wanted, _ = await _asked(console, request, directory)
    found = bytearray()
    async for portion in log_of(console).older(directory, connection, wanted, MOST):
        for one in portion:
            found += orjson.dumps(one.document(), option=orjson.OPT_APPEND_NEWLINE)
        if len(found) > MOST_BYTES:
            break
    name = f'attachment; filename="requests-{directory.name}.jsonl"'
    return Reply(200, bytes(found), ((b"content-disposition", name.encode()),), content_type=_LINES)


async def _asked(
    console: Console, request: PageRequest, directory: Directory
) -> tuple[int | None, Wanted, tuple[str, ...]]:
    """The connection and what else is asked for, and all connections' names. Raises ``InvalidValue``."""
    numbers = {one.name: one.id for one in await console.control.connections(directory.id)}
    name = chosen(request, "connection", numbers)
    status = chosen(request, "status", CLASSES)
    wanted = Wanted(
        status=parse_status(status) if status else None,
        method=chosen(request, "method", METHODS),
        resource=text(request, "resource") or None,
        text=text(request, "q"),
        errors=bool(text(request, "errors")),
    )
    return numbers[name] if name else None, wanted, tuple(numbers)


async def _known(reader: Reader, id: str | None) -> Mentioned | None:
    """A user or group that a request names, with its name if it is there."""
    return await mentioned(reader, id) if id else None


def pretty(text: str | None) -> str | None:
    """JSON with its lines indented; what is cut or none as it is."""
    if text is None:
        return None
    try:
        value: Any = orjson.loads(text)
    except ValueError:
        return text
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


PAGES: Final = (
    Page("GET", "/directories/{directory}/requests", VIEWER, list_requests),
    Page("GET", "/directories/{directory}/requests/download", VIEWER, download),
    Page("GET", "/directories/{directory}/requests/{request}", VIEWER, show_request),
)
