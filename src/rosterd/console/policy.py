"""What a connection is called and may do, as a form: name, profile, reach, deletion, rates, and the fuse."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.scim.profiles import PROFILES
from rosterd.service.connections import ON_DELETE, REACHES
from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import FUSE_FLOOR, RANGES, Limits
from rosterd.service.visitor import OPERATOR, VIEWER

_ONE: Final = "/directories/{directory}/connections/{connection}/policy"

READINGS: Final = (
    ("auto", "Any client: understands the habits of all that are known"),
    ("okta", "Okta"),
    ("entra", "Microsoft Entra ID"),
    ("strict", "Strict: RFC 7643 and RFC 7644 to the letter"),
)
"""What the profiles are called."""


def _present(line: Connection) -> dict[str, str]:
    return {"name": line.name, "profile": line.profile, **described(line.policy)}


def described(policy: Policy) -> dict[str, str]:
    """A policy as the fields of the form have it."""
    limits = {name: str(value) for name, value in asdict(policy.limits).items()}
    return {"reach": policy.reach, "on_delete": policy.on_delete, **limits}


def policy_of(form: Form) -> Policy:
    """The policy that a form brings; what is wrong is in its ``errors``."""
    numbers = {name: form.number(name, *RANGES[name]) for name in RANGES}
    return Policy(form.choice("reach", REACHES), form.choice("on_delete", ON_DELETE), Limits(**numbers))


def spoken(seconds: int) -> str:
    """A length of time, in the largest unit that fits it without a rest."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:,} seconds"


async def show_policy(console: Console, request: PageRequest) -> Reply:
    """GET …/policy."""
    directory, line = await console.connection(request)
    return _page(console, request, directory, line, _present(line), {}, 200)


async def change_policy(console: Console, request: PageRequest) -> Reply:
    """POST …/policy."""
    directory, line = await console.connection(request)
    form = Form(request)
    name, profile, policy = form.text("name", 100), form.choice("profile", PROFILES), policy_of(form)
    if form.errors:
        return _page(console, request, directory, line, form.values, form.errors, 400)
    try:
        saved = await console.connections.update(
            line,
            by=request.visitor.actor,
            name=name if form.is_changed("name") else None,
            profile=profile if form.is_changed("profile") else None,
            policy=_changed(line.policy, policy, form),
        )
    except (errors.InvalidValue, errors.Uniqueness) as error:
        wrong = {"name": error.detail}
        return _page(console, request, directory, line, form.values, wrong, error.status)
    to = path("directories", directory.name, "connections", saved.name, "policy")
    called = "" if saved.name == line.name else f"Connection '{line.name}' is called '{saved.name}' now. "
    return console.redirect(request, to, f"{called}The policy is saved. It holds from the next request on.")


def _changed(present: Policy, wanted: Policy, form: Form) -> Policy:
    """The present policy with what was changed on the page."""
    limits = {name: value for name, value in asdict(wanted.limits).items() if form.is_changed(name)}
    return Policy(
        wanted.reach if form.is_changed("reach") else present.reach,
        wanted.on_delete if form.is_changed("on_delete") else present.on_delete,
        replace(present.limits, **limits),
    )


def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    values: Mapping[str, str],
    wrong: Mapping[str, str],
    status: int,
) -> Reply:
    return console.page(
        request,
        "connection_policy.html",
        status,
        shown=Form(request).shown(_present(line)),
        directory=directory,
        line=line,
        values=values,
        errors=wrong,
        readings=READINGS,
        floor=FUSE_FLOOR,
    )


PAGES: Final = (Page("GET", _ONE, VIEWER, show_policy), Page("POST", _ONE, OPERATOR, change_policy))
