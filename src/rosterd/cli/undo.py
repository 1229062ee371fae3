"""``rosterd connection undo``: what a connection changed since a moment is given back, after a look at it."""

import re
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.lifetime import parse_duration
from rosterd.http.api.undo import described
from rosterd.scim.folding import parse_date
from rosterd.service.undo import COUNTS
from rosterd.wiring.ids import now

_DURATION: Final = re.compile(r"[0-9]+[smhdwy]?")
_TITLES: Final = dict(
    zip(
        COUNTS,
        (
            "Deleted again", "Brought back", "Updated", "Activated", "Deactivated", "Members put back",
            "Members taken away", "Conflicts", "Lost",
        ),
        strict=True,
    )
)  # fmt: skip


def parse_moment(text: str, at: int) -> int:
    """``2h`` (so long before ``at``, in ms) or a time such as ``2026-11-24T15:00:00Z``, in ms.

    Raises ``typer.BadParameter``.
    """
    if _DURATION.fullmatch(text.strip().lower()):
        return max(0, at - parse_duration(text) * 1000)
    micros = parse_date(text.strip())
    if micros is None or micros < 0:
        raise typer.BadParameter(
            f"'{text}' is neither a duration such as 2h nor a time such as 2026-11-24T15:00:00Z"
        )
    return micros // 1000


EXAMPLES: Final = options.examples(
    "rosterd connection undo okta --since 2h --dry-run",
    "rosterd connection undo okta --since 2026-11-24T15:00:00Z --yes",
)


def undo(
    name: options.ConnectionArgument,
    since: Annotated[
        str,
        typer.Option(
            help="The moment: how long ago, such as 2h, or a time, such as 2026-11-24T15:00:00Z.",
            show_default=False,
        ),
    ],
    directory: options.DirectoryName = "default",
    data: options.Data = options.DEFAULT_DATA,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Give back what a paused connection changed since a moment; what others changed since stays."""
    moment = parse_moment(since, now())
    asks = not (dry_run or yes)
    if asks and not sys.stdin.isatty():
        exits.fail(codes.USAGE, "Nobody can be asked here: look with --dry-run, then give --yes.")
    if dry_run or asks:
        _show(exits.run(_work(name, directory, data, moment, preview=True)), json and dry_run)
    if asks and not typer.confirm(f"Undo this in connection '{name}'?"):
        raise typer.Exit(codes.FAILED)
    if not dry_run:
        _show(exits.run(_work(name, directory, data, moment, preview=False)), json)


async def _work(name: str, directory: str, data: Any, since: int, *, preview: bool) -> dict[str, Any]:
    async with options.existing_service(data) as service:
        home = await options.find_directory(service, directory)
        found = await options.find_connection(service, home, name)
        if preview:
            plan = await service.undo.preview(home, found, since)
        else:
            plan = await service.undo.run(home, found, since, by=options.by())
        return {"preview": preview, **described(plan)}


def _show(result: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(result)
        return
    at = datetime.fromtimestamp((parse_date(result["since"]) or 0) / 1_000_000, UTC)
    head = "Would be undone since" if result["preview"] else "Undone since"
    counts = {_TITLES[name]: str(count) for name, count in result["counts"].items()}
    output.fields({head: f"{at:%Y-%m-%d %H:%M:%S} UTC", **counts})
    rows = [(one["change"], one["type"], one["name"] or one["id"], _what(one)) for one in result["changes"]]
    rows += [
        ("conflict", one["type"], one["name"] or one["id"], _joined(one["attribute"], one["reason"]))
        for one in result["conflicts"]
    ]
    rows += [("lost", one["type"], one["name"] or one["id"], one["reason"]) for one in result["lost"]]
    if rows:
        output.line()
        output.table(("CHANGE", "TYPE", "NAME", "WHAT"), rows, empty="")


def _what(change: dict[str, Any]) -> str:
    parts = list(change["attributes"])
    if change["membersAdded"]:
        parts.append(f"+{change['membersAdded']} members")
    if change["membersRemoved"]:
        parts.append(f"-{change['membersRemoved']} members")
    return " ".join(parts)


def _joined(attribute: str | None, reason: str) -> str:
    return f"{attribute}: {reason}" if attribute else reason
