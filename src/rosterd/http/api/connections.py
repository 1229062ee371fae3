"""Connections over the management API: list, create, read, change, pause and the like, delete."""

from dataclasses import asdict, replace
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import POLICY, page, ref, text, thing
from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.connections import MAX_REASON
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.directories import NAME
from rosterd.service.keys import CONNECTIONS_READ, CONNECTIONS_WRITE
from rosterd.service.limits import JSON_NAMES, Limits
from rosterd.service.standing import MOVES

_ONE: Final = "/directories/{directory}/connections/{connection}"
_NAME: Final = text(
    "Letters, digits, '.', '_' and '-'; it is part of addresses of this API.", pattern=f"^{NAME}$"
)


async def find(api: ApiContext, request: ApiRequest) -> tuple[Directory, Connection]:
    """The directory and connection in the path. Raises ``NotFound``."""
    directory = await api.directory(request)
    return directory, await find_in(api, directory, request.path["connection"])


async def find_in(api: ApiContext, directory: Directory, name: str) -> Connection:
    """The directory's connection of this name. Raises ``NotFound``."""
    found = await api.registry.connection(directory.id, name)
    if found is None:
        raise errors.NotFound(f"Directory '{directory.name}' has no connection '{name}'.")
    return found


async def list_connections(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/connections."""
    directory = await api.directory(request)
    listing = f"connections {directory.id}"
    place = api.place(request, listing)
    rows = await api.registry.connection_page(
        directory.id, str(place.key) if place else "", request.limit + 1
    )
    return api.page(request, listing, rows, lambda row: _described(directory, row), lambda row: (0, row.name))


async def create_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/connections."""
    directory = await api.directory(request)
    profile, policy = _changed("auto", Policy(), request.body)
    made = await api.connections.create(
        directory, request.body["name"], by=request.by, profile=profile, policy=policy
    )
    return ApiReply(201, _described(directory, made))


async def read_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/connections/{connection}."""
    return ApiReply(200, _described(*await find(api, request)))


async def update_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PATCH /directories/{directory}/connections/{connection}; what is not given stays."""
    directory, old = await find(api, request)
    profile, policy = _changed(old.profile, old.policy, request.body)
    new = await api.connections.update(
        old, by=request.by, name=request.body.get("name"), profile=profile, policy=policy
    )
    return ApiReply(200, _described(directory, new))


async def delete_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /directories/{directory}/connections/{connection}."""
    directory, connection = await find(api, request)
    name = request.query.get("handOverTo")
    heir = None if name is None else await find_in(api, directory, name)
    await api.connection_removal.remove(directory, connection, by=request.by, heir=heir)
    return ApiReply(204)


async def move_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/connections/{connection}/state."""
    directory, connection = await find(api, request)
    standing = await api.connections.move(
        connection,
        request.body["move"],
        by=request.by,
        reason=request.body.get("reason", ""),
    )
    return ApiReply(200, _described(directory, replace(connection, standing=standing)))


def _changed(profile: str, policy: Policy, body: dict[str, Any]) -> tuple[str, Policy]:
    given = {own: body["limits"][name] for own, name in JSON_NAMES.items() if name in body.get("limits", {})}
    return body.get("profile", profile), Policy(
        reach=body.get("reach", policy.reach),
        on_delete=body.get("onDelete", policy.on_delete),
        limits=Limits(**{**asdict(policy.limits), **given}),
    )


def _described(directory: Directory, connection: Connection) -> dict[str, Any]:
    policy, standing = connection.policy, connection.standing
    limits = asdict(policy.limits)
    return {
        "name": connection.name,
        "directory": directory.name,
        "profile": connection.profile,
        "reach": policy.reach,
        "onDelete": policy.on_delete,
        "limits": {name: limits[own] for own, name in JSON_NAMES.items()},
        "state": {
            "is": standing.state,
            "by": standing.by,
            "reason": standing.reason,
            "since": None if standing.since is None else format_time(standing.since),
        },
        "created": format_time(connection.created),
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/directories/{directory}/connections",
        CONNECTIONS_READ,
        list_connections,
        "List a directory's connections by name",
        query=PAGE,
        reply=page("Connection", "A page of connections."),
    ),
    ApiRoute(
        "POST",
        "/directories/{directory}/connections",
        CONNECTIONS_WRITE,
        create_connection,
        "Create a connection",
        body=thing("The new connection.", tuple(POLICY), name=_NAME, **POLICY),
        reply=ref("Connection"),
        status=201,
    ),
    ApiRoute(
        "GET",
        _ONE,
        CONNECTIONS_READ,
        read_connection,
        "Read a connection",
        reply=ref("Connection"),
    ),
    ApiRoute(
        "PATCH",
        _ONE,
        CONNECTIONS_WRITE,
        update_connection,
        "Change a connection's name, profile, policy and limits; what is not given stays",
        body=thing("What to change.", ("name", *POLICY), name=_NAME, **POLICY),
        reply=ref("Connection"),
        statuses=(409,),
    ),
    ApiRoute(
        "DELETE",
        _ONE,
        CONNECTIONS_WRITE,
        delete_connection,
        "Delete a connection for good, with its tokens, clients and set-up links; no account goes with it",
        query={
            "handOverTo": text(
                "Name of the connection that gets the users and groups that are its own, deleted ones too. "
                "Without it there must be no live ones: 409."
            )
        },
        status=204,
        statuses=(409,),
    ),
    ApiRoute(
        "POST",
        f"{_ONE}/state",
        CONNECTIONS_WRITE,
        move_connection,
        "Pause, resume, disable or enable a connection",
        body=thing(
            "What to do.",
            ("reason",),
            move=text("`pause` answers 503 until `resume`, `disable` 403 until `enable`.", enum=list(MOVES)),
            reason=text(
                "Why; told to the identity provider's administrator while it is paused or disabled.",
                maxLength=MAX_REASON,
            ),
        ),
        reply=ref("Connection"),
    ),
)
