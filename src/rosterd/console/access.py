"""The ways in and out of the console: by password, by an OpenID provider, by a set-up link; and the log-out.

Whatever is wrong with a log-in, the page says the same. The secret of a set-up link is in its address only:
the page lets no other site know of it, and a program that looks at links, as those that guard mail do,
changes nothing.
"""

from dataclasses import replace
from typing import Final

from rosterd.console.context import Console
from rosterd.console.cookies import BROWSER, FLOW, SESSION, give, place, read, take
from rosterd.console.request import PageRequest, local, path
from rosterd.console.route import Page
from rosterd.console.second_factor import code_page
from rosterd.console.sign_in import login_page, session_cookies
from rosterd.http.openid import FLOW_SECONDS, OpenId, seal, unseal
from rosterd.http.reply import Header, Reply
from rosterd.scim import errors
from rosterd.service.login import CodeWanted
from rosterd.service.setup_links import SetupLink
from rosterd.service.visitor import VIEWER

CALLBACK: Final = "/login/openid/callback"
_NO_REFERRER: Final[Header] = (b"referrer-policy", b"no-referrer")


async def show_login(console: Console, request: PageRequest) -> Reply:
    """GET /login."""
    to = local(request.query.get("next", ""))
    if request.guest is not None and request.guest.may(VIEWER):
        return console.redirect(request, to)
    return login_page(console, request, to)


async def log_in(console: Console, request: PageRequest) -> Reply:
    """POST /login."""
    to, name = local(request.form.get("next", "")), request.form.get("name", "").strip()
    try:
        opened = await console.access.login.by_password(
            name,
            request.form.get("password", ""),
            place(request),
            browser=read(request, BROWSER),
            replaces=read(request, SESSION),
        )
    except (errors.Unauthorized, errors.TooManyRequests, errors.Unavailable, errors.Conflict) as error:
        return login_page(console, request, to, error, name=name[:200])
    if isinstance(opened, CodeWanted):
        return code_page(console, request, opened, to)
    return console.redirect(request, to, "", *session_cookies(request, opened))


async def log_out(console: Console, request: PageRequest) -> Reply:
    """POST /logout."""
    if request.guest is not None:
        visitor = request.guest
        await console.access.sessions.end(read(request, SESSION), visitor.directory, by=visitor.actor)
    return console.redirect(request, "/login", "You are logged out.", take(request, SESSION))


async def begin_openid(console: Console, request: PageRequest) -> Reply:
    """GET /login/openid."""
    provider = _provider(console)
    to = local(request.query.get("next", ""))
    if request.headers.get(b"sec-fetch-site") in ("cross-site", "same-site"):
        # A page elsewhere logs nobody in, though the provider would ask nothing: the button here is shown.
        return login_page(console, request, to)
    try:
        address, flow = await provider.begin(request.origin + CALLBACK, to)
    except (errors.Forbidden, errors.Unavailable) as error:
        return login_page(console, request, to, error)
    cookie = give(request, FLOW, seal(flow, console.secret), FLOW_SECONDS)
    return Reply(303, headers=((b"location", address.encode()), cookie))


async def finish_openid(console: Console, request: PageRequest) -> Reply:
    """GET /login/openid/callback."""
    provider = _provider(console)
    flow = unseal(read(request, FLOW), console.secret)
    to = local(flow.next) if flow else "/"
    done = take(request, FLOW)
    try:
        identity = await provider.finish(request.query, flow, request.origin + CALLBACK)
        opened = await console.access.login.by_identity(
            identity, place(request), replaces=read(request, SESSION)
        )
    except (errors.Forbidden, errors.BadRequest, errors.Conflict, errors.Unavailable) as error:
        reply = login_page(console, request, to, error)
        return replace(reply, headers=(*reply.headers, done))
    return console.redirect(request, to, "", *session_cookies(request, opened), done)


async def show_link(console: Console, request: PageRequest) -> Reply:
    """GET /setup/{link}."""
    link = await console.access.setup_links.by_text(request.path["link"])
    directory, connection = await _place_of(console, link)
    reply = console.page(request, "setup_link.html", link=link, directory=directory, connection=connection)
    return replace(reply, headers=(*reply.headers, _NO_REFERRER))


async def follow_link(console: Console, request: PageRequest) -> Reply:
    """POST /setup/{link}."""
    link = await console.access.setup_links.by_text(request.path["link"])
    directory, connection = await _place_of(console, link)
    value = await console.access.sessions.open_setup(link, place(request), replaces=read(request, SESSION))
    to = path("directories", directory, "connections", connection, "setup")
    return console.redirect(request, to, "", give(request, SESSION, value), _NO_REFERRER)


def _provider(console: Console) -> OpenId:
    if console.openid is None:
        raise errors.NotFound("No OpenID provider is set up here; log in with a password.")
    return console.openid


async def _place_of(console: Console, link: SetupLink) -> tuple[str, str]:
    """Where a link leads: the names of directory and connection."""
    names = await console.registry.directory_names({link.directory})
    connections = await console.control.connections(link.directory)
    return names[link.directory], next(line.name for line in connections if line.id == link.connection)


PAGES: Final = (
    Page("GET", "/login", None, show_login),
    Page("POST", "/login", None, log_in),
    Page("POST", "/logout", None, log_out, setup=True),
    Page("GET", "/login/openid", None, begin_openid),
    Page("GET", CALLBACK, None, finish_openid),
    Page("GET", "/setup/{link}", None, show_link),
    Page("POST", "/setup/{link}", None, follow_link),
)
