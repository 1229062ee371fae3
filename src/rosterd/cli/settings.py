"""``rosterd settings``: what holds for the whole installation; a running server takes it up by itself."""

from typing import Annotated, Any

import typer

from rosterd.cli import exits, options, output
from rosterd.scim import errors
from rosterd.service.preferences import PREFERENCES, Value, described
from rosterd.wiring import Service

app = typer.Typer(help="Settings of the installation, such as how long events are kept.")

DEFAULT = "default"


@app.command(epilog=options.examples("rosterd settings show", "rosterd settings show --json"))
def show(data: options.Data = options.DEFAULT_DATA, json: options.Json = False) -> None:
    """Show every setting of the installation and what it means."""

    async def work() -> dict[str, Any]:
        async with options.existing_service(data) as service:
            return await _described(service)

    _show(exits.run(work()), json)


@app.command(
    "set",
    epilog=options.examples(
        "rosterd settings set eventRetentionDays=90",
        "rosterd settings set requestLogBodies=false requestLogRetentionDays=3",
        "rosterd settings set eventRetentionDays=default",
    ),
)
def set_(
    values: Annotated[
        list[str],
        typer.Argument(
            help="What to set, each as NAME=VALUE; 'default' as the value takes it back.",
            metavar="NAME=VALUE...",
            show_default=False,
        ),
    ],
    data: options.Data = options.DEFAULT_DATA,
    json: options.Json = False,
) -> None:
    """Change settings of the installation, all of those given or none."""

    async def work() -> dict[str, Any]:
        chosen = dict(map(_read, values))
        async with options.existing_service(data) as service:
            await service.preferences.change(chosen, by=options.by())
            return await _described(service)

    _show(exits.run(work()), json)


def _read(text: str) -> tuple[str, Value | None]:
    """A name with its value. Raises ``InvalidValue``."""
    name, equals, value = text.partition("=")
    row = PREFERENCES.get(name)
    if not equals or row is None:
        raise errors.InvalidValue(
            f"'{text}': give NAME=VALUE, the name being one of {', '.join(PREFERENCES)}."
        )
    return name, None if value == DEFAULT else row.parse(value)


async def _described(service: Service) -> dict[str, Any]:
    return {**described(await service.preferences.get()), "fixed": list(service.preferences.fixed)}


def _show(found: dict[str, Any], json: bool) -> None:
    if json:
        output.as_json(found)
        return
    rows = [
        (
            name,
            str(found[name]).lower(),
            row.variable if name in found["fixed"] else "-",
            row.meaning.replace("`", ""),
        )
        for name, row in PREFERENCES.items()
    ]
    output.table(("SETTING", "VALUE", "FIXED BY", "MEANING"), rows, empty="")
