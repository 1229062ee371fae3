"""``rosterd mapping``: rules that make the application's fields and roles of users."""

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.http.api.fit import check_body
from rosterd.http.api.mapping import BODY, previewed
from rosterd.http.problems import InvalidRequest
from rosterd.scim import errors
from rosterd.service.mapping import Rules

app = typer.Typer(help="Mapping: rules in CEL that make the application's fields and roles of users.")

File = Annotated[
    Path,
    typer.Argument(
        help='JSON file: {"fields": [{"name", "value"}], "roles": [{"role", "when"}]}.',
        exists=True,
        dir_okay=False,
    ),
]


@app.command(epilog=options.examples("rosterd mapping show --directory acme > mapping.json"))
def show(
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
) -> None:
    """Print a directory's rules, as JSON that 'rosterd mapping set' reads."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return (await service.mappings.read(home)).rules.to_json()

    output.as_json(exits.run(work()))


@app.command(epilog=options.examples("rosterd mapping preview mapping.json"))
def preview(
    file: File,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Say what rules would change, without changing it."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return previewed(await service.mappings.preview(home, _rules(file)))

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    for sentence in found["sentences"]:
        output.line(sentence)
    for fault in found["faults"]:
        output.complain(f"{fault['rule']}, for {fault['users']:,} users: {fault['message']}")


@app.command("set", epilog=options.examples("rosterd mapping set mapping.json --directory acme"))
def set_(
    file: File,
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    quiet: options.Quiet = False,
) -> None:
    """Put rules in force; a running server goes through all users and tells what changed."""

    async def work() -> int:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return (await service.mappings.save(home, _rules(file), by=options.by())).revision

    revision = exits.run(work())
    if not quiet:
        output.line(f"The mapping of directory '{directory}' has revision {revision}.")


def _rules(file: Path) -> Rules:
    """The rules in a file. Raises ``InvalidValue``, also for a name that a mapping does not have."""
    try:
        data = jsonlib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise errors.InvalidValue(f"{file} is no JSON: {error}.") from error
    try:
        check_body(data, BODY)
    except InvalidRequest as error:
        raise errors.InvalidValue(f"{file}: {error.detail}") from error
    return Rules.of(data)
