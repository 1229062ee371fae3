"""``rosterd directory``: the customers' directories and their schema definitions."""

from typing import Annotated, Any

import typer

from rosterd.cli import attribute, exits, options, output
from rosterd.cli.require import EXAMPLES as REQUIRE_EXAMPLES
from rosterd.cli.require import require
from rosterd.scim.schema import SchemaError
from rosterd.service.control import Directory
from rosterd.service.removal import confirm as confirmed
from rosterd.wiring import Service

app = typer.Typer(help="Directories: one for each customer, with its own users, groups and schemas.")
app.add_typer(attribute.app, name="attribute", no_args_is_help=True)
app.command(epilog=REQUIRE_EXAMPLES)(require)

Name = Annotated[str, typer.Argument(help="Name of the directory.", show_default=False)]
NewName = Annotated[
    str,
    typer.Argument(
        help="Name of the directory; it is part of its address.",
        callback=options.check_name,
        show_default=False,
    ),
]


@app.command(
    epilog=options.examples(
        "rosterd directory create acme",
        "rosterd directory create acme --schemas device.json --resource-types device-type.json",
    )
)
def create(
    name: NewName,
    data: options.Data = options.DEFAULT_DATA,
    schemas: options.Schemas = None,
    resource_types: options.ResourceTypes = None,
    json: options.Json = False,
) -> None:
    """Create a directory, with definitions of its own if files are given."""

    async def work() -> dict[str, Any]:
        from_schemas = options.read_definitions(schemas)
        from_types = options.read_definitions(resource_types)
        async with options.first_or_existing_service(data) as service:
            by = options.by()
            directory = await service.directories.create(name, by=by)
            if from_schemas or from_types:
                directory = await service.directories.define(directory, from_schemas, from_types, by=by)
            return await _described(service, directory)

    _show(exits.run(work()), json)


@app.command("list", epilog=options.examples("rosterd directory list", "rosterd directory list --json"))
def list_(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List the directories."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            return [await _described(service, each) for each in await service.control.directories()]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (d["name"], str(d["users"]), str(d["groups"]), ", ".join(d["connections"]), d["created"])
        for d in found
    ]
    columns = ("DIRECTORY", "USERS", "GROUPS", "CONNECTIONS", "CREATED")
    output.table(columns, rows, empty="There is no directory yet; 'rosterd serve' makes one.")


@app.command(epilog=options.examples("rosterd directory show default --json"))
def show(name: Name, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """Show one directory: its address, how much is in it, what it defines."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            return await _described(service, await options.find_directory(service, name))

    _show(exits.run(work()), json)


@app.command(
    epilog=options.examples(
        "rosterd directory define default --schemas device.json --resource-types device-type.json"
    )
)
def define(
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    schemas: options.Schemas = None,
    resource_types: options.ResourceTypes = None,
    json: options.Json = False,
) -> None:
    """Add schemas and resource types to a directory; one with the same id or name is replaced.

    A server that is running takes them up by itself.
    """

    async def work() -> dict[str, Any]:
        from_schemas = options.read_definitions(schemas)
        from_types = options.read_definitions(resource_types)
        if not from_schemas and not from_types:
            raise SchemaError("Nothing to define: give --schemas, --resource-types or both.")
        async with options.existing_service(data) as service:
            directory = await options.find_directory(service, name)
            return await _described(
                service,
                await service.directories.define(directory, from_schemas, from_types, by=options.by()),
            )

    _show(exits.run(work()), json)


@app.command(epilog=options.examples("rosterd directory delete acme --confirm acme"))
def delete(
    name: Name,
    confirm: Annotated[
        str, typer.Option(help="The name of the directory once more; nothing is asked.", show_default=False)
    ],
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Delete a directory for good: when a customer leaves, or a name was mistyped.

    Everything of it ends at once: tokens, clients, set-up links, administrators who are bound to it and their
    sessions, API keys, webhooks. A running server takes its data away in the minutes after that, and then the
    audit log tells 'directory.cleared'. Its name is free. This cannot be taken back.
    """

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            directory = await options.find_directory(service, name)
            confirmed(directory, confirm)
            described = await _described(service, directory)
            await service.removal.remove(directory, by=options.by())
            return described

    gone = exits.run(work())
    if json:
        output.as_json({"name": gone["name"], "users": gone["users"], "groups": gone["groups"]})
        return
    output.line(
        f"Directory '{gone['name']}' is deleted, with {gone['users']} users and {gone['groups']} groups."
    )
    output.line("A running server takes its data away; the audit log tells 'directory.cleared' after that.")


async def _described(service: Service, directory: Directory) -> dict[str, Any]:
    reader = service.store.reader(directory.id)
    connections = await service.control.connections(directory.id)
    return {
        "name": directory.name,
        "path": f"/scim/v2/d/{directory.name}",
        "users": await reader.count("User"),
        "groups": await reader.count("Group"),
        "connections": [connection.name for connection in connections],
        "schemas": [str(schema.get("id")) for schema in directory.schemas],
        "resourceTypes": [str(kind.get("name")) for kind in directory.resource_types],
        "created": output.iso(directory.created),
    }


def _show(described: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(described)
        return
    output.fields(
        {
            "Directory": described["name"],
            "SCIM base URL": f"https://HOST{described['path']}",
            "Users": str(described["users"]),
            "Groups": str(described["groups"]),
            "Connections": ", ".join(described["connections"]) or "none yet",
            "Own schemas": ", ".join(described["schemas"]) or "none",
            "Own resource types": ", ".join(described["resourceTypes"]) or "none",
            "Created": described["created"],
        }
    )
