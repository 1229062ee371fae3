"""``rosterd reconcile``: the application's list of accounts held against a directory, and adopted."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from rosterd.cli import codes, exits, options, output
from rosterd.cli.export import progress
from rosterd.http.api.reconciliation import reported
from rosterd.scim import errors
from rosterd.service.account_list import read_accounts
from rosterd.service.caller import Caller
from rosterd.service.reconciliation import FAILED, PORTION, UNKNOWN, Account, Outcome, Report
from rosterd.wiring import Service
from rosterd.wiring.ids import new_request_id

EXAMPLES = options.examples(
    "rosterd reconcile accounts.csv --directory acme",
    "rosterd reconcile accounts.csv --directory acme --adopt --connection okta",
)
MOST_TOLD: Final = 50


def reconcile(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV file with the columns account, userName, email, id, active, displayName; "
            "all but the first may be left out.",
            exists=True,
            dir_okay=False,
        ),
    ],
    data: options.Data = options.DEFAULT_DATA,
    directory: options.DirectoryName = "default",
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Make users of the accounts that nobody provisioned, for --connection."),
    ] = False,
    connection: options.ConnectionName = "default",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hold the application's own list of accounts against a directory, and say where they differ.

    Without --adopt it changes nothing. With it, accounts that nobody provisioned become users that wait for
    the connection's identity provider: its first POST of their userName finds them instead of a conflict.
    Ends with 1 if anything differs.
    """

    async def work() -> tuple[Report, list[Outcome]]:
        accounts = _accounts(file)
        async with options.existing_service(data) as service:
            home = await options.find_directory(service, directory)
            report = await service.reconciliation.compare(home, accounts)
            outcomes: list[Outcome] = []
            if adopt:
                line = await options.find_connection(service, home, connection)
                model = service.admission.model_of(home)
                caller = Caller.within(home, line, model, new_request_id())
                unknown = {one.account for one in report.findings if one.what == UNKNOWN}
                wanted = [one for one in accounts if one.account in unknown]
                outcomes = await _adopt(service, caller, wanted, show=not quiet)
            return report, outcomes

    report, outcomes = exits.run(work())
    failed = [outcome for outcome in outcomes if outcome.what == FAILED]
    if json:
        told: dict[str, Any] = reported(report, len(report.findings))
        told["adopted"] = [outcome.to_json() for outcome in outcomes]
        output.as_json(told)
    else:
        _show(report, outcomes, failed)
    if failed or (report.findings and not adopt):
        raise typer.Exit(codes.FAILED)


async def _adopt(service: Service, caller: Caller, accounts: list[Account], *, show: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with progress("Adopting", len(accounts), show=show) as step:
        for start in range(0, len(accounts), PORTION):
            portion = accounts[start : start + PORTION]
            outcomes += await service.reconciliation.adopt(caller, portion, by=options.by())
            step(len(portion))
    return outcomes


def _show(report: Report, outcomes: list[Outcome], failed: list[Outcome]) -> None:
    rows = [(one.what, one.name, one.account or "-", one.detail) for one in report.findings[:MOST_TOLD]]
    output.table(("WHAT", "USER", "ACCOUNT", "WHAT TO DO"), rows, empty="Everything agrees.")
    if len(report.findings) > MOST_TOLD:
        output.line(f"… and {len(report.findings) - MOST_TOLD} more; --json tells all")
    output.fields({what: f"{count:,}" for what, count in sorted(report.counts.items())})
    if outcomes:
        output.line(f"adopted {len(outcomes) - len(failed):,}")
    for outcome in failed[:MOST_TOLD]:
        output.complain(f"{outcome.account}: {outcome.detail}")


def _accounts(file: Path) -> list[Account]:
    """The accounts in a file. Raises ``InvalidValue``."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        try:
            return read_accounts(text)
        except errors.InvalidValue as error:
            raise errors.InvalidValue(f"{file}, {error.detail}") from error
