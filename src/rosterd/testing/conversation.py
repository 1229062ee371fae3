"""Conversations: what a client says to a SCIM server, and what it needs to hear, as data.

Nothing is skipped: every step runs, every expectation is checked, a variable that does not exist
and a key that is not known are errors. A conversation is a JSON object:

    {"client": "Okta", "source": "…", "description": "…", "profile": "auto",
     "steps": [{"name": "…",
                "request": {"method": "GET", "path": "/Users/{{id}}", "headers": {…}, "body": {…}},
                "expect": {"status": 200, "headers": {…}, "body": {…}},
                "save": {"id": "id", "etag": "header:ETag"}}]}

``path`` is relative to the SCIM base URL. ``body`` is JSON (or ``raw``: text sent as it is). ``status``
is a number or a list of numbers. Expected headers and bodies are matched by ``testing.matching``.
``{{name}}`` stands for a variable: as a whole string for its value, else for its text; ``{{base}}``
is the base URL. ``save`` reads places such as ``Resources[0].id`` or ``["urn:…:User"].department``.
"""

import json
import re
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rosterd.testing.matching import ABSENT, JSON, PatternError, differences

SCIM_JSON: Final = "application/scim+json"

_VARIABLE: Final = re.compile(r"\{\{(\w+)\}\}")
_PLACE: Final = re.compile(r"""\.?([A-Za-z$_][\w$-]*)|\[(\d+)\]|\["([^"]+)"\]""")


class ConversationError(ValueError):
    """The conversation file is not valid; the message names the step."""


class ConversationFailure(AssertionError):
    """A step was answered in another way than expected; the message shows the exchange."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, templates filled in. ``url`` begins with the base URL."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> JSON:
        """The body parsed, ``ABSENT`` if it is empty, its text if it is not JSON."""
        if not self.body:
            return ABSENT
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")


Send = Callable[[str, str, Mapping[str, str], bytes | None], Reply]
"""``send(method, url, headers, body)``"""
AsyncSend = Callable[[str, str, Mapping[str, str], bytes | None], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange of a conversation, as written in the file."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: JSON
    raw: str | None
    status: tuple[int, ...]
    expected_headers: Mapping[str, JSON]
    expected_body: JSON
    save: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A recorded conversation of one client."""

    client: str
    source: str
    description: str
    steps: tuple[Step, ...]
    profile: str = "auto"
    """The connection profile under which it is meant to be held."""

    @classmethod
    def from_json(cls, data: JSON) -> "Conversation":
        """Read a conversation; raises ``ConversationError``."""
        _keys(data, "the conversation", {"client", "source", "description", "steps"}, {"profile"})
        if not isinstance(data["steps"], list) or not data["steps"]:
            raise ConversationError("the conversation: 'steps' must be a list and not empty")
        return cls(
            client=str(data["client"]),
            source=str(data["source"]),
            description=str(data["description"]),
            steps=tuple(_step(step, number) for number, step in enumerate(data["steps"], 1)),
            profile=str(data.get("profile", "auto")),
        )

    @classmethod
    def load(cls, path: Path) -> "Conversation":
        """Read a conversation file; raises ``ConversationError`` with its name."""
        try:
            return cls.from_json(json.loads(path.read_bytes()))
        except ValueError as error:
            raise ConversationError(f"{path.name}: {error}") from error

    def replay(
        self,
        send: Send,
        base: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, JSON] | None = None,
    ) -> Mapping[str, JSON]:
        """Hold the conversation; ``headers`` go with every request. Returns the variables at its end.

        Raises ``ConversationFailure`` at the first step that is answered in another way.
        """
        exchange = self._exchange(base, headers or {}, variables or {})
        try:
            request = next(exchange)
            while True:
                request = exchange.send(send(request.method, request.url, request.headers, request.body))
        except StopIteration as end:
            return dict(end.value)

    async def replay_async(
        self,
        send: AsyncSend,
        base: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, JSON] | None = None,
    ) -> Mapping[str, JSON]:
        """``replay`` over a ``send`` that is awaited."""
        exchange = self._exchange(base, headers or {}, variables or {})
        try:
            request = next(exchange)
            while True:
                reply = await send(request.method, request.url, request.headers, request.body)
                request = exchange.send(reply)
        except StopIteration as end:
            return dict(end.value)

    def _exchange(
        self, base: str, headers: Mapping[str, str], variables: Mapping[str, JSON]
    ) -> Generator[Request, Reply, Mapping[str, JSON]]:
        known = {"base": base, **variables}
        for number, step in enumerate(self.steps, 1):
            title = f"{self.client}, step {number} «{step.name}»"
            try:
                request = _request(step, base, headers, known)
                reply = yield request
                faults = tuple(_check(step, reply, known))
                if not faults:
                    known |= {name: _read(reply, place) for name, place in step.save.items()}
            except (PatternError, LookupError) as error:
                raise ConversationError(f"{title}: {error}") from error
            if faults:
                raise ConversationFailure(_report(title, request, reply, faults))
        return known


