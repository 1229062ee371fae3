"""``rosterd simulate``: an identity provider's conversation with any SCIM server, judged step by step."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from rosterd.cli import codes, options, output
from rosterd.simulator import (
    ENTRA,
    OKTA,
    Client,
    Manner,
    Step,
    Verdict,
    clean_up_steps,
    entra_steps,
    okta_steps,
    run,
)

app = typer.Typer(help="Play an identity provider against any SCIM 2.0 server and judge every answer.")


class Style(StrEnum):
    """How the Okta app was made."""

    PATCH = "patch"
    PUT = "put"


def _check_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("the SCIM base URL begins with https:// or http://")
    return url


Url = Annotated[
    str,
    typer.Argument(
        help="SCIM base URL, e.g. https://scim.example.com/scim/v2.",
        callback=_check_url,
        show_default=False,
    ),
]
Token = Annotated[
    str, typer.Argument(help="Bearer token.", envvar="ROSTERD_TOKEN", show_default=False, show_envvar=True)
]
CleanUp = Annotated[
    bool, typer.Option("--clean-up", help="Delete the users at the end, which Okta itself never does.")
]


@app.command(
    epilog=options.examples(
        "rosterd simulate okta http://127.0.0.1:8000/scim/v2 $TOKEN",
        "rosterd simulate okta http://127.0.0.1:8000/scim/v2 $TOKEN --style put --json",
    )
)
def okta(
    url: Url,
    token: Token,
    style: Annotated[
        Style,
        typer.Option(
            help="patch: apps of the integration network and template apps; put: apps made in the wizard."
        ),
    ] = Style.PATCH,
    clean_up: CleanUp = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Do what Okta does: credential test, import, users, passwords, deactivation, group push.

    It makes three users and two groups under fresh names. The groups are deleted at the end, the
    users are left deactivated. Exit code 1 if a step fails.
    """
    steps = okta_steps(secrets.token_hex(3), style.value)
    if clean_up:
        steps = (*steps, *clean_up_steps())
    _play(f"Okta ({style.value.upper()} style)", OKTA, url, token, steps, json, quiet)


@app.command(
    epilog=options.examples(
        "rosterd simulate entra http://127.0.0.1:8000/scim/v2 $TOKEN",
        "rosterd simulate entra http://127.0.0.1:8000/scim/v2 $TOKEN --no-compliant",
    )
)
def entra(
    url: Url,
    token: Token,
    compliant: Annotated[
        bool,
        typer.Option("--compliant/--no-compliant", help="With or without the tenant flag aadOptscim062020."),
    ] = True,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Do what Microsoft Entra ID does: probe, match, create, update, managers, groups, delete.

    It makes three users and a group under fresh names and deletes them again. Exit code 1 if a
    step fails.
    """
    steps = entra_steps(secrets.token_hex(3), compliant=compliant)
    name = f"Entra ({'with' if compliant else 'without'} compliance flag)"
    _play(name, ENTRA, url, token, steps, json, quiet)


def _play(
    name: str, manner: Manner, url: str, token: str, steps: Sequence[Step], json: bool, quiet: bool
) -> None:
    async def work() -> list[Verdict]:
        verdicts: list[Verdict] = []
        async for verdict in _until_silent(steps, url, token, manner):
            verdicts.append(verdict)
            if not json and not (quiet and verdict.ok):
                _show(verdict, first=len(verdicts) == 1 or verdicts[-2].section != verdict.section)
        return verdicts

    if not json and not quiet:
        output.line(f"{name} → {url}")
    verdicts = asyncio.run(work())
    failed = sum(not verdict.ok for verdict in verdicts)
    passed = len(verdicts) - failed
    left = len(steps) - len(verdicts)
    if json:
        output.as_json(_as_json(name, url, verdicts, passed, failed, left))
    else:
        _total(passed, failed, left)
    if failed:
        raise typer.Exit(codes.FAILED)


async def _until_silent(
    steps: Sequence[Step], url: str, token: str, manner: Manner
) -> AsyncIterator[Verdict]:
    """The verdicts; ends early when the server does not answer at all."""
    async with Client(url, token, manner) as client:
        async for verdict in run(steps, client):
            yield verdict
            if verdict.status == 0 and verdict.requests:
                return


def _show(verdict: Verdict, *, first: bool) -> None:
    console = output.console()
    if first:
        console.print(f"\n[bold]{escape(verdict.section)}[/bold]")
    mark = output.GOOD if verdict.ok else output.BAD
    status = verdict.status or "–"
    sent = f"{verdict.method} {verdict.path}"
    if verdict.requests > 1:
        sent += f" ({verdict.requests} requests)"
    name = escape(verdict.step)
    if verdict.extra:
        name = f"[dim]{name}[/dim]"
    console.print(
        f"  {mark} {name}  [dim]{status}, {verdict.ms:.0f} ms  {escape(sent)}[/dim]",
        no_wrap=output.is_terminal(),
        overflow="ellipsis" if output.is_terminal() else None,
    )
    if not verdict.ok:
        console.print(f"      [red]{escape(verdict.why)}[/red]")
    for note in verdict.notes:
        console.print(f"      [yellow]note:[/yellow] {escape(note)}")


def _total(passed: int, failed: int, left: int) -> None:
    text = f"{passed} passed, {failed} failed"
    if left:
        text += f", {left} not tried because the server does not answer"
    colour = "red" if failed else "green"
    output.console().print(f"\n[{colour}]{text}[/{colour}]")


def _as_json(
    name: str, url: str, verdicts: Sequence[Verdict], passed: int, failed: int, left: int
) -> dict[str, Any]:
    return {
        "client": name,
        "url": url,
        "ok": not failed,
        "passed": passed,
        "failed": failed,
        "notTried": left,
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
