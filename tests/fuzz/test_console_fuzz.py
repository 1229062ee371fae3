"""No input makes a page of the console fail: paths, queries, cookies and forms, in this process.

The forms are the console's own: its pages are walked through first, and what hypothesis makes goes into
the fields that were found. Every reply has the security headers, and nothing comes back unescaped.
"""

import asyncio
import itertools
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
import structlog
from console import company
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rosterd.console import render, routes
from rosterd.console.cookies import BROWSER, FLOW, SESSION
from rosterd.console.render import NOTICE
from rosterd.scim import errors
from rosterd.service.administrators import Administrator
from rosterd.service.sessions import Place
from rosterd.service.visitor import OWNER
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring import Service, Settings, open_service

FUZZ = settings(
    max_examples=max(25, settings.default.max_examples // 4), suppress_health_check=list(HealthCheck)
)
ORIGIN = "http://sp.example"
FORM = "application/x-www-form-urlencoded"
PROBE = "x\"'><b id=probe>&{{313373133*7}}"
GET = [page for page in routes.PAGES if page.method == "GET"]
POST = [page for page in routes.PAGES if page.method == "POST"]
MOST_PAGES = 300
_numbers = itertools.count(1)
Fields = dict[str, list[str]]


def name(page: routes.Page) -> str:
    return f"{page.method} {page.template}"


class Links(HTMLParser):
    """The links and forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, Fields]] = []
        self._fields: Fields = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self._fields = {}
            self.forms.append((given.get("method", "get").upper(), given.get("action", ""), self._fields))
        elif tag in ("input", "select", "textarea", "button") and "name" in given:
            self._fields.setdefault(given["name"], []).append(given.get("value", ""))
        elif tag == "option":
            values = next(reversed(self._fields.values()), [])
            values.append(given.get("value", ""))


@dataclass
class Walk:
    """What the walk through the console found, by the template of the address."""

    paths: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Addresses that are there."""
    fields: dict[str, Fields] = field(default_factory=lambda: defaultdict(dict))
    """Names of query parameters or of a form's fields, each with values that were seen."""

    def note(self, kind: str, path: str, fields: Mapping[str, Sequence[str]]) -> bool:
        """Whether the address is of a kind that was not seen before, or seen less than three times."""
        try:
            template = f"{kind} {routes.match(path)[0]}"
        except errors.NotFound:
            return False
        known = self.fields[template]
        fresh = len(self.paths[template]) < 3 or not fields.keys() <= known.keys()
        self.paths[template].add(path)
        for field_name, values in fields.items():
            known[field_name] = list(dict.fromkeys([*known.get(field_name, []), *values]))
        return fresh


class Fuzzed:
    """The console with a company in it, and an owner who is logged in, whatever the forms before did."""

    def __init__(self, runner: asyncio.Runner, service: Service) -> None:
        self._runner = runner
        self._service = service
        self._cookies: dict[str, str] = {}
        self.csrf = ""
        self._owner: Administrator | None = None
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(service.http.site), base_url=ORIGIN)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The checked reply."""
        cookies = {**self._cookies, **options.pop("cookies", {})}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        headers |= options.pop("headers", {})
        self._client.cookies.clear()
        response = self._runner.run(self._client.request(method, path, headers=headers, **options))
        check(response)
        return response

    def send(self, path: str, fields: Mapping[str, Any], **options: Any) -> httpx.Response:
        """Send a form with the session's CSRF token."""
        content = urlencode({**fields, "csrf": self.csrf}, doseq=True, errors="surrogatepass")
        return self.ask("POST", path, content=content, headers={"Content-Type": FORM}, **options)

    def log_in(self) -> None:
        """A session of an owner of its own, so that no form before has taken it away."""
        self._runner.run(self._log_in())

    async def _log_in(self) -> None:
        place = Place("192.0.2.1", "a test", "")
        administrators = self._service.access.administrators
        owner = self._owner and await self._service.control.administrator(self._owner.id)
        if owner is None or owner.disabled or owner.role != OWNER or owner.directory:
            owner = await administrators.create(f"owner-{next(_numbers)}", OWNER, by=BY)
        self._owner = owner
        value = await self._service.access.sessions.open(owner, place, way="test")
        visitor = await self._service.access.sessions.visitor(value, place)
        assert visitor is not None
        self._cookies, self.csrf = {SESSION: value}, visitor.csrf


async def refusing(service: Service) -> None:
    """A webhook that is never connected to, with an entry in its log."""
    webhook, _ = await service.webhooks.create("https://app.example/", directory=None, by=BY)
    made, webhook = webhook, replace(webhook, url="https://127.0.0.1/")
    await service.control.update_webhook(made, webhook, ENTRY)
    await service.webhooks.test(webhook, by=BY)


def check(response: httpx.Response) -> None:
    """No failure, the security headers, nothing of what was sent as markup or evaluated."""
    assert response.status_code < 500, response.text
    for header, _ in render.SECURITY:
        assert response.headers.get(header.decode()), (header, response.status_code)
    assert response.headers["cache-control"] == "no-store"
    for header in response.headers.get_list("set-cookie"):
        assert "HttpOnly" in header and "SameSite=" in header
    if response.status_code == 303:
        assert re.match(r"/(?![/\\])", response.headers["location"]), "no redirect leads elsewhere"
    if "html" in response.headers.get("content-type", "") and response.request.method != "HEAD":
        assert "<b id=probe>" not in response.text
        assert "\"'>" not in response.text
        assert "2193611931" not in response.text
        assert "rosterd" in response.text.casefold()


