"""What the pages of users and of groups share: the list that is searched, the row in the path, raw SCIM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.console.attributes import email_of, name_of
from rosterd.console.context import Console
from rosterd.console.history import history
from rosterd.console.paging import AFTER, chosen, first, here, pack, text, unpack
from rosterd.console.request import PageRequest
from rosterd.console.tokens import scim_url
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.scim.membership import Member
from rosterd.scim.schema import ResourceType
from rosterd.service.control import Connection, Directory
from rosterd.service.lookup import Place, Sought, look_up, state_of
from rosterd.service.ports import Membership, Stored
from rosterd.service.view import View, full_document

PAGE: Final = 50
ANY: Final = ""
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "User": ("active", "inactive", "deleted"),
    "Group": ("active", "deleted"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A user or group as a line of a list or the head of its page."""

    row: Stored
    name: str
    called: str
    """userName of a user."""
    email: str
    state: str
    connection: str
    """The name of the one that made it; ``""`` if it is not there any more."""
    document: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What it is called, its id if it has no name."""
        return self.name or self.called or self.row.id


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of users or groups, with what was asked for."""

    rows: tuple[Shown, ...]
    text: str
    state: str
    connection: str
    connections: tuple[Connection, ...]
    first: str | None
    next: str | None

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.text or self.state or self.connection)


async def listed(console: Console, request: PageRequest, directory: Directory, kind: str) -> Listed:
    """The page of users or groups that is asked for. Raises ``InvalidValue``."""
    connections = await console.control.connections(directory.id)
    numbers = {connection.name: connection.id for connection in connections}
    state = chosen(request, "state", STATES[kind])
    name = chosen(request, "connection", numbers)
    typed = text(request, "q")
    sought = Sought(typed.casefold(), typed, state, numbers[name] if name else None)
    place = unpack(request, int, int, str, str)
    found = await look_up(
        console.store.reader(directory.id),
        console.model_of(directory).types[kind],
        connections,
        sought,
        Place(*place) if place else None,
        PAGE,
    )
    more = found.place
    names = await console.control.connection_names(directory.id)
    following = pack(more.seq, more.by, more.value, more.id) if more else None
    return Listed(
        tuple(shown(row, names) for row in found.rows),
        typed,
        state or ANY,
        name or ANY,
        connections,
        first(request),
        here(request, **{AFTER: following}) if following else None,
    )


async def in_path(
    console: Console, request: PageRequest, kind: str, name: str
) -> tuple[Directory, Stored, ResourceType]:
    """The live or retained resource in the path. Raises ``NotFound``."""
    directory = await console.directory(request)
    id = request.path[name]
    reader = console.store.reader(directory.id)
    row = await reader.get(kind, id) or await reader.find_deleted(kind, id)
    if row is None:
        raise errors.NotFound(f"Directory '{directory.name}' has no {kind.lower()} with the id '{id}'.")
    return directory, row, console.model_of(directory).types[kind]


async def gone(console: Console, request: PageRequest, kind: str, name: str) -> Reply | None:
    """The page of a resource that was erased and has a history; ``None`` for any other."""
    directory = await console.directory(request)
    id = request.path[name]
    reader = console.store.reader(directory.id)
    if await reader.get(kind, id) or await reader.find_deleted(kind, id):
        return None
    names = await console.control.connection_names(directory.id)
    happened = await history(console, request, directory, names, kind, id)
    if not happened.rows:
        return None
    return console.page(request, "gone.html", directory=directory, kind=kind, id=id, happened=happened)


def shown(row: Stored, names: Mapping[int, str]) -> Shown:
    """A row as it is shown; ``names`` are those of connections."""
    document = orjson.loads(row.document)
    called = document.get("userName")
    return Shown(
        row=row,
        name=name_of(document),
        called=called if isinstance(called, str) else "",
        email=email_of(document),
        state=state_of(row),
        connection=names.get(row.connection, ""),
        document=document,
    )


def raw(
    console: Console,
    request: PageRequest,
    directory: Directory,
    row: Stored,
    resource_type: ResourceType,
    *,
    memberships: tuple[Membership, ...] | None = None,
    members: tuple[Member, ...] | None = None,
) -> str:
    """The resource as the connection that made it reads it, as indented JSON."""
    view = View(row, resource_type, row.external_id, memberships, members)
    full = full_document(view, console.model_of(directory), scim_url(console, request))
    return orjson.dumps(full, option=orjson.OPT_INDENT_2).decode()
