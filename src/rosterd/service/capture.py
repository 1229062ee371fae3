"""From what a request left behind to what the log keeps of it: reading and masking, off the request's way.

``Captured`` is made while others wait, and holds references and raw bytes only; ``exchange`` does the rest
later.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from rosterd.scim.schema import Model
from rosterd.service.masking import NOTHING, Masked, masks_of
from rosterd.service.request_log import MAX_TEXT, Exchange, Omitted

NAMES: Final = ("userName", "displayName")
"""By which attributes an administrator knows a resource, the better one first."""
MAX_SUBJECT: Final = 200
MAX_LINE: Final = 2000
"""Characters that are kept of a path, a query or an error's detail."""
MAX_AGENT: Final = 300

_WEIGHT: Final = 1500
_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_LOOKED_FOR: Final = re.compile(
    r'\b(?:userName|displayName|externalId|value)\s+eq\s+"((?:[^"\\]|\\.)+)"', re.IGNORECASE
)


class Captured(NamedTuple):
    """One request as it was, secrets included; it lives until the next flush."""

    directory: int
    connection: int
    token: str
    model: Model
    at: int
    request_id: str
    method: str
    path: str
    query: bytes
    status: int
    microseconds: int
    kind: str | None
    resource: str | None
    subject: str | None
    """What the client called it."""
    document: bytes | None
    """The resource as it is stored, if that was looked at."""
    tolerated: tuple[str, ...]
    situation: str
    other: str
    address: str | None
    agent: str | None
    body: bytes
    """At most ``MAX_TEXT`` of the body."""
    body_size: int
    reply: bytes
    """The reply's body, where it is kept."""

    @property
    def weight(self) -> int:
        """About how many bytes of memory it holds on to."""
        texts = (self.path, self.agent or "", self.subject or "")
        raw = (self.body, self.reply, self.query, self.document or b"")
        return _WEIGHT + sum(map(len, texts)) + sum(map(len, raw))

    @property
    def expendable(self) -> bool:
        """Whether it is a read that succeeded."""
        return is_expendable(self.status, self.method, self.path)

    @property
    def omitted(self) -> Omitted:
        """What is left of it if it is not kept."""
        return Omitted(self.directory, self.connection, self.at, self.status)


def is_expendable(status: int, method: str, path: str) -> bool:
    """Whether a request is a read that succeeded."""
    return status < 400 and (method in _READS or path.endswith("/.search"))


def exchange(raw: Captured, *, left_out: int = 0, bodies: bool = True) -> Exchange:
    """What is kept of it: masked, and cut; of bodies only if ``bodies`` are kept."""
    masks = masks_of(raw.model)
    body = masks.body(raw.body, whole=raw.body_size == len(raw.body)) if raw.body else NOTHING
    query = masks.query(raw.query[: 4 * MAX_LINE]) if raw.query else NOTHING
    hiding = Masked("", body.hidden | query.hidden) if query.hidden else body
    told: Mapping[str, Any] = _object(raw.reply) if raw.status >= 400 else {}

    def clean(text: str, most: int) -> str:
        return _storable(hiding.elsewhere(text)[:most])

    name, detail = _name(raw, body, query), told.get("detail")
    return Exchange(
        directory=raw.directory,
        connection=raw.connection,
        token=raw.token,
        at=raw.at,
        request_id=raw.request_id,
        method=raw.method[:20],
        path=clean(raw.path, MAX_LINE),
        query=_storable(query.text[:MAX_LINE]),
        status=raw.status,
        microseconds=raw.microseconds,
        kind=raw.kind,
        resource=None if raw.resource is None else clean(raw.resource, MAX_SUBJECT),
        subject=None if name is None else clean(name, MAX_SUBJECT),
        tolerated=raw.tolerated,
        scim_type=told.get("scimType"),
        detail=clean(detail, MAX_LINE) if isinstance(detail, str) else None,
        situation=raw.situation,
        other=raw.other,
        address=raw.address,
        agent=None if raw.agent is None else clean(raw.agent, MAX_AGENT),
        body=_storable(body.text[:MAX_TEXT]) if raw.body and bodies else None,
        body_size=raw.body_size,
        reply=clean(raw.reply.decode(errors="replace"), MAX_TEXT) if raw.reply and bodies else None,
        left_out=left_out,
    )


def name_in(body: object) -> str | None:
    """What a message calls the resource that it is about."""
    if not isinstance(body, dict):
        return None
    for name in NAMES:
        value = body.get(name)
        if value is None:
            value = next((v for k, v in body.items() if k.casefold() == name.casefold()), None)
        if isinstance(value, str) and value:
            return value
    return None


def _name(raw: Captured, body: Masked, query: Masked) -> str | None:
    """As sent, as known, or in a filter, as identity providers look for a user before they make it."""
    if raw.subject is not None:
        return raw.subject
    name = None if raw.document is None else name_in(_object(raw.document))
    if name is not None:
        return name
    text = query.text
    if raw.body and raw.path.endswith("/.search"):
        text = str(_object(body.text.encode()).get("filter", ""))
    found = _LOOKED_FOR.search(text)
    return found[1] if found else None


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _storable(text: str) -> str:
    """Without what a database or JSON cannot hold: U+0000, and halves of pairs (from a path in Latin-1)."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode(errors="replace").decode()
