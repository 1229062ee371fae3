"""``rosterd connection``: the identity providers' lines into a directory."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rosterd.cli import exits, limits, options, output, undo
from rosterd.service.connection_removal import confirm as confirmed
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import Limits
from rosterd.wiring import Service

app = typer.Typer(help="Connections: one for each identity provider's app that provisions a directory.")
app.command(epilog=undo.EXAMPLES)(undo.undo)


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


NewName = Annotated[
    str,
    typer.Argument(help="Name of the connection.", callback=options.check_name, show_default=False),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="A new name.", callback=options.check_name, show_default=False),
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
Reason = Annotated[
    str,
    typer.Option(
        "--reason",
        "-r",
        help="Why; told to the identity provider's administrator while it is paused or disabled.",
        show_default=False,
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
    read_rate: limits.ReadRate = None,
    write_rate: limits.WriteRate = None,
    burst: limits.Burst = None,
    fuse_count: limits.FuseCount = None,
    fuse_percent: limits.FusePercent = None,
    fuse_window: limits.FuseWindow = None,
    json: options.Json = False,
) -> None:
    """Create a connection; then give it a token with 'rosterd token create'."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            allowed = limits.changed(
                Limits(),
                read_rate=read_rate,
                write_rate=write_rate,
                burst=burst,
                fuse_count=fuse_count,
                fuse_percent=fuse_percent,
                fuse_window=fuse_window,
            )
            policy = Policy(reach or Reach.OWN, on_delete or OnDelete.DEACTIVATE, allowed)
            made = await service.connections.create(
                home, name, by=options.by(), profile=profile or Profile.AUTO, policy=policy
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
        (
            c["name"], c["state"]["is"], c["profile"], c["reach"], c["onDelete"], str(c["tokens"]),
            c["created"],
        )
        for c in found
    ]  # fmt: skip
    columns = ("CONNECTION", "STATE", "PROFILE", "REACH", "ON DELETE", "TOKENS", "CREATED")
    output.table(columns, rows, empty="The directory has no connection yet.")


