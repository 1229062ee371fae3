"""``rosterd events``: what changed, from the database file, also while the server runs."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
import typer

from rosterd.cli import codes, exits, options, output
from rosterd.service.feed import DEFAULT_LIMIT, MAX_LIMIT, NOW, Want, parse_types

app = typer.Typer(help="Events: every change of users, groups and connections, in order.")

Types = Annotated[
    str,
    typer.Option(help="Only these types, separated by commas; 'user.*' stands for all of users."),
]
AFTER_HELP = "Go on from this cursor; 'now' for the present end."


@app.command(
    "list",
    epilog=options.examples(
        "rosterd events list",
        "rosterd events list --directory acme --types 'user.deactivated,group.*' --json",
    ),
)
def list_(
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    types: Types = "",
    after: Annotated[str, typer.Option(help=f"{AFTER_HELP} Without it, from the oldest event kept.")] = "",
    limit: Annotated[int, typer.Option(help="The most events.", min=1, max=MAX_LIMIT)] = DEFAULT_LIMIT,
    json: options.Json = False,
) -> None:
    """List events, the oldest first; with --json a page with the cursor to go on from."""

    async def work() -> dict[str, Any]:
        wanted = Want(parse_types(types), limit)
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            place = await service.feed.place(home, after or None)
            page, place = await service.feed.page(home, place, wanted)
            while not page.events and page.more:
                page, place = await service.feed.page(home, place, wanted)
            return {"events": page.events, "next": page.next, "more": page.more}

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [_cells(event) for event in found["events"]]
    output.table(("TIME", "EVENT", "RESOURCE", "BY", "WHAT"), rows, empty="There is no such event yet.")


@app.command(
    epilog=options.examples(
        "rosterd events tail", "rosterd events tail --types 'user.*' --json", "rosterd events tail --limit 1"
    )
)
def tail(
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    types: Types = "",
    after: Annotated[str, typer.Option(help=AFTER_HELP)] = NOW,
    limit: Annotated[
        int | None, typer.Option(help="End after so many events.", min=1, show_default="none")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
) -> None:
    """Print events as they happen, one a line, until Ctrl-C."""

    async def work() -> None:
        wanted, left = parse_types(types), limit
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            place = await service.feed.place(home, after)
            async for page in service.feed.follow(home, place, wanted):
                for event in page.events:
                    output.line(orjson.dumps(event).decode() if json else "  ".join(_cells(event)))
                    if left is not None and (left := left - 1) == 0:
                        return

    try:
        exits.run(work())
    except KeyboardInterrupt:
        raise typer.Exit(codes.OK) from None


def _cells(event: Mapping[str, Any]) -> tuple[str, ...]:
    resource, cause = event["resource"], event["cause"]
    return (
        event["time"],
        event["type"],
        f"{resource['type']}/{resource['id']}",
        cause["connection"] or "-",
        _what(event["data"]),
    )


def _what(data: Mapping[str, Any]) -> str:
    """What changed, without the values: they are people's."""
    if "count" in data:
        pending = len(data.get("pending", ()))
        return f"{data['count']} members" + (f", {pending} pending" if pending else "")
    if "state" in data:
        return f"{data['connection']}: {data['state']} by {data['by']}"
    return " ".join(dict.fromkeys((*data.get("before", {}), *data.get("after", {}))))
