"""The end of a connection: what goes with it, who gets what is its own, and its name typed once more."""

from typing import Final

from rosterd.console.connections import ONE
from rosterd.console.context import Console
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.control import Connection, Directory
from rosterd.service.visitor import OPERATOR

_DELETE: Final = f"{ONE}/delete"


async def show_delete(console: Console, request: PageRequest) -> Reply:
    """GET …/connections/{connection}/delete."""
    return await _page(console, request, *await console.connection(request))


async def delete_connection(console: Console, request: PageRequest) -> Reply:
    """POST …/connections/{connection}/delete."""
    directory, line = await console.connection(request)
    if request.text("name") != line.name:
        wrong = "That is not the name of this connection; nothing was deleted."
        return await _page(console, request, directory, line, wrong)
    name = request.text("heir")
    heir = await console.registry.connection(directory.id, name) if name else None
    if name and heir is None:
        return await _page(console, request, directory, line, f"There is no connection '{name}' any more.")
    try:
        handed = await console.connection_removal.remove(directory, line, by=request.visitor.actor, heir=heir)
    except errors.Conflict as conflict:
        return await _page(console, request, directory, line, conflict.detail, conflict.status)
    told = f" What was its own, {handed:,} in all, is with '{heir.name}' now." if heir else ""
    return console.redirect(
        request,
        path("directories", directory.name, "connections"),
        f"Connection '{line.name}' is deleted for good.{told}",
    )


async def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    wrong: str = "",
    status: int = 400,
) -> Reply:
    """What goes with it; ``wrong`` is why it was not deleted."""
    reader = console.store.reader(directory.id)
    others = await console.control.connections(directory.id)
    return console.page(
        request,
        "connection_delete.html",
        status if wrong else 200,
        directory=directory,
        line=line,
        users=await reader.count("User", line.id),
        groups=await reader.count("Group", line.id),
        heirs=[("", "Nobody"), *((one.name, one.name) for one in others if one.id != line.id)],
        wrong=wrong,
    )


PAGES: Final = (
    Page("GET", _DELETE, OPERATOR, show_delete),
    Page("POST", _DELETE, OPERATOR, delete_connection),
)
