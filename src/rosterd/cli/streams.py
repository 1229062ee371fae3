"""``rosterd webhook``, continued: streams of security event tokens, pushed to a URL or fetched."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.delivery import app
from rosterd.cli.webhook import Id, described, show_found
from rosterd.service.set_stream import BOTH, DETAILS, FULL, POLL, PUSH, VOCABULARIES, Stream

__all__ = ["app"]

_Audience = typer.Option(help="The claim 'aud' of the tokens: what the receiver calls itself.")
_Detail = typer.Option(help=f"How much a token tells: {' or '.join(DETAILS)}.")
_Vocabulary = typer.Option(help=f"In which words: {', '.join(VOCABULARIES)}.")
_Types = typer.Option(help="Only these types of events, separated by commas, e.g. 'user.*,group.deleted'.")
_Authorization = typer.Option(
    "--authorization-file",
    help="A file with the header Authorization of a push, e.g. 'Bearer abc'; '-' reads it from input.",
    allow_dash=True,
)


@app.command(
    "create-stream",
    epilog=options.examples(
        "rosterd webhook create-stream https://app.example.com --url https://app.example.com/sets",
        "rosterd webhook create-stream https://app.example.com --directory acme --detail notice",
    ),
)
def create_stream(
    audience: Annotated[
        str,
        typer.Argument(
            help="The claim 'aud' of the tokens: what the receiver calls itself.", show_default=False
        ),
    ],
    url: Annotated[
        str | None, typer.Option(help="Where tokens are pushed to.", show_default="they are polled")
    ] = None,
    directory: Annotated[
        str | None,
        typer.Option(
            "--directory", "-d", help="The only directory it hears of.", show_default="all, if pushed"
        ),
    ] = None,
    detail: Annotated[str, _Detail] = FULL,
    vocabulary: Annotated[str, _Vocabulary] = BOTH,
    label: Annotated[str, typer.Option(help="What or whom it is for.")] = "",
    types: Annotated[str, _Types] = "",
    authorization: Annotated[typer.FileText | None, _Authorization] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a stream of security event tokens; it gets what happens from now on."""

    async def work() -> dict[str, Any]:
        async with options.first_or_existing_service(data) as service:
            home = await options.find_directory(service, directory) if directory else None
            endpoint, _ = await service.webhooks.create(
                url or "",
                directory=home.id if home else None,
                label=label,
                types=types,
                stream=Stream(audience, PUSH if url else POLL, detail, vocabulary),
                authorization=None if authorization is None else authorization.read().strip(),
                by=options.by(),
            )
            return await described(service, endpoint)

    _tell(exits.run(work()), json, quiet)


@app.command(
    "update-stream",
    epilog=options.examples("rosterd webhook update-stream we_7Qm2kPz0aB1c --detail notice"),
)
def update_stream(
    webhook_id: Id,
    audience: Annotated[str | None, _Audience] = None,
    detail: Annotated[str | None, _Detail] = None,
    vocabulary: Annotated[str | None, _Vocabulary] = None,
    authorization: Annotated[typer.FileText | None, _Authorization] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Change for whom and how tokens are; 'rosterd webhook update' changes the rest."""
    given = {"audience": audience, "detail": detail, "vocabulary": vocabulary}

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            changed = await service.webhooks.update(
                await service.webhooks.find(webhook_id),
                stream={name: value for name, value in given.items() if value is not None},
                authorization=None if authorization is None else authorization.read().strip(),
                by=options.by(),
            )
            return await described(service, changed)

    _tell(exits.run(work()), json, quiet=False)


def _tell(found: dict[str, Any], json: bool, quiet: bool) -> None:
    if json:
        output.as_json(found)
    elif quiet:
        output.line(found["id"])
    else:
        show_found(found)
