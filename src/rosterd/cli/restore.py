"""``rosterd restore``: put a backup in the place of the database, and say what is to be done then."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.export import progress
from rosterd.wiring import Settings, moving

EXAMPLES = options.examples(
    "rosterd restore /var/backups/rosterd-monday.db --data /var/lib/rosterd",
    "rosterd restore /var/backups/rosterd-monday.db --data /var/lib/rosterd --replace",
)

THEN: Final = (
    "Tokens, keys and administrators are those of the backup: revoke again what was revoked since.",
    "Who was erased since is back: erase again ('rosterd account erase').",
    "Identity providers repeat the rest: Okta 'Force Sync' and 'Push Now', Entra 'Restart provisioning'.",
    "Applications whose cursor is ahead of the backup are told 410 and take a snapshot.",
)
"""What a database needs that is of an earlier moment than what was told of it."""


def restore(
    file: Annotated[Path, typer.Argument(help="A file that 'rosterd backup' wrote; it is only read.")],
    data: options.Data = options.DEFAULT_DATA,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace data that is there, and keep it beside.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put a backup into a data directory, or into PostgreSQL. Stop all servers first.

    Without --replace there must be no data. A backup of an older release is brought to this one; one of a
    newer release is refused, and so is a file that is damaged. Backups of both engines fit both.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        with progress("Rows", 0, show=not (json or quiet)) as advance:
            moved = moving.put_back(settings, file, options.by(), replace=replace, tell=advance)
    where = "PostgreSQL" if settings.database_url is not None else str(settings.database)
    if json:
        output.as_json({"database": where, "former": moved.former, **asdict(moved.contents)})
        return
    if quiet:
        return
    output.line(f"{where} is what {file} was.")
    output.fields({name: f"{count:,}" for name, count in asdict(moved.contents).items()})
    if moved.former is not None:
        output.line(f"The former database is {moved.former}.")
    output.line()
    for line in THEN:
        output.line(f"- {line}")
