"""``rosterd events replay``: events once more, to a webhook by the server or to any address from here."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.delivery import begin_replay, home_of, moment, seq_of
from rosterd.cli.events import Types, app
from rosterd.cli.forwarding import ForwardedJson, Forwarder, GivenSecret
from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.feed import Record, Want, parse_types
from rosterd.wiring import Service

__all__ = ["app"]

_PORTION = 100


@app.command(
    epilog=options.examples(
        "rosterd events replay --forward-to http://localhost:3000/hooks",
        "rosterd events replay --forward-to http://localhost:3000/hooks --first 1-17 --last 1-42",
        "rosterd events replay --forward-to http://localhost:3000/hooks --webhook we_7Qm2kPz0aB1c --failed",
        "rosterd events replay --webhook we_7Qm2kPz0aB1c --since 2026-11-24T00:00:00Z",
    )
)
def replay(
    forward_to: Annotated[
        str | None, typer.Option(help="Send them from here to this address.", show_default="none")
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            help="Let the server send them to this webhook; with --forward-to: whose messages failed.",
            show_default="none",
        ),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    failed: Annotated[bool, typer.Option("--failed", help="Only what was given up for --webhook.")] = False,
    first: Annotated[str | None, typer.Option(help="Begin with this event.")] = None,
    last: Annotated[str | None, typer.Option(help="End with this event.")] = None,
    since: Annotated[str | None, typer.Option(help="Begin with what happened then or later.")] = None,
    types: Types = "",
    secret: GivenSecret = None,
    json: ForwardedJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Send events once more, in order, under the ids they had; by default all that are kept.

    With --forward-to it ends with 1 if any was not accepted. To a webhook a running server sends them, and
    the webhook's own types count.
    """
    if forward_to is None:
        if webhook is None:
            exits.fail(codes.USAGE, "say where to send them: --forward-to or --webhook")
        begin_replay(data, webhook, directory, first, last, since, failed=failed, json=json, quiet=quiet)
        return
    if failed and webhook is None:
        exits.fail(codes.USAGE, "--failed needs --webhook: whose failed messages?")
    url = forward_to

    async def work() -> int:
        forwarder = Forwarder(url, secret)
        try:
            async with options.existing_service(data) as service:
                home = await options.find_directory(service, directory)
                if failed:
                    events = _failed(service, webhook or "", home)
                else:
                    begin, end = await _bounds(service, home, first, last, since)
                    events = _range(service, home, begin, end, types)
                if not quiet:
                    forwarder.announce(f"Sending events of directory '{home.name}'", json=json)
                async for event in events:
                    await forwarder.forward(event, json=json)
                return forwarder.failed
        finally:
            await forwarder.close()

    count = exits.run(work())
    if count:
        output.complain(f"{count} were not accepted.")
        raise typer.Exit(codes.FAILED)


async def _bounds(
    service: Service, home: Directory, first: str | None, last: str | None, since: str | None
) -> tuple[int, int]:
    """The numbers behind which to begin and with which to end. Raises ``InvalidValue``."""
    edges = await service.store.reader(home.id).feed(0, 0)
    begin, end = seq_of(first, home), seq_of(last, home)
    after = edges.forgotten if begin is None else begin - 1
    if since is not None:
        found = await service.control.first_since(home.id, moment(since))
        after = max(after, edges.last if found is None else found - 1)
    if after < edges.forgotten:
        raise errors.InvalidValue(f"The oldest event that is kept is {home.id}-{edges.forgotten + 1}.")
    return after, edges.last if end is None else min(end, edges.last)


async def _range(
    service: Service, home: Directory, after: int, through: int, types: str
) -> AsyncIterator[Record]:
    wanted = Want(parse_types(types), _PORTION)
    while after < through:
        page, after = await service.feed.page(home, after, wanted)
        for event in page.events:
            number = seq_of(event["id"], home)
            if number is None or number > through:
                return
            yield event


async def _failed(service: Service, webhook: str, home: Directory) -> AsyncIterator[Record]:
    endpoint = await service.webhooks.find(webhook)
    await home_of(service, endpoint, home.name)
    after = (home.id, 0)
    while found := await service.control.dead_letters(endpoint.id, after, _PORTION):
        for dead in found:
            after = (dead.directory, dead.first)
            if dead.directory != home.id:
                return
            async for event in _range(service, home, dead.first - 1, dead.last, ",".join(endpoint.types)):
                yield event
