"""``rosterd serve``: run the server; the first run says what to paste where."""

import asyncio
import contextlib
import signal
from typing import Any, NoReturn

from rich.panel import Panel
from rich.text import Text

from rosterd.cli import exits, options, output
from rosterd.http.scim import SCIM_PATH
from rosterd.wiring import FirstOwner, FirstRun, Settings, open_service
from rosterd.wiring.server import Ready
from rosterd.wiring.server import serve as run_server
from rosterd.wiring.settings import unknown_variables
from rosterd.wiring.workers import supervise

EXAMPLES = options.examples(
    "rosterd serve",
    "rosterd serve --data /var/lib/rosterd --port 8080 --base-url https://scim.example.com",
    "ROSTERD_DATABASE_URL=postgres://rosterd@db.example.com/rosterd rosterd serve --workers 4",
    "rosterd serve --schemas device-schema.json --resource-types device-type.json",
)


def serve(
    data: options.Data = options.DEFAULT_DATA,
    host: options.Host = None,
    port: options.Port = None,
    base_url: options.BaseUrl = None,
    workers: options.Workers = None,
    schemas: options.Schemas = None,
    resource_types: options.ResourceTypes = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Serve SCIM 2.0 from a data directory until Ctrl-C.

    The first run makes the data directory, a directory, a connection, a token and the console's owner
    'admin', and prints the SCIM base URL, the token, what to paste where, and the password of 'admin'.
    Token and password are printed this once only. 'rosterd token create' and 'rosterd administrator
    password admin' make others at any time.
    """
    with exits.faults():
        settings = Settings.from_env(data=data, host=host, port=port, base_url=base_url, workers=workers)
        for name, meant in unknown_variables():
            hint = f"; is {meant} meant?" if meant else ""
            output.complain(f"The variable {name} is none that rosterd knows, and does nothing{hint}")
        definitions = (options.read_definitions(schemas), options.read_definitions(resource_types))
        made = asyncio.run(_define(settings, *definitions)) if any(definitions) else None

        def on_ready(ready: Ready) -> None:
            first_run = ready.first_run or made
            url = (settings.base_url or ready.url).rstrip("/")
            place = str(settings.data) if settings.database_url is None else "PostgreSQL"
            _announce(url, first_run, ready.owner, place, json, quiet)

        # Until there is an event loop, which has handlers of its own; a service manager sees a good end.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        with contextlib.suppress(KeyboardInterrupt):
            (run_server if settings.workers == 1 else supervise)(settings, on_ready)


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


async def _define(settings: Settings, schemas: list[Any], resource_types: list[Any]) -> FirstRun | None:
    """Add definitions to the default directory, before the server reads them."""
    async with open_service(settings) as service:
        first_run = await service.setup()
        directory = await service.ensure_default_directory()
        await service.directories.define(directory, schemas, resource_types, by=options.by())
        return first_run


def _announce(
    url: str, first_run: FirstRun | None, owner: FirstOwner | None, place: str, json: bool, quiet: bool
) -> None:
    scim_url, console = url + SCIM_PATH, _console(url, owner)
    token = first_run.token_text if first_run else None
    if json:
        user, password = (owner.name, owner.password) if owner else (None, None)
        log_in = {"url": f"{url}/", "user": user, "password": password}
        output.as_json(
            {"baseUrl": scim_url, "firstRun": token is not None, "token": token, "console": log_in}
        )
    elif quiet:
        if token:
            output.line(token)
    elif token is None:
        output.line(f"rosterd serves {place} at {scim_url} (Ctrl-C stops it)")
        output.fields(dict(console))
    elif output.is_terminal():
        output.console().print(_panel(scim_url, token, console))
    else:
        output.line("rosterd is running. First run: directory, connection and token 'default' were made.")
        output.line()
        output.fields({"SCIM base URL": scim_url, "Token (shown only now)": token, **dict(console)})
        output.line()
        for name, value in _okta(scim_url, token):
            output.line(f"{name}: {value}")


def _console(url: str, owner: FirstOwner | None) -> tuple[tuple[str, str], ...]:
    """Where the console is, and on the first run what to log in with."""
    rows = (("Console", f"{url}/"),)
    if owner is None:
        return rows
    return (*rows, ("Log in as", owner.name), ("Password (shown only now)", owner.password))


def _okta(scim_url: str, token: str) -> tuple[tuple[str, str], ...]:
    """What to paste where; Okta's own words on the left."""
    rows = (
        ("Okta", "Applications → your app → Provisioning → Integration"),
        ("SCIM 2.0 connector base URL", scim_url),
        ("Unique identifier field for users", "userName"),
        (
            "Supported provisioning actions",
            "Import New Users and Profile Updates, Push New Users, Push Profile Updates, Push Groups",
        ),
        ("Authentication Mode", "HTTP Header"),
        ("Authorization (Bearer)", token),
        ("Then", "Test Connector Configuration, Save"),
    )
    if scim_url.startswith("https://"):
        return rows
    note = "Okta needs https: put rosterd behind TLS and start it with --base-url https://your.host"
    return (*rows, ("Note", note))


def _panel(scim_url: str, token: str, console: tuple[tuple[str, str], ...]) -> Panel:
    """Each value on a line of its own, so that a token is whole on a terminal of 80 columns."""
    text = Text()
    rows = (("SCIM base URL", scim_url), ("Token, shown only now; keep it in your vault", token), *console)
    for name, value in rows:
        text.append(f"{name}\n", "bold")
        text.append(f"  {value}\n", "green")
    text.append("\nWhat to paste where\n", "bold underline")
    for name, value in _okta(scim_url, token):
        text.append(f"{name}\n", "bold")
        text.append(f"  {value}\n")
    text.rstrip()
    return Panel.fit(text, title="rosterd is running", subtitle="Ctrl-C stops it", border_style="green")
