"""``rosterd key``: the credentials of the management API. A key's text is shown once, when it is made."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.lifetime import parse_lifetime
from rosterd.service.expiry import is_ending
from rosterd.service.keys import SCOPES
from rosterd.service.registry import ApiKey
from rosterd.wiring import Service
from rosterd.wiring.ids import now

app = typer.Typer(help="API keys: what a program sends to the management API below /api/v1.")

Id = Annotated[str, typer.Argument(help="Id of the key, as 'rosterd key list' shows it.", show_default=False)]


@app.command(
    epilog=options.examples(
        "rosterd key create --label deployment",
        "rosterd key create --directory acme --scope users.read --scope events.read --lifetime 90d",
        "KEY=$(rosterd key create --data DIR --quiet)",
    )
)
def create(
    directory: Annotated[
        str | None,
        typer.Option(
            "--directory", "-d", help="The only directory it may know of.", show_default="all directories"
        ),
    ] = None,
    data: options.Data = options.DEFAULT_DATA,
    lifetime: Annotated[
        int,
        typer.Option(parser=parse_lifetime, metavar="DURATION", help="60s to 10y, e.g. 90d, 12h or seconds."),
    ] = "10y",  # type: ignore[assignment]
    label: Annotated[str, typer.Option(help="What or whom it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it permits; can be repeated: {', '.join(SCOPES)}.",
            metavar="SCOPE",
            show_default="all",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make an API key and print it, this once only; also while the server runs.

    With --quiet nothing but the key is printed.
    """

    async def work() -> tuple[dict[str, Any], str]:
        async with options.first_or_existing_service(data) as service:
            home = await options.find_directory(service, directory) if directory else None
            key, text = await service.keys.create(
                by=options.by(),
                label=label,
                scopes=scope or tuple(SCOPES),
                directory=home.id if home else None,
                lifetime=lifetime,
            )
            return _described(key, directory), text

    described, text = exits.run(work())
    if json:
        output.as_json({**described, "key": text})
        return
    output.line(text)
    if not quiet:
        output.line()
        _show(described)
        output.line("The first line is the key. It is not shown again.")


@app.command("list", epilog=options.examples("rosterd key list", "rosterd key list --json"))
def list_(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List the API keys, newest first, without their secrets."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            names = await _names(service)
            days = (await service.preferences.get()).token_warning_days
            return [
                {
                    **_described(key, names.get(key.directory)),
                    "expiresSoon": is_ending(key, now(), days),
                }
                for key in await service.control.keys()
            ]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [
        (k["id"], k["directory"] or "all", k["state"], k["label"], output.expiry(k), k["lastUsed"] or "never")
        for k in found
    ]
    columns = ("KEY ID", "DIRECTORY", "STATE", "LABEL", "EXPIRES", "LAST USED")
    output.table(columns, rows, empty="There is no API key yet; make one with 'rosterd key create'.")


@app.command(epilog=options.examples("rosterd key revoke 7Qm2kPz0aB1c"))
def revoke(
    key_id: Id,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Revoke an API key at once."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            await service.keys.revoke(key_id, by=options.by())
            names = await _names(service)
            key = next(key for key in await service.control.keys() if key.id == key_id)
            return _described(key, names.get(key.directory))

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"API key {key_id} is revoked.")


async def _names(service: Service) -> dict[int | None, str]:
    return {directory.id: directory.name for directory in await service.control.directories()}


def _state(key: ApiKey) -> str:
    at = now()
    if key.revoked is not None and key.revoked <= at:
        return "revoked"
    return "expired" if key.expires <= at else "valid"


def _described(key: ApiKey, directory: str | None) -> dict[str, Any]:
    return {
        "id": key.id,
        "directory": directory,
        "label": key.label,
        "scopes": list(key.scopes),
        "state": _state(key),
        "created": output.iso(key.created),
        "expires": output.iso(key.expires),
        "revoked": output.iso(key.revoked),
        "lastUsed": output.iso(key.last_used),
    }


def _show(described: dict[str, Any]) -> None:
    output.fields(
        {
            "Key id": described["id"],
            "Directory": described["directory"] or "all",
            "Label": described["label"],
            "Scopes": " ".join(described["scopes"]),
            "Expires": described["expires"],
        }
    )
