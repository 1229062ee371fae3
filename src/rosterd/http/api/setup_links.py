"""Set-up links over the management API; a link's address is in the reply that makes it and nowhere else."""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.http.api.connections import find
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import Schema, maybe, number, page, ref, text, thing, time
from rosterd.scim.render import format_time
from rosterd.service.control import Connection
from rosterd.service.keys import CONNECTIONS_READ, CONNECTIONS_WRITE
from rosterd.service.setup_links import (
    DEFAULT_LIFETIME,
    MAX_LABEL,
    MAX_LIFETIME,
    MIN_LIFETIME,
    PATH,
    SetupLink,
)

_LINKS: Final = "/directories/{directory}/connections/{connection}/setup-links"


async def list_links(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/setup-links."""
    directory, connection = await find(api, request)
    listing = f"setup links {directory.id} {connection.id}"
    place = api.place(request, listing)
    after = (place.seq, str(place.key)) if place else None
    rows = await api.access.control.setup_link_page(directory.id, connection.id, after, request.limit + 1)
    now = api.now()
    return api.page(
        request,
        listing,
        rows,
        lambda row: _described(row, connection, now),
        lambda row: (row.created, row.id),
    )


async def create_link(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST …/setup-links."""
    _, connection = await find(api, request)
    link, secret = await api.access.setup_links.create(
        connection,
        label=request.body.get("label", ""),
        lifetime=request.body.get("lifetime", DEFAULT_LIFETIME),
        by=request.by,
    )
    return ApiReply(201, {**_described(link, connection, api.now()), "path": PATH + secret})


async def revoke_link(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE …/setup-links/{link}."""
    _, connection = await find(api, request)
    await api.access.setup_links.revoke(connection, request.path["link"], by=request.by)
    return ApiReply(204)


def _described(link: SetupLink, connection: Connection, now: int) -> dict[str, Any]:
    return {
        "id": link.id,
        "connection": connection.name,
        "label": link.label,
        "state": link.state(now),
        "created": format_time(link.created),
        "expires": format_time(link.expires),
        "revoked": None if link.revoked is None else format_time(link.revoked),
        "lastUsed": None if link.last_used is None else format_time(link.last_used),
    }


_LINK: Final[Mapping[str, Schema]] = {
    "id": text("Its id, which is part of its address."),
    "connection": text("Name of the connection it sets up."),
    "label": text("Whom it is for."),
    "state": text("Whether it opens anything.", enum=["valid", "expired", "revoked"]),
    "created": time("When it was made."),
    "expires": time("When it ends."),
    "revoked": maybe(time("When it was revoked.")),
    "lastUsed": maybe(time("When a set-up was last begun with it.")),
}

COMPONENTS: Final[Mapping[str, Schema]] = {
    "SetupLink": thing("A set-up link, without its address.", **_LINK),
    "NewSetupLink": thing(
        "A set-up link with its address, this once.",
        **_LINK,
        path=text("Where it leads on this server; put the server's public address before it."),
    ),
}

ROUTES: Final = (
    ApiRoute(
        "GET",
        _LINKS,
        CONNECTIONS_READ,
        list_links,
        "List a connection's set-up links, newest first, without their addresses",
        query=PAGE,
        reply=page("SetupLink", "A page of set-up links."),
    ),
    ApiRoute(
        "POST",
        _LINKS,
        CONNECTIONS_WRITE,
        create_link,
        "Make a link that opens the set-up without an account; its address is in this reply only",
        body=thing(
            "The new link.",
            ("label", "lifetime"),
            label=text("Whom it is for; they see it.", maxLength=MAX_LABEL),
            lifetime=number("Seconds it is valid.", MIN_LIFETIME, MAX_LIFETIME, default=DEFAULT_LIFETIME),
        ),
        reply=ref("NewSetupLink"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "DELETE",
        f"{_LINKS}/{{link}}",
        CONNECTIONS_WRITE,
        revoke_link,
        "Revoke a set-up link and end what was begun with it, at once",
        status=204,
    ),
)
