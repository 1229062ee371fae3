"""The guided set-up of a connection: what to paste where, and checks that tick themselves off.

It is also the one page of somebody who came by a set-up link.
"""

from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import sent_before
from rosterd.console.request import PageRequest
from rosterd.console.route import Page
from rosterd.console.tokens import LIFETIMES, USUAL, generate, scim_url
from rosterd.http.reply import Reply
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.request_log import HOUR
from rosterd.service.setup_checks import DONE, look, outcomes
from rosterd.service.setup_guide import PROVIDERS, provider_of
from rosterd.service.survey import NEWEST
from rosterd.service.visitor import OPERATOR, VIEWER

_ONE: Final = "/directories/{directory}/connections/{connection}/setup"


async def show_setup(console: Console, request: PageRequest) -> Reply:
    """GET …/setup."""
    directory, line = await console.connection(request)
    return await _page(console, request, directory, line, None, "")


async def make_token(console: Console, request: PageRequest) -> Reply:
    """POST …/setup: a token, shown in the page where it is to be pasted."""
    directory, line = await console.connection(request)
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    token, text = await generate(console, request, line)
    return await _page(console, request, directory, line, token, text)


async def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    token: Token | None,
    text: str,
) -> Reply:
    now = console.now()
    activities = await console.log.activity(directory.id, now - HOUR)
    seen = await look(
        console.store.reader(directory.id),
        console.log,
        line,
        await console.registry.token_page(directory.id, line.id, None, NEWEST),
        next((one for one in activities if one.connection == line.id), None),
        console.model_of(directory),
    )
    checks = outcomes(seen, directory, line, now)
    url = scim_url(console, request)
    return console.page(
        request,
        "setup.html",
        directory=directory,
        line=line,
        providers=PROVIDERS.values(),
        provider=provider_of(line, request.query.get("idp", "")),
        url=url,
        insecure=not url.startswith("https://"),
        token=token,
        text=text,
        tokens=seen.tokens,
        checks=checks,
        done=sum(check.state == DONE for check in checks),
        may_generate=request.visitor.may(OPERATOR) or request.visitor.connection is not None,
        lifetimes=LIFETIMES,
        usual=USUAL,
        mark=console.once.mark(request.request_id, request.visitor.session),
    )


PAGES: Final = (
    Page("GET", _ONE, VIEWER, show_setup, setup=True),
    Page("POST", _ONE, OPERATOR, make_token, setup=True),
)
