"""``rosterd client``: who may fetch tokens for a connection. A secret is shown once, when it is made."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.lifetime import parse_duration
from rosterd.scim import errors
from rosterd.service.caller import SCOPES
from rosterd.service.clients import Client
from rosterd.service.expiry import secrets_end_soon
from rosterd.wiring import DEFAULT
from rosterd.wiring.ids import now

app = typer.Typer(help="Clients: they fetch tokens from the Token Provider by an id and a secret.")

Id = Annotated[
    str,
    typer.Argument(
        help="Id of the client, as 'rosterd client list' shows it.",
        metavar="CLIENT_ID",
        show_default=False,
    ),
]


@app.command(
    epilog=options.examples(
        "rosterd client create",
        "rosterd client create --connection entra --label 'Entra production'",
        "rosterd client create --data DIR --json",
    )
)
def create(
    directory: options.DirectoryName = DEFAULT,
    connection: options.ConnectionName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    label: Annotated[str, typer.Option(help="What or whom it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What its tokens may permit, also for one resource type: scim.read:User; can be repeated.",
            metavar=f"{'|'.join(SCOPES)}[:TYPE]",
            show_default="all",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a client and print its id and secret, the secret this once only; also while the server runs.

    For the connection "default" of the directory "default", whatever is missing is made first,
    unless the directory has other connections.
    With --quiet nothing but the id and the secret is printed, each on a line.
    """

    async def work() -> tuple[Client, str]:
        async with options.first_or_existing_service(data) as service:
            home, line = await options.place(service, directory, connection)
            return await service.clients.create(
                home.id, line.id, by=options.by(), label=label, scopes=scope or SCOPES
            )

    _show_new(*exits.run(work()), json, quiet)


@app.command("list", epilog=options.examples("rosterd client list", "rosterd client list --json"))
def list_(
    directory: options.DirectoryName = DEFAULT,
    connection: Annotated[
        str | None, typer.Option("--connection", "-c", help="Only of this connection.")
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List a directory's clients, newest first, without their secrets."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            only = await options.find_connection(service, home, connection) if connection else None
            names = await service.control.connection_names(home.id)
            found = await service.control.clients(home.id, only.id if only else None)
            days = (await service.preferences.get()).token_warning_days
            return [
                {
                    **_described(client, names[client.connection]),
                    "expiresSoon": secrets_end_soon(client, now(), days),
                }
                for client in found
            ]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (
            c["scimClientId"],
            c["connection"],
            f"{c['state']}, a secret ends soon" if c["expiresSoon"] else c["state"],
            c["label"],
            c["created"],
            c["lastUsed"] or "never",
        )
        for c in found
    ]
    columns = ("CLIENT ID", "CONNECTION", "STATE", "LABEL", "CREATED", "LAST USED")
    output.table(columns, rows, empty="There is no client yet; make one with 'rosterd client create'.")


@app.command(epilog=options.examples("rosterd client show rsc_7Qm2kPz0aB1c"))
def show(
    client_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Show one client: what it may, when it was used, how many secrets work and until when."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            client = await service.control.client(client_id)
            if client is None or client.directory != home.id:
                raise errors.NotFound(f"Directory '{directory}' has no client {client_id}.")
            names = await service.control.connection_names(home.id)
            return _described(client, names[client.connection])

    _show(exits.run(work()), json)


@app.command(
    epilog=options.examples(
        "rosterd client rotate rsc_7Qm2kPz0aB1c", "rosterd client rotate rsc_7Qm2kPz0aB1c --overlap 0"
    )
)
def rotate(
    client_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    overlap: Annotated[
        int,
        typer.Option(
            parser=parse_duration,
            metavar="DURATION",
            help="How long the old secret goes on working: 0 to 1y.",
        ),
    ] = "1d",  # type: ignore[assignment]
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give a client a new secret; the old one stops working after the overlap. Its tokens stay valid."""

    async def work() -> tuple[Client, str]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            return await service.clients.rotate(home.id, client_id, by=options.by(), overlap=overlap)

    _show_new(*exits.run(work()), json, quiet)


@app.command(epilog=options.examples("rosterd client revoke rsc_7Qm2kPz0aB1c"))
def revoke(
    client_id: Id,
    directory: options.DirectoryName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Revoke a client and every token it was issued, at once."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            client = await service.clients.revoke(home.id, client_id, by=options.by())
            names = await service.control.connection_names(home.id)
            return _described(client, names[client.connection])

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"Client {client_id} is revoked, and with it every token it was issued.")


def _described(client: Client, connection: str) -> dict[str, Any]:
    at = now()
    working = [s for s in client.secrets if s.expires is None or s.expires > at]
    revoked = client.revoked is not None and client.revoked <= at
    return {
        "scimClientId": client.id,
        "connection": connection,
        "label": client.label,
        "scopes": list(client.scopes),
        "state": "revoked" if revoked else "active" if working else "without a secret",
        "secrets": [{"created": output.iso(s.created), "ends": output.iso(s.expires)} for s in working],
        "created": output.iso(client.created),
        "revoked": output.iso(client.revoked),
        "lastUsed": output.iso(client.last_used),
    }


def _show(described: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(described)
        return
    output.fields(
        {
            "Client id": described["scimClientId"],
            "Connection": described["connection"],
            "Label": described["label"],
            "Scopes": " ".join(described["scopes"]),
            "State": described["state"],
            "Created": described["created"],
            "Last used": described["lastUsed"] or "never",
        }
    )
    for secret in described["secrets"]:
        ends = f"ends {secret['ends']}" if secret["ends"] else "does not end"
        output.line(f"A secret, made {secret['created']}, {ends}")


def _show_new(client: Client, secret: str, json: bool, quiet: bool) -> None:
    if json:
        output.as_json({"scimClientId": client.id, "scimClientSecret": secret})
    elif quiet:
        output.line(client.id)
        output.line(secret)
    else:
        output.fields({"scimClientId": client.id, "scimClientSecret": secret})
        output.line()
        output.line("The secret is not shown again. Fetch tokens with both at /api/v1/token or /oauth/token.")
