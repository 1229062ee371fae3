"""Administrators of the console over the management API: a key makes nobody who may do more than it may.

To make, change or remove an administrator it needs the scopes for all that the role may do in the console:
for an owner every one. A key that is bound to a directory knows of those administrators only who are bound to
it too. No reply holds a password.
"""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import Schema, maybe, page, ref, text, thing, time
from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.administrators import MAX_NAME, Administrator, fold
from rosterd.service.directories import NAME
from rosterd.service.keys import (
    ADMINISTRATORS_READ,
    ADMINISTRATORS_WRITE,
    CONNECTIONS_WRITE,
    KEYS_READ,
    SCOPES,
    USERS_WRITE,
    WEBHOOKS_WRITE,
)
from rosterd.service.passwords import MAX_LENGTH, MIN_LENGTH
from rosterd.service.sessions import Session
from rosterd.service.visitor import OPERATOR, OWNER, ROLES, VIEWER

_ONE: Final = "/administrators/{administrator}"
_SESSIONS: Final = f"{_ONE}/sessions"

_SEEN: Final = frozenset(s for s in SCOPES if s.endswith(".read")) - {KEYS_READ, ADMINISTRATORS_READ}
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    VIEWER: _SEEN,
    OPERATOR: _SEEN | {CONNECTIONS_WRITE, USERS_WRITE, WEBHOOKS_WRITE},
    OWNER: frozenset(SCOPES),
}
"""Role → the scopes for what it may do in the console."""


