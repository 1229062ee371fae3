"""A strict interpreter of Postman collections, for Microsoft's SCIM tests, without a JavaScript engine.

The scripts of the collection are made of few kinds of lines. Each kind is a row of ``LINES``: a
regular expression and what it does. A line that no row knows is an ``UnknownForm`` error, as is
an unknown key or variable, so nothing is skipped in silence. What is left out on purpose is in a table
that the caller gives, by the name of the request.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

_TEMPLATE = re.compile(r"\{\{([^{}]+)\}\}")


class UnknownForm(Exception):
    """The collection uses something that this interpreter does not know."""


class TestFailed(AssertionError):
    """A ``pm.test`` of the collection does not hold."""

    __test__ = False


class Undefined:
    """JavaScript's ``undefined``."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "undefined"


@dataclass
class State:
    """The environment of a run, and the local names of the script under evaluation."""

    environment: dict[str, Any]
    response: httpx.Response | None = None
    names: dict[str, Any] = field(default_factory=dict)
    test: str | None = None
    tests: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Item:
    """One request of the collection."""

    folder: str
    name: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    before: tuple[str, ...]
    after: tuple[str, ...]


def load(path: Path) -> list[Item]:
    """The requests of a collection in order; raises ``UnknownForm``."""
    collection = json.loads(path.read_text())
    for event in collection.get("event", []):
        if any(line.strip() for line in event["script"]["exec"]):
            raise UnknownForm("a script of the collection as a whole")
    return list(_items(collection["item"], ""))


def count_tests(items: list[Item]) -> int:
    """How many ``pm.test`` the scripts hold."""
    return sum(line.lstrip().startswith("pm.test(") for item in items for line in item.after)


def run(item: Item, state: State, client: httpx.Client, *, url: str | None = None) -> httpx.Response:
    """Send the request (at another address if ``url`` is given) and run its scripts.

    Raises ``TestFailed`` when a test of the script does not hold.
    """
    state.names = {}
    state.response = None
    _script(item.before, item, state)
    headers = {name: _fill(value, state) for name, value in item.headers.items()}
    body = _fill(item.body, state).encode() if item.body is not None else None
    state.response = client.request(
        item.method, _encode(_fill(url or item.url, state)), headers=headers, content=body
    )
    state.requests += 1
    state.names = {}
    _script(item.after, item, state)
    return state.response


def _encode(url: str) -> str:
    """Percent-encode what Postman encodes when it sends: blanks and quotes, not what is encoded already."""
    return quote(url, safe="%:/?&=+,[]()$@!*'-._~")


def _items(entries: list[Any], folder: str) -> Iterator[Item]:
    for entry in entries:
        if "item" in entry:
            yield from _items(entry["item"], entry["name"])
            continue
        if unknown := entry.keys() - {"name", "event", "request", "response", "protocolProfileBehavior"}:
            raise UnknownForm(f"{entry['name']}: {unknown}")
        request = entry["request"]
        if unknown := request.keys() - {"method", "header", "url", "body", "auth", "description"}:
            raise UnknownForm(f"{entry['name']}: {unknown}")
        headers = {header["key"]: header["value"] for header in request["header"]}
        auth = request.get("auth")
        if auth:
            if auth["type"] != "bearer":
                raise UnknownForm(f"{entry['name']}: {auth}")
            headers["Authorization"] = f"Bearer {auth['bearer'][0]['value']}"
        body = request.get("body")
        if body and (body["mode"] != "raw" or body.keys() - {"mode", "raw", "options"}):
            raise UnknownForm(f"{entry['name']}: {body.keys()}")
        scripts: dict[str, tuple[str, ...]] = {"prerequest": (), "test": ()}
        for event in entry.get("event", []):
            if event["listen"] not in scripts or event["script"]["type"] != "text/javascript":
                raise UnknownForm(f"{entry['name']}: {event['listen']}")
            scripts[event["listen"]] += tuple(event["script"]["exec"])
        yield Item(
            folder=folder,
            name=entry["name"],
            method=request["method"],
            url=request["url"]["raw"],
            headers=headers,
            body=body["raw"] if body else None,
            before=scripts["prerequest"],
            after=scripts["test"],
        )


def _fill(text: str, state: State) -> str:
    def put(match: re.Match[str]) -> str:
        if match[1] not in state.environment:
            raise UnknownForm(f"no variable {match[0]}")
        return str(state.environment[match[1]])

    return _TEMPLATE.sub(put, text)


