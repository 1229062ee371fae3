"""``rosterd directory attribute``: a directory's own attributes, one by one."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.service.control import Directory
from rosterd.service.extensions import Extension, default_urn
from rosterd.wiring import Service

app = typer.Typer(help="A directory's own attributes: floor, cost code, whatever a customer needs.")

Home = Annotated[str, typer.Argument(help="Name of the directory.", show_default=False)]
Name = Annotated[str, typer.Argument(help="Name of the attribute.", show_default=False)]
Urn = Annotated[
    str | None,
    typer.Option(
        "--schema",
        help="URN of the extension that it belongs to.",
        show_default="urn:ietf:params:scim:schemas:extension:DIRECTORY:2.0:TYPE",
    ),
]
Of = Annotated[str, typer.Option("--of", help="Resource type that a new extension extends.")]


@app.command(
    epilog=options.examples(
        "rosterd directory attribute add acme costCode --case-exact --description 'Cost code'",
        "rosterd directory attribute add acme floor --type integer",
        "rosterd directory attribute add acme category --value retail --value online",
    )
)
def add(
    directory: Home,
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    schema: Urn = None,
    of: Of = "User",
    type: Annotated[
        str,
        typer.Option(help="string, boolean, decimal, integer, dateTime, reference or binary."),
    ] = "string",
    multi_valued: Annotated[bool, typer.Option("--multi-valued", help="It has several values.")] = False,
    required: Annotated[
        bool, typer.Option("--required", help="Whoever has one of the extension's attributes must have it.")
    ] = False,
    case_exact: Annotated[
        bool, typer.Option("--case-exact", help="Letter case matters when values are compared.")
    ] = False,
    value: Annotated[
        list[str] | None,
        typer.Option(help="A canonical value, suggested to clients; can be repeated.", show_default=False),
    ] = None,
    description: Annotated[str, typer.Option(help="What it means.")] = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Add an attribute to a directory, or change the one of this name.

    What would make stored values untrue is refused. A server that is running takes it up by itself.
    """
    attribute: dict[str, Any] = {
        "name": name,
        "type": type,
        "multiValued": multi_valued,
        "required": required,
        "description": description,
        "canonicalValues": value or [],
    }
    if case_exact:
        attribute["caseExact"] = True

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            urn = schema or default_urn(directory, of)
            changed = await service.extensions.add_attribute(
                home, urn, attribute, resource_type=of, by=options.by()
            )
            return _described(service.extensions.find(changed, urn))

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"{found['urn']} has the attribute {name}.")


@app.command(epilog=options.examples("rosterd directory attribute remove acme floor"))
def remove(
    directory: Home,
    name: Name,
    data: options.Data = options.DEFAULT_DATA,
    schema: Urn = None,
    of: Of = "User",
    quiet: options.Quiet = False,
) -> None:
    """Remove an attribute that no resource has a value of; with the last one the extension goes."""

    async def work() -> None:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            urn = schema or default_urn(directory, of)
            await service.extensions.remove_attribute(home, urn, name, by=options.by())

    exits.run(work())
    if not quiet:
        output.line(f"The attribute {name} is removed.")


@app.command(
    "list",
    epilog=options.examples(
        "rosterd directory attribute list acme", "rosterd directory attribute list acme --json"
    ),
)
def list_(directory: Home, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List a directory's own extensions with their attributes, and how many resources use each."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return [await _used(service, home, each) for each in service.extensions.all(home)]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (a["name"], a["type"], _words(a), e["resourceType"], e["urn"]) for e in found for a in e["attributes"]
    ]
    columns = ("ATTRIBUTE", "TYPE", "IS", "OF", "SCHEMA")
    output.table(columns, rows, empty="There is none; 'rosterd directory attribute add' makes one.")


def _words(attribute: dict[str, Any]) -> str:
    names = ("multiValued", "required", "caseExact")
    return ", ".join(name for name in names if attribute.get(name)) or "-"


async def _used(service: Service, home: Directory, extension: Extension) -> dict[str, Any]:
    return {**_described(extension), "carriers": await service.extensions.carriers(home, extension)}


def _described(extension: Extension) -> dict[str, Any]:
    shown = extension.schema.to_json()
    return {"urn": shown["id"], "resourceType": extension.resource_type, "attributes": shown["attributes"]}
