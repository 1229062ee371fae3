"""``rosterd import``: a file read into a directory as one of its connections, record by record."""

import csv
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.export import Format, FormatOption, chosen, progress
from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service import spreadsheet
from rosterd.service.caller import Caller
from rosterd.service.transfer import FAILED, PORTION, Imports, Item, Outcome, Record

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
            renewed = service.admission.renewed
            imports = Imports(service.store, service.commands, caller, renewed, update=update)
            done: list[Outcome] = []
            records = _table(file, model) if chosen(format, file) == Format.CSV else _lines(file)
            with progress("Importing", 0, show=not quiet) as step:
                while portion := list(islice(records, PORTION)):
                    done += imports.check(portion) if dry_run else await imports.take(portion)
                    step(len(portion))
            return done

    outcomes = exits.run(work())
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts[outcome.what] += outcome.count
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


def _table(file: Path, model: Model) -> Iterator[Record]:
    """The rows of a table. Raises ``BadRequest`` for a header that cannot be."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        spreadsheet.check_header(reader.fieldnames or (), model.types["User"])
        for row in reader:
            cells = {name: cell or "" for name, cell in row.items() if name is not None}
            yield partial(_row, reader.line_num, cells)


def _row(number: int, cells: dict[str, str], model: Model) -> Item | Outcome:
    users = model.types["User"]
    try:
        return Item(number, users, None, spreadsheet.document(cells, users))
    except errors.ScimError as error:
        return Outcome(number, cells.get("userName", ""), FAILED, detail=error.detail)


def _lines(file: Path) -> Iterator[Record]:
    """The records of JSON Lines, as ``service.feed`` writes a snapshot; a fault if one has no end."""
    number, first, line = 0, b"", b""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            first = first or line
            yield partial(_line, number, line)
    if b'"record":"snapshot"' in first and b'"record":"end"' not in line:
        yield partial(_torn, number)


def _torn(number: int, model: Model) -> Outcome:
    return Outcome(number, "", FAILED, detail="The export broke off before its record 'end'; make it again.")


def _line(number: int, line: bytes, model: Model) -> Item | Outcome | None:
    try:
        return _item(number, orjson.loads(line), model)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return Outcome(number, "", FAILED, detail=f"This is no record of an export: {what}.")


def _item(number: int, record: dict[str, Any], model: Model) -> Item | Outcome | None:
    kind = record["record"]
    if kind == "resource":
        name = record["resource"]["type"]
        if name not in model.types:
            return Outcome(number, name, FAILED, detail=f"This directory has no resource type '{name}'.")
        return Item(number, model.types[name], record["resource"]["id"], dict(record["attributes"]))
    if kind in ("members", "pending"):
        values = record["values"] if kind == "pending" else [member["id"] for member in record["members"]]
        return Item(number, model.types["Group"], record["group"], members=tuple(values))
    return None
