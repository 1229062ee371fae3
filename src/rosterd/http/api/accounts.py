"""Users and groups as the application sees them: read only, deleted accounts included.

A page costs what it holds, however deep it lies and however many accounts are in another state: without
``q`` accounts are listed in the order of their creation, with ``q`` by name. With ``q`` and ``state`` a page
may hold fewer than asked, or none, though a cursor leads on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import page, ref, text
from rosterd.http.problems import InvalidRequest
from rosterd.scim import errors
from rosterd.scim.cursor import Place
from rosterd.scim.membership import Member
from rosterd.scim.render import etag, format_time
from rosterd.service.control import Directory
from rosterd.service.events import StoredEvent
from rosterd.service.keys import USERS_READ
from rosterd.service.ports import Position, Query, Reader, Stored

_BETWEEN: Final = "\0"  # a name and an id; neither can hold it
_PATH: Final = {"User": "user", "Group": "group"}

Names = Mapping[int, str]


async def list_users(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/users."""
    return await _list(api, request, "User")


async def list_groups(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/groups."""
    return await _list(api, request, "Group")


async def read_user(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/users/{user}."""
    directory, row = await _find(api, request, "User")
    groups = (await api.store.reader(directory.id).memberships((row.id,))).get(row.id, ())
    listed = [{"id": m.group, "name": m.display, "direct": m.direct} for m in groups]
    return ApiReply(
        200, {**_described(row, await api.control.connection_names(directory.id)), "groups": listed}
    )


async def read_group(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/groups/{group}."""
    directory, row = await _find(api, request, "Group")
    return ApiReply(200, _described(row, await api.control.connection_names(directory.id)))


async def list_members(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/groups/{group}/members."""
    directory, row = await _find(api, request, "Group")
    listing = f"members {directory.id} {row.id}"
    place = api.place(request, listing)
    after = str(place.key) if place else None
    rows = await api.store.reader(directory.id).members(row.id, after, request.limit + 1)
    return _members(api, request, listing, rows)


async def list_pending(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/groups/{group}/pending."""
    directory, row = await _find(api, request, "Group")
    listing = f"pending {directory.id} {row.id}"
    place = api.place(request, listing)
    after = str(place.key) if place else None
    rows = await api.store.reader(directory.id).pending(row.id, after, request.limit + 1)
    return _members(api, request, listing, rows)


async def user_history(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/users/{user}/history."""
    return await _history(api, request, "User")


async def group_history(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/groups/{group}/history."""
    return await _history(api, request, "Group")


async def _list(api: ApiContext, request: ApiRequest, kind: str) -> ApiReply:
    directory = await api.directory(request)
    state, q = request.query.get("state"), request.query.get("q", "").casefold()
    listing = f"{kind} {directory.id} {state} {q}"
    place = api.place(request, listing)
    reader = api.store.reader(directory.id)
    if not q:
        rows, last = await _in_order(api, directory, reader, kind, state, place, request.limit)
    elif state == "deleted":
        fault = "cannot be combined with state=deleted: a deleted account has given up its name"
        raise InvalidRequest(f"The query parameter 'q' {fault}.", [("?q", fault)])
    else:
        rows, last = await _by_name(reader, kind, q, state, place, request.limit)
    names = await api.control.connection_names(directory.id)
    following = None if last is None else api.seal(request, listing, last.seq, _text(last))
    return ApiReply(200, {"items": [_described(row, names) for row in rows], "nextCursor": following})


async def _in_order(
    api: ApiContext,
    directory: Directory,
    reader: Reader,
    kind: str,
    state: str | None,
    place: Place | None,
    limit: int,
) -> tuple[Sequence[Stored], Place | None]:
    if state is None:
        after = Position(place.seq) if place else None
        wanted = {api.model_of(directory).types[kind]: None}
        found = await reader.search(Query(wanted, None, limit, after=after, total=False))
        return found.rows, Place(found.rows[-1].seq) if found.more else None
    rows = await reader.accounts(kind, state, place.seq if place else 0, limit + 1)
    shown = rows[:limit]
    return shown, Place(shown[-1].seq) if len(rows) > limit else None


async def _by_name(
    reader: Reader, kind: str, q: str, state: str | None, place: Place | None, limit: int
) -> tuple[Sequence[Stored], Place | None]:
    after = None
    if place is not None:
        value, _, id = str(place.key).rpartition(_BETWEEN)
        after = (value, id)
    found = await reader.named(kind, q, state, after, limit + 1)
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    rows = [one.row for one in shown if one.row is not None]
    return rows, Place(0, f"{last.value}{_BETWEEN}{last.id}") if last else None


def _text(place: Place) -> str | None:
    return None if place.key is None else str(place.key)


async def _find(api: ApiContext, request: ApiRequest, kind: str) -> tuple[Directory, Stored]:
    """The live or retained resource in the path. Raises ``NotFound``."""
    directory = await api.directory(request)
    id = request.path[_PATH[kind]]
    reader = api.store.reader(directory.id)
    row = await reader.get(kind, id) or await reader.find_deleted(kind, id)
    if row is None:
        raise errors.NotFound.of(kind, id)
    return directory, row


async def _history(api: ApiContext, request: ApiRequest, kind: str) -> ApiReply:
    """The events of a resource, also of one that was erased."""
    directory = await api.directory(request)
    id = request.path[_PATH[kind]]
    listing = f"history {directory.id} {kind} {id}"
    place = api.place(request, listing)
    before = place.seq if place else None
    rows = await api.store.reader(directory.id).history(kind, id, request.limit + 1, before)
    if not rows and place is None:
        raise errors.NotFound.of(kind, id)
    names = await api.control.connection_names(directory.id)
    return api.page(request, listing, rows, lambda row: _event(row, names), lambda row: (row.seq, None))


def _members(api: ApiContext, request: ApiRequest, listing: str, rows: Sequence[Member]) -> ApiReply:
    return api.page(request, listing, rows, _member, lambda m: (0, m.value))


def _member(member: Member) -> dict[str, Any]:
    return {"value": member.value, "type": member.type, "name": member.display}


def _described(row: Stored, names: Names) -> dict[str, Any]:
    document = orjson.loads(row.document)
    inactive = "inactive" if document.get("active") is False else "active"
    return {
        "id": row.id,
        "state": "deleted" if row.deleted is not None else inactive,
        "name": document.get("userName") or document.get("displayName"),
        "externalId": row.external_id,
        "connection": names.get(row.connection),
        "created": format_time(row.created),
        "modified": format_time(row.modified),
        "deleted": None if row.deleted is None else format_time(row.deleted),
        "version": etag(row.version),
        "resource": document,
    }


def _event(stored: StoredEvent, names: Names) -> dict[str, Any]:
    event = stored.event
    return {
        "seq": stored.seq,
        "type": event.type,
        "at": format_time(event.at),
        "connection": names.get(event.connection),
        "requestId": event.request_id,
        "data": event.data,
    }


def _listed(states: Sequence[str], name: str) -> Mapping[str, Mapping[str, Any]]:
    return {
        "state": text("Only those in this state; without it all that are not deleted.", enum=list(states)),
        "q": text(
            f"Only those whose {name} begins so, in any letter case, ordered by it; not for deleted ones.",
            maxLength=200,
        ),
        **PAGE,
    }


_USER, _GROUP = "/directories/{directory}/users/{user}", "/directories/{directory}/groups/{group}"

ROUTES: Final = (
    ApiRoute(
        "GET",
        "/directories/{directory}/users",
        USERS_READ,
        list_users,
        "List a directory's users",
        query=_listed(("active", "inactive", "deleted"), "userName"),
        reply=page("Account", "A page of users."),
    ),
    ApiRoute("GET", _USER, USERS_READ, read_user, "Read a user with its groups", reply=ref("User")),
    ApiRoute(
        "GET",
        f"{_USER}/history",
        USERS_READ,
        user_history,
        "What happened to a user, newest first",
        query=PAGE,
        reply=page("Happened", "A page of a history."),
    ),
    ApiRoute(
        "GET",
        "/directories/{directory}/groups",
        USERS_READ,
        list_groups,
        "List a directory's groups",
        query=_listed(("active", "deleted"), "displayName"),
        reply=page("Account", "A page of groups."),
    ),
    ApiRoute("GET", _GROUP, USERS_READ, read_group, "Read a group", reply=ref("Account")),
    ApiRoute(
        "GET",
        f"{_GROUP}/members",
        USERS_READ,
        list_members,
        "List a group's members by id",
        query=PAGE,
        reply=page("Member", "A page of members."),
    ),
    ApiRoute(
        "GET",
        f"{_GROUP}/pending",
        USERS_READ,
        list_pending,
        "List the member values that name nobody yet",
        query=PAGE,
        reply=page("Member", "A page of pending members."),
    ),
    ApiRoute(
        "GET",
        f"{_GROUP}/history",
        USERS_READ,
        group_history,
        "What happened to a group, newest first",
        query=PAGE,
        reply=page("Happened", "A page of a history."),
    ),
)
