"""``rosterd webhook``: endpoints that get every change as a signed message. A secret is shown once only."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.lifetime import parse_duration
from rosterd.service.webhook_messages import MAX_BATCH, MAX_BATCH_WAIT
from rosterd.service.webhooks import DISABLED, SCHEMES, V1, Endpoint
from rosterd.wiring import Service

app = typer.Typer(help="Webhooks: every change as a signed message to your application.")

Id = Annotated[
    str, typer.Argument(help="Id of the webhook, as 'rosterd webhook list' shows it.", show_default=False)
]
_Types = typer.Option(help="Only these types of events, separated by commas, e.g. 'user.*,group.deleted'.")
_Events = typer.Option(help="Events to a message; with 1 a message is an event.", min=1, max=MAX_BATCH)
_Wait = typer.Option(
    help="Seconds that an event may wait for others to fill a message.", min=0, max=MAX_BATCH_WAIT
)
_PAGE = 1000


@app.command(
    epilog=options.examples(
        "rosterd webhook create https://app.example.com/hooks",
        "rosterd webhook create https://app.example.com/hooks --directory acme --types 'user.*'",
        "rosterd webhook create https://app.example.com/hooks --max-events 100 --max-wait 10 --scheme v1a",
    )
)
def create(
    url: Annotated[str, typer.Argument(help="Where messages are sent.", show_default=False)],
    directory: Annotated[
        str | None,
        typer.Option("--directory", "-d", help="The only directory it hears of.", show_default="all"),
    ] = None,
    label: Annotated[str, typer.Option(help="What or whom it is for.")] = "",
    types: Annotated[str, _Types] = "",
    scheme: Annotated[
        str,
        typer.Option(
            help="How messages are signed: v1 by a shared secret, v1a by a private key of rosterd's."
        ),
    ] = V1,
    max_events: Annotated[int, _Events] = 1,
    max_wait: Annotated[int, _Wait] = 0,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a webhook and print its secret, this once only; it gets what happens from now on."""

    async def work() -> tuple[dict[str, Any], str]:
        async with options.first_or_existing_service(data) as service:
            home = await options.find_directory(service, directory) if directory else None
            endpoint, secret = await service.webhooks.create(
                url,
                directory=home.id if home else None,
                label=label,
                types=types,
                scheme=scheme,
                max_events=max_events,
                max_wait=max_wait,
                by=options.by(),
            )
            return await described(service, endpoint), secret

    _show_new(*exits.run(work()), json, quiet)


@app.command("list", epilog=options.examples("rosterd webhook list", "rosterd webhook list --json"))
def list_(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List the webhooks, without their secrets."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            found: list[Endpoint] = []
            while page := await service.control.webhook_page(None, found[-1].id if found else "", _PAGE):
                found += page
            return [await described(service, endpoint) for endpoint in found]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (w["id"], w["directory"] or "all", w["state"], w["failingSince"] or "-", w["label"], w["url"])
        for w in found
    ]
    columns = ("WEBHOOK ID", "DIRECTORY", "STATE", "FAILING SINCE", "LABEL", "URL")
    output.table(columns, rows, empty="There is no webhook yet; make one with 'rosterd webhook create'.")


