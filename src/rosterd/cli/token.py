"""``rosterd token``: the bearer tokens of connections. A token's text is shown once, when it is made."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.lifetime import parse_duration, parse_lifetime
from rosterd.scim import errors
from rosterd.service.caller import SCOPES
from rosterd.service.control import Directory, Token
from rosterd.service.expiry import is_ending
from rosterd.wiring import DEFAULT, Service
from rosterd.wiring.ids import now

app = typer.Typer(help="Tokens: what an identity provider sends as 'Authorization: Bearer'.")

Id = Annotated[
    str, typer.Argument(help="Id of the token, as 'rosterd token list' shows it.", show_default=False)
]


@app.command(
    epilog=options.examples(
        "rosterd token create",
        "rosterd token create --lifetime 90d --label 'Okta production'",
        "rosterd token create --scope scim.read --label auditor",
        "TOKEN=$(rosterd token create --data DIR --quiet)",
    )
)
def create(
    directory: options.DirectoryName = DEFAULT,
    connection: options.ConnectionName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    lifetime: Annotated[
        int,
        typer.Option(parser=parse_lifetime, metavar="DURATION", help="60s to 10y, e.g. 90d, 12h or seconds."),
    ] = "10y",  # type: ignore[assignment]
    label: Annotated[str, typer.Option(help="What or whom it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it permits, also for one resource type: scim.read:User; can be repeated.",
            metavar=f"{'|'.join(SCOPES)}[:TYPE]",
            show_default="all",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a token and print it, this once only; also while the server runs.

    For the connection "default" of the directory "default", whatever is missing is made first, the data
    directory included; standard error says so then. A directory that has connections gets no other one.
    With --quiet nothing but the token is printed.
    """

    async def work() -> tuple[dict[str, Any], str]:
        async with options.first_or_existing_service(data) as service:
            home, line = await options.place(service, directory, connection)
            token, text = await service.tokens.issue(
                home.id,
                line.id,
                by=options.by(),
                label=label,
                scopes=scope or SCOPES,
                lifetime=lifetime,
            )
            return _described(token, line.name), text

    _show_new(*exits.run(work()), json, quiet)


@app.command("list", epilog=options.examples("rosterd token list", "rosterd token list --json"))
def list_(
    directory: options.DirectoryName = DEFAULT,
    connection: Annotated[
        str | None, typer.Option("--connection", "-c", help="Only of this connection.")
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List a directory's tokens, newest first, without their secrets."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            only = await options.find_connection(service, home, connection) if connection else None
            names = await service.control.connection_names(home.id)
            tokens = await service.control.tokens(home.id, only.id if only else None)
            days = (await service.preferences.get()).token_warning_days
            return [_warned(_described(token, names[token.connection]), token, days) for token in tokens]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (
            t["id"], t["connection"], t["state"], t["label"], t["client"] or "-", output.expiry(t),
            t["lastUsed"] or "never",
        )
        for t in found
    ]  # fmt: skip
    columns = ("TOKEN ID", "CONNECTION", "STATE", "LABEL", "CLIENT", "EXPIRES", "LAST USED")
    output.table(columns, rows, empty="There is no token yet; make one with 'rosterd token create'.")


@app.command(epilog=options.examples("rosterd token show 7Qm2kPz0aB1c"))
def show(
    token_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show one token, without its secret."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return await _find(service, home, token_id)

    found = exits.run(work())
    if json:
        output.as_json(found)
    else:
        _show(found)


@app.command(
    epilog=options.examples(
        "rosterd token rotate 7Qm2kPz0aB1c", "rosterd token rotate 7Qm2kPz0aB1c --overlap 0"
    )
)
def rotate(
    token_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    overlap: Annotated[
        int,
        typer.Option(
            parser=parse_duration, metavar="DURATION", help="How long the old token goes on working."
        ),
    ] = "1d",  # type: ignore[assignment]
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a new token like the old one, which stops working after the overlap."""

    async def work() -> tuple[dict[str, Any], str]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            token, text = await service.tokens.rotate(home.id, token_id, by=options.by(), overlap=overlap)
            names = await service.control.connection_names(home.id)
            return _described(token, names[token.connection]), text

    _show_new(*exits.run(work()), json, quiet)


@app.command(epilog=options.examples("rosterd token revoke 7Qm2kPz0aB1c"))
def revoke(
    token_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Revoke a token at once."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            if not await service.tokens.revoke(home.id, token_id, by=options.by()):
                raise errors.NotFound(f"Directory '{directory}' has no token {token_id}.")
            return await _find(service, home, token_id)

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"Token {token_id} is revoked.")


async def _find(service: Service, directory: Directory, token_id: str) -> dict[str, Any]:
    names = await service.control.connection_names(directory.id)
    for token in await service.control.tokens(directory.id):
        if token.id == token_id:
            return _described(token, names[token.connection])
    raise errors.NotFound(f"Directory '{directory.name}' has no token {token_id}.")


def _state(token: Token) -> str:
    at = now()
    if token.revoked is not None and token.revoked <= at:
        return "revoked"
    if token.expires <= at:
        return "expired"
    return "valid" if token.revoked is None else "ending"


def _warned(described: dict[str, Any], token: Token, days: int) -> dict[str, Any]:
    """The same, and whether it ends soon."""
    return {**described, "expiresSoon": is_ending(token, now(), days)}


def _described(token: Token, connection: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "connection": connection,
        "label": token.label,
        "client": token.client,
        "scopes": list(token.scopes),
        "state": _state(token),
        "created": output.iso(token.created),
        "expires": output.iso(token.expires),
        "revoked": output.iso(token.revoked),
        "lastUsed": output.iso(token.last_used),
    }


def _show(described: dict[str, Any]) -> None:
    output.fields(
        {
            "Token id": described["id"],
            "Connection": described["connection"],
            "Label": described["label"],
            "Client": described["client"] or "-",
            "Scopes": " ".join(described["scopes"]),
            "State": described["state"],
            "Created": described["created"],
            "Expires": described["expires"],
            "Last used": described["lastUsed"] or "never",
        }
    )


def _show_new(described: dict[str, Any], text: str, json: bool, quiet: bool) -> None:
    if json:
        output.as_json({**described, "token": text})
    elif quiet:
        output.line(text)
    else:
        output.line(text)
        output.line()
        _show(described)
        output.line("The first line is the token. It is not shown again.")
