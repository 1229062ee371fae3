"""Directories: the list, a new one, and the end of one; who is bound to one directory sees that one only."""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.paging import AFTER, first, here, text
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.visitor import OWNER, VIEWER

MAX_NAME: Final = 63
_PAGE: Final = 50


async def list_directories(console: Console, request: PageRequest) -> Reply:
    """GET /directories."""
    return await _page(console, request, Form(request))


async def create_directory(console: Console, request: PageRequest) -> Reply:
    """POST /directories."""
    form = Form(request)
    if request.visitor.directory is not None:
        raise errors.Forbidden("You are bound to one directory, and so cannot make another.")
    try:
        made = await console.directories.create(form.text("name"), by=request.visitor.actor)
    except (errors.InvalidValue, errors.Uniqueness) as error:
        form.errors.setdefault("name", error.detail)
        return await _page(console, request, form, error.status)
    return console.redirect(
        request, path("directories", made.name), f"Directory '{made.name}' is made. Now create a connection."
    )


async def show_delete(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/delete."""
    return await _delete_page(console, request, await _deletable(console, request), "")


async def delete_directory(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/delete."""
    directory = await _deletable(console, request)
    if request.text("name") != directory.name:
        wrong = "That is not the name of this directory; nothing was deleted."
        return await _delete_page(console, request, directory, wrong)
    await console.removal.remove(directory, by=request.visitor.actor)
    return console.redirect(
        request, path("directories"), f"Directory '{directory.name}' is deleted for good."
    )


async def _deletable(console: Console, request: PageRequest) -> Directory:
    directory = await console.directory(request)
    if request.visitor.directory is not None:
        raise errors.Forbidden("You are bound to this directory, and so cannot delete it.")
    return directory


async def _delete_page(console: Console, request: PageRequest, directory: Directory, wrong: str) -> Reply:
    """What goes with it; ``wrong`` is why it was not deleted."""
    reader = console.store.reader(directory.id)
    lines = await console.registry.connection_page(directory.id, "", _PAGE)
    return console.page(
        request,
        "directory_delete.html",
        400 if wrong else 200,
        directory=directory,
        users=await reader.count("User"),
        groups=await reader.count("Group"),
        lines=lines,
        wrong=wrong,
    )


async def _page(console: Console, request: PageRequest, form: Form, status: int = 200) -> Reply:
    bound = await console.bound(request)
    part = text(request, "q", MAX_NAME)
    found: tuple[Directory, ...]
    if bound is not None:
        found = (bound,)
    elif part:
        found = await console.registry.directory_search(part, text(request, AFTER), _PAGE + 1)
    else:
        found = await console.registry.directory_page(text(request, AFTER), _PAGE + 1)
    rows = []
    for directory in found[:_PAGE]:
        reader = console.store.reader(directory.id)
        rows.append((directory, await reader.count("User"), await reader.count("Group")))
    return console.page(
        request,
        "directories.html",
        status,
        rows=rows,
        part=part,
        many=bound is None,
        values=form.values,
        errors=form.errors,
        may_create=bound is None and request.visitor.may(OWNER),
        first=first(request),
        following=here(request, after=found[_PAGE - 1].name) if len(found) > _PAGE else None,
    )


PAGES: Final = (
    Page("GET", "/directories", VIEWER, list_directories),
    Page("POST", "/directories", OWNER, create_directory),
    Page("GET", "/directories/{directory}/delete", OWNER, show_delete),
    Page("POST", "/directories/{directory}/delete", OWNER, delete_directory),
)
