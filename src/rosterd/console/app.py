"""The console as ASGI: a request is matched, its visitor found, its form checked, then its handler answers.

Order of refusal: address 404, method 405, no session → the log-in page (or 401 for a form), role 403, body
413 and 415, CSRF 403; then what the handler says. Whatever goes wrong becomes a page that says what to do.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from rosterd.console import render, routes
from rosterd.console.context import Console, VisitorOf
from rosterd.console.request import PageRequest
from rosterd.console.sign_in import retry_after
from rosterd.http.access_log import answered
from rosterd.http.decode import ClientGone, parse_query, read_body
from rosterd.http.headers import Headers, base_url
from rosterd.http.problems import told
from rosterd.http.reply import Receive, Reply, Scope, Send
from rosterd.scim import errors

MAX_FIELDS: Final = 1000
FORM: Final = "application/x-www-form-urlencoded"
LOGIN: Final = "/login"


class ConsoleApp:
    """The ASGI application of every page, and of the files they need below ``/static``."""

    def __init__(self, console: Console, visitor_of: VisitorOf, new_request_id: Callable[[], str]) -> None:
        self._console = console
        self._visitor_of = visitor_of
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        request_id = self._new_request_id()
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith("/static/"):
            reply = render.asset(path.rsplit("/", 1)[-1]) if scope["method"] in ("GET", "HEAD") else None
            if reply is not None:
                await reply.send(scope, send, request_id)
                return
        request = self._request(scope, path or "/", request_id)
        try:
            reply = await self._answer(request, scope, receive)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets a page
            reply = self._error(request, error)
        own = {name for name, _ in reply.headers}
        guards = tuple(header for header in render.SECURITY if header[0] not in own)
        if request.secure:
            guards += (render.TLS_ONLY,)
        await reply.send(scope, send, request_id, guards=guards)
        # The audit log says whose session it is.
        session = request.guest.session if request.guest is not None else None
        answered(scope, request.route, reply.status, started, request_id, session=session)

    def _request(self, scope: Scope, path: str, request_id: str) -> PageRequest:
        headers = Headers(scope["headers"])
        client = scope.get("client")
        return PageRequest(
            method=scope["method"],
            address=path,
            route="",
            path={},
            query={},
            form={},
            lists={},
            headers=headers,
            cookies=_cookies(headers.get(b"cookie")),
            request_id=request_id,
            origin=_origin(self._console.public_url or base_url(scope, headers, "")),
            client=client[0] if client else None,
        )

    async def _answer(self, request: PageRequest, scope: Scope, receive: Receive) -> Reply:
        request.route, request.path = routes.match(request.address)
        page = routes.page(request.route, request.method)
        pairs = tuple(parse_query(scope.get("query_string", b"")))
        _check_text(pairs)
        request.query = dict(reversed(pairs))
        request.guest = await self._visitor_of(request)
        if page.role is not None:
            if request.guest is None:
                if page.method == "POST":
                    raise errors.Unauthorized("Your session has ended. Log in and do it again.")
                return self._console.redirect(
                    request, f"{LOGIN}?next={quote(_whole(scope, request), safe='')}"
                )
            if not (page.setup and request.guest.connection is not None):
                request.guest.require(page.role)
        if page.method == "POST":
            await self._read_form(request, receive, page.most)
            _check_origin(request)
        return await page.handler(self._console, request)

    async def _read_form(self, request: PageRequest, receive: Receive, most: int) -> None:
        """Raises ``UnsupportedMediaType``, ``PayloadTooLarge`` and ``InvalidSyntax``."""
        declared = request.headers.get(b"content-type") or FORM
        if declared.split(";")[0].strip().casefold() != FORM:
            raise errors.UnsupportedMediaType(f"Send the form as {FORM}.")
        raw = await read_body(receive, request.headers, most)
        try:
            pairs = parse_qsl(
                raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
        except ValueError as error:
            raise errors.InvalidSyntax("The form is not valid UTF-8, or has too many fields.") from error
        _check_text(pairs)
        lists: dict[str, list[str]] = {}
        for name, value in pairs:
            lists.setdefault(name, []).append(value)
        request.lists = {name: tuple(values) for name, values in lists.items()}
        request.form = {name: values[0] for name, values in lists.items()}

    def _error(self, request: PageRequest, error: BaseException) -> Reply:
        known = told(error, request.request_id)
        status = 500 if known is None else known.status
        detail = "Something went wrong on our side." if known is None else known.detail
        again = f"{LOGIN}?next={quote(routes.shown_at(request.address), safe='')}"
        reply = self._console.page(request, "error.html", status, status=status, detail=detail, again=again)
        return retry_after(reply, known)


def _cookies(header: str | None) -> Mapping[str, str]:
    """The cookies, as browsers read them (RFC 6265 §5.4): an odd one of a neighbour spoils no other."""
    pairs = (part.partition("=") for part in (header or "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _whole(scope: Scope, request: PageRequest) -> str:
    """Path and query, to come back to after the log-in."""
    query = scope.get("query_string", b"").decode("latin-1")
    return request.address + (f"?{query}" if query else "")


def _check_origin(request: PageRequest) -> None:
    """Raise ``Forbidden`` for a form that another site made the browser send (CSRF).

    Browsers say where a form comes from; within a session the form must bring the session's token too.
    """
    site = request.headers.get(b"sec-fetch-site")
    origin = request.headers.get(b"origin")
    # A page that lets no address of its own out has no origin to tell either.
    hidden = origin == "null" and site == "same-origin"
    foreign = site in ("cross-site", "same-site") or (origin not in (None, request.origin) and not hidden)
    guest = request.guest
    if guest is not None and not foreign:
        foreign = not hmac.compare_digest(request.form.get("csrf", "").encode(), guest.csrf.encode())
    if foreign:
        raise errors.Forbidden(
            "This form did not come from this console, or its page is of an older session. "
            f"Load the page again and repeat what you did. This console's address is {request.origin}; "
            "if you came by another one, use that, or correct the server's base URL."
        )


def _check_text(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise ``InvalidSyntax`` for a character that no database keeps in a text."""
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise errors.InvalidSyntax("A field or parameter holds the character U+0000; leave it out.")
