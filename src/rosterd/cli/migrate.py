"""``rosterd migrate``: show what the database lacks for this release, and apply it."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from rosterd.cli import exits, options, output
from rosterd.scim import errors
from rosterd.wiring import Settings, upkeep

EXAMPLES = options.examples("rosterd migrate --dry-run", "rosterd migrate --data /var/lib/rosterd")


def migrate(
    data: options.Data = options.DEFAULT_DATA,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    stopped: Annotated[
        bool, typer.Option("--stopped", help="No server runs: take steps that those would not survive.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring the database to this release, beside running servers where its steps allow that.

    '--dry-run' says of each step whether servers of the release before can go on, how it is carried out and
    what it locks. A step that is broken off is done, not done, or begun again. Keep a backup.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        if not settings.is_made:
            raise errors.NotFound(
                f"There is no rosterd data in {data}; 'rosterd serve' makes it, up to date."
            )
        done = () if dry_run else upkeep.migrate(settings, stopped=stopped)
        found = upkeep.migrations(settings)
    if json:
        output.as_json(
            {
                "database": str(settings.database) if settings.database_url is None else "PostgreSQL",
                "applied": found.applied,
                "done": done,
                "pending": found.pending,
                "steps": [asdict(step) for step in found.steps],
            }
        )
        return
    if quiet:
        return
    for name in found.applied:
        output.line(f"{'now applied' if name in done else 'applied':<12} {name}")
    for step in found.steps:
        output.line(f"{'pending':<12} {step.name}")
        for text in _about(step):
            output.line(f"{'':<12}   {text}")
    if not found.pending:
        output.line("The database is up to date.")


def _about(step: upkeep.Step) -> Iterator[str]:
    if step.beside:
        yield "running servers: go on"
    else:
        yield f"running servers: stop those that do not know migration {step.since:04} first"
    yield f"carried out as: {step.run}"
    yield f"locks: {'; '.join(step.locks) or 'nothing'}"
