"""The options that several commands share, each defined once, and what is made of them."""

import contextlib
import getpass
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer

from rosterd.cli import output
from rosterd.scim import errors
from rosterd.scim.schema import SchemaError
from rosterd.service.audit import COMMAND_LINE, Actor
from rosterd.service.control import Connection, Directory
from rosterd.service.directories import NAME_RULE, is_name
from rosterd.wiring import DEFAULT, Service, Settings, open_service
from rosterd.wiring.engines import has_data, want_data
from rosterd.wiring.ids import new_request_id

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="ROSTERD_DATA",
        help="Data directory.",
        file_okay=False,
        rich_help_panel="Where",
    ),
]
DEFAULT_DATA = Path("rosterd-data")

DirectoryName = Annotated[
    str, typer.Option("--directory", "-d", help="Name of the directory.", rich_help_panel="Where")
]
ConnectionName = Annotated[
    str, typer.Option("--connection", "-c", help="Name of the connection.", rich_help_panel="Where")
]
ConnectionArgument = Annotated[str, typer.Argument(help="Name of the connection.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is essential.")]
Host = Annotated[
    str | None,
    typer.Option(help="Address to listen on.", envvar="ROSTERD_HOST", show_default="127.0.0.1"),
]
Port = Annotated[
    int | None,
    typer.Option(
        help="TCP port to listen on; 0 takes a free one.",
        min=0,
        max=65535,
        envvar="ROSTERD_PORT",
        show_default="8000",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        help="Public URL under which clients reach the server, e.g. https://scim.example.com.",
        envvar="ROSTERD_BASE_URL",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes that serve the port side by side; each uses a processor.",
        min=1,
        max=64,
        envvar="ROSTERD_WORKERS",
        show_default="1",
    ),
]
Schemas = Annotated[
    Path | None,
    typer.Option(
        "--schemas",
        help="JSON file of schemas (RFC 7643 §7): one object or a list.",
        exists=True,
        dir_okay=False,
        rich_help_panel="Definitions",
    ),
]
ResourceTypes = Annotated[
    Path | None,
    typer.Option(
        "--resource-types",
        help="JSON file of resource types (RFC 7643 §6): one object or a list.",
        exists=True,
        dir_okay=False,
        rich_help_panel="Definitions",
    ),
]


def check_name(name: str | None) -> str | None:
    """The name, if it may be one or none is given. Raises ``typer.BadParameter``."""
    if name is not None and not is_name(name):
        raise typer.BadParameter(f"a name is {NAME_RULE}")
    return name


def read_definitions(path: Path | None) -> list[Any]:
    """The definitions in a file; none without a file. Raises ``SchemaError``."""
    if path is None:
        return []
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SchemaError(f"{path}: not valid JSON: {error}") from error
    if isinstance(value, dict) and isinstance(value.get("Resources"), list):
        return list(value["Resources"])  # the answer of another server's /Schemas
    if not isinstance(value, dict | list):
        raise SchemaError(f"{path}: must hold one JSON object or a list of them")
    return value if isinstance(value, list) else [value]


def by() -> Actor:
    """Who runs the command, for the audit log: the user of the operating system."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        name = ""
    return Actor(COMMAND_LINE, name, request_id=new_request_id())


@contextlib.asynccontextmanager
async def existing_service(data: Path) -> AsyncIterator[Service]:
    """Open a data directory that is there already; nothing is created by looking.

    Raises ``NotFound``.
    """
    settings = Settings.from_env(data=data)
    await want_data(settings)
    async with open_service(settings) as service:
        yield service


@contextlib.asynccontextmanager
async def first_or_existing_service(data: Path) -> AsyncIterator[Service]:
    """The same for a command that makes something; it says on standard error if it makes the installation."""
    settings = Settings.from_env(data=data)
    is_made = await has_data(settings)
    async with open_service(settings) as service:
        if not is_made:
            place = settings.data if settings.database_url is None else "the database"
            output.complain(f"There was no installation in {place}; a new one was made there.")
        yield service


async def find_directory(service: Service, name: str) -> Directory:
    """Raises ``NotFound``."""
    directories = await service.control.directories()
    found = next((directory for directory in directories if directory.name == name), None)
    if found is None:
        names = ", ".join(directory.name for directory in directories) or "none yet"
        raise errors.NotFound(f"There is no directory '{name}' (there is: {names}).")
    return found


async def find_connection(service: Service, directory: Directory, name: str) -> Connection:
    """Raises ``NotFound``."""
    connections = await service.control.connections(directory.id)
    found = next((connection for connection in connections if connection.name == name), None)
    if found is None:
        names = ", ".join(connection.name for connection in connections) or "none yet"
        raise errors.NotFound(f"Directory '{directory.name}' has no connection '{name}' (there is: {names}).")
    return found


async def place(service: Service, directory: str, connection: str) -> tuple[Directory, Connection]:
    """Where a new token or client belongs; only what is called "default" is made on the way.

    A directory that has connections gets none beside them, as "default" may be what one was called before.
    Raises ``NotFound``.
    """
    if directory == DEFAULT and connection == DEFAULT:
        default = await service.ensure_default_directory()
        if not await service.control.connections(default.id):
            return await service.ensure_default()
    home = await find_directory(service, directory)
    return home, await find_connection(service, home, connection)


def examples(*lines: str) -> str:
    """An epilog of examples, one a line."""
    return "\n\n".join(("[bold]Examples[/bold]", *lines))
