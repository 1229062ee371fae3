"""``rosterd migrate``: show what the database lacks for this release, and apply it."""

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
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Bring the database to this release. Each step is one transaction: done, or not done.

    Stop the server first and keep a copy of the data directory.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        if not settings.is_made:
            raise errors.NotFound(
                f"There is no rosterd data in {data}; 'rosterd serve' makes it, up to date."
            )
        done = () if dry_run else upkeep.migrate(settings)
        found = upkeep.migrations(settings)
    if json:
        output.as_json(
            {
                "database": str(settings.database) if settings.database_url is None else "PostgreSQL",
                "applied": found.applied,
                "done": done,
                "pending": found.pending,
            }
        )
        return
    if quiet:
        return
    for name in found.applied:
        output.line(f"{'now applied' if name in done else 'applied':<12} {name}")
    for name in found.pending:
        output.line(f"{'pending':<12} {name}")
    if not found.pending:
        output.line("The database is up to date.")
