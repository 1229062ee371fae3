"""The second factor: the code after the password, and the app of one's own account.

A secret of an app and recovery codes are shown once, by the page that made them. At a log-in the form brings
back a ticket that the password was right; there is no session yet.
"""

from dataclasses import replace
from typing import Any, Final

import segno

from rosterd.console.context import Console
from rosterd.console.cookies import BROWSER, SESSION, place, read
from rosterd.console.request import PageRequest, local
from rosterd.console.route import Page
from rosterd.console.sign_in import login_page, retry_after, session_cookies
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.login import CodeWanted
from rosterd.service.second_factor import Offer
from rosterd.service.visitor import VIEWER

_HERE: Final = "/account/second-factor"
_ACCOUNT: Final = "/account"
_FEW: Final = 3
"""Recovery codes left at which one is told to make new ones."""
_REFUSED: Final = (
    errors.BadRequest,
    errors.Forbidden,
    errors.TooManyRequests,
    errors.Conflict,
    errors.NotFound,
)


async def log_in_by_code(console: Console, request: PageRequest) -> Reply:
    """POST /login/code: by a code of the app or a recovery code, or by the first one of an app set up now."""
    login, to = console.access.login, local(request.form.get("next", ""))
    ticket, offer, code = (request.form.get(name, "") for name in ("ticket", "offer", "code"))
    ways = {"browser": read(request, BROWSER), "replaces": read(request, SESSION)}
    try:
        if not offer:
            opened = await login.by_code(ticket, code, place(request), **ways)
            return console.redirect(request, to, "", *session_cookies(request, opened))
        opened, codes = await login.by_first_code(ticket, offer, code, place(request), **ways)
    except (errors.Unauthorized, errors.InvalidValue, errors.TooManyRequests) as error:
        again = await login.offered(ticket, offer) if offer else None
        return code_page(console, request, CodeWanted(ticket, again), to, error)
    except (errors.Forbidden, errors.Conflict) as error:
        return login_page(console, request, to, error)
    reply = console.page(request, "recovery_codes.html", codes=codes, to=to)
    return replace(reply, headers=(*reply.headers, *session_cookies(request, opened)))


def code_page(
    console: Console,
    request: PageRequest,
    wanted: CodeWanted,
    to: str,
    error: errors.ScimError | None = None,
) -> Reply:
    """The page between the password and the session."""
    status = 200 if error is None else error.status
    shown = _drawn(wanted.offer) if wanted.offer else {"offer": None}
    return retry_after(
        console.page(
            request,
            "login_code.html",
            status,
            ticket=wanted.ticket,
            to=to,
            error=error.detail if error else "",
            wait=error.retry_after if error else None,
            **shown,
        ),
        error,
    )


async def show(console: Console, request: PageRequest) -> Reply:
    """GET /account/second-factor."""
    return await _page(console, request)


async def add(console: Console, request: PageRequest) -> Reply:
    """POST /account/second-factor."""
    password, offer, code = (request.form.get(name, "") for name in ("password", "offer", "code"))
    try:
        codes = await console.access.own.add_second_factor(request.visitor, password, offer, code)
    except _REFUSED as error:
        return await _page(console, request, error)
    return console.page(request, "recovery_codes.html", codes=codes, to=_ACCOUNT)


async def renew(console: Console, request: PageRequest) -> Reply:
    """POST /account/second-factor/recovery-codes."""
    password, code = request.form.get("password", ""), request.form.get("code", "")
    try:
        codes = await console.access.own.renew_recovery_codes(request.visitor, password, code)
    except _REFUSED as error:
        return await _page(console, request, error)
    return console.page(request, "recovery_codes.html", codes=codes, to=_ACCOUNT)


async def remove(console: Console, request: PageRequest) -> Reply:
    """POST /account/second-factor/remove."""
    password, code = request.form.get("password", ""), request.form.get("code", "")
    try:
        await console.access.own.remove_second_factor(request.visitor, password, code)
    except _REFUSED as error:
        return await _page(console, request, error)
    return console.redirect(
        request, _ACCOUNT, "Your second factor is removed. All your other sessions have ended."
    )


async def _page(console: Console, request: PageRequest, error: errors.ScimError | None = None) -> Reply:
    own = await console.access.administrators.find(request.visitor.actor.id)
    if own.password is None:
        raise errors.NotFound("You log in by the OpenID provider, which may ask for a second factor itself.")
    status = 200 if error is None else error.status
    shown: dict[str, Any] = {"own": own, "error": error.detail if error else ""}
    if own.second_factor is None:
        former = request.form.get("offer", "")
        shown.update(_drawn(await console.access.own.offer_second_factor(request.visitor, former)))
    else:
        left = len(own.second_factor.recovery)
        shown.update(
            left=left, few=left <= _FEW, required=(await console.preferences.get()).second_factor_required
        )
    return retry_after(console.page(request, "second_factor.html", status, **shown), error)


def _drawn(offer: Offer) -> dict[str, Any]:
    """An offer, and its address as a QR code: black on white, whatever the page's colours are."""
    code = segno.make(offer.address, micro=False, error="m")
    svg = code.svg_inline(omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    groups = " ".join(offer.secret[start : start + 4] for start in range(0, len(offer.secret), 4))
    return {"offer": offer, "qr": svg, "secret": groups}


PAGES: Final = (
    Page("POST", "/login/code", None, log_in_by_code),
    Page("GET", _HERE, VIEWER, show),
    Page("POST", _HERE, VIEWER, add),
    Page("POST", f"{_HERE}/recovery-codes", VIEWER, renew),
    Page("POST", f"{_HERE}/remove", VIEWER, remove),
)
