"""``rosterd restore``: put a backup in the place of the database, and say what is to be done then."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from rosterd.cli import exits, options, output
from rosterd.wiring import Settings, upkeep

EXAMPLES = options.examples(
    "rosterd restore /var/backups/rosterd-monday.db --data /var/lib/rosterd",
    "rosterd restore /var/backups/rosterd-monday.db --data /var/lib/rosterd --replace",
)

_THEN: Final = (
    "Tokens, keys and administrators are those of the backup: revoke again what was revoked since.",
    "Who was erased since is back: erase again ('rosterd account erase').",
    "Identity providers repeat the rest: Okta 'Force Sync' and 'Push Now', Entra 'Restart provisioning'.",
    "Applications whose cursor is ahead of the backup are told 410 and take a snapshot.",
)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that 'rosterd backup' wrote; it is only read.")],
    data: options.Data = options.DEFAULT_DATA,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a database that is there, and keep it beside.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put a backup into a data directory. Stop the server first.

    Without --replace the data directory must have no database. A backup of an older release is brought to
    this one; one of a newer release is refused, and so is a file that is damaged.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        held, aside = upkeep.put_back(settings, file, options.by(), replace=replace)
    if json:
        kept = None if aside is None else str(aside)
        output.as_json({"database": str(settings.database), "former": kept, **asdict(held)})
        return
    if quiet:
        return
    output.line(f"{settings.database} is what {file} was.")
    output.fields({name: f"{count:,}" for name, count in asdict(held).items()})
    if aside is not None:
        output.line(f"The former database is {aside}.")
    output.line()
    for line in _THEN:
        output.line(f"- {line}")