@dataclass(frozen=True, slots=True)
class _Template:
    """Fills ``{{name}}`` into any JSON."""

    variables: Mapping[str, JSON] = field(default_factory=dict)

    def fill(self, value: JSON) -> JSON:
        if isinstance(value, str):
            whole = _VARIABLE.fullmatch(value)
            return self._value(whole[1]) if whole else self.text(value)
        if isinstance(value, list):
            return [self.fill(element) for element in value]
        if isinstance(value, dict):
            return {self.text(key): self.fill(element) for key, element in value.items()}
        return value

    def text(self, value: str) -> str:
        def put(match: re.Match[str]) -> str:
            found = self._value(match[1])
            return found if isinstance(found, str) else json.dumps(found)

        return _VARIABLE.sub(put, value)

    def _value(self, name: str) -> JSON:
        if name not in self.variables:
            raise LookupError(f"there is no variable {{{{{name}}}}}; known are {', '.join(self.variables)}")
        return self.variables[name]


def _request(step: Step, base: str, headers: Mapping[str, str], variables: Mapping[str, JSON]) -> Request:
    template = _Template(variables)
    body: bytes | None = None
    if step.raw is not None:
        body = template.text(step.raw).encode()
    elif step.body is not ABSENT:
        body = json.dumps(template.fill(step.body), ensure_ascii=False).encode()
    merged = {"Accept": SCIM_JSON, **({"Content-Type": SCIM_JSON} if body is not None else {}), **headers}
    for name, value in step.headers.items():
        merged = {k: v for k, v in merged.items() if k.casefold() != name.casefold()}
        merged[name] = template.text(value)
    return Request(step.method, base + template.text(step.path), merged, body)


def _check(step: Step, reply: Reply, variables: Mapping[str, JSON]) -> Iterator[str]:
    template = _Template(variables)
    if reply.status not in step.status:
        yield f"status: expected {' or '.join(map(str, step.status))}, found {reply.status}"
    received = {name.casefold(): value for name, value in reply.headers.items()}
    for name, pattern in step.expected_headers.items():
        yield from differences(
            template.fill(pattern), received.get(name.casefold(), ABSENT), f"header {name}"
        )
    if step.expected_body is not ABSENT:
        yield from differences(template.fill(step.expected_body), reply.json())


def read_place(value: JSON, place: str) -> JSON:
    """The value at ``Resources[0].name.familyName``, ``["urn:…"].x``; raises ``LookupError``."""
    position = 0
    while position < len(place):
        match = _PLACE.match(place, position)
        if not match:
            raise LookupError(f"{place!r} is not a place such as Resources[0].id")
        name, index, quoted = match.groups()
        position = match.end()
        try:
            value = value[int(index)] if index else value[name or quoted]
        except (LookupError, TypeError) as error:
            raise LookupError(f"there is nothing at {place[:position]}") from error
    return value


def _read(reply: Reply, place: str) -> JSON:
    if place.startswith("header:"):
        wanted = place.removeprefix("header:").casefold()
        found = [value for name, value in reply.headers.items() if name.casefold() == wanted]
        if not found:
            raise LookupError(f"the reply has no header {wanted}")
        return found[0]
    return read_place(reply.json(), place)


def _report(title: str, request: Request, reply: Reply, faults: tuple[str, ...]) -> str:
    lines = [title, *(f"  - {fault}" for fault in faults), "", f"  {request.method} {request.url}"]
    lines += [f"  {line}" for line in _pretty(request.body or b"")]
    lines += ["", f"  → {reply.status}", *(f"  {line}" for line in _pretty(reply.body))]
    return "\n".join(lines)


def _pretty(body: bytes) -> list[str]:
    try:
        lines = json.dumps(json.loads(body), indent=2, ensure_ascii=False).splitlines() if body else []
    except ValueError:
        lines = body.decode("utf-8", "replace").splitlines()
    return lines if len(lines) <= 60 else [*lines[:60], f"… and {len(lines) - 60} lines more"]


def _step(data: JSON, number: int) -> Step:
    where = f"step {number}"
    _keys(data, where, {"name", "request", "expect"}, {"save"})
    request, expect = data["request"], data["expect"]
    _keys(request, f"{where} request", {"method", "path"}, {"headers", "body", "raw"})
    _keys(expect, f"{where} expect", {"status"}, {"headers", "body"})
    if not str(request["path"]).startswith("/"):
        raise ConversationError(f"{where}: 'path' must begin with a slash")
    if "raw" in request and "body" in request:
        raise ConversationError(f"{where}: a request has 'body' or 'raw', not both")
    status = expect["status"] if isinstance(expect["status"], list) else [expect["status"]]
    if not status or not all(isinstance(code, int) for code in status):
        raise ConversationError(f"{where}: 'status' must be a number or a list of numbers")
    return Step(
        name=str(data["name"]),
        method=str(request["method"]),
        path=str(request["path"]),
        headers=request.get("headers", {}),
        body=request.get("body", ABSENT),
        raw=request.get("raw"),
        status=tuple(status),
        expected_headers=expect.get("headers", {}),
        expected_body=expect.get("body", ABSENT),
        save=data.get("save", {}),
    )


def _keys(data: JSON, where: str, required: set[str], optional: set[str]) -> None:
    if not isinstance(data, dict):
        raise ConversationError(f"{where} must be a JSON object")
    missing, unknown = sorted(required - data.keys()), sorted(data.keys() - required - optional)
    if missing or unknown:
        word = f"has no {missing[0]!r}" if missing else f"does not know {unknown[0]!r}"
        raise ConversationError(f"{where} {word}")