def walked(fuzzed: Fuzzed) -> Walk:
    """Follow the links from the overview, a few of each kind, and note the forms on the way."""
    walk = Walk()
    waiting, seen = ["/"], {"/"}
    while waiting and len(seen) < MOST_PAGES:
        here = waiting.pop(0)
        page = Links()
        page.feed(fuzzed.ask("GET", here).text)
        for method, action, fields in page.forms:
            walk.note(method, urlsplit(action or here).path, fields)
        for link in page.links:
            parts = urlsplit(link)
            query = {name: [value] for name, value in parse_qsl(parts.query)}
            if not parts.netloc and walk.note("GET", parts.path, query) and link not in seen:
                seen.add(link)
                waiting.append(link)
    return walk


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fuzzed, Walk]]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    data = tmp_path_factory.mktemp("fuzz") / "data"
    company.prepare(data)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        service = runner.run(stack.enter_async_context(open_service(Settings(data=data))))
        runner.run(refusing(service))
        fuzzed = Fuzzed(runner, service)
        fuzzed.log_in()
        yield fuzzed, walked(fuzzed)
        runner.run(stack.aclose())
    structlog.reset_defaults()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", PROBE, PROBE, "\0", "-1", "0", str(2**63), "1e400", "x" * 5000, "//evil.example", "javascript:1"]
)


@st.composite
def values(draw: st.DrawFn, known: Fields) -> Fields:
    """The fields that a page has, each as it is, left out, or with what nobody expects; and others."""
    fields: Fields = {}
    for field_name, seen in known.items():
        likely = st.lists(st.sampled_from(seen), min_size=1, max_size=2) if seen else st.just([""])
        chosen = draw(st.none() | likely | likely | st.lists(TEXTS, min_size=1, max_size=2))
        if chosen is not None:
            fields[field_name] = chosen
    return fields | draw(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2), max_size=1))


def address(draw: st.DrawFn, template: str, known: set[str]) -> str:
    """An address that is there, or one of the same kind with odd values for its parameters."""
    if known and draw(st.integers(0, 3)):
        return draw(st.sampled_from(sorted(known)))
    segments = []
    for segment in template.split("/"):
        seen = {"{directory}": "acme", "{connection}": "okta"}.get(segment, "nothing")
        made = draw(st.just(seen) | TEXTS.filter(bool)) if segment.startswith("{") else segment
        segments.append(quote(made, safe="").replace(".", "%2e"))
    return "/".join(segments)


COOKIES = st.dictionaries(
    st.sampled_from([SESSION, BROWSER, FLOW, NOTICE, "theme", "x"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40)
    | st.sampled_from(["0.<b id=probe>", "0." + quote(PROBE), '"', "=;=", "dark"]),
    max_size=3,
)


def test_the_walk_finds_the_console(console: tuple[Fuzzed, Walk]) -> None:
    _, walk = console
    found = {name(page) for page in routes.PAGES} & walk.fields.keys()
    assert len(found) > 0.7 * len(routes.PAGES), sorted({name(page) for page in routes.PAGES} - found)


@pytest.mark.parametrize("page", GET, ids=name)
def test_no_address_and_no_query_is_too_odd(console: tuple[Fuzzed, Walk], page: routes.Page) -> None:
    fuzzed, walk = console
    fuzzed.log_in()

    @FUZZ
    @given(data=st.data())
    def asked(data: st.DataObject) -> None:
        path = address(data.draw, page.template, walk.paths.get(name(page), set()))
        query = data.draw(values(walk.fields.get(name(page), {})))
        fuzzed.ask("GET", path, params=query)

    asked()


@pytest.mark.parametrize("page", POST, ids=name)
def test_no_form_is_too_odd(console: tuple[Fuzzed, Walk], page: routes.Page) -> None:
    fuzzed, walk = console

    @FUZZ
    @given(data=st.data())
    def sent(data: st.DataObject) -> None:
        fuzzed.log_in()
        path = address(data.draw, page.template, walk.paths.get(name(page), set()))
        response = fuzzed.send(path, data.draw(values(walk.fields.get(name(page), {}))))
        assert "did not come from this console" not in response.text, "the token of the session is in it"

    sent()


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"]),
    page=st.sampled_from(routes.PAGES),
    cookies=COOKIES,
    content=st.binary(max_size=40) | st.sampled_from([b"csrf=%ff", b"a&" * 2000, b"=", b"\xff=\xff"]),
    kind=st.sampled_from([FORM, "multipart/form-data", "", "text/html; charset=x"]),
    data=st.data(),
)
def test_no_cookie_and_no_body_is_too_odd(
    console: tuple[Fuzzed, Walk],
    method: str,
    page: routes.Page,
    cookies: dict[str, str],
    content: bytes,
    kind: str,
    data: st.DataObject,
) -> None:
    fuzzed, walk = console
    path = address(data.draw, page.template, walk.paths.get(name(page), set()))
    body = {"content": content} if method not in ("GET", "HEAD") else {}
    fuzzed.ask(method, path, cookies=cookies, headers={"Content-Type": kind}, **body)


@FUZZ
@given(
    segments=st.lists(TEXTS | st.sampled_from(["static", "directories", "acme", "..", "login"]), max_size=4)
)
def test_no_path_is_too_odd(console: tuple[Fuzzed, Walk], segments: list[str]) -> None:
    path = "/c/" + "/".join(quote(segment, safe="").replace(".", "%2e") for segment in segments)
    fuzzed, _ = console
    fuzzed.ask("GET", path)
    fuzzed.ask("GET", path.removeprefix("/c") or "/")
