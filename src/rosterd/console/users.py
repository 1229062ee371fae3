"""Users: found as one types, all there is to know about one of them, and their erasure for good."""

from typing import Final

from rosterd.console.accounts import gone, in_path, listed, raw, shown
from rosterd.console.attributes import parts
from rosterd.console.context import Console
from rosterd.console.history import history
from rosterd.console.mapping import made_of
from rosterd.console.request import PageRequest, path
from rosterd.console.requests import recent
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.service.visitor import OPERATOR, VIEWER

RECENT: Final = 10
"""Requests about a user that its page shows."""
AWAITED: Final = 50
"""Groups waiting for a user that its page shows."""
_ALL: Final = "/directories/{directory}/users"
_ONE: Final = f"{_ALL}/{{user}}"


async def list_users(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/users."""
    directory = await console.directory(request)
    found = await listed(console, request, directory, "User")
    reader = console.store.reader(directory.id)
    return console.page(
        request,
        "users.html",
        directory=directory,
        found=found,
        groups=await reader.group_counts([one.row.id for one in found.rows]),
        total=await reader.count("User"),
    )


async def show_user(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/users/{user}; of one that was erased, what is known still."""
    return await gone(console, request, "User", "user") or await _page(console, request)


async def erase_user(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/users/{user}/erase."""
    directory, row, _ = await in_path(console, request, "User", "user")
    user = shown(row, await console.control.connection_names(directory.id))
    if request.text("confirm") != "yes":
        return await _page(console, request, "Check the box that says what will happen.")
    typed = request.form.get("name", "").strip()
    if typed not in (user.called.strip(), row.id) or not typed:
        return await _page(console, request, "That is not the user name of this user; nothing was erased.")
    await console.erasure.erase(directory, "User", row.id, by=request.visitor.actor)
    return console.redirect(
        request, path("directories", directory.name, "users"), "The user is erased for good."
    )


async def _page(console: Console, request: PageRequest, wrong: str = "") -> Reply:
    """The page of a user; ``wrong`` is why it was not erased."""
    directory, row, resource_type = await in_path(console, request, "User", "user")
    callers = await console.control.connection_names(directory.id)
    reader = console.store.reader(directory.id)
    user = shown(row, callers)
    memberships = (await reader.memberships((row.id,))).get(row.id, ())
    names = [row.id, user.called, row.external_id or ""]
    return console.page(
        request,
        "user.html",
        400 if wrong else 200,
        directory=directory,
        user=user,
        schemas=parts(user.document, resource_type),
        memberships=memberships,
        mapped=await made_of(console, directory, row.id),
        awaiting=await reader.awaiting([name for name in names if name], AWAITED),
        happened=await history(console, request, directory, callers, "User", row.id),
        requests=await recent(console, directory, row.id, RECENT),
        raw=raw(console, request, directory, row, resource_type, memberships=memberships),
        wrong=wrong,
    )


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_users),
    Page("GET", _ONE, VIEWER, show_user),
    Page("POST", f"{_ONE}/erase", OPERATOR, erase_user),
)
