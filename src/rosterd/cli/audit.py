"""``rosterd audit``: who changed what about the installation, by the console, the API or the command line."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.service.audit import Actor, StoredEntry

app = typer.Typer(help="The audit log: who changed directories, connections, credentials and settings.")


@app.command(
    "list",
    epilog=options.examples(
        "rosterd audit list",
        "rosterd audit list --directory acme --action token. --limit 10",
        "rosterd audit list --json",
    ),
)
def list_(
    directory: Annotated[
        str | None,
        typer.Option("--directory", "-d", help="Only what concerns this directory.", show_default="all"),
    ] = None,
    action: Annotated[
        str,
        typer.Option(
            help="Only this action, or with a dot at its end all that begin so.", show_default="all"
        ),
    ] = "",
    limit: Annotated[int, typer.Option(help="The most entries to list.", min=1, max=100_000)] = 100,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List administrative changes, newest first."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory) if directory else None
            rows = await service.control.audit_page(home.id if home else None, None, limit, action)
            names = await service.control.directory_names(
                {row.entry.directory for row in rows if row.entry.directory is not None}
            )
            return [_described(row, names) for row in rows]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [(e["at"], str(Actor(**e["by"])), e["action"], e["target"], e["directory"] or "-") for e in found]
    columns = ("WHEN", "BY", "ACTION", "TARGET", "DIRECTORY")
    output.table(columns, rows, empty="Nothing was changed yet.")


def _described(stored: StoredEntry, names: Mapping[int, str]) -> dict[str, Any]:
    entry, actor = stored.entry, stored.entry.actor
    return {
        "seq": stored.seq,
        "at": output.iso(entry.at),
        "action": entry.action,
        "target": entry.target,
        "directory": None if entry.directory is None else names.get(entry.directory),
        "by": {"kind": actor.kind, "name": actor.name, "id": actor.id, "address": actor.address},
        "requestId": actor.request_id,
        "before": entry.before,
        "after": entry.after,
    }
