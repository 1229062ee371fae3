"""``rosterd backup``: a consistent copy of the database in a file, made while servers run and write."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.export import progress
from rosterd.scim import errors
from rosterd.wiring import Settings, moving

EXAMPLES = options.examples(
    "rosterd backup /var/backups/rosterd-monday.db", "rosterd backup copy.db --data /var/lib/rosterd --json"
)


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; it must not be there yet.", dir_okay=False)],
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Copy the database to a file, also while servers run and write.

    The copy has everything that was acknowledged before it began. It is checked, and has its name only when
    it is whole and on the disk. It is a SQLite file also if the data is in PostgreSQL. It holds all users and
    the digests of tokens: keep it as safe as the data.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        if not settings.is_made:
            raise errors.NotFound(f"There is no rosterd data in {data}; give --data.")
        began = time.monotonic()
        with progress("Rows", 0, show=not (json or quiet)) as advance:
            held = moving.back_up(settings, file, advance)
        seconds = round(time.monotonic() - began, 2)
        size = file.stat().st_size
    if json:
        output.as_json({"file": str(file), "bytes": size, "seconds": seconds, **asdict(held)})
    elif not quiet:
        output.line(f"{file} is written and checked ({size / 1_048_576:,.1f} MiB, {seconds} s).")
        output.fields({name: f"{count:,}" for name, count in asdict(held).items()})