@app.command(epilog=options.examples("rosterd webhook show we_7Qm2kPz0aB1c"))
def show(webhook_id: Id, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """Show a webhook, and how far each directory's messages are."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            return {**await described(service, endpoint), "lines": await _lines(service, endpoint)}

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    show_found(found)
    output.line()
    rows = [
        (
            each["directory"],
            each["kind"],
            str(each["behind"]),
            str(each["attempt"]),
            each["nextAttempt"] or "-",
        )
        for each in found["lines"]
    ]
    columns = ("DIRECTORY", "KIND", "BEHIND", "FAILED", "NEXT ATTEMPT")
    output.table(columns, rows, empty="There is no directory yet.")


@app.command(
    epilog=options.examples(
        "rosterd webhook update we_7Qm2kPz0aB1c --url https://new.example.com/hooks",
        "rosterd webhook update we_7Qm2kPz0aB1c --types ''",
    )
)
def update(
    webhook_id: Id,
    url: Annotated[str | None, typer.Option(help="Where messages are sent.")] = None,
    label: Annotated[str | None, typer.Option(help="What or whom it is for.")] = None,
    types: Annotated[str | None, _Types] = None,
    max_events: Annotated[int | None, _Events] = None,
    max_wait: Annotated[int | None, _Wait] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Change a webhook; what is not given stays."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            changed = await service.webhooks.update(
                await service.webhooks.find(webhook_id),
                url=url,
                label=label,
                types=types,
                max_events=max_events,
                max_wait=max_wait,
                by=options.by(),
            )
            return await described(service, changed)

    _tell(exits.run(work()), json)


@app.command(epilog=options.examples("rosterd webhook remove we_7Qm2kPz0aB1c"))
def remove(webhook_id: Id, data: options.Data = options.DEFAULT_DATA, quiet: options.Quiet = False) -> None:
    """Remove a webhook with its log and its dead letters."""

    async def work() -> None:
        async with options.existing_service(data) as service:
            await service.webhooks.remove(await service.webhooks.find(webhook_id), by=options.by())

    exits.run(work())
    if not quiet:
        output.line(f"Webhook {webhook_id} is removed.")


@app.command(
    epilog=options.examples(
        "rosterd webhook rotate we_7Qm2kPz0aB1c", "rosterd webhook rotate we_7Qm2kPz0aB1c --overlap 0"
    )
)
def rotate(
    webhook_id: Id,
    overlap: Annotated[
        int,
        typer.Option(
            parser=parse_duration, metavar="DURATION", help="How long the old one signs too, e.g. 7d or 0."
        ),
    ] = "24h",  # type: ignore[assignment]
    scheme: Annotated[
        str | None,
        typer.Option(
            help=f"How messages are signed from now on: {' or '.join(SCHEMES)}.", show_default="as before"
        ),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give a webhook a new secret and print it; messages carry two signatures meanwhile."""

    async def work() -> tuple[dict[str, Any], str]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            changed, secret = await service.webhooks.rotate(
                endpoint, overlap=overlap, scheme=scheme, by=options.by()
            )
            return await described(service, changed), secret

    _show_new(*exits.run(work()), json, quiet)


@app.command(epilog=options.examples("rosterd webhook enable we_7Qm2kPz0aB1c"))
def enable(webhook_id: Id, data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """Let a webhook go on where it stood; whatever waits for a retry is tried at once."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            return await described(service, await service.webhooks.enable(endpoint, by=options.by()))

    _tell(exits.run(work()), json)


@app.command(
    epilog=options.examples("rosterd webhook disable we_7Qm2kPz0aB1c --reason 'moving to a new host'")
)
def disable(
    webhook_id: Id,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Send a webhook nothing until it is enabled; how far it is, is kept."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            endpoint = await service.webhooks.find(webhook_id)
            moved = await service.webhooks.disable(endpoint, reason=reason, by=options.by())
            return await described(service, moved)

    _tell(exits.run(work()), json)


async def described(service: Service, endpoint: Endpoint) -> dict[str, Any]:
    """A webhook as the commands show it."""
    wanted = set() if endpoint.directory is None else {endpoint.directory}
    names = await service.control.directory_names(wanted)
    return {
        "id": endpoint.id,
        "directory": None if endpoint.directory is None else names[endpoint.directory],
        "url": endpoint.url,
        "label": endpoint.label,
        "types": list(endpoint.types),
        "maxEvents": endpoint.max_events,
        "maxWait": endpoint.max_wait,
        "state": endpoint.standing.state,
        "stateBy": endpoint.standing.by,
        "stateReason": endpoint.standing.reason,
        "stateSince": output.iso(endpoint.standing.since),
        "failingSince": output.iso(endpoint.failing),
        "secrets": [
            {
                "scheme": secret.scheme,
                "created": output.iso(secret.created),
                "expires": output.iso(secret.expires),
                "publicKey": secret.public,
            }
            for secret in endpoint.secrets
        ],
        "stream": endpoint.stream.told if endpoint.stream else None,
        "created": output.iso(endpoint.created),
    }


async def _lines(service: Service, endpoint: Endpoint) -> list[dict[str, Any]]:
    names = {each.id: each.name for each in await service.control.directories()}
    return [
        {
            "directory": names[line.key.directory],
            "lane": line.key.lane,
            "kind": line.kind,
            "behind": max(0, (last if line.finish is None else line.finish) - line.cursor),
            "attempt": line.attempt,
            "nextAttempt": output.iso(line.due) if line.due else None,
            "lostThrough": line.lost or None,
        }
        for line, last in await service.control.lines(endpoint.id, (0, -1), _PAGE)
    ]


def _show_new(found: dict[str, Any], secret: str, json: bool, quiet: bool) -> None:
    if json:
        output.as_json({**found, "secret": secret})
        return
    output.line(secret)
    if not quiet:
        output.line()
        show_found(found)
        output.line("The first line is what the receiver verifies with. A secret is not shown again.")


def _tell(found: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(found)
    else:
        show_found(found)


def show_found(found: dict[str, Any]) -> None:
    """Print a webhook."""
    why = f" by {found['stateBy']}" + (f": {found['stateReason']}" if found["stateReason"] else "")
    batch = f"{found['maxEvents']} events, after {found['maxWait']} s at most"
    output.fields(
        {
            "Webhook id": found["id"],
            "Directory": found["directory"] or "all",
            "URL": found["url"] or "polled",
            "Label": found["label"],
            "Types": ", ".join(found["types"]) or "all",
            "Messages": "one an event" if found["maxEvents"] == 1 else batch,
            "State": found["state"] + (why if found["state"] == DISABLED else ""),
            "Failing since": found["failingSince"] or "-",
            **_signed(found),
        }
    )


def _signed(found: dict[str, Any]) -> dict[str, str]:
    stream = found["stream"]
    if stream is None:
        return {"Signed by": ", ".join(f"{s['scheme']} of {s['created']}" for s in found["secrets"])}
    return {
        "Tokens for": stream["audience"],
        "Told": f"{stream['detail']}, vocabulary {stream['vocabulary']}",
        "Authorization": "sent" if stream["authorization"] else "none",
    }
