"""``rosterd account``: the users of a directory, deleted ones included, and their erasure for good."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import orjson
import typer

from rosterd.cli import codes, exits, options, output
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.erasure import WARNING
from rosterd.service.ports import Stored
from rosterd.wiring import Service

app = typer.Typer(help="Accounts: the users of a directory, deleted ones included.")

PAGE = 1000

Who = Annotated[str, typer.Argument(help="Id or userName of the account.", show_default=False)]
State = Annotated[
    str, typer.Option(help="Only accounts in this state: active, inactive or deleted.", show_default="all")
]


@app.command("list", epilog=options.examples("rosterd account list --state deleted --directory acme"))
def list_(
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    state: State = "",
    json: options.Json = False,
) -> None:
    """List accounts in the order of their creation; a deleted one is kept until it is erased."""
    if state not in ("", "active", "inactive", "deleted"):
        raise typer.BadParameter("--state is active, inactive or deleted")

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            names = await service.control.connection_names(home.id)
            states = (state,) if state else ("active", "inactive", "deleted")
            rows = [row for each in states for row in await _all(service, home, each)]
            return [_described(row, names) for row in sorted(rows, key=lambda row: row.seq)]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (one["id"], one["name"], one["state"], one["connection"] or "-", one["modified"]) for one in found
    ]
    output.table(
        ("ID", "USERNAME", "STATE", "CONNECTION", "MODIFIED"), rows, empty="There is no such account."
    )


@app.command(epilog=options.examples("rosterd account show ann@example.com"))
def show(
    who: Who,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show one account with its attributes."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            row = await _find(service, home, who)
            attributes = orjson.loads(row.document)
            return {
                **_described(row, await service.control.connection_names(home.id)),
                "attributes": attributes,
            }

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    output.fields(
        {
            "Account": found["id"],
            "userName": found["name"],
            "State": found["state"],
            "externalId": found["externalId"] or "-",
            "Connection": found["connection"] or "-",
            "Created": found["created"],
            "Modified": found["modified"],
            "Deleted": found["deleted"] or "never",
        }
    )
    output.line()
    output.as_json(found["attributes"])


@app.command(
    epilog=options.examples(
        "rosterd account erase ann@example.com", "rosterd account erase 019ab5a0-7d3c-7c41 --yes --json"
    )
)
def erase(
    who: Who,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Erase an account for good, with what its events tell; a live one is deleted before."""
    if not yes and not sys.stdin.isatty():
        exits.fail(codes.USAGE, "Nobody can be asked here, and this cannot be taken back: give --yes.")
    if not yes and not typer.confirm(f"Erase '{who}' for good? This cannot be taken back."):
        raise typer.Exit(codes.FAILED)

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            row = await _find(service, home, who)
            live = await service.erasure.erase(home, row.kind, row.id, by=options.by())
            return {"id": row.id, "wasLive": live, "warning": WARNING if live else None}

    done = exits.run(work())
    if json:
        output.as_json(done)
        return
    output.line(f"Account {done['id']} is erased.")
    if done["warning"]:
        output.complain(done["warning"])


async def _find(service: Service, directory: Directory, who: str) -> Stored:
    """The account of this id or userName, a live one first. Raises ``NotFound``, ``Conflict``."""
    reader = service.store.reader(directory.id)
    row = await reader.get("User", who) or await reader.find_deleted("User", who)
    if row is None and (owner := await reader.owner_of("User", "userName", who.casefold())):
        row = await reader.get("User", owner)
    if row is not None:
        return row
    deleted = await _all(service, directory, "deleted")
    named = [one for one in deleted if _name(one).casefold() == who.casefold()]
    if len(named) > 1:
        ids = ", ".join(one.id for one in named)
        raise errors.Conflict(f"{len(named)} deleted accounts were called '{who}'; give an id: {ids}.")
    if not named:
        raise errors.NotFound(f"Directory '{directory.name}' has no account '{who}', nor a deleted one.")
    return named[0]


async def _all(service: Service, directory: Directory, state: str) -> list[Stored]:
    reader, rows, after = service.store.reader(directory.id), list[Stored](), 0
    while page := await reader.accounts("User", state, after, PAGE):
        rows += page
        after = page[-1].seq
    return rows


def _name(row: Stored) -> str:
    return str(orjson.loads(row.document).get("userName", ""))


def _described(row: Stored, names: Mapping[int, str]) -> dict[str, Any]:
    inactive = orjson.loads(row.document).get("active") is False
    state = "deleted" if row.deleted is not None else "inactive" if inactive else "active"
    return {
        "id": row.id,
        "name": _name(row),
        "state": state,
        "externalId": row.external_id,
        "connection": names.get(row.connection),
        "created": output.iso(row.created),
        "modified": output.iso(row.modified),
        "deleted": output.iso(row.deleted),
    }
