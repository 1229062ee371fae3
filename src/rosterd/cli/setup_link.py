"""``rosterd setup-link``: lets somebody without an account set one connection up. A link is shown once."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.lifetime import parse_duration
from rosterd.service.setup_links import PATH, SetupLink
from rosterd.wiring import DEFAULT
from rosterd.wiring.ids import now
from rosterd.wiring.settings import check_base_url

app = typer.Typer(help="Links by which a customer's administrator sets a connection up, without an account.")

Id = Annotated[
    str, typer.Argument(help="Id of the link, as 'rosterd setup-link list' shows it.", show_default=False)
]


@app.command(
    epilog=options.examples(
        "rosterd setup-link create --directory acme --connection okta --label 'Ann of Acme'",
        "rosterd setup-link create --lifetime 1d --base-url https://scim.example.com",
    )
)
def create(
    directory: options.DirectoryName = DEFAULT,
    connection: options.ConnectionName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    base_url: options.BaseUrl = None,
    lifetime: Annotated[
        int,
        typer.Option(parser=parse_duration, metavar="DURATION", help="1h to 30d, e.g. 7d, 12h or seconds."),
    ] = "7d",  # type: ignore[assignment]
    label: Annotated[str, typer.Option(help="Whom it is for; they see it.")] = "",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a set-up link and print it, this once only.

    With --quiet nothing but the link is printed.
    """

    async def work() -> tuple[dict[str, Any], str]:
        if base_url is not None:
            check_base_url(base_url)
        async with options.existing_service(data) as service:
            _, line = await options.place(service, directory, connection)
            link, text = await service.access.setup_links.create(
                line, label=label, lifetime=lifetime, by=options.by()
            )
            root = (base_url or service.settings.base_url or service.settings.local_url).rstrip("/")
            return _described(link, connection), root + PATH + text

    described, url = exits.run(work())
    if json:
        output.as_json({**described, "url": url})
        return
    output.line(url)
    if not quiet:
        output.line(f"It opens the set-up of connection '{connection}' until {described['expires']}.")
        output.line("The first line is the link. It is not shown again; whoever has it can make a token.")


@app.command("list", epilog=options.examples("rosterd setup-link list --directory acme --connection okta"))
def list_(
    directory: options.DirectoryName = DEFAULT,
    connection: options.ConnectionName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """List a connection's set-up links, newest first, without their secrets."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            line = await options.find_connection(service, home, connection)
            links = await service.access.control.setup_link_page(home.id, line.id, None, 1000)
            return [_described(link, connection) for link in links]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [(k["id"], k["state"], k["label"], k["expires"], k["lastUsed"] or "never") for k in found]
    columns = ("LINK ID", "STATE", "LABEL", "EXPIRES", "LAST USED")
    output.table(columns, rows, empty="There is no set-up link of this connection.")


@app.command(epilog=options.examples("rosterd setup-link revoke 7Qm2kPz0aB1c -d acme -c okta"))
def revoke(
    link_id: Id,
    directory: options.DirectoryName = DEFAULT,
    connection: options.ConnectionName = DEFAULT,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Revoke a set-up link, and end what was begun with it, at once."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            line = await options.find_connection(service, home, connection)
            return _described(
                await service.access.setup_links.revoke(line, link_id, by=options.by()), connection
            )

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"Set-up link {link_id} is revoked.")


def _described(link: SetupLink, connection: str) -> dict[str, Any]:
    return {
        "id": link.id,
        "connection": connection,
        "label": link.label,
        "state": link.state(now()),
        "created": output.iso(link.created),
        "expires": output.iso(link.expires),
        "revoked": output.iso(link.revoked),
        "lastUsed": output.iso(link.last_used),
    }
