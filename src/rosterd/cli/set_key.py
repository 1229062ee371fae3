"""``rosterd set-key``: the keys that sign security event tokens; a new one is published before it signs."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.service.signing_keys import ALGORITHMS, SigningKey
from rosterd.wiring import Service

app = typer.Typer(help="Keys that sign security event tokens.")

_COLUMNS = ("KEY ID", "ALGORITHM", "STATE", "SIGNS FROM", "PUBLISHED UNTIL")


@app.command("list", epilog=options.examples("rosterd set-key list", "rosterd set-key list --json"))
def list_(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """List the keys that are published, newest first."""

    async def work() -> list[dict[str, Any]]:
        async with options.existing_service(data) as service:
            return [_described(service, key) for key in await service.signing_keys.published()]

    found = exits.run(work())
    if json:
        output.as_json(found)
        return
    rows = [(k["kid"], k["algorithm"], k["state"], k["signs"], k["ends"] or "-") for k in found]
    output.table(_COLUMNS, rows, empty="There is no key yet; the first stream makes one.")


@app.command(
    epilog=options.examples(
        "rosterd set-key rotate",
        "rosterd set-key rotate --algorithm RS256",
        "rosterd set-key rotate --at-once",
    )
)
def rotate(
    algorithm: Annotated[
        str | None,
        typer.Option(help=f"How it signs: {' or '.join(ALGORITHMS)}.", show_default="as the one before"),
    ] = None,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="After a theft: it signs now, and all others are withdrawn now."),
    ] = False,
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a new key; it is published now and signs two days later."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            key = await service.signing_keys.rotate(algorithm=algorithm, at_once=at_once, by=options.by())
            return _described(service, key)

    found = exits.run(work())
    if json:
        output.as_json(found)
    elif not quiet:
        output.line(f"Key {found['kid']} ({found['algorithm']}) signs from {found['signs']} on.")


def _described(service: Service, key: SigningKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": service.signing_keys.state(key),
        "created": output.iso(key.created),
        "signs": output.iso(key.signs),
        "ends": output.iso(key.ends),
    }
