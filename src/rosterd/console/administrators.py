"""Administrators: owners see who may log in, and change it; within their directory, if they are bound."""

from collections.abc import Sequence
from typing import Any, Final

from rosterd.console.context import Console
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.administrators import MAX_NAME, Administrator, fold
from rosterd.service.passwords import MIN_LENGTH
from rosterd.service.visitor import OWNER, ROLES

_ALL: Final = "/administrators"
_ONE: Final = f"{_ALL}/{{administrator}}"
_PAGE: Final = 100
_REFUSED: Final = (errors.BadRequest, errors.Conflict, errors.NotFound)


async def list_administrators(console: Console, request: PageRequest) -> Reply:
    """GET /administrators."""
    return await _list(console, request)


async def create_administrator(console: Console, request: PageRequest) -> Reply:
    """POST /administrators."""
    administrators, by = console.access.administrators, request.visitor.actor
    name, role = request.text("name", MAX_NAME), request.text("role")
    try:
        directory = await _wanted(console, request)
        if request.form.get("way") == "openid":
            made = await administrators.create(name, role, directory=directory, by=by)
            return console.redirect(request, path("administrators", made.id), f"'{name}' may log in now.")
        made, password = await administrators.create_generated(name, role, directory=directory, by=by)
    except _REFUSED as error:
        return await _list(console, request, error)
    return console.page(request, "administrator_password.html", administrator=made, password=password)


async def show_administrator(console: Console, request: PageRequest) -> Reply:
    """GET /administrators/{administrator}."""
    return await _one(console, request, await _find(console, request))


async def change_administrator(console: Console, request: PageRequest) -> Reply:
    """POST /administrators/{administrator}."""
    found = await _find(console, request)
    try:
        await console.access.administrators.update(
            found,
            role=request.text("role"),
            directory=await _wanted(console, request),
            by=request.visitor.actor,
        )
    except _REFUSED as error:
        return await _one(console, request, found, error)
    return console.redirect(request, path("administrators", found.id), f"'{found.name}' is changed.")


async def act(console: Console, request: PageRequest) -> Reply:
    """POST /administrators/{administrator}/{action}."""
    found, by = await _find(console, request), request.visitor.actor
    administrators, here = console.access.administrators, path("administrators", found.id)
    try:
        match request.path["action"]:
            case "disable":
                await administrators.disable(found, by=by)
                return console.redirect(request, here, f"'{found.name}' cannot log in any more.")
            case "enable":
                await administrators.enable(found, by=by)
                return console.redirect(request, here, f"'{found.name}' may log in again.")
            case "log-out":
                count = await console.access.sessions.revoke_all(found, by=by)
                return console.redirect(request, here, f"Sessions ended: {count}.")
            case "password":
                changed, password = await administrators.generate_password(found, by=by)
                return console.page(
                    request, "administrator_password.html", administrator=changed, password=password
                )
            case "remove-second-factor":
                await console.access.second_factors.remove(found, by=by)
                done = f"'{found.name}' logs in by the password alone now, or sets up a new second factor."
                return console.redirect(request, here, done)
            case "remove":
                await administrators.remove(found, by=by)
                return console.redirect(request, _ALL, f"'{found.name}' is removed.")
    except _REFUSED as error:
        return await _one(console, request, found, error)
    raise errors.NotFound("There is no such page.")


async def end_session(console: Console, request: PageRequest) -> Reply:
    """POST /administrators/{administrator}/sessions/{session}/end."""
    found = await _find(console, request)
    await console.access.sessions.revoke(found, request.path["session"], by=request.visitor.actor)
    return console.redirect(request, path("administrators", found.id), "The session has ended.")


async def _find(console: Console, request: PageRequest) -> Administrator:
    return await console.access.administrators.find(request.path["administrator"], request.visitor.directory)


async def _wanted(console: Console, request: PageRequest) -> int | None:
    """The directory that the form names; always the visitor's, if they are bound. Raises ``NotFound``."""
    if request.visitor.directory is not None:
        return request.visitor.directory
    name = request.text("directory")
    if not name:
        return None
    found = await console.registry.directory(name)
    if found is None:
        raise errors.NotFound(f"There is no directory '{name}'.")
    return found.id


async def _list(console: Console, request: PageRequest, error: errors.ScimError | None = None) -> Reply:
    after = request.query.get("after", "")
    rows = await console.access.control.administrator_page(request.visitor.directory, after, _PAGE + 1)
    shown = rows[:_PAGE]
    following = (
        path("administrators") + f"?after={path(fold(shown[-1].name))[1:]}" if len(rows) > _PAGE else ""
    )
    return console.page(
        request,
        "administrators.html",
        error.status if error else 200,
        administrators=shown,
        next_page=following,
        first_page=_ALL if after else "",
        **await _forms(console, shown, error),
    )


async def _one(
    console: Console, request: PageRequest, found: Administrator, error: errors.ScimError | None = None
) -> Reply:
    return console.page(
        request,
        "administrator.html",
        error.status if error else 200,
        administrator=found,
        sessions=await console.access.sessions.list(found.id),
        **await _forms(console, [found], error),
    )


async def _forms(
    console: Console, shown: Sequence[Administrator], error: errors.ScimError | None
) -> dict[str, Any]:
    bound = {one.directory for one in shown if one.directory is not None}
    return {
        "names": await console.registry.directory_names(bound),
        "roles": [(role, role) for role in ROLES],
        "provider": console.openid.name if console.openid else "",
        "error": error.detail if error else "",
        "least": MIN_LENGTH,
    }


PAGES: Final = (
    Page("GET", _ALL, OWNER, list_administrators),
    Page("POST", _ALL, OWNER, create_administrator),
    Page("GET", _ONE, OWNER, show_administrator),
    Page("POST", _ONE, OWNER, change_administrator),
    Page("POST", f"{_ONE}/{{action}}", OWNER, act),
    Page("POST", f"{_ONE}/sessions/{{session}}/end", OWNER, end_session),
)
