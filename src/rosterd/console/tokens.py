"""The tokens of a connection: list, generate, rotate with an overlap, revoke at once.

A token's text is in the reply to the form that makes it, and nowhere else.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from rosterd.console.context import Console
from rosterd.console.forms import Form, sent_before
from rosterd.console.paging import first, here, pack, unpack
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.http.scim import SCIM_PATH
from rosterd.scim import errors
from rosterd.service.caller import READ, SCOPES, WRITE
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.expiry import is_ending
from rosterd.service.visitor import OPERATOR, VIEWER

_ALL: Final = "/directories/{directory}/connections/{connection}/tokens"
_PAGE: Final = 50
_DAY: Final = 86_400
_YEAR: Final = 365 * _DAY

LIFETIMES: Final = (
    (90 * _DAY, "90 days"),
    (_YEAR, "1 year"),
    (2 * _YEAR, "2 years"),
    (5 * _YEAR, "5 years"),
    (10 * _YEAR, "10 years"),
)
"""Seconds, and what they are called."""
USUAL: Final = _YEAR
OVERLAPS: Final = (
    (0, "At once"),
    (3600, "After an hour"),
    (_DAY, "After a day"),
    (7 * _DAY, "After a week"),
    (30 * _DAY, "After 30 days"),
)
RIGHTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "all": ("read and change everything", SCOPES),
    "read": ("read only", (READ,)),
    "users": ("read and change users only", (f"{READ}:User", f"{WRITE}:User")),
    "groups": ("read and change groups only", (f"{READ}:Group", f"{WRITE}:Group")),
}
"""What a token may, in words, and the scopes of it."""
RIGHT_NAMES: Final = tuple((name, words) for name, (words, _) in RIGHTS.items())


def rights_of(scopes: Iterable[str]) -> str:
    """What scopes permit, in words if there are words for it."""
    given = set(scopes)
    return next((words for words, those in RIGHTS.values() if set(those) == given), ", ".join(sorted(given)))


def scim_url(console: Console, request: PageRequest) -> str:
    """The SCIM base URL, as identity providers are to be given it."""
    return (console.public_url or request.origin) + SCIM_PATH


async def generate(console: Console, request: PageRequest, line: Connection) -> tuple[Token, str]:
    """The token that a form asks for. Raises ``InvalidValue``."""
    form = Form(request)
    seconds = form.choice("lifetime", [str(seconds) for seconds, _ in LIFETIMES])
    rights = form.choice("rights", RIGHTS) if "rights" in request.form else "all"
    label = form.text("label")
    form.require_valid()
    return await console.tokens.issue(
        line.directory,
        line.id,
        by=request.visitor.actor,
        label=label,
        scopes=RIGHTS[rights][1],
        lifetime=int(seconds),
    )


async def list_tokens(console: Console, request: PageRequest) -> Reply:
    """GET …/tokens."""
    directory, line = await console.connection(request)
    place = unpack(request, int, str)
    found = await console.registry.token_page(
        directory.id, line.id, (place[0], place[1]) if place else None, _PAGE + 1
    )
    rows = found[:_PAGE]
    now, days = console.now(), (await console.preferences.get()).token_warning_days
    return console.page(
        request,
        "tokens.html",
        directory=directory,
        line=line,
        rows=rows,
        mark=console.once.mark(request.request_id, request.visitor.session),
        ending={token.id for token in rows if is_ending(token, now, days)},
        lifetimes=LIFETIMES,
        usual=USUAL,
        overlaps=OVERLAPS,
        rights=RIGHT_NAMES,
        rights_of=rights_of,
        first=first(request),
        following=here(request, after=pack(rows[-1].created, rows[-1].id)) if len(found) > _PAGE else None,
    )


async def create_token(console: Console, request: PageRequest) -> Reply:
    """POST …/tokens."""
    directory, line = await console.connection(request)
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    token, text = await generate(console, request, line)
    return _secret(console, request, directory, line, token, text, None)


async def rotate_token(console: Console, request: PageRequest) -> Reply:
    """POST …/tokens/{token}/rotate."""
    directory, line, old = await _find(console, request)
    form = Form(request)
    overlap = form.choice("overlap", [str(seconds) for seconds, _ in OVERLAPS])
    form.require_valid()
    refused = await sent_before(console, request)
    if refused is not None:
        return refused
    token, text = await console.tokens.rotate(
        directory.id, old.id, by=request.visitor.actor, overlap=int(overlap)
    )
    end = await console.registry.token(directory.id, old.id)
    return _secret(console, request, directory, line, token, text, end)


async def revoke_token(console: Console, request: PageRequest) -> Reply:
    """POST …/tokens/{token}/revoke."""
    directory, line, token = await _find(console, request)
    Form(request).require_consent()
    await console.tokens.revoke(directory.id, token.id, by=request.visitor.actor)
    to = path("directories", directory.name, "connections", line.name, "tokens")
    name = f"“{token.label}”" if token.label else token.id
    return console.redirect(request, to, f"Token {name} is revoked. Every request with it is refused now.")


async def _find(console: Console, request: PageRequest) -> tuple[Directory, Connection, Token]:
    directory, line = await console.connection(request)
    id = request.path["token"]
    found = await console.registry.token(directory.id, id)
    if found is None or found.connection != line.id:
        raise errors.NotFound(f"Connection '{line.name}' has no token {id}.")
    return directory, line, found


def _secret(
    console: Console,
    request: PageRequest,
    directory: Directory,
    line: Connection,
    token: Token,
    text: str,
    old: Token | None,
) -> Reply:
    return console.page(
        request,
        "token_made.html",
        directory=directory,
        line=line,
        token=token,
        rights=rights_of(token.scopes),
        text=text,
        old=old,
        url=scim_url(console, request),
    )


PAGES: Final = (
    Page("GET", _ALL, VIEWER, list_tokens),
    Page("POST", _ALL, OPERATOR, create_token),
    Page("POST", f"{_ALL}/{{token}}/rotate", OPERATOR, rotate_token),
    Page("POST", f"{_ALL}/{{token}}/revoke", OPERATOR, revoke_token),
)
