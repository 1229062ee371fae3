"""The command line: one file a command. ``main`` is the entry point."""

from importlib import metadata
from typing import Annotated

import typer

from rosterd.cli import (
    client,
    connection,
    demo,
    directory,
    doctor,
    events,
    exits,
    key,
    migrate,
    serve,
    simulate,
    token,
)

app = typer.Typer(
    name="rosterd",
    help="A self-hosted SCIM 2.0 service: identity providers push users and groups in.",
    epilog=exits.HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    # A traceback must not show what a variable holds: it may be a token.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.add_typer(simulate.app, name="simulate", no_args_is_help=True)
app.add_typer(directory.app, name="directory", no_args_is_help=True)
app.add_typer(connection.app, name="connection", no_args_is_help=True)
app.add_typer(token.app, name="token", no_args_is_help=True)
app.add_typer(key.app, name="key", no_args_is_help=True)
app.add_typer(client.app, name="client", no_args_is_help=True)
app.add_typer(events.app, name="events", no_args_is_help=True)
app.command(epilog=migrate.EXAMPLES)(migrate.migrate)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rosterd {metadata.version('rosterd')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    app()
