"""The command line: one file a command. ``main`` is the entry point."""

from importlib import metadata
from typing import Annotated

import typer

from rosterd.cli import (
    account,
    administrator,
    audit,
    client,
    connection,
    delivery,
    demo,
    directory,
    doctor,
    events,
    exits,
    export,
    import_file,
    key,
    mapping,
    migrate,
    reconcile,
    requests,
    serve,
    settings,
    setup_link,
    simulate,
    token,
    undo,
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
connection.app.command(epilog=undo.EXAMPLES)(undo.undo)
app.add_typer(connection.app, name="connection", no_args_is_help=True)
app.add_typer(account.app, name="account", no_args_is_help=True)
app.add_typer(token.app, name="token", no_args_is_help=True)
app.add_typer(key.app, name="key", no_args_is_help=True)
app.add_typer(client.app, name="client", no_args_is_help=True)
app.add_typer(setup_link.app, name="setup-link", no_args_is_help=True)
app.add_typer(administrator.app, name="administrator", no_args_is_help=True)
app.add_typer(events.app, name="events", no_args_is_help=True)
app.add_typer(mapping.app, name="mapping", no_args_is_help=True)
app.add_typer(delivery.app, name="webhook", no_args_is_help=True)
app.add_typer(requests.app, name="requests", no_args_is_help=True)
app.add_typer(audit.app, name="audit", no_args_is_help=True)
app.add_typer(settings.app, name="settings", no_args_is_help=True)
app.command(epilog=export.EXAMPLES)(export.export)
app.command("import", epilog=import_file.EXAMPLES)(import_file.import_)
app.command(epilog=reconcile.EXAMPLES)(reconcile.reconcile)
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
