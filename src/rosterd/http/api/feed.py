"""The event feed over HTTP: pages, long-poll, Server-Sent Events, snapshots.

An event stream is read from the database only as quickly as its client takes it. Everything that can be
refused is refused before the first byte, with a status; afterwards a stream can only end, and the client
goes on from the last cursor it has.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, nullcontext
from typing import Final

import orjson

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest, StreamReply
from rosterd.http.api.route import JSON, ApiRoute, Schema
from rosterd.http.api.schemas import text, thing, time
from rosterd.http.api.waits import Wait
from rosterd.http.headers import preferred
from rosterd.http.problems import InvalidRequest
from rosterd.service.control import Directory
from rosterd.service.feed import DEFAULT_LIMIT, MAX_LIMIT, MAX_WAIT, Feed, Page, Want, lines, parse_types
from rosterd.service.keys import EVENTS_READ

EVENT_STREAM: Final = "text/event-stream"
JSON_LINES: Final = "application/jsonl"
RETRY_MS: Final = 3000
"""How long a client of an event stream waits before it connects again."""


class _Begun:
    """A stream whose first chunk was fetched, so that its failure could still become a status."""

    def __init__(self, first: bytes, rest: AsyncGenerator[bytes]) -> None:
        self._first: bytes | None = first
        self._rest = rest

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._rest) if first is None else first

    async def aclose(self) -> None:
        """Let go of what the rest holds."""
        await self._rest.aclose()


class _Waiting:
    """A stream that gives its place back when it is closed, also if it never began."""

    def __init__(self, chunks: AsyncGenerator[bytes], wait: Wait) -> None:
        self._chunks = chunks
        self._wait = wait

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """End the stream."""
        self._wait.leave()
        await self._chunks.aclose()


async def events(api: ApiContext, request: ApiRequest) -> ApiReply | StreamReply:
    """GET /events: a page, or an event stream if the client accepts that."""
    directory = await directory_in_query(api, request)
    feed = _feed(api)
    types = parse_types(request.query.get("types", ""))
    if preferred(request.headers.get(b"accept"), (JSON, EVENT_STREAM)) == EVENT_STREAM:
        after = request.headers.get(b"last-event-id") or request.query.get("after")
        place = await feed.place(directory, after)
        pages = feed.follow(directory, place, types)
        wait = api.waits.enter(request.caller.key.id)
        return StreamReply(_Waiting(_stream(pages, api, request, directory), wait), EVENT_STREAM, UNBUFFERED)
    place = await feed.place(directory, request.query.get("after"))
    want = Want(types, int(request.query.get("limit", DEFAULT_LIMIT)), int(request.query.get("wait", 0)))
    with api.waits.place(request.caller.key.id) if want.wait else nullcontext():
        page, _ = await feed.page(directory, place, want)
    return ApiReply(200, {"events": page.events, "next": page.next, "more": page.more})


async def snapshot(api: ApiContext, request: ApiRequest) -> StreamReply:
    """GET /snapshot: JSON Lines."""
    directory = await directory_in_query(api, request)
    rest = _lines(_feed(api), api, directory)
    return StreamReply(_Begun(await anext(rest), rest), JSON_LINES, UNBUFFERED)


async def _stream(
    pages: AsyncIterator[Page], api: ApiContext, request: ApiRequest, directory: Directory
) -> AsyncGenerator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    async for page in pages:
        if not await _may_go_on(api, request, directory):
            return
        yield _frames(page)


async def _may_go_on(api: ApiContext, request: ApiRequest, directory: Directory) -> bool:
    """Whether the directory is still there and the key still valid: a stream may be open for days."""
    found = await api.registry.directory(directory.name)
    if found is None or found.id != directory.id:
        return False
    holder = await api.registry.key(request.caller.key.id)
    if holder is None or holder.key.expires <= api.now():
        return False
    return holder.key.revoked is None or holder.key.revoked > api.now()


def _frames(page: Page) -> bytes:
    """The page in the event stream format of the HTML standard, §9.2.

    A frame without data dispatches nothing, but its id counts: whoever filters does not fall behind.
    """
    frames = [
        b"id: %b\nevent: %b\ndata: %b\n\n" % (cursor.encode(), event["type"].encode(), orjson.dumps(event))
        for cursor, event in zip(page.cursors, page.events, strict=True)
    ]
    return b"".join(frames) or b": nothing new\nid: %b\n\n" % page.next.encode()


async def _lines(feed: Feed, api: ApiContext, directory: Directory) -> AsyncGenerator[bytes]:
    # Closed here and not some time later: the snapshot holds on to the database.
    async with aclosing(feed.snapshot(directory, api.model_of(directory))) as portions:
        async for records in portions:
            yield lines(records)


def _feed(api: ApiContext) -> Feed:
    return Feed(api.store, api.control, api.now, api.secret, api.stopping.is_set)


async def directory_in_query(api: ApiContext, request: ApiRequest) -> Directory:
    """The directory asked for, or the one that the key is bound to. Raises ``InvalidRequest``."""
    bound = request.caller.directory
    name = request.query.get("directory") or (bound.name if bound else None)
    if name is None:
        fault = "is missing; this API key is not bound to one directory"
        raise InvalidRequest(f"The query parameter 'directory' {fault}.", [("?directory", fault)])
    return await api.directory(request, name)


# A proxy that collects a stream before it passes it on would make it useless.
UNBUFFERED: Final = ((b"x-accel-buffering", b"no"),)

DIRECTORY: Final[Schema] = {
    "type": "string",
    "maxLength": 63,
    "description": "Name of the directory; needed unless the API key is bound to one.",
}
_EVENT: Final = thing(
    "A change.",
    id=text("The same at every delivery, and of no other event."),
    type=text("What happened, e.g. `user.deactivated`."),
    schemaVersion={"type": "integer", "description": "Of the form of events; 1."},
    directory=text("Name of the directory."),
    time=time("When it was committed."),
    resource=thing(
        "What it happened to.",
        type=text("Name of the resource type, e.g. `User`."),
        id=text("Id of the resource; the same for ever."),
    ),
    cause=thing(
        "Why it happened.",
        connection={"type": ["string", "null"], "description": "Name of the connection that changed it."},
        requestId=text("The id of the request, as in the log and the header `X-Request-Id`."),
    ),
    data={"type": "object", "description": "What changed; depends on the type."},
)

ROUTES: Final = (
    ApiRoute(
        "GET",
        "/events",
        EVENTS_READ,
        events,
        "The event feed: a page, with `wait` a long-poll, or an event stream",
        query={
            "directory": DIRECTORY,
            "after": {
                "type": "string",
                "maxLength": 256,
                "description": "A cursor; `now` for the present end; without it the oldest event kept.",
            },
            "types": {
                "type": "string",
                "maxLength": 1000,
                "description": "Only these types, separated by commas; `user.*` stands for all of users.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "description": "The most events on a page; there may be fewer though more follow.",
                "default": DEFAULT_LIMIT,
            },
            "wait": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_WAIT,
                "description": "Seconds to wait for an event if there is none yet.",
                "default": 0,
            },
        },
        reply=thing(
            "A page of the feed.",
            events={"type": "array", "description": "In the order of their commits.", "items": _EVENT},
            next=text("The cursor to go on from; also of an empty page."),
            more={"type": "boolean", "description": "Whether there is more to look at already."},
        ),
        statuses=(410,),
        media=(JSON, EVENT_STREAM),
    ),
    ApiRoute(
        "GET",
        "/snapshot",
        EVENTS_READ,
        snapshot,
        "Everything in a directory as of one moment, as JSON Lines, with the cursor to go on from",
        query={"directory": DIRECTORY},
        reply={"type": "object", "description": "JSON Lines: `snapshot`, `resource`s, `members`, `end`."},
        media=(JSON_LINES,),
    ),
)
