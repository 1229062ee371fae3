"""The command line: one file a command. ``main`` is the entry point.

A command's modules are loaded when it is asked for; ``rosterd --version`` loads none of them.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module, metadata
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from rosterd.cli import codes

COMMANDS: Final = {
    "serve": "serve:serve",
    "demo": "demo:demo",
    "simulate": "simulate:app",
    "directory": "directory:app",
    "connection": "connection:app",
    "account": "account:app",
    "token": "token:app",
    "key": "key:app",
    "client": "client:app",
    "setup-link": "setup_link:app",
    "administrator": "administrator:app",
    "events": "replay:app",
    "listen": "listen:listen",
    "mapping": "mapping:app",
    "webhook": "streams:app",
    "set-key": "set_key:app",
    "requests": "requests:app",
    "audit": "audit:app",
    "settings": "settings:app",
    "export": "export:export",
    "import": "import_file:import_",
    "reconcile": "reconcile:reconcile",
    "backup": "backup:backup",
    "restore": "restore:restore",
    "mark-restored": "mark_restored:mark_restored",
    "copy": "copy:copy",
    "migrate": "migrate:migrate",
    "doctor": "doctor:doctor",
}
"""In the order of the help: a module, and in it a group ``app``, or a function that has ``EXAMPLES``."""


class _Commands(Mapping[str, Any]):
    """The commands by name, each made from its module when it is asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _made(name: str) -> Any:
    """Raises ``KeyError``."""
    module_name, _, attribute = COMMANDS[name].partition(":")
    module = import_module(f"rosterd.cli.{module_name}")
    holder = typer.Typer(rich_markup_mode=app.rich_markup_mode)
    if attribute == "app":
        holder.add_typer(module.app, name=name, no_args_is_help=True)
    else:
        holder.command(name, epilog=module.EXAMPLES)(getattr(module, attribute))
    return typer.main.get_group(holder).commands[name]


class _Root(TyperGroup):
    """The group of all commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "commands": _Commands()})


app = typer.Typer(
    name="rosterd",
    cls=_Root,
    help="A self-hosted SCIM 2.0 service: identity providers push users and groups in.",
    epilog=codes.HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    # A traceback must not show what a variable holds: it may be a token.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


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
