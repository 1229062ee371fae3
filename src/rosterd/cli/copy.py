"""``rosterd copy``: move an installation into another database, of either engine, and check it there."""

import time
from dataclasses import asdict
from typing import Annotated, Final

import typer

from rosterd.cli import exits, options, output
from rosterd.cli.export import progress
from rosterd.wiring import moving

EXAMPLES = options.examples(
    "rosterd copy sqlite:/var/lib/rosterd postgres://rosterd@db.example.com/rosterd",
    "rosterd copy postgres://rosterd@db.example.com/rosterd sqlite:/var/lib/rosterd --replace",
)

_SERVED: Final = "A server may have gone on meanwhile: the copy is of one moment, and marked as restored."
_TO_POSTGRES: Final = "Now set ROSTERD_DATABASE_URL to the target's address, and start rosterd."
_TO_FILE: Final = "Now unset ROSTERD_DATABASE_URL, and start rosterd with --data and the target's directory."


def copy(
    source: Annotated[
        str, typer.Argument(help="sqlite: and a data directory, or postgres://…; it is only read.")
    ],
    target: Annotated[str, typer.Argument(help="The same; it must not hold data.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace data that is there, and keep it beside.")
    ] = False,
    while_serving: Annotated[
        bool, typer.Option("--while-serving", help="Servers may go on with the source.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Copy all data of an installation into another database. Stop all servers first.

    Everything is read again in the target and compared; until that has ended well, no server takes the
    target. Tokens, keys, sessions, secrets, numbers of events and cursors are the same, so servers go on with
    the target as if nothing had happened. What servers change meanwhile is not in the copy; with
    --while-serving it is therefore marked as a restored backup is. Let libpq's password file or PGPASSWORD
    hold the password: other users of the machine can see what is on a command line.
    """
    with exits.faults():
        places = moving.place(source), moving.place(target)
        began = time.monotonic()
        with progress("Rows", 0, show=not (json or quiet)) as advance:
            moved = moving.move(*places, options.by(), replace=replace, serving=while_serving, tell=advance)
        seconds = round(time.monotonic() - began, 2)
    if json:
        output.as_json(
            {
                "former": moved.former,
                "seconds": seconds,
                "markedAsRestored": while_serving,
                **asdict(moved.contents),
            }
        )
        return
    if quiet:
        return
    output.line(f"Everything is copied and compared ({seconds} s).")
    output.fields({name: f"{count:,}" for name, count in asdict(moved.contents).items()})
    if moved.former is not None:
        output.line(f"The former data of the target is {moved.former}.")
    if while_serving:
        output.line(_SERVED)
    output.line(_TO_POSTGRES if places[1].database_url else _TO_FILE)
