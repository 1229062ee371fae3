"""The console's cookies of a session: what they are called, how they are set and taken away again."""

from typing import Final

from rosterd.console.context import VisitorOf
from rosterd.console.render import cookie_name, set_cookie
from rosterd.console.request import PageRequest
from rosterd.http.reply import Header
from rosterd.service.sessions import Place, Sessions
from rosterd.service.visitor import Visitor

SESSION: Final = "rosterd"
BROWSER: Final = "rosterd-browser"
"""Shows that somebody logged in with this browser before (``service.login``); it opens nothing."""
FLOW: Final = "rosterd-openid"
"""The log-in by an OpenID provider that is under way."""
_REFRESH: Final = b"x-refresh"
"""A header that the script sends when nobody but the page itself asks."""


def visitors(sessions: Sessions) -> VisitorOf:
    """What finds the visitor of a request."""

    async def visitor(request: PageRequest) -> Visitor | None:
        used = request.headers.get(_REFRESH) is None
        return await sessions.visitor(read(request, SESSION), place(request), used=used)

    return visitor


def read(request: PageRequest, name: str) -> str:
    """The value of a cookie; ``""`` if the browser has none."""
    return request.cookies.get(cookie_name(name, request), "")


def give(request: PageRequest, name: str, value: str, max_age: int | None = None) -> Header:
    """Set a cookie for ``max_age`` seconds, or until the browser is closed."""
    return set_cookie(name, value, request, max_age=max_age)


def take(request: PageRequest, name: str) -> Header:
    """Take a cookie away."""
    return set_cookie(name, "", request, max_age=0)


def place(request: PageRequest) -> Place:
    """Where the request comes from."""
    return Place(request.client, request.headers.get(b"user-agent") or "", request.request_id)