@app.command(epilog=options.examples("rosterd connection show default"))
def show(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show one connection: its state, profile, policy and limits."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return await _described(service, home, await options.find_connection(service, home, name))

    _show(exits.run(work()), json)


@app.command(
    epilog=options.examples(
        "rosterd connection update default --reach directory",
        "rosterd connection update otka --name okta",
        "rosterd connection update default --profile strict --on-delete erase",
        "rosterd connection update okta --write-rate 50 --burst 4 --fuse-count 200 --fuse-window 1d",
    )
)
def update(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    new_name: NameOption = None,
    profile: ProfileOption = None,
    reach: ReachOption = None,
    on_delete: OnDeleteOption = None,
    read_rate: limits.ReadRate = None,
    write_rate: limits.WriteRate = None,
    burst: limits.Burst = None,
    fuse_count: limits.FuseCount = None,
    fuse_percent: limits.FusePercent = None,
    fuse_window: limits.FuseWindow = None,
    json: options.Json = False,
) -> None:
    """Change a connection's name, profile, policy or limits; what is not given stays as it is."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            old = await options.find_connection(service, home, name)
            allowed = limits.changed(
                old.policy.limits,
                read_rate=read_rate,
                write_rate=write_rate,
                burst=burst,
                fuse_count=fuse_count,
                fuse_percent=fuse_percent,
                fuse_window=fuse_window,
            )
            policy = Policy(reach or old.policy.reach, on_delete or old.policy.on_delete, allowed)
            new = await service.connections.update(
                old, by=options.by(), name=new_name, profile=profile, policy=policy
            )
            return await _described(service, home, new)

    _show(exits.run(work()), json)


@app.command(epilog=options.examples("rosterd connection pause okta --reason 'migrating groups'"))
def pause(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    reason: Reason = "",
    json: options.Json = False,
) -> None:
    """Answer a connection's requests with 503 until it is resumed; the identity provider tries again."""
    _move("pause", name, directory, data, reason, json)


@app.command(epilog=options.examples("rosterd connection resume okta"))
def resume(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    reason: Reason = "",
    json: options.Json = False,
) -> None:
    """Let a paused connection go on, whoever paused it; its fuse counts anew."""
    _move("resume", name, directory, data, reason, json)


@app.command(epilog=options.examples("rosterd connection disable okta --reason 'contract has ended'"))
def disable(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    reason: Reason = "",
    json: options.Json = False,
) -> None:
    """Refuse a connection's requests with 403 until it is enabled; its tokens and data stay."""
    _move("disable", name, directory, data, reason, json)


@app.command(epilog=options.examples("rosterd connection enable okta"))
def enable(
    name: options.ConnectionArgument,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    reason: Reason = "",
    json: options.Json = False,
) -> None:
    """Take a disabled connection's requests again."""
    _move("enable", name, directory, data, reason, json)


@app.command(
    epilog=options.examples(
        "rosterd connection delete otka --confirm otka",
        "rosterd connection delete okta --hand-over-to entra --confirm okta",
    )
)
def delete(
    name: options.ConnectionArgument,
    confirm: Annotated[
        str, typer.Option(help="The name of the connection once more; nothing is asked.", show_default=False)
    ],
    hand_over_to: Annotated[
        str | None,
        typer.Option(
            help="The connection that gets the users and groups that are its own, deleted ones too.",
            show_default=False,
        ),
    ] = None,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Delete a connection for good; its tokens, clients and set-up links end at once.

    No account goes with it. Without --hand-over-to there must be no live users and groups that are its own.
    The history keeps its name, and a new connection may have it. This cannot be taken back.
    """

    async def work() -> int:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            connection = await options.find_connection(service, home, name)
            confirmed(connection, confirm)
            heir = (
                None if hand_over_to is None else await options.find_connection(service, home, hand_over_to)
            )
            return await service.connection_removal.remove(home, connection, by=options.by(), heir=heir)

    handed = exits.run(work())
    if json:
        output.as_json({"name": name, "handedOver": handed})
        return
    output.line(f"Connection '{name}' is deleted.")
    if hand_over_to:
        output.line(f"What was its own, {handed} in all, is with '{hand_over_to}' now.")


def _move(step: str, name: str, directory: str, data: Path, reason: str, json: bool) -> None:
    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            connection = await options.find_connection(service, home, name)
            standing = await service.connections.move(connection, step, by=options.by(), reason=reason)
            return await _described(service, home, replace(connection, standing=standing))

    _show(exits.run(work()), json)


async def _described(service: Service, directory: Directory, connection: Connection) -> dict[str, Any]:
    standing = connection.standing
    return {
        "name": connection.name,
        "directory": directory.name,
        "state": {
            "is": standing.state,
            "by": standing.by,
            "reason": standing.reason,
            "since": None if standing.since is None else output.iso(standing.since),
        },
        "profile": str(connection.profile),
        "reach": str(connection.policy.reach),
        "onDelete": str(connection.policy.on_delete),
        "limits": limits.described(connection.policy.limits),
        "tokens": len(await service.control.tokens(directory.id, connection.id)),
        "created": output.iso(connection.created),
    }


def _show(described: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(described)
        return
    shown = limits.shown(Limits(*described["limits"].values()))
    output.fields(
        {
            "Connection": described["name"],
            "Directory": described["directory"],
            "State": _state(described["state"]),
            "Profile": described["profile"],
            "Reach": described["reach"],
            "On delete": described["onDelete"],
            **shown,
            "Tokens": str(described["tokens"]),
            "Created": described["created"],
        }
    )


def _state(state: dict[str, str | None]) -> str:
    since = f", since {state['since']} by {state['by']}" if state["since"] else ""
    return f"{state['is']}{since}{': ' if state['reason'] else ''}{state['reason']}"
