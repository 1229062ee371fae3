"""The API tells about itself: its OpenAPI document, to whoever asks."""

from typing import Final

import orjson

from rosterd.http.api.openapi import BASE
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute


async def openapi(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /openapi.json."""
    if not request.root:
        return ApiReply(200, orjson.Fragment(api.description))
    return ApiReply(200, {**orjson.loads(api.description), "servers": [{"url": request.root + BASE}]})


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/openapi.json",
        None,
        openapi,
        "This API as an OpenAPI 3.1 document",
        reply={"type": "object", "description": "An OpenAPI 3.1 document."},
    ),
)
