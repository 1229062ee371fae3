"""``rosterd connection``: the identity providers' lines into a directory."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.service.ports import Connection, Directory, Policy
from rosterd.wiring import Service
from rosterd.wiring.ids import now

app = typer.Typer(help="Connections: one for each identity provider's app that provisions a directory.")


class Profile(StrEnum):
    """How a connection's messages are read."""

    AUTO = "auto"
    OKTA = "okta"
    ENTRA = "entra"
    STRICT = "strict"


class Reach(StrEnum):
    """What a connection may change."""

    OWN = "own"
    DIRECTORY = "directory"


class OnDelete(StrEnum):
    """What DELETE of a user does."""

    DEACTIVATE = "deactivate"
    ERASE = "erase"


Name = Annotated[str, typer.Argument(help="Name of the connection.", show_default=False)]
NewName = Annotated[
    str,
    typer.Argument(help="Name of the connection.", callback=options.check_name, show_default=False),
]
ProfileOption = Annotated[
    Profile | None,
    typer.Option("--profile", help="How messages are read.", show_default="auto"),
]
ReachOption = Annotated[
    Reach | None,
    typer.Option(
        "--reach",
        help="May it change only what it made itself, or everything in the directory?",
        show_default="own",
    ),
]
OnDeleteOption = Annotated[
    OnDelete | None,
    typer.Option(
        "--on-delete",
        help="Keep a deleted user as inactive, able to return, or erase it for good.",
        show_default="deactivate",
    ),
]


@app.command(
    epilog=options.examples(
        "rosterd connection create entra --profile entra",
        "rosterd connection create hr --directory acme --reach directory --on-delete erase",
    )
)
def create(
    name: NewName,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    profile: ProfileOption = None,
    reach: ReachOption = None,
    on_delete: OnDeleteOption = None,
    json: options.Json = False,
) -> None:
    """Create a connection; then give it a token with 'rosterd token create'."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            policy = Policy(reach or Reach.OWN, on_delete or OnDelete.DEACTIVATE)
            made = await service.control.create_connection(
                home.id, name, profile or Profile.AUTO, policy, now()
            )
            return await _described(service, home, made)

    _show(exits.run(work()), json)


@app.command("list", epilog=options.examples("rosterd connection list --directory acme"))
def list_(
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List a directory's connections."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            connections = await service.control.connections(home.id)
            return [await _described(service, home, connection) for connection in connections]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (c["name"], c["profile"], c["reach"], c["onDelete"], str(c["tokens"]), c["created"]) for c in found
    ]
    columns = ("CONNECTION", "PROFILE", "REACH", "ON DELETE", "TOKENS", "CREATED")
    output.table(columns, rows, empty="The directory has no connection yet.")


@app.command(epilog=options.examples("rosterd connection show default"))
def show(
    name: Name,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show one connection: its profile and policy."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return await _described(service, home, await options.find_connection(service, home, name))

    _show(exits.run(work()), json)


@app.command(
    epilog=options.examples(
        "rosterd connection update default --reach directory",
        "rosterd connection update default --profile strict --on-delete erase",
    )
)
def update(
    name: Name,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    profile: ProfileOption = None,
    reach: ReachOption = None,
    on_delete: OnDeleteOption = None,
    json: options.Json = False,
) -> None:
    """Change a connection's profile or policy; what is not given stays as it is."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            old = await options.find_connection(service, home, name)
            policy = replace(
                old.policy, reach=reach or old.policy.reach, on_delete=on_delete or old.policy.on_delete
            )
            new = replace(old, profile=profile or old.profile, policy=policy)
            await service.control.update_connection(new)
            return await _described(service, home, new)

    _show(exits.run(work()), json)


async def _described(service: Service, directory: Directory, connection: Connection) -> dict[str, Any]:
    return {
        "name": connection.name,
        "directory": directory.name,
        "profile": str(connection.profile),
        "reach": str(connection.policy.reach),
        "onDelete": str(connection.policy.on_delete),
        "tokens": len(await service.control.tokens(directory.id, connection.id)),
        "created": output.iso(connection.created),
    }


def _show(described: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(described)
        return
    output.fields(
        {
            "Connection": described["name"],
            "Directory": described["directory"],
            "Profile": described["profile"],
            "Reach": described["reach"],
            "On delete": described["onDelete"],
            "Tokens": str(described["tokens"]),
            "Created": described["created"],
        }
    )
