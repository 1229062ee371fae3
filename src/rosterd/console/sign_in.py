"""What every way in ends with: the cookies of a session, or the log-in page with what was wrong."""

from dataclasses import replace
from typing import Final

from rosterd.console.context import Console
from rosterd.console.cookies import BROWSER, SESSION, give
from rosterd.console.request import PageRequest
from rosterd.http.reply import Header, Reply
from rosterd.scim import errors
from rosterd.service.login import Opened

_BROWSER_AGE: Final = 15_552_000
"""Seconds that a browser is known: 180 days."""


def login_page(
    console: Console,
    request: PageRequest,
    to: str,
    error: errors.ScimError | None = None,
    *,
    name: str = "",
) -> Reply:
    """The log-in, which leads on to an address of ours; with what was wrong with the one before."""
    reply = console.page(
        request,
        "login.html",
        error.status if error else 200,
        error=error.detail if error else "",
        wait=error.retry_after if error else None,
        to=to,
        name=name,
        provider=console.openid.name if console.openid else "",
    )
    return retry_after(reply, error)


def retry_after(reply: Reply, error: errors.ScimError | None) -> Reply:
    """A page that says when to try again, if the error does."""
    if error is None or error.retry_after is None:
        return reply
    return replace(reply, headers=(*reply.headers, (b"retry-after", str(error.retry_after).encode())))


def session_cookies(request: PageRequest, opened: Opened) -> tuple[Header, Header]:
    """Of a log-in that was right."""
    return (
        give(request, SESSION, opened.value),
        give(request, BROWSER, opened.browser, _BROWSER_AGE),
    )
