"""Undo of a connection: what would be given back since a moment, and, once seen, the run."""

from datetime import UTC, datetime
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.connections import FUSE
from rosterd.service.control import Connection, Directory
from rosterd.service.standing import ACTIVE
from rosterd.service.undo import SHOWN, Plan
from rosterd.service.visitor import OPERATOR, VIEWER

_ONE: Final = "/directories/{directory}/connections/{connection}/undo"

WORDS: Final = {
    "revived": "accounts and groups brought back",
    "activated": "accounts activated again",
    "deactivated": "accounts deactivated again",
    "updated": "changed back",
    "deleted": "deleted, as the connection had made them",
    "membersAdded": "members put back into groups",
    "membersRemoved": "members taken out of groups",
    "conflicts": "left alone, as others changed them since",
    "lost": "cannot be brought back",
}
"""What the counts of a plan mean."""


async def show_undo(console: Console, request: PageRequest) -> Reply:
    """GET …/undo; with ``since`` a preview."""
    directory, line = await console.connection(request)
    text = request.query.get("since", "")
    if not text:
        return _page(console, request, directory, line, _likely(line), None, "")
    try:
        since = _moment(text)
        plan = await console.undo.preview(directory, line, since)
    except (errors.InvalidValue, errors.Gone) as error:
        return _page(console, request, directory, line, text, None, error.detail, error.status)
    return _page(console, request, directory, line, text, plan, "")


async def run_undo(console: Console, request: PageRequest) -> Reply:
    """POST …/undo."""
    directory, line = await console.connection(request)
    Form(request).require_consent()
    text = request.text("since")
    try:
        plan = await console.undo.run(directory, line, _moment(text), by=request.visitor.actor)
    except (errors.Conflict, errors.InvalidValue, errors.Gone) as error:
        return _page(console, request, directory, line, text, None, error.detail, error.status)
    done = [f"{WORDS[name]}: {count:,}" for name, count in plan.counts.items() if count]
    to = path("directories", directory.name, "connections", line.name, "undo")
    return console.redirect(request, to, f"Undone: {'; '.join(done) or 'nothing was to be done'}.")


def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    since: str,
    plan: Plan | None,
    error: str,
    status: int = 200,
) -> Reply:
    return console.page(
        request,
        "undo.html",
        status,
        directory=directory,
        line=line,
        since=since,
        plan=plan,
        changes=sorted(plan.changes, key=lambda one: one.verb != "deleted") if plan else (),
        error=error,
        words=WORDS,
        shown=SHOWN,
        active=line.standing.state == ACTIVE,
    )


_LAST: Final = 253_370_764_800_000
"""The year 9999, in ms: behind its last hours there is no date."""


def _moment(text: str) -> int:
    """``2026-11-24T17:05`` in UTC as ms. Raises ``InvalidValue``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.InvalidValue("Since: a date and a time, such as 2026-11-24 17:05.") from error
    at = int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
    if not 0 <= at < _LAST:
        raise errors.InvalidValue("Since: a time between 1970 and 9998.")
    return at


def _likely(line: Connection) -> str:
    """When the window began in which the fuse paused it; else nothing."""
    if line.standing.by != FUSE or line.standing.since is None:
        return ""
    began = line.standing.since - line.policy.limits.fuse_window * 1000
    return datetime.fromtimestamp(began / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


PAGES: Final = (Page("GET", _ONE, VIEWER, show_undo), Page("POST", _ONE, OPERATOR, run_undo))
