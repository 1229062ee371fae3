"""An event of the feed as claims of a security event token (RFC 8417), in words of RFC 9967 and CAEP 1.0.

The claims depend on the event and the stream alone: a token that comes again says the same under the same
``jti``. What no identity provider's request can have changed in SCIM makes no token.

    jti = stream "." directory "-" seq            ; of an event
        / stream ".test-" chance                  ; of a test
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rosterd.scim import urns
from rosterd.scim.schema import Model, ResourceType
from rosterd.service.changes import noun
from rosterd.service.events import NOBODY, StoredEvent
from rosterd.service.feed import ENDS_SESSIONS
from rosterd.service.set_stream import CAEP, DETAILS, FULL, NOTICE, SCIM, Stream

_PROV: Final = "urn:ietf:params:scim:event:prov"
CREATE: Final = f"{_PROV}:create"
PATCH: Final = f"{_PROV}:patch"
DELETE: Final = f"{_PROV}:delete"
ACTIVATE: Final = f"{_PROV}:activate"
DEACTIVATE: Final = f"{_PROV}:deactivate"
SESSION_REVOKED: Final = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION: Final = "https://schemas.openid.net/secevent/ssf/event-type/verification"
EVENT_TYPES: Final = (
    *(f"{type}:{detail}" for type in (CREATE, PATCH) for detail in DETAILS),
    DELETE,
    ACTIVATE,
    DEACTIVATE,
    SESSION_REVOKED,
    VERIFICATION,
)
"""All that a token can tell."""

Claims = dict[str, Any]


def jti(stream: str, directory: int, seq: int) -> str:
    """The id of the token about an event."""
    return f"{stream}.{directory}-{seq}"


def seq_of(text: str, stream: str, directory: int) -> int | None:
    """The event's number in a ``jti``; ``None`` if it is no token of this stream and directory."""
    begin, _, number = text.rpartition("-")
    if begin != f"{stream}.{directory}" or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number)


def claims(
    stored: StoredEvent,
    directory: int,
    model: Model,
    connections: Mapping[int, str],
    stream: Stream,
    id: str,
    issuer: str,
) -> Claims | None:
    """The claims of the token about an event, for the stream with this id; ``None``: there is none."""
    event = stored.event
    resource_type = model.types.get(event.kind)
    first, _, verb = event.type.partition(".")
    if resource_type is None or first != noun(resource_type):
        return None
    told: dict[str, Any] = {}
    if stream.vocabulary != CAEP and verb in _PAYLOADS:
        told = _PAYLOADS[verb](event.data, resource_type, event.resource, stream.detail)
    if stream.vocabulary != SCIM and event.type in ENDS_SESSIONS:
        told[SESSION_REVOKED] = _revoked(verb, event.at, connections.get(event.connection), event.connection)
    if not told:
        return None
    subject = {"format": "scim", "uri": f"{resource_type.endpoint}/{event.resource}"}
    external = _side(event.data, "after").get("externalId") or _side(event.data, "before").get("externalId")
    if external:
        subject["externalId"] = external
    return {
        "iss": issuer,
        "aud": stream.audience,
        "iat": event.at // 1000,
        "jti": jti(id, directory, stored.seq),
        "txn": event.request_id or f"{directory}-{stored.seq}",
        "sub_id": subject,
        "events": told,
    }


def verification(id: str, issuer: str, stream: Stream, token: str, at: int) -> Claims:
    """The claims of a test (SSF 1.0 §8.1.4.1): it says that nothing happened."""
    return {
        "iss": issuer,
        "aud": stream.audience,
        "iat": at // 1000,
        "jti": token,
        "sub_id": {"format": "opaque", "id": id},
        "events": {VERIFICATION: {}},
    }


