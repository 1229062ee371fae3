"""``rosterd listen``: what happens, sent to the developer's own machine as signed webhooks, until Ctrl-C."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rosterd.cli import codes, exits, options
from rosterd.cli.events import AFTER_HELP, Types
from rosterd.cli.forwarding import ForwardedJson, Forwarder, GivenSecret
from rosterd.client import ApiError, Client, Unreachable
from rosterd.scim import errors
from rosterd.service.feed import NOW, parse_types

EXAMPLES = options.examples(
    "rosterd listen --forward-to http://localhost:3000/hooks",
    "rosterd listen --forward-to http://localhost:3000/hooks --directory acme --types 'user.*'",
    "rosterd listen --forward-to http://localhost:3000/hooks --url https://scim.example.com --key rak_…",
)

Batches = AsyncIterator[Sequence[Mapping[str, Any]]]


def listen(
    forward_to: Annotated[str, typer.Option(help="Where to send events, e.g. http://localhost:3000/hooks.")],
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    types: Types = "",
    url: Annotated[
        str | None,
        typer.Option(help="Take the events from this server instead of --data.", rich_help_panel="Where"),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="API key for that server, with the scope events.read.",
            envvar="ROSTERD_KEY",
            rich_help_panel="Where",
        ),
    ] = None,
    secret: GivenSecret = None,
    after: Annotated[str, typer.Option(help=AFTER_HELP)] = NOW,
    limit: Annotated[
        int | None, typer.Option(help="End after so many events.", min=1, show_default="none")
    ] = None,
    json: ForwardedJson = False,
) -> None:
    """Send live events to a receiver on this machine, signed as webhooks are, and show each delivery.

    They are taken from the feed and nothing is stored, on the server or here. An event that is not accepted
    is shown and not tried again: 'rosterd events replay' sends it once more.
    """

    async def work() -> None:
        parse_types(types)
        forwarder = Forwarder(forward_to, secret)
        left = limit
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(forwarder.close)
            if url is None:
                batches = await stack.enter_async_context(_local(data, directory, after, types))
            else:
                batches = await stack.enter_async_context(_remote(url, key, directory, after, types))
            forwarder.announce(f"Sending the events of directory '{directory}'", json=json)
            async for events in batches:
                for event in events:
                    await forwarder.forward(event, json=json)
                    if left is not None and (left := left - 1) == 0:
                        return

    try:
        exits.run(work())
    except KeyboardInterrupt:
        raise typer.Exit(codes.OK) from None
    except ApiError as error:
        code = codes.NOT_FOUND if error.status in (404, 410) else codes.USAGE
        exits.fail(code if error.status < 500 else codes.UNAVAILABLE, error.detail or str(error))
    except Unreachable as error:
        exits.fail(codes.UNAVAILABLE, f"{url} does not answer: {error}")


@contextlib.asynccontextmanager
async def _local(data: Path, directory: str, after: str, types: str) -> AsyncIterator[Batches]:
    async with options.existing_service(data) as service:
        home = await options.find_directory(service, directory)
        place = await service.feed.place(home, after)

        async def batches() -> Batches:
            async for page in service.feed.follow(home, place, parse_types(types)):
                yield page.events

        yield batches()


@contextlib.asynccontextmanager
async def _remote(
    url: str, key: str | None, directory: str, after: str, types: str
) -> AsyncIterator[Batches]:
    if key is None:
        raise errors.InvalidValue(
            "--key: an API key with the scope events.read is needed; 'rosterd key create' makes it there."
        )
    async with Client(url, key) as client:
        # Asked for before anything is announced: nothing that happens afterwards is missed.
        page = await client.events_page(directory, after=after, types=parse_types(types))

        async def batches() -> Batches:
            yield page.events
            async for following in client.follow(directory, after=page.next, types=parse_types(types)):
                yield following.events

        yield batches()
