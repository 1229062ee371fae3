"""Templates become pages: escaped by default, nothing from elsewhere, one look for all.

The content security policy allows neither inline script nor inline style, so templates hold none.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined

from rosterd.console.agents import named
from rosterd.console.navigation import sections
from rosterd.console.request import PageRequest, path
from rosterd.http.reply import Header, Reply
from rosterd.scim.render import format_time

HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
SECURITY: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
TLS_ONLY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
"""Of a page that came by TLS: the browser asks this host by nothing else for a year."""
NOTICE: Final = "notice"
THEMES: Final = ("system", "light", "dark")

_TYPES: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml; charset=utf-8",
}
_FOR_EVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")


def _read_assets() -> Mapping[str, tuple[str, bytes]]:
    """Every file of ``static`` by name: its hash and its bytes."""
    found = {}
    for file in files("rosterd.console").joinpath("static").iterdir():
        data = file.read_bytes()
        found[file.name] = (hashlib.sha256(data).hexdigest()[:12], data)
    return found


ASSETS: Final = _read_assets()


def asset_url(name: str) -> str:
    """The address of a file of ``static``; it changes with the content, so it may be kept for ever."""
    return f"/static/{ASSETS[name][0]}/{name}"


def asset(name: str) -> Reply | None:
    """A file of ``static`` as a reply."""
    found = ASSETS.get(name)
    if found is None:
        return None
    kind = (b"content-type", _TYPES[name.rsplit(".", 1)[-1]])
    return Reply(200, found[1], content_type=kind, cache=_FOR_EVER)


def moment(ms: int | None) -> str:
    """A time in full, in UTC, for people: ``2026-11-24 17:05:09 UTC``."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(ms: int | None, now: int) -> str:
    """How far a time is from now, in the largest unit that fits: ``3 minutes ago``, ``in 2 days``."""
    if ms is None:
        return "never"
    seconds = abs(now - ms) // 1000
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count = seconds // length
        if count:
            text = f"{count:,} {unit}{'' if count == 1 else 's'}"
            return f"{text} ago" if ms <= now else f"in {text}"
    return "now"


def number(value: int | None) -> str:
    """A number with its thousands apart."""
    return "" if value is None else f"{value:,}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rosterd.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset_url=asset_url, path=path)
    environment.filters.update(browser=named, moment=moment, iso=format_time, ago=ago, number=number)
    return environment


_ENVIRONMENT: Final = _environment()


class Pages:
    """Renders pages. ``secret`` signs the notices that a redirect carries over."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def page(
        self, request: PageRequest, template: str, now: int, http_status: int = 200, **data: Any
    ) -> Reply:
        """A page from a template, which extends ``base.html`` and is given ``data`` and what all need."""
        theme = request.cookies.get(cookie_name("theme", request))
        text = _ENVIRONMENT.get_template(template).render(
            request=request,
            visitor=request.guest,
            sections=sections(request),
            theme=theme if theme in THEMES else "system",
            notice=self._notice(request),
            now=now,
            **data,
        )
        cookies: tuple[Header, ...] = ()
        if cookie_name(NOTICE, request) in request.cookies:
            cookies = (set_cookie(NOTICE, "", request, max_age=0),)
        return Reply(http_status, text.encode(), cookies, content_type=HTML)

    def redirect(self, request: PageRequest, to: str, notice: str = "", *more: Header) -> Reply:
        """Go on to a page of ours (303), which shows the notice once."""
        headers: list[Header] = [(b"location", to.encode()), *more]
        if notice:
            value = quote(notice, safe="")
            headers.append(set_cookie(NOTICE, f"{self._sign(value)}.{value}", request, max_age=60))
        return Reply(303, b"", tuple(headers))

    def _notice(self, request: PageRequest) -> str:
        signature, _, value = request.cookies.get(cookie_name(NOTICE, request), "").partition(".")
        return unquote(value) if hmac.compare_digest(signature.encode(), self._sign(value).encode()) else ""

    def _sign(self, value: str) -> str:
        return hmac.digest(self._secret, b"notice " + value.encode(), "sha256").hex()[:32]


def cookie_name(name: str, request: PageRequest) -> str:
    """What a cookie is called: by TLS with ``__Host-``: browsers then refuse one of a neighbouring host."""
    return f"__Host-{name}" if request.secure else name


def set_cookie(name: str, value: str, request: PageRequest, *, max_age: int | None = None) -> Header:
    """A cookie that no script reads and no other site sends along; ``max_age`` in seconds."""
    parts = [f"{cookie_name(name, request)}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if request.secure:
        parts.append("Secure")
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    return b"set-cookie", "; ".join(parts).encode("latin-1")