def _side(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    side: Mapping[str, Any] = data.get(name) or {}
    return side


def _created(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    if "after" not in data:  # it was erased, and so is what it was
        return {}
    after = {name: value for name, value in _side(data, "after").items() if name != "schemas"}
    if detail == NOTICE:
        return {f"{CREATE}:{NOTICE}": {"attributes": ["id", *(path for path, *_ in _paths({}, after))]}}
    extensions = [name for name in after if name.startswith("urn:")]
    shown = {
        name: {inner: each for inner, each in value.items() if not _hidden(of, f"{name}:{inner}")}
        if name in extensions
        else value
        for name, value in after.items()
        if name in extensions or not _hidden(of, name)
    }
    return {f"{CREATE}:{FULL}": {"data": {"schemas": [of.schema.id, *extensions], "id": id, **shown}}}


def _updated(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    if data.get("revived"):  # for SCIM it was not there, and is there again
        return _created(data, of, id, detail)
    changed = list(_paths(_side(data, "before"), _side(data, "after")))
    operations = [
        operation
        for path, old, new in changed
        if not _hidden(of, path)
        for operation in _operations(path, old, new)
    ]
    return _patched([path for path, *_ in changed], operations, detail)


def _operations(path: str, old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """What makes the new value of the old one; replacing an object leaves what it does not name."""
    if new is None:
        yield {"op": "remove", "path": path}
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from ({"op": "remove", "path": f"{path}.{name}"} for name in old if name not in new)
    yield {"op": "replace", "path": path, "value": new}


def _activated(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    return {**_updated(data, of, id, detail), ACTIVATE: {}}


def _deactivated(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    return {**_updated(data, of, id, detail), DEACTIVATE: {}}


def _deleted(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    return {DELETE: {}}


def _member_added(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    values = [{"value": member} for member in data.get("members", ())]
    if not values:  # they name nobody yet
        return {}
    return _patched(["members"], [{"op": "add", "path": "members", "value": values}], detail)


def _member_removed(data: Mapping[str, Any], of: ResourceType, id: str, detail: str) -> dict[str, Any]:
    gone = [{"op": "remove", "path": f'members[value eq "{one}"]'} for one in data.get("members", ())]
    return _patched(["members"], gone, detail) if gone else {}


def _patched(paths: list[str], operations: list[dict[str, Any]], detail: str) -> dict[str, Any]:
    if detail == NOTICE and paths:
        return {f"{PATCH}:{NOTICE}": {"attributes": paths}}
    if not operations:
        return {}
    return {f"{PATCH}:{FULL}": {"data": {"schemas": [urns.PATCH_OP], "Operations": operations}}}


_PAYLOADS: Final[Mapping[str, Callable[[Mapping[str, Any], ResourceType, str, str], dict[str, Any]]]] = {
    "created": _created,
    "updated": _updated,
    "activated": _activated,
    "deactivated": _deactivated,
    "deleted": _deleted,
    "member_added": _member_added,
    "member_removed": _member_removed,
}
"""By what happened: the events of RFC 9967 and their payloads."""


def _paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The attributes on either side as paths (RFC 7644 §3.5.2), with their values on both, or ``None``."""
    for name in {**before, **after}:
        if not name.startswith("urn:"):
            yield name, before.get(name), after.get(name)
            continue
        old, new = before.get(name) or {}, after.get(name) or {}
        for inner in {**old, **new}:
            yield f"{name}:{inner}", old.get(inner), new.get(inner)


def _hidden(of: ResourceType, path: str) -> bool:
    """Whether SCIM never returns it."""
    urn, _, name = path.rpartition(":")
    found = of.resolve(urn or None, name)
    return found is not None and found.target is not None and found.target.returned == "never"


def _revoked(verb: str, at: int, connection: str | None, number: int) -> dict[str, Any]:
    by = "by an administrator of rosterd" if number == NOBODY else f"by the identity provider '{connection}'"
    return {
        "event_timestamp": at // 1000,
        "initiating_entity": "admin" if number == NOBODY else "system",
        "reason_admin": {"en": f"The account was {verb} {by}."},
    }
