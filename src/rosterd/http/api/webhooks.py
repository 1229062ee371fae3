"""Webhooks over the management API: endpoints, their secrets and states.

A key that is bound to a directory sees the endpoints of that one only, and makes no others.
"""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import number, page, ref, text, thing
from rosterd.http.api.webhook_schemas import CHANGEABLE, SCHEME, STREAM, STREAM_CHANGES
from rosterd.http.problems import InvalidRequest
from rosterd.scim.render import format_time
from rosterd.service.keys import WEBHOOKS_READ, WEBHOOKS_WRITE
from rosterd.service.set_stream import POLL, Stream
from rosterd.service.webhook_admin import MAX_OVERLAP, MAX_REASON
from rosterd.service.webhooks import Endpoint

ONE: Final = "/webhooks/{webhook}"
_FIELDS: Final = {"url": "url", "label": "label", "maxEvents": "max_events", "maxWait": "max_wait"}


async def find(api: ApiContext, request: ApiRequest) -> Endpoint:
    """The endpoint in the path, if the caller may know of it. Raises ``NotFound``."""
    return await api.webhooks.find(request.path["webhook"], request.caller.directory)


async def list_webhooks(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks."""
    bound = request.caller.directory
    listing = f"webhooks {bound.id if bound else 0}"
    place = api.place(request, listing)
    after = str(place.key) if place else ""
    rows = await api.webhook_control.webhook_page(bound.id if bound else None, after, request.limit + 1)
    names = await api.registry.directory_names({row.directory for row in rows if row.directory is not None})
    return api.page(request, listing, rows, lambda row: _described(row, names), lambda row: (0, row.id))


async def create_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /webhooks."""
    directory = request.caller.directory
    if "directory" in request.body:
        directory = await api.directory(request, request.body["directory"])
    told = dict(request.body.get("stream", {}))
    authorization = told.pop("authorization", None)
    if "url" not in request.body and told.get("method") != POLL:
        fault = "is missing; a stream that is fetched has none, and its `method` is `poll`"
        raise InvalidRequest(f"url: {fault}.", [("/url", fault)])
    endpoint, secret = await api.webhooks.create(
        **{"url": "", **_given(request.body)},
        scheme=request.body.get("scheme", "v1"),
        directory=directory.id if directory else None,
        stream=Stream(**told) if told else None,
        authorization=authorization,
        by=request.by,
    )
    return ApiReply(201, {**await _shown(api, endpoint), "secret": secret or None})


async def read_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /webhooks/{webhook}."""
    return ApiReply(200, await _shown(api, await find(api, request)))


async def update_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PATCH /webhooks/{webhook}; what is not given stays."""
    endpoint = await find(api, request)
    told = dict(request.body.get("stream", {}))
    authorization = told.pop("authorization", None)
    changed = await api.webhooks.update(
        endpoint, **_given(request.body), stream=told or None, authorization=authorization, by=request.by
    )
    return ApiReply(200, await _shown(api, changed))


async def remove_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /webhooks/{webhook}."""
    await api.webhooks.remove(await find(api, request), by=request.by)
    return ApiReply(204)


async def rotate_webhook_secret(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /webhooks/{webhook}/secret/rotate."""
    endpoint, secret = await api.webhooks.rotate(
        await find(api, request),
        overlap=request.body.get("overlap", 86_400),
        scheme=request.body.get("scheme"),
        by=request.by,
    )
    return ApiReply(201, {**await _shown(api, endpoint), "secret": secret})


async def move_webhook(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /webhooks/{webhook}/state."""
    endpoint = await find(api, request)
    if request.body["move"] == "enable":
        endpoint = await api.webhooks.enable(endpoint, by=request.by)
    else:
        reason = request.body.get("reason", "")
        endpoint = await api.webhooks.disable(endpoint, reason=reason, by=request.by)
    return ApiReply(200, await _shown(api, endpoint))


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {own: body[name] for name, own in _FIELDS.items() if name in body}
    if "types" in body:
        given["types"] = ",".join(body["types"])
    return given


async def _shown(api: ApiContext, endpoint: Endpoint) -> dict[str, Any]:
    wanted = set() if endpoint.directory is None else {endpoint.directory}
    return _described(endpoint, await api.registry.directory_names(wanted))


def _described(endpoint: Endpoint, names: Mapping[int, str]) -> dict[str, Any]:
    standing, stream = endpoint.standing, endpoint.stream
    return {
        "id": endpoint.id,
        "directory": None if endpoint.directory is None else names[endpoint.directory],
        "url": endpoint.url,
        "label": endpoint.label,
        "types": list(endpoint.types),
        "maxEvents": endpoint.max_events,
        "maxWait": endpoint.max_wait,
        "stream": None if stream is None else stream.told,
        "state": {
            "is": standing.state,
            "by": standing.by,
            "reason": standing.reason,
            "since": None if standing.since is None else format_time(standing.since),
        },
        "failingSince": None if endpoint.failing is None else format_time(endpoint.failing),
        "secrets": [
            {
                "scheme": secret.scheme,
                "created": format_time(secret.created),
                "expires": None if secret.expires is None else format_time(secret.expires),
                "publicKey": secret.public,
            }
            for secret in endpoint.secrets
        ],
        "created": format_time(endpoint.created),
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/webhooks",
        WEBHOOKS_READ,
        list_webhooks,
        "List webhooks, without their secrets",
        query=PAGE,
        reply=page("Webhook", "A page of webhooks."),
    ),
    ApiRoute(
        "POST",
        "/webhooks",
        WEBHOOKS_WRITE,
        create_webhook,
        "Create a webhook; its secret is in this reply only",
        body=thing(
            "The new webhook.",
            ("directory", "url", "label", "types", "maxEvents", "maxWait", "scheme", "stream"),
            directory=text("The only directory it hears of; without it all.", maxLength=63),
            scheme=SCHEME,
            stream=STREAM,
            **CHANGEABLE,
        ),
        reply=ref("NewWebhook"),
        status=201,
        secret=True,
    ),
    ApiRoute("GET", ONE, WEBHOOKS_READ, read_webhook, "Read a webhook", reply=ref("Webhook")),
    ApiRoute(
        "PATCH",
        ONE,
        WEBHOOKS_WRITE,
        update_webhook,
        "Change a webhook; what is not given stays",
        body=thing("What to change.", (*CHANGEABLE, "stream"), stream=STREAM_CHANGES, **CHANGEABLE),
        reply=ref("Webhook"),
    ),
    ApiRoute(
        "DELETE",
        ONE,
        WEBHOOKS_WRITE,
        remove_webhook,
        "Remove a webhook, its log and its dead letters",
        status=204,
    ),
    ApiRoute(
        "POST",
        f"{ONE}/secret/rotate",
        WEBHOOKS_WRITE,
        rotate_webhook_secret,
        "Give a webhook a new secret; those before sign too until the overlap ends",
        body=thing(
            "How to change over.",
            ("overlap", "scheme"),
            overlap=number(
                "Seconds that messages are signed with the old one too.", 0, MAX_OVERLAP, default=86_400
            ),
            scheme=SCHEME,
        ),
        reply=ref("NewWebhook"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "POST",
        f"{ONE}/state",
        WEBHOOKS_WRITE,
        move_webhook,
        "Enable a webhook, or try at once what waits for a retry; or disable it",
        body=thing(
            "What to do.",
            ("reason",),
            move=text("The move.", enum=["enable", "disable"]),
            reason=text("Why it is disabled.", maxLength=MAX_REASON),
        ),
        reply=ref("Webhook"),
    ),
)