def _script(lines: tuple[str, ...], item: Item, state: State) -> None:
    state.test = None
    for line in lines:
        text = line.strip()
        if not text:
            continue
        for form, act in LINES:
            if match := form.fullmatch(text):
                try:
                    act(state, match)
                except AssertionError as error:
                    raise TestFailed(_report(item, state, text, error)) from None
                break
        else:
            raise UnknownForm(f"{item.folder} / {item.name}: {line}")
    if state.test is not None:
        raise UnknownForm(f"{item.name}: pm.test({state.test}) is not closed")


def _report(item: Item, state: State, line: str, error: AssertionError) -> str:
    shown = f"{item.folder} / {item.name}: «{state.test}»\n  {line}\n  {error}\n  {item.method} {item.url}"
    if item.body:
        shown += f"\n  {item.body[:1500]}"
    if state.response is not None:
        shown += f"\n→ {state.response.status_code} {state.response.text[:2000]}"
    return shown


def _expect(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _reply(state: State) -> httpx.Response:
    _expect(state.response is not None, "there is no response before the request")
    assert state.response is not None
    return state.response


def _read(state: State, path: str) -> Any:
    """``jsonData.a[0].b`` as JavaScript reads it: the last step may be missing, no step before it may."""
    name, *steps = re.findall(r"[^.\[\]]+", path)
    value = state.names.get(name, Undefined())
    for step in steps:
        _expect(not isinstance(value, Undefined), f"TypeError: cannot read {step} of undefined in {path}")
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else Undefined()
        else:
            value = value.get(step, Undefined()) if isinstance(value, dict) else Undefined()
    return value


def _value(state: State, text: str) -> Any:
    """A literal, or a local name."""
    return state.names[text] if text in state.names else json.loads(text)


def _open(state: State, match: re.Match[str]) -> None:
    _expect(state.test is None, "pm.test inside pm.test")
    state.test = match[1]
    state.tests += 1


def _close(state: State, match: re.Match[str]) -> None:
    _expect(state.test is not None, "}); without pm.test")
    state.test = None


def _status(state: State, match: re.Match[str]) -> None:
    found = _reply(state).status_code
    _expect(found == int(match[1]), f"expected status {match[1]}, found {found}")


def _parse(state: State, match: re.Match[str]) -> None:
    try:
        state.names["jsonData"] = _reply(state).json()
    except ValueError:
        raise AssertionError("the response is not JSON") from None


def _get(state: State, match: re.Match[str]) -> None:
    state.names["id"] = state.environment.get(match[1], Undefined())


def _set(state: State, match: re.Match[str]) -> None:
    value = _read(state, match[2])
    _expect(not isinstance(value, Undefined), f"{match[2]} is undefined")
    state.environment[match[1]] = value


def _eql(state: State, match: re.Match[str]) -> None:
    found, expected = _read(state, match[1]), _value(state, match[2])
    same = found == expected and isinstance(found, bool) == isinstance(expected, bool)
    _expect(same, f"expected {expected!r}, found {found!r}")


def _include(state: State, match: re.Match[str]) -> None:
    expected = _value(state, match[2])
    _expect(isinstance(expected, str), f"{match[2]} is {expected!r}, not a text")
    found = expected in _reply(state).text
    _expect(found != bool(match[1]), f"{expected!r} is {'' if found else 'not '}in the body")


def _ignore(state: State, match: re.Match[str]) -> None:
    pass


_PATH = r"(jsonData(?:\.\w+|\[\d+\])*)"
_LITERAL = r"(\"[^\"]*\"|\d+|true|false|\[\]|id)"

LINES: tuple[tuple[re.Pattern[str], Callable[[State, re.Match[str]], None]], ...] = (
    (re.compile(r"pm\.test\(\"([^\"]*)\", function \(\) \{"), _open),
    (re.compile(r"\}\);"), _close),
    (re.compile(r"pm\.response\.to\.have\.status\((\d+)\);"), _status),
    (re.compile(r"var jsonData = (?:pm\.response\.json\(\)|JSON\.parse\(responseBody\));"), _parse),
    (re.compile(r"var id = pm\.environment\.get\(\"(\w+)\"\);?"), _get),
    (re.compile(r"pm\.environment\.get\(\"(\w+)\"\);"), _ignore),
    (re.compile(rf"pm\.environment\.set\(\"(\w+)\", {_PATH}\);"), _set),
    (re.compile(rf"postman\.setEnvironmentVariable\(\"(\w+)\", {_PATH}\);"), _set),
    (re.compile(rf"pm\.expect\({_PATH}\)\.to\.eql\({_LITERAL}\);"), _eql),
    (re.compile(rf"pm\.expect\(pm\.response\.text\(\)\)\.to\.(not\.)?include\({_LITERAL}\);"), _include),
)
