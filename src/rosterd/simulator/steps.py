"""A conversation as data, and the one loop that holds it.

A ``Step`` says what is sent and what is looked at; ``run`` sends, looks and gives a ``Verdict``
for each. What a server answered is kept under a name (``keep``), and later steps refer to it as
``{name.id}`` in a path, a query value or any string of a body. A step whose reference is missing
is not sent and fails, with the reason.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rosterd.simulator.client import Client, Reply

Memory = Mapping[str, Any]
"""What was kept of earlier replies: name → JSON body."""

# {name.key.0.key}: a value kept from an earlier reply
_REFERENCE: Final = re.compile(r"\{([A-Za-z]\w*(?:\.\w+)*)\}")

PAGE: Final = 100
"""Okta asks for pages of 100, and goes on at ``startIndex + 100`` whatever it was given."""


class Missing(LookupError):
    """A step needs something that no earlier reply gave."""


class Note(str):
    """A finding that is no fault: it is told, and the step passes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at. ``look`` gives ``None`` if all is well, a ``Note``, or the fault."""

    text: str
    look: Callable[[Reply, Memory], str | None]


@dataclass(frozen=True, slots=True)
class Echo:
    """A body: the object the server gave (kept as ``of``) with ``changes`` merged into it."""

    of: str
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """What a step sends; strings may contain references."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | Echo | None = None
    authorization: str | None = None
    """Instead of the token, as the whole header value."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a conversation."""

    section: str
    name: str
    request: Request
    checks: tuple[Check, ...]
    keep: str | None = None
    walk: bool = False
    """Send the request again with the next ``startIndex`` until ``totalResults`` is reached."""
    extra: bool = False
    """A look of the simulator's own, which the real client would not take."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a step showed."""

    section: str
    step: str
    ok: bool
    why: str
    """The faults in plain words; empty if there are none."""
    notes: tuple[str, ...]
    checked: tuple[str, ...]
    method: str
    path: str
    """With the query, not percent-encoded."""
    status: int
    """0: not sent, or no answer."""
    ms: float
    requests: int = 1
    extra: bool = False


def resolve(template: Any, memory: Memory) -> Any:
    """The template with every reference replaced. Raises ``Missing``."""
    if isinstance(template, str):
        return _REFERENCE.sub(lambda match: _recall(match[1], memory), template)
    if isinstance(template, Echo):
        if not isinstance(memory.get(template.of), Mapping):
            raise Missing(template.of)
        return merge(memory[template.of], resolve(template.changes, memory))
    if isinstance(template, Mapping):
        return {key: resolve(value, memory) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [resolve(value, memory) for value in template]
    return template


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``: objects are merged, everything else is replaced."""
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result


def _recall(reference: str, memory: Memory) -> str:
    node: Any = memory
    for key in reference.split("."):
        if isinstance(node, Mapping) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            raise Missing(reference)
    if not isinstance(node, str) or not node:
        raise Missing(reference)
    return node


async def run(steps: Sequence[Step], client: Client, memory: Memory | None = None) -> AsyncIterator[Verdict]:
    """Take the steps in order, one after the other, and give a verdict for each."""
    known = dict(memory or {})
    for step in steps:
        try:
            request = _resolved(step.request, known)
        except Missing as missing:
            yield _unsent(step, str(missing))
            continue
        send = _walk if step.walk else _single
        reply, requests = await send(client, request)
        yield judge(step, request, reply, known, requests)
        if step.keep and isinstance(reply.body, Mapping) and 200 <= reply.status < 300:
            known[step.keep] = reply.body


def judge(step: Step, request: Request, reply: Reply, memory: Memory, requests: int = 1) -> Verdict:
    """Look at a reply as the step says; the first fault of the status hides the others."""
    faults: list[str] = []
    notes: list[str] = []
    for check in step.checks:
        try:
            finding = check.look(reply, memory)
        except Missing as missing:
            finding = f"cannot be compared: '{missing}' is not known, because an earlier step failed"
        if isinstance(finding, Note):
            notes.append(finding)
        elif finding:
            faults.append(finding)
            if check is step.checks[0]:
                break
    return Verdict(
        section=step.section,
        step=step.name,
        ok=not faults,
        why="; ".join(faults),
        notes=tuple(notes),
        checked=tuple(check.text for check in step.checks),
        method=request.method,
        path=_shown(request),
        status=reply.status,
        ms=round(reply.ms, 1),
        requests=requests,
        extra=step.extra,
    )


def _unsent(step: Step, missing: str) -> Verdict:
    return Verdict(
        section=step.section,
        step=step.name,
        ok=False,
        why=f"not sent: it needs '{missing}' of an earlier reply, and that step failed",
        notes=(),
        checked=tuple(check.text for check in step.checks),
        method=step.request.method,
        path=_shown(step.request),
        status=0,
        ms=0.0,
        requests=0,
        extra=step.extra,
    )


def _resolved(request: Request, memory: Memory) -> Request:
    return replace(
        request,
        path=resolve(request.path, memory),
        query=tuple((name, resolve(value, memory)) for name, value in request.query),
        body=resolve(request.body, memory),
    )


def _shown(request: Request) -> str:
    query = "&".join(f"{name}={value}" for name, value in request.query)
    return f"{request.path}?{query}" if query else request.path


async def _single(client: Client, request: Request) -> tuple[Reply, int]:
    reply = await client.send(
        request.method, request.path, request.query, request.body, request.authorization
    )
    return reply, reply.attempts


async def _walk(client: Client, request: Request) -> tuple[Reply, int]:
    """All pages as one reply: the first page with the resources of all, or the page that failed."""
    first, requests = await _single(client, request)
    resources: list[Any] = []
    page, start, slowest = first, 1, first.ms
    while isinstance(page.body, Mapping) and page.status == 200:
        found = page.body.get("Resources") or []
        resources += found
        total = page.body.get("totalResults")
        # A page that is not whole in the middle of the walk loses resources, as it does for Okta.
        start += PAGE
        if not isinstance(total, int) or start > total or not found:
            body = {**first.body, "Resources": resources, "itemsPerPage": len(resources)}
            return replace(first, body=body, ms=slowest), requests
        query = tuple((k, str(start)) if k == "startIndex" else (k, v) for k, v in request.query)
        page, sent = await _single(client, replace(request, query=query))
        requests += sent
        slowest = max(slowest, page.ms)
    return page, requests
