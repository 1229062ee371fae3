"""``rosterd directory require``: what a directory asks of its resources beyond their schemas."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.wiring import Service

EXAMPLES = options.examples(
    "rosterd directory require acme --user name.givenName --user emails.primary --user externalId",
    "rosterd directory require acme --values emails.type=work,home --preview",
    "rosterd directory require acme --drop name.givenName",
    "rosterd directory require acme --clear",
)

Rules = dict[str, dict[str, Any]]


def require(
    name: Annotated[str, typer.Argument(help="Name of the directory.", show_default=False)],
    data: options.Data = options.DEFAULT_DATA,
    user: Annotated[
        list[str] | None,
        typer.Option(help="An attribute that every user must have; can be repeated.", metavar="PATH"),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="An attribute that every group must have; can be repeated.", metavar="PATH"),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(help="The only values of a user's attribute; can be repeated.", metavar="PATH=A,B"),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--of", help="Take --user and --values for this resource type instead.", show_default="User"
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="Ask for nothing of this attribute any more; can be repeated.", metavar="PATH"),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Ask for nothing at all any more.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only count who would not fit; change nothing.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Add rules that new and replaced resources must keep to, take some away, or show what holds.

    Resources that are there are left alone; it is told how many do not keep to each rule.
    """

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, name)
            asked: Rules = {} if clear else {k: dict(v) for k, v in home.requirements.items()}
            for path in drop or ():
                _drop(asked, path)
            for path in user or ():
                _rule(asked, of or "User")["required"].append(path)
            for path in group or ():
                _rule(asked, "Group")["required"].append(path)
            for text in values or ():
                path, listed = _values(text)
                _rule(asked, of or "User")["canonicalValues"][path] = listed
            if not preview and asked != home.requirements:
                home = await service.directories.require(home, asked, by=options.by())
                asked = dict(home.requirements)
            return await _described(service, home, asked)

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [(r["resourceType"], r["path"], r["rule"], str(r["misfits"])) for r in found["misfits"]]
    columns = ("OF", "ATTRIBUTE", "RULE", "DO NOT FIT")
    output.table(columns, rows, empty=f"Directory '{name}' asks for nothing beyond its schemas.")


async def _described(service: Service, home: Directory, asked: Rules) -> dict[str, Any]:
    return {"requirements": asked, "misfits": await service.directories.preview(home, asked)}


def _rule(asked: Rules, kind: str) -> dict[str, Any]:
    """The rules of a type, free to be changed."""
    rule = asked.get(kind, {})
    asked[kind] = {
        "required": list(rule.get("required", [])),
        "canonicalValues": dict(rule.get("canonicalValues", {})),
    }
    return asked[kind]


def _drop(asked: Rules, path: str) -> None:
    """Take the rules of an attribute away. Raises ``NotFound`` if there are none."""
    found = False
    for kind in asked:
        rule = _rule(asked, kind)
        for there in [*rule["required"], *rule["canonicalValues"]]:
            if there.casefold() == path.casefold():
                found = True
                rule["required"] = [each for each in rule["required"] if each != there]
                rule["canonicalValues"].pop(there, None)
    if not found:
        raise errors.NotFound(f"Nothing is asked of '{path}' that could be dropped.")


def _values(text: str) -> tuple[str, list[str]]:
    """Path and values. Raises ``InvalidValue``."""
    path, equals, listed = text.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not equals or not values:
        raise errors.InvalidValue(f"--values must read PATH=VALUE,VALUE, not '{text}'.")
    return path.strip(), values
