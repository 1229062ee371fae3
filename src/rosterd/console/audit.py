"""The audit log: who changed what about the installation and its directories, with before and after."""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.history import flat
from rosterd.console.paging import chosen, cut, text, unpack
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.visitor import VIEWER

PAGE: Final = 50
ACTIONS: Final = (
    ("account.", "Accounts that were erased"),
    ("accounts.", "Accounts that were adopted"),
    ("administrator.", "Administrators"),
    ("key.", "API keys"),
    ("attribute.", "Attributes of the schema"),
    ("client.", "Clients of the Token Provider"),
    ("connection.", "Connections"),
    ("directory.", "Directories"),
    ("extension.", "Extensions of the schema"),
    ("installation.", "The installation as a whole"),
    ("login.", "Log-ins that failed"),
    ("mapping.", "Mapping"),
    ("session.", "Sessions"),
    ("settings.", "Settings"),
    ("setup_link.", "Set-up links"),
    ("token.", "Tokens"),
    ("webhook.", "Webhooks"),
)
"""What the log can be narrowed down to: the beginning of an action, and what that is about."""


async def list_entries(console: Console, request: PageRequest) -> Reply:
    """GET /audit; who is bound to a directory sees the entries of that one."""
    action = chosen(request, "action", [prefix for prefix, _ in ACTIONS]) or ""
    directory = request.visitor.directory
    name = "" if directory is not None else text(request, "directory")
    if name:
        found = await console.registry.directory(name)
        if found is None:
            raise errors.NotFound(f"There is no directory '{name}'.")
        directory = found.id
    place = unpack(request, int)
    rows = await console.audit.audit_page(directory, place[0] if place else None, PAGE + 1, action)
    page = cut(request, rows, PAGE, lambda row: row.seq)
    ids = {row.entry.directory for row in page.rows if row.entry.directory is not None}
    return console.page(
        request,
        "audit.html",
        page=page,
        names=await console.registry.directory_names(ids),
        differences={row.seq: (flat(row.entry.before), flat(row.entry.after)) for row in page.rows},
        actions=ACTIONS,
        action=action,
        directory_name=name,
    )


PAGES: Final = (Page("GET", "/audit", VIEWER, list_entries),)