async def list_administrators(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /administrators; a key that is bound to a directory sees those that are bound to it."""
    bound = request.caller.directory
    place = api.place(request, "administrators")
    rows = await api.access.control.administrator_page(
        bound.id if bound else None, str(place.key) if place else "", request.limit + 1
    )
    names = await _names(api, *rows)
    return api.page(
        request,
        "administrators",
        rows,
        lambda row: _described(row, names),
        lambda row: (0, fold(row.name)),
    )


async def create_administrator(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /administrators."""
    role = request.body["role"]
    _require_within(request, role)
    made = await api.access.administrators.create(
        request.body["name"],
        role,
        directory=await _directory(api, request),
        password=request.body.get("password"),
        by=request.by,
    )
    return ApiReply(201, _described(made, await _names(api, made)))


async def read_administrator(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /administrators/{administrator}."""
    found = await _find(api, request)
    return ApiReply(200, _described(found, await _names(api, found)))


async def update_administrator(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PATCH /administrators/{administrator}; what is not given stays."""
    old = await _find(api, request)
    changes = {name: request.body[name] for name in ("role", "disabled", "password") if name in request.body}
    _require_within(request, old.role, changes.get("role", old.role))
    if "directory" in request.body:
        changes["directory"] = await _directory(api, request)
    new = await api.access.administrators.update(old, by=request.by, **changes)
    return ApiReply(200, _described(new, await _names(api, new)))


async def remove_administrator(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /administrators/{administrator}."""
    found = await _find(api, request)
    _require_within(request, found.role)
    await api.access.administrators.remove(found, by=request.by)
    return ApiReply(204)


async def remove_second_factor(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /administrators/{administrator}/second-factor."""
    found = await _find(api, request)
    _require_within(request, found.role)
    await api.access.second_factors.remove(found, by=request.by)
    return ApiReply(204)


async def list_sessions(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /administrators/{administrator}/sessions; there are never more than a page."""
    found = await _find(api, request)
    sessions = await api.access.sessions.list(found.id)
    return ApiReply(200, {"items": [_session(session) for session in sessions], "nextCursor": None})


async def end_sessions(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /administrators/{administrator}/sessions."""
    await api.access.sessions.revoke_all(await _find(api, request), by=request.by)
    return ApiReply(204)


async def end_session(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /administrators/{administrator}/sessions/{session}."""
    await api.access.sessions.revoke(await _find(api, request), request.path["session"], by=request.by)
    return ApiReply(204)


async def _find(api: ApiContext, request: ApiRequest) -> Administrator:
    """The administrator in the path. Raises ``NotFound``, also for one who is not bound as the key is."""
    bound = request.caller.directory
    return await api.access.administrators.find(request.path["administrator"], bound.id if bound else None)


async def _directory(api: ApiContext, request: ApiRequest) -> int | None:
    """The directory that the body names; without one that of the key. Raises ``NotFound``, ``Forbidden``."""
    name = request.body.get("directory")
    if name is not None:
        return (await api.directory(request, name)).id
    if "directory" in request.body:
        request.caller.require_unbound()
    return request.caller.directory.id if request.caller.directory else None


def _require_within(request: ApiRequest, *roles: str) -> None:
    for role in roles:
        lacking = [scope for scope in SCOPES if scope in _NEEDED[role] - set(request.caller.key.scopes)]
        if lacking:
            raise errors.Forbidden(
                f"An API key makes and changes nobody who may do more than it may: for the role '{role}' it "
                f"lacks {', '.join(lacking)}."
            )


async def _names(api: ApiContext, *rows: Administrator) -> Mapping[int, str]:
    return await api.registry.directory_names({row.directory for row in rows if row.directory is not None})


def _described(administrator: Administrator, names: Mapping[int, str]) -> dict[str, Any]:
    home = administrator.directory
    return {
        "id": administrator.id,
        "name": administrator.name,
        "role": administrator.role,
        "directory": None if home is None else names[home],
        "disabled": administrator.disabled is not None,
        "hasPassword": administrator.password is not None,
        "secondFactor": administrator.second_factor is not None,
        "issuer": administrator.issuer,
        "subject": administrator.subject,
        "created": format_time(administrator.created),
        "lastLogin": None if administrator.last_login is None else format_time(administrator.last_login),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "address": session.address,
        "userAgent": session.agent,
        "created": format_time(session.created),
        "lastSeen": format_time(session.seen),
        "expires": format_time(session.expires),
    }


COMPONENTS: Final[Mapping[str, Schema]] = {
    "Administrator": thing(
        "Somebody who may log in to the console.",
        id=text("Its id."),
        name=text("What they log in with."),
        role=text("What they may do.", enum=list(ROLES)),
        directory=maybe(text("The only directory they know of; null for all.")),
        disabled={"type": "boolean", "description": "Whether they may not log in."},
        hasPassword={"type": "boolean", "description": "Whether they can log in by a password."},
        secondFactor={
            "type": "boolean",
            "description": "Whether a code of an authenticator app is asked for beside the password.",
        },
        issuer=maybe(text("The OpenID provider they are linked to.")),
        subject=maybe(text("Who they are there.")),
        created=time("When it was made."),
        lastLogin=maybe(time("When they last logged in.")),
    ),
    "Session": thing(
        "Where an administrator is logged in.",
        id=text("Its id, which is no secret."),
        address=maybe(text("The network address of the log-in.")),
        userAgent=text("What the browser calls itself."),
        created=time("When they logged in."),
        lastSeen=time("When it was last used, to a minute."),
        expires=time("When it ends at the latest."),
    ),
}

_ROLE: Final = text("What they may do; each with all that the one before may.", enum=list(ROLES))
_PASSWORD: Final = text(
    "To log in with; it must not be the name.", minLength=MIN_LENGTH, maxLength=MAX_LENGTH, writeOnly=True
)
_HOME: Final = text("The only directory they know of.", pattern=f"^{NAME}$")

ROUTES: Final = (
    ApiRoute(
        "GET",
        "/administrators",
        ADMINISTRATORS_READ,
        list_administrators,
        "List the administrators of the console by name",
        query=PAGE,
        reply=page("Administrator", "A page of administrators."),
    ),
    ApiRoute(
        "POST",
        "/administrators",
        ADMINISTRATORS_WRITE,
        create_administrator,
        "Make an administrator; without a password they log in by the OpenID provider only",
        body=thing(
            "The new administrator.",
            ("directory", "password"),
            name=text("A word or an e-mail address.", minLength=1, maxLength=MAX_NAME),
            role=_ROLE,
            directory=_HOME,
            password=_PASSWORD,
        ),
        reply=ref("Administrator"),
        status=201,
    ),
    ApiRoute(
        "GET",
        _ONE,
        ADMINISTRATORS_READ,
        read_administrator,
        "Read an administrator",
        reply=ref("Administrator"),
    ),
    ApiRoute(
        "PATCH",
        _ONE,
        ADMINISTRATORS_WRITE,
        update_administrator,
        "Change an administrator; a new password or disabling ends their sessions",
        body=thing(
            "What to change.",
            ("role", "directory", "disabled", "password"),
            role=_ROLE,
            directory={**maybe(_HOME), "description": "The only directory they know of; null for all."},
            disabled={"type": "boolean", "description": "Whether they may not log in."},
            password={**maybe(_PASSWORD), "description": "To log in with; null for none."},
        ),
        reply=ref("Administrator"),
        statuses=(409,),
    ),
    ApiRoute(
        "DELETE",
        _ONE,
        ADMINISTRATORS_WRITE,
        remove_administrator,
        "Remove an administrator for good; the last owner of everything stays",
        status=204,
        statuses=(409,),
    ),
    ApiRoute(
        "DELETE",
        f"{_ONE}/second-factor",
        ADMINISTRATORS_WRITE,
        remove_second_factor,
        "Remove the second factor of an administrator who lost it, and end their sessions",
        status=204,
        statuses=(409,),
    ),
    ApiRoute(
        "GET",
        _SESSIONS,
        ADMINISTRATORS_READ,
        list_sessions,
        "List where an administrator is logged in, newest first",
        reply=page("Session", "Sessions, all on one page."),
    ),
    ApiRoute(
        "DELETE",
        _SESSIONS,
        ADMINISTRATORS_WRITE,
        end_sessions,
        "End all sessions of an administrator at once",
        status=204,
    ),
    ApiRoute(
        "DELETE",
        f"{_SESSIONS}/{{session}}",
        ADMINISTRATORS_WRITE,
        end_session,
        "End a session at once",
        status=204,
    ),
)
