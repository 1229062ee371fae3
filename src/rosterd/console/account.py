"""One's own account: the password, and where one is logged in."""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.administrators import Administrator
from rosterd.service.passwords import MIN_LENGTH
from rosterd.service.visitor import VIEWER

_HERE: Final = "/account"


async def show_account(console: Console, request: PageRequest) -> Reply:
    """GET /account."""
    return await _page(console, request)


async def change_password(console: Console, request: PageRequest) -> Reply:
    """POST /account/password."""
    new = request.form.get("new", "")
    try:
        if new != request.form.get("again", ""):
            raise errors.InvalidValue("The new password and its repetition are not the same.")
        await console.access.own.change_password(
            request.visitor, request.form.get("old", ""), new, request.form.get("code", "")
        )
    except (errors.BadRequest, errors.Forbidden, errors.TooManyRequests, errors.Conflict) as error:
        return await _page(console, request, error)
    return console.redirect(request, _HERE, "Your password is changed. All your other sessions have ended.")


async def end_session(console: Console, request: PageRequest) -> Reply:
    """POST /account/sessions/{session}/end."""
    own = await _own(console, request)
    await console.access.sessions.revoke(own, request.path["session"], by=request.visitor.actor)
    return console.redirect(request, _HERE, "The session has ended.")


async def end_others(console: Console, request: PageRequest) -> Reply:
    """POST /account/sessions/end."""
    own, visitor = await _own(console, request), request.visitor
    count = await console.access.sessions.revoke_all(own, but=visitor.session, by=visitor.actor)
    return console.redirect(request, _HERE, f"Sessions ended: {count}.")


async def _own(console: Console, request: PageRequest) -> Administrator:
    return await console.access.administrators.find(request.visitor.actor.id)


async def _page(console: Console, request: PageRequest, error: errors.ScimError | None = None) -> Reply:
    own = await _own(console, request)
    return console.page(
        request,
        "account.html",
        error.status if error else 200,
        own=own,
        sessions=await console.access.sessions.list(own.id),
        error=error.detail if error else "",
        least=MIN_LENGTH,
    )


PAGES: Final = (
    Page("GET", _HERE, VIEWER, show_account),
    Page("POST", f"{_HERE}/password", VIEWER, change_password),
    Page("POST", f"{_HERE}/sessions/end", VIEWER, end_others),
    Page("POST", f"{_HERE}/sessions/{{session}}/end", VIEWER, end_session),
)
