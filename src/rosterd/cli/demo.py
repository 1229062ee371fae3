"""``rosterd demo``: a real server on throw-away data, and an Okta-like client that fills it."""

import asyncio
import signal
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from rosterd.cli import codes, exits, options, output
from rosterd.http.scim import SCIM_PATH
from rosterd.service.control import Connection
from rosterd.simulator import Company, Summary, make_company, provision
from rosterd.simulator import Progress as Step
from rosterd.wiring import Settings, open_service
from rosterd.wiring.server import Running, start_in_thread

EXAMPLES = options.examples(
    "rosterd demo", "rosterd demo --people 2000", "rosterd demo --exit --json --people 50"
)


def demo(
    people: Annotated[int, typer.Option(help="How many people the company has.", min=1, max=100_000)] = 300,
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.", min=0, max=65535)] = 0,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 1,
    at_once: Annotated[int, typer.Option(help="Requests at the same time.", min=1, max=256)] = 16,
    leave: Annotated[
        bool, typer.Option("--exit", help="End after the summary, with exit code 0 or 1.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Start a server on throw-away data and provision a company into it, as Okta would.

    People are assigned, groups pushed, some profiles updated, some people leave and one comes
    back, memberships change; then a sample is read back and compared. The server stays up until
    Ctrl-C, and everything is thrown away.
    """
    signal.signal(signal.SIGTERM, _stop)
    company = make_company(people, seed)
    with exits.faults(), tempfile.TemporaryDirectory(prefix="rosterd-demo-") as place:
        settings = Settings.from_env({}, data=Path(place) / "data", port=port, log_level="warning")
        with start_in_thread(settings) as running:
            scim_url, token = running.base_url + SCIM_PATH, running.first_run.token_text
            asyncio.run(_lift_limits(settings, running.first_run.connection))
            if not json:
                _introduce(company, scim_url)
            summary = asyncio.run(_provision(company, scim_url, token, at_once, json))
            if json:
                output.as_json({"baseUrl": scim_url, "token": token, **_as_json(summary)})
            else:
                _show(summary)
                if not leave:
                    _console(running)
                _samples(company, scim_url, token)
            if leave:
                raise typer.Exit(codes.OK if summary.ok else codes.FAILED)
            _wait(json)


async def _lift_limits(settings: Settings, connection: Connection) -> None:
    """The demo shows how fast the server is, not how fast a connection may be."""
    limits = replace(connection.policy.limits, read_rate=0, write_rate=0)
    policy = replace(connection.policy, limits=limits)
    async with open_service(settings) as service:
        await service.connections.update(connection, by=options.by(), policy=policy)


def _stop(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _introduce(company: Company, scim_url: str) -> None:
    output.console().print(
        f"[bold]{company.name}[/bold]: {len(company.people)} people, {len(company.groups)} groups, "
        f"{company.memberships} memberships\nSCIM base URL: [cyan]{scim_url}[/cyan]\n"
    )


async def _provision(company: Company, scim_url: str, token: str, at_once: int, json: bool) -> Summary:
    """Run the sync with a bar for each phase; elsewhere than on a terminal with a line for each."""
    summary: Summary | None = None
    with Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[rate]}[/dim]"),
        TimeElapsedColumn(),
        console=output.console(),
        disable=json or not output.is_terminal(),
    ) as bars:
        tasks: dict[str, TaskID] = {}
        async for value in provision(company, scim_url, token, concurrency=at_once):
            if isinstance(value, Summary):
                summary = value
            else:
                _advance(bars, tasks, value, plain=not json and not output.is_terminal())
    if summary is None:
        raise RuntimeError("the provisioning ended without a summary")
    return summary


def _advance(bars: Progress, tasks: dict[str, TaskID], step: Step, *, plain: bool) -> None:
    if plain:
        if step.done == step.total:
            output.line(f"{step.phase:<20} {step.done}/{step.total}")
        return
    rate = f"{step.requests / step.seconds:,.0f} requests/s" if step.seconds else ""
    if step.phase not in tasks:
        tasks[step.phase] = bars.add_task(step.phase, total=step.total, rate=rate)
    bars.update(tasks[step.phase], completed=step.done, rate=rate)


def _show(summary: Summary) -> None:
    passed = sum(verdict.ok for verdict in summary.checks)
    rows = (
        ("People created", f"{summary.created:,}"),
        ("Profiles updated", f"{summary.updated:,}"),
        ("People deactivated", f"{summary.deactivated:,}"),
        ("People reactivated, same id", f"{summary.reactivated:,}"),
        ("Groups pushed", f"{summary.groups:,}"),
        ("Memberships", f"{summary.memberships:,} ({summary.membership_changes:,} changes sent)"),
        ("Requests", f"{summary.requests:,} in {summary.seconds:.1f} s"),
        ("Requests per second", f"{summary.rate:,.0f}"),
        ("Latency p50 / p99", f"{summary.p50_ms:.1f} ms / {summary.p99_ms:.1f} ms"),
        ("Errors", str(len(summary.errors))),
        ("Checks passed", f"{passed} of {len(summary.checks)}"),
    )
    output.line()
    if output.is_terminal():
        grid = Table(box=None, show_header=False, padding=(0, 3, 0, 0))
        for name, value in rows:
            grid.add_row(name, f"[bold]{value}[/bold]")
        output.console().print(grid)
    else:
        output.fields(dict(rows))
    for error in summary.errors[:10]:
        output.complain(error)
    for verdict in summary.checks:
        if not verdict.ok:
            output.complain(f"{verdict.step}: {verdict.why} ({verdict.method} {verdict.path})")


def _console(running: Running) -> None:
    """Where the console is; its password is as short-lived as the data."""
    if running.owner is not None:
        output.line()
        output.fields(
            {
                "Console": f"{running.base_url}/",
                "Log in as": running.owner.name,
                "Password": running.owner.password,
            }
        )


def _samples(company: Company, scim_url: str, token: str) -> None:
    curl = 'curl -sS -H "Authorization: Bearer $TOKEN"'
    person = company.people[min(1, len(company.people) - 1)]
    output.line("\nLook around:\n")
    for text in (
        f"URL={scim_url}",
        f"TOKEN={token}",
        f'{curl} "$URL/Users?count=3"',
        f'{curl} -G "$URL/Users" --data-urlencode \'filter=userName eq "{person.user_name}"\'',
        f'{curl} -G "$URL/Groups" -d count=5 --data-urlencode \'filter=displayName sw "Project"\'',
        f'{curl} "$URL/ServiceProviderConfig"',
    ):
        output.line(f"  {text}")


def _wait(json: bool) -> None:
    if not json:
        output.line("\nThe server is up until Ctrl-C; then its data is thrown away.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def _as_json(summary: Summary) -> dict[str, Any]:
    return {
        "ok": summary.ok,
        "people": summary.people,
        "created": summary.created,
        "linked": summary.linked,
        "updated": summary.updated,
        "deactivated": summary.deactivated,
        "reactivated": summary.reactivated,
        "groups": summary.groups,
        "memberships": summary.memberships,
        "membershipChanges": summary.membership_changes,
        "requests": summary.requests,
        "retries": summary.retries,
        "seconds": round(summary.seconds, 3),
        "requestsPerSecond": round(summary.rate, 1),
        "p50Ms": round(summary.p50_ms, 2),
        "p99Ms": round(summary.p99_ms, 2),
        "errors": list(summary.errors),
        "checks": [
            {"check": verdict.step, "ok": verdict.ok, "why": verdict.why} for verdict in summary.checks
        ],
    }
