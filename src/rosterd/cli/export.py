"""``rosterd export``: a directory as a file, as of one moment, also while the server runs."""

import csv
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from rosterd.cli import exits, options
from rosterd.scim.schema import ResourceType
from rosterd.service import transfer
from rosterd.service.control import Directory
from rosterd.service.feed import lines
from rosterd.wiring import Service

EXAMPLES = options.examples(
    "rosterd export --output acme.jsonl --directory acme",
    "rosterd export --format csv --output users.csv",
)


class Format(StrEnum):
    """What a file holds: everything, or users as a table."""

    JSONL = "jsonl"
    CSV = "csv"


FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="jsonl: everything, one JSON object a line; csv: users as a table.",
        show_default="by the file's name, else jsonl",
    ),
]


def export(
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    output_file: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; it must not be there.", show_default="stdout"),
    ] = None,
    format: FormatOption = None,
    quiet: options.Quiet = False,
) -> None:
    """Write all users, groups and memberships of a directory to a file, as of one moment.

    JSON Lines hold everything that 'rosterd import' reads back; the form is that of /api/v1/snapshot. A CSV
    file has a line for each user and a column for each attribute in use, and the names of the user's groups.
    """

    async def work() -> None:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            model = service.admission.model_of(home)
            reader = service.store.reader(home.id)
            total = sum([await reader.count(kind) for kind in model.types])
            with progress("Exporting", total, show=not quiet) as step:
                if chosen(format, output_file) == Format.JSONL:
                    with _binary(output_file) as file:
                        async for portion in service.feed.snapshot(home, model):
                            file.write(lines(portion))
                            step(sum(record["record"] == "resource" for record in portion))
                else:
                    with _text(output_file) as table:
                        await _users(service, home, model.types["User"], table, step)

    exits.run(work())


async def _users(
    service: Service, home: Directory, users: ResourceType, file: TextIO, step: Callable[[int], None]
) -> None:
    """The users as CSV: their columns first, then, of the same moment, their rows."""
    async with service.store.snapshot(home.id) as reader:
        writer = csv.writer(file, lineterminator="\n")
        rows = transfer.table(reader, users)
        writer.writerow(await anext(rows))
        async for row in rows:
            writer.writerow(row)
            step(1)


def chosen(format: Format | None, file: Path | None) -> Format:
    """The format asked for, or that of the file's name."""
    if format is not None:
        return format
    return Format.CSV if file is not None and file.suffix.casefold() == ".csv" else Format.JSONL


def progress(what: str, total: int, *, show: bool) -> AbstractContextManager[Callable[[int], None]]:
    """A bar on standard error, where somebody looks; called with how many more are done."""
    if not show or not sys.stderr.isatty():
        return nullcontext(lambda count: None)
    return _Bar(what, total)


class _Bar:
    def __init__(self, what: str, total: int) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(what, total=total or None)

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return lambda count: self._progress.advance(self._task, count)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _binary(path: Path | None) -> AbstractContextManager[Any]:
    return nullcontext(sys.stdout.buffer) if path is None else path.open("xb")


def _text(path: Path | None) -> AbstractContextManager[TextIO]:
    if path is None:
        return nullcontext(TextIOWrapper(sys.stdout.buffer, "utf-8", newline="", write_through=True))
    return path.open("x", encoding="utf-8", newline="")
