"""How the console looks to one visitor: the theme, kept in a cookie so that it works without scripts."""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.render import THEMES, set_cookie
from rosterd.console.request import PageRequest, local
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors

_YEAR: Final = 31_536_000


async def choose_theme(console: Console, request: PageRequest) -> Reply:
    """POST /theme."""
    theme = request.text("theme")
    if theme not in THEMES:
        raise errors.InvalidValue(f"theme: one of {', '.join(THEMES)}.")
    to = local(request.text("back", 2000))
    return console.redirect(request, to, "", set_cookie("theme", theme, request, max_age=_YEAR))


PAGES: Final = (Page("POST", "/theme", None, choose_theme, setup=True),)
