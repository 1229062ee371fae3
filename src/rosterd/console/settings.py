"""Settings of the installation: what owners choose, and what the process was started with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.preferences import PREFERENCES, Preference, Value
from rosterd.service.visitor import OWNER, VIEWER

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "eventRetentionDays": ("Keep events for", "days"),
    "requestLogRetentionDays": ("Keep the request log for", "days"),
    "requestLogBodies": ("Keep bodies in the request log", ""),
    "eraseDeletedAfterDays": ("Erase deleted users after", "days"),
    "tokenWarningDays": ("Warn before a token ends", "days"),
    "signingKeyDays": ("Change the signing key after", "days"),
    "secondFactorRequired": ("Require a second factor", ""),
}
"""What a setting is called here, and its unit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One setting as the form shows it."""

    name: str
    label: str
    unit: str
    hint: str
    value: str
    """What stands in the field: digits, or ``true`` or ``false``."""
    least: int
    most: int
    boolean: bool
    fixed: str
    """The environment variable that fixes it; ``""`` if it may be chosen."""


async def show_settings(console: Console, request: PageRequest) -> Reply:
    """GET /settings."""
    _require_unbound(request)
    return await _page(console, request, {})


async def change_settings(console: Console, request: PageRequest) -> Reply:
    """POST /settings."""
    _require_unbound(request)
    form = Form(request)
    wanted: dict[str, Value | None] = {}
    for name, row in PREFERENCES.items():
        if name in console.preferences.fixed:
            continue
        text = form.text(name)
        if not form.is_changed(name):
            continue
        try:
            wanted[name] = row.parse(text) if text else None
        except errors.InvalidValue:
            form.errors[name] = f"A whole number from {row.least:,} to {row.most:,}; empty for the default."
    if form.errors:
        return await _page(console, request, form.errors)
    await console.preferences.change(wanted, by=request.visitor.actor)
    return console.redirect(request, "/settings", "The settings are kept; they hold from now on.")


async def _page(console: Console, request: PageRequest, wrong: Mapping[str, str]) -> Reply:
    present = await console.preferences.get()
    choices = []
    for name, row in PREFERENCES.items():
        fixed = row.variable if name in console.preferences.fixed else ""
        value = request.form.get(name, "") if wrong and not fixed else _shown(getattr(present, row.field))
        choices.append(_choice(name, row, value, fixed))
    return console.page(
        request,
        "settings.html",
        400 if wrong else 200,
        choices=choices,
        shown=Form(request).shown({n: _shown(getattr(present, row.field)) for n, row in PREFERENCES.items()}),
        wrong=wrong,
        facts=console.facts(),
        public_url=console.public_url,
        openid=console.openid.name if console.openid else "",
    )


def _choice(name: str, row: Preference, value: str, fixed: str) -> Choice:
    label, unit = _WORDS[name]
    default = _shown(row.default)
    said = {"true": "yes", "false": "no"}.get(default, default)
    hint = f"{row.meaning.replace('`', '')} The default is {said}."
    boolean = isinstance(row.default, bool)
    return Choice(name, label, unit, hint, value, row.least, row.most, boolean, fixed)


def _shown(value: Value) -> str:
    return str(value).lower()


def _require_unbound(request: PageRequest) -> None:
    if request.visitor.directory is not None:
        raise errors.Forbidden("Settings are of the whole installation; you look after one directory of it.")


PAGES: Final = (
    Page("GET", "/settings", VIEWER, show_settings),
    Page("POST", "/settings", OWNER, change_settings),
)
