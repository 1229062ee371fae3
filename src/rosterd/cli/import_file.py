"""``rosterd import``: a file read into a directory as one of its connections, record by record."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.export import Format, FormatOption, chosen, progress
from rosterd.scim import errors
from rosterd.scim.membership import has_members
from rosterd.scim.schema import Model, ResourceType
from rosterd.service import spreadsheet
from rosterd.service.caller import Caller
from rosterd.service.transfer import FAILED, PORTION, Imports, Item, Outcome

EXAMPLES = options.examples(
    "rosterd import acme.jsonl --directory acme",
    "rosterd import users.csv --connection hr --update",
    "rosterd import users.csv --dry-run",
)
MOST_TOLD = 20


def import_(
    file: Annotated[
        Path,
        typer.Argument(help="What 'rosterd export' wrote, or a table of users.", exists=True, dir_okay=False),
    ],
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    connection: options.ConnectionName = "default",
    format: FormatOption = None,
    update: Annotated[
        bool, typer.Option("--update", help="Replace the attributes of those that are there already.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read the whole file and say what is wrong in it; change nothing."),
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read users, groups and memberships from a file into a directory, as one of its connections.

    Those whose userName (a group: displayName) is there already are left alone, or with --update replaced.
    A record that is not valid is told and left out; all others are read. Ends with 1 if there was one.
    """

    async def work() -> list[Outcome]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            line = await options.find_connection(service, home, connection)
            model = service.admission.model_of(home)
            who = options.by()
            cause = f"import by {who.name or 'somebody'} {who.request_id}"
            caller = Caller.within(home, line, model, cause)
            imports = Imports(service.store, service.commands, caller, update=update)
            done: list[Outcome] = []
            items = _items(file, chosen(format, file), model)
            with progress("Importing", 0, show=not quiet) as step:
                while portion := list(islice(items, PORTION)):
                    sound = [item for item in portion if isinstance(item, Item)]
                    done += [item for item in portion if isinstance(item, Outcome)]
                    done += imports.check(sound) if dry_run else await imports.take(sound)
                    step(len(portion))
            return done

    outcomes = exits.run(work())
    counts = Counter(outcome.what for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.what == FAILED]
    if json:
        told = [{"line": o.line, "name": o.name, "detail": o.detail} for o in failed]
        output.as_json({"dryRun": dry_run, "counts": dict(counts), "failed": told})
    else:
        for outcome in failed[:MOST_TOLD]:
            output.complain(f"line {outcome.line} ({outcome.name}): {outcome.detail}")
        if len(failed) > MOST_TOLD:
            output.complain(f"… and {len(failed) - MOST_TOLD} more; --json tells all")
        output.fields({what: f"{count:,}" for what, count in sorted(counts.items())})
    if failed:
        raise typer.Exit(codes.FAILED)


def _items(file: Path, format: Format, model: Model) -> Iterator[Item | Outcome]:
    return _table(file, model.types["User"]) if format == Format.CSV else _records(file, model)


def _table(file: Path, users: ResourceType) -> Iterator[Item | Outcome]:
    """The rows of a table. Raises ``BadRequest`` for a header that cannot be."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        spreadsheet.check_header(reader.fieldnames or (), users)
        for row in reader:
            cells = {name: cell or "" for name, cell in row.items() if name is not None}
            try:
                yield Item(reader.line_num, users, None, spreadsheet.document(cells, users))
            except errors.ScimError as error:
                name = cells.get("userName", "")
                yield Outcome(reader.line_num, name, FAILED, detail=error.detail)


def _records(file: Path, model: Model) -> Iterator[Item | Outcome]:
    """The records of JSON Lines, as ``service.feed`` writes a snapshot."""
    groups = {name: kind for name, kind in model.types.items() if has_members(kind)}
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = orjson.loads(line)
                item = _item(number, record, model, groups)
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
                detail = f"This is no record of an export: {type(error).__name__}: {error}."
                yield Outcome(number, "", FAILED, detail=detail)
                continue
            if item is not None:
                yield item


def _item(
    number: int, record: dict[str, Any], model: Model, groups: dict[str, ResourceType]
) -> Item | Outcome | None:
    kind = record["record"]
    if kind == "resource":
        name = record["resource"]["type"]
        if name not in model.types:
            return Outcome(number, name, FAILED, detail=f"This directory has no resource type '{name}'.")
        return Item(number, model.types[name], record["resource"]["id"], dict(record["attributes"]))
    if kind in ("members", "pending"):
        values = record["values"] if kind == "pending" else [member["id"] for member in record["members"]]
        return Item(number, groups["Group"], record["group"], members=tuple(values))
    return None
