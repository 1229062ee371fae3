"""The request log over the management API: pages, one request, and all of them as JSON Lines.

A page looks at a bounded number of requests, so with a filter it may be short, or empty, though a cursor
leads on. In a list requests come without their bodies.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

import orjson

from rosterd.http.api.connections import find_in
from rosterd.http.api.feed import DIRECTORY, JSON_LINES, UNBUFFERED, directory_in_query
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest, StreamReply
from rosterd.http.api.route import JSON, PAGE, ApiRoute
from rosterd.http.api.schemas import page, ref, text
from rosterd.service.keys import REQUESTS_READ
from rosterd.service.request_log import Wanted
from rosterd.service.requests import STATUS, Explained, Requests, parse_status

MOST: Final = 50_000
"""Requests of one download."""

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_FILTERS: Final = ("connection", "status", "method", "resource", "q", "errors")


async def list_requests(api: ApiContext, request: ApiRequest) -> ApiReply | StreamReply:
    """GET /requests."""
    directory = await directory_in_query(api, request)
    query = request.query
    connection = None
    if "connection" in query:
        connection = (await find_in(api, directory, query["connection"])).id
    wanted = Wanted(
        parse_status(query["status"]) if "status" in query else None,
        query.get("method"),
        query.get("resource"),
        query.get("q", ""),
        query.get("errors") == "true",
    )
    requests = _requests(api)
    if query.get("format") == "jsonl":
        portions = requests.older(directory, connection, wanted, MOST)
        return StreamReply(_lines(portions), JSON_LINES, UNBUFFERED)
    listing = f"requests {directory.id} {[query.get(filter) for filter in _FILTERS]}"
    place = api.place(request, listing)
    found, before = await requests.page(
        directory, connection, place.seq if place else None, request.limit, wanted
    )
    following = None if before is None else api.seal(request, listing, before)
    items = [one.document(bodies=False) for one in found]
    return ApiReply(200, {"items": items, "nextCursor": following})


async def read_request(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /requests/{request}."""
    directory = await directory_in_query(api, request)
    return ApiReply(200, (await _requests(api).one(directory, request.path["request"])).document())


def _requests(api: ApiContext) -> Requests:
    return Requests(api.request_log, api.store, api.control)


async def _lines(portions: AsyncIterator[list[Explained]]) -> AsyncGenerator[bytes]:
    async for portion in portions:
        yield lines(portion)


def lines(portion: list[Explained]) -> bytes:
    """JSON Lines."""
    return b"".join(orjson.dumps(one.document(), option=orjson.OPT_APPEND_NEWLINE) for one in portion)


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/requests",
        REQUESTS_READ,
        list_requests,
        "List what identity providers asked and what came of it, newest first",
        query={
            "directory": DIRECTORY,
            "connection": text("Only those of the connection of this name.", maxLength=63),
            "status": text("Only those with this status, or of this class, such as `4xx`.", pattern=STATUS),
            "method": text("Only those with this method.", enum=list(METHODS)),
            "resource": text("Only those about the resource of this id.", maxLength=200),
            "q": text(
                "Only those with this in their subject or path, in any letter case, or with this request id.",
                maxLength=200,
            ),
            "errors": text("`true`: only those with a status of 400 and more.", enum=["true", "false"]),
            "format": text(
                f"`jsonl`: no page but all of them, {MOST:,} at the most, with their bodies, as JSON Lines.",
                enum=["json", "jsonl"],
            ),
            **PAGE,
        },
        reply=page("ListedRequest", "A page of requests."),
        statuses=(404,),
        media=(JSON, JSON_LINES),
    ),
    ApiRoute(
        "GET",
        "/requests/{request}",
        REQUESTS_READ,
        read_request,
        "Read a request with its bodies, secrets masked",
        query={"directory": DIRECTORY},
        reply=ref("Request"),
    ),
)
