"""The application's own accounts held against a directory, and those that nobody provisioned adopted."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.account_list import COLUMNS, read_accounts
from rosterd.service.caller import Caller
from rosterd.service.control import Directory
from rosterd.service.reconciliation import (
    ADOPTED,
    FAILED,
    MISSING,
    PORTION,
    RENAMED,
    TO_ACTIVATE,
    TO_DEACTIVATE,
    UNKNOWN,
    Account,
    Outcome,
    Report,
)
from rosterd.service.visitor import OPERATOR, VIEWER

MOST: Final = 1024 * 1024
"""Characters of a list."""
FORM: Final = 4 * MOST
"""Bytes of the form that carries it: what is no letter or digit takes three."""
SHOWN: Final = 500
"""Findings in one page; all are counted."""
AT_ONCE: Final = 1000
"""Accounts adopted by one click, so that an answer does not take minutes."""
_ONE: Final = "/directories/{directory}/reconcile"

MEANINGS: Final = {
    UNKNOWN: ("Unknown", "warn", "your application has it, nobody provisioned it"),
    MISSING: ("Missing", "warn", "active here, and your application does not have it"),
    TO_DEACTIVATE: ("Should be inactive", "bad", "active in your application, inactive or deleted here"),
    TO_ACTIVATE: ("Should be active", "warn", "inactive in your application, active here"),
    RENAMED: ("Renamed", "dim", "found by its id, with another user name"),
}
"""Each kind of finding: its word, its tone, what it means."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of adopting."""

    connection: str
    count: int
    failed: tuple[Outcome, ...]
    left: int
    """Unknown accounts that were not tried yet."""


async def show_form(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/reconcile."""
    return await _page(console, request, await console.directory(request), "")


async def compare(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/reconcile: a report, which changes nothing."""
    directory = await console.directory(request)
    text = request.form.get("accounts", "")
    try:
        report = await console.reconciliation.compare(directory, _accounts(text))
    except errors.InvalidValue as error:
        return await _page(console, request, directory, text, wrong=error.detail)
    return await _page(console, request, directory, text, report)


async def adopt(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/reconcile/adopt."""
    directory = await console.directory(request)
    form = Form(request)
    form.require_consent()
    name = form.text("connection", 63)
    line = await console.registry.connection(directory.id, name)
    if line is None:
        raise errors.NotFound(f"Directory '{directory.name}' has no connection '{name}'.")
    text = request.form.get("accounts", "")
    try:
        accounts = _accounts(text)
        report = await console.reconciliation.compare(directory, accounts)
    except errors.InvalidValue as error:
        return await _page(console, request, directory, text, wrong=error.detail)
    unknown = {one.account for one in report.findings if one.what == UNKNOWN}
    wanted = [one for one in accounts if one.account in unknown]
    caller = Caller.within(directory, line, console.model_of(directory), request.request_id)
    outcomes: list[Outcome] = []
    for start in range(0, min(len(wanted), AT_ONCE), PORTION):
        portion = wanted[start : start + PORTION]
        outcomes += await console.reconciliation.adopt(caller, portion, by=request.visitor.actor)
    counts = Counter(one.what for one in outcomes)
    failed = tuple(one for one in outcomes if one.what == FAILED)
    done = Adopted(line.name, counts[ADOPTED], failed, len(wanted) - len(outcomes))
    report = await console.reconciliation.compare(directory, accounts)
    return await _page(console, request, directory, text, report, done)


def _accounts(text: str) -> list[Account]:
    if not text.strip():
        raise errors.InvalidValue("Paste the list of your application's accounts.")
    if len(text) > MOST:
        raise errors.InvalidValue(
            f"At most {MOST:,} characters here, not {len(text):,}. 'rosterd reconcile' takes longer lists."
        )
    return read_accounts(text.strip().splitlines(keepends=True))


async def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    text: str,
    report: Report | None = None,
    done: Adopted | None = None,
    *,
    wrong: str = "",
) -> Reply:
    found = sorted(report.findings, key=lambda one: list(MEANINGS).index(one.what)) if report else []
    return console.page(
        request,
        "reconcile.html",
        400 if wrong else 200,
        directory=directory,
        text=text,
        wrong=wrong,
        report=report,
        rows=found[:SHOWN],
        total=len(found),
        done=done,
        meanings=MEANINGS,
        columns=COLUMNS,
        connections=[one.name for one in await console.control.connections(directory.id)],
        at_once=AT_ONCE,
    )


PAGES: Final = (
    Page("GET", _ONE, VIEWER, show_form),
    Page("POST", _ONE, VIEWER, compare, most=FORM),
    Page("POST", f"{_ONE}/adopt", OPERATOR, adopt, most=FORM),
)
