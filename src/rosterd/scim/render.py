"""What of a resource goes out: ``returned`` and the client's choice decide, nothing else does.

A ``Projection`` is what the client asked for, in its own words; for a resource type it becomes a
``TypeProjection``, a plan of the keys to keep that is made once and then only walked. Sources:
RFC 7643 §2.2 and §7 (``returned``), RFC 7644 §3.9 (``attributes``, ``excludedAttributes``), §3.10
(attribute notation), §3.14 (ETags), RFC 9110 §13.1 (conditional requests).

    returned   no choice   attributes=            excludedAttributes=
    always     kept        kept                   kept
    default    kept        kept if named          kept unless named
    request    left out    kept if named          left out
    never      left out    left out               left out

The rows hold for a sub-attribute inside its attribute in the same way; naming an attribute names
its sub-attributes of the rows ``always`` and ``default``. An attribute left with nothing is left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Union

from rosterd.scim import urns
from rosterd.scim.errors import InvalidValue
from rosterd.scim.schema import Attribute, ResourceType, Schema

MAX_TEXT: Final = 8192
"""Characters of ``attributes`` or ``excludedAttributes``; more is ``InvalidValue``."""

Plan = Mapping[str, Union["Plan", None]]
"""The keys to keep, in a document or in the values of an attribute; ``None``: all that is below."""


@dataclass(frozen=True, slots=True)
class TypeProjection:
    """A projection compiled for one resource type."""

    plan: Plan
    identity: bool
    """The projection leaves nothing out that a canonical document can hold: it may go out as stored."""
    groups: bool
    """It shows the groups that a resource of the type is in (RFC 7643 §4.1.2)."""
    members: bool
    """It shows what is in a resource of the type, a group."""

    def apply(self, document: Mapping[str, object]) -> dict[str, object]:
        """The part of a full document that goes out; the document itself is not changed."""
        return _take(document, self.plan)


class Projection(NamedTuple):
    """``attributes`` or ``excludedAttributes`` as the client wrote them; neither: the default."""

    names: tuple[str, ...] = ()
    excluded: bool = False
    """``names`` are those of ``excludedAttributes``."""
    written: tuple[str, ...] = ()
    """What a change set: shown in its reply even if it is ``returned`` on request only (RFC 7643 §2.2)."""

    @classmethod
    def parse(
        cls,
        attributes: str | Iterable[str] | None = None,
        excluded: str | Iterable[str] | None = None,
    ) -> "Projection":
        """Read comma-separated strings or lists of names; nothing but blanks counts as not given.

        A name that no schema knows is ignored later on. A filter in brackets, as Microsoft sends
        it (``emails[type eq "work"]``), is ignored too. Raises ``InvalidValue`` if both are given
        (RFC 7644 §3.9: they are mutually exclusive) or one is too long.
        """
        if attributes is None and excluded is None:
            return DEFAULT
        chosen, left_out = _names(attributes, "attributes"), _names(excluded, "excludedAttributes")
        if chosen and left_out:
            raise InvalidValue("'attributes' and 'excludedAttributes' exclude each other; send one of them")
        return cls(chosen or left_out, excluded=bool(left_out))

    def for_type(self, resource_type: ResourceType) -> TypeProjection:
        """The projection compiled for a resource type."""
        return _compile(self, resource_type)

    def after_change(self, resource_type: ResourceType, body: object) -> "Projection":
        """The projection of the reply to a POST, PUT or PATCH with this body."""
        rare = _on_request(resource_type)
        if not rare or not isinstance(body, Mapping):
            return self
        # Only these count, and what is compiled for them is kept: not for whatever a client writes.
        given = _choices(_written(body), resource_type)
        return Projection(self.names, self.excluded, tuple([name for name, key in rare if key in given]))


DEFAULT: Final = Projection()
"""What goes out when the client chooses nothing."""

_Mode = Literal["default", "include", "exclude"]


@dataclass(slots=True)
class _Choice:
    """What the client named of one attribute: the whole, or some sub-attributes."""

    whole: bool = False
    subs: set[str] = field(default_factory=set)

    def names(self, mode: _Mode) -> bool:
        """Whether the attribute itself is named: to include a part of it is to include it."""
        return self.whole or (mode == "include" and bool(self.subs))


_NOT_NAMED: Final = _Choice()
_Key = tuple[str | None, str]
"""An attribute: the URN of its extension, and its name."""


# Most requests use one of the few projections of their identity provider.
@lru_cache(maxsize=256)
def _compile(projection: Projection, resource_type: ResourceType) -> TypeProjection:
    mode: _Mode = "default"
    if projection.names:
        mode = "exclude" if projection.excluded else "include"
    choices = _choices(projection.names, resource_type)
    written = _choices(projection.written, resource_type)
    plan: dict[str, Plan | None] = {}
    places: dict[str | None, dict[str, Plan | None]] = {None: plan}
    lossless = True
    for ref in resource_type.references():
        attribute = ref.attribute
        if attribute is None:
            continue
        choice = choices.get((ref.extension, attribute.name), _NOT_NAMED)
        subs = _kept_subs(attribute, choice, mode)
        named = choice.names(mode)
        shown = _row(attribute.returned, named, mode) or (
            attribute.returned == "request"
            and mode != "include"
            and not named
            and (ref.extension, attribute.name) in written
        )
        kept = shown and (subs is None or bool(subs))
        if kept:
            places.setdefault(ref.extension, {})[attribute.name] = subs
        missing = (s for s in attribute.sub_attributes if subs is not None and s.name not in subs)
        lossless &= attribute.returned == "never" or (kept and all(s.returned == "never" for s in missing))
    plan.update((urn, place) for urn, place in places.items() if urn is not None)
    core = resource_type.schema.id
    return TypeProjection(
        plan, lossless, core == urns.USER and "groups" in plan, core == urns.GROUP and "members" in plan
    )


@lru_cache(maxsize=1024)
def _on_request(resource_type: ResourceType) -> tuple[tuple[str, _Key], ...]:
    """The attributes of the type that are returned on request only, by name."""
    found = [(str(ref), ref.extension, ref.attribute) for ref in resource_type.references()]
    return tuple((name, (urn, a.name)) for name, urn, a in found if a and a.returned == "request")


def _written(body: Mapping[str, object]) -> Iterable[str]:
    """The attributes that a resource or a PatchOp message names, in the notation of RFC 7644 §3.10."""
    operations = next((v for k, v in body.items() if k.casefold() == "operations"), None)
    parts = operations if isinstance(operations, list) else [{"value": body}]
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        path, value = part.get("path"), part.get("value")
        if isinstance(path, str):
            yield path.partition("[")[0]
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield name
                if ":" in name and isinstance(inner, Mapping):
                    yield from (f"{name}:{sub}" for sub in inner)


def _kept_subs(attribute: Attribute, choice: _Choice, mode: _Mode) -> Plan | None:
    """The sub-attributes to keep if the attribute is kept; ``None``: all, or there are none."""
    # An attribute named as a whole, or there in any case, shows what it shows by default.
    if mode == "include" and (choice.whole or attribute.returned == "always"):
        kept = {s.name: None for s in attribute.sub_attributes if _row(s.returned, False, "default")}
    else:
        kept = {}
    for sub in attribute.sub_attributes:
        if _row(sub.returned, sub.name in choice.subs, mode):
            kept[sub.name] = None
    return None if len(kept) == len(attribute.sub_attributes) else kept


def _row(returned: str, named: bool, mode: _Mode) -> bool:
    """The table of the module's law."""
    if returned in ("always", "never"):
        return returned == "always"
    if mode == "include":
        return named
    return returned == "default" and not (mode == "exclude" and named)


def _choices(names: Iterable[str], resource_type: ResourceType) -> dict[_Key, _Choice]:
    """What the names mean for a type."""
    schemas: dict[str, tuple[str | None, Schema]] = {
        urn: (extension.schema.id, extension.schema) for urn, extension in resource_type.by_urn.items()
    }
    schemas[resource_type.schema.id.casefold()] = (None, resource_type.schema)
    choices: dict[_Key, _Choice] = {}
    for name in names:
        if whole := schemas.get(name.casefold()):
            for attribute in whole[1].attributes:
                choices.setdefault((whole[0], attribute.name), _Choice()).whole = True
            continue
        prefix, _, last = name.rpartition(":")
        top, _, sub = last.partition(".")
        ref = resource_type.resolve(prefix or None, top, sub or None)
        if ref is None or ref.attribute is None:
            continue
        choice = choices.setdefault((ref.extension, ref.attribute.name), _Choice())
        if ref.sub:
            choice.subs.add(ref.sub.name)
        else:
            choice.whole = True
    return choices


def _take(value: Mapping[str, object], plan: Plan) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, item in value.items():
        if key not in plan:
            continue
        below = plan[key]
        if below is None:
            result[key] = item
        elif isinstance(item, Mapping):
            if part := _take(item, below):
                result[key] = part
        elif isinstance(item, list) and (
            parts := [part for e in item if isinstance(e, Mapping) and (part := _take(e, below))]
        ):
            result[key] = parts
    return result


def _names(given: str | Iterable[str] | None, what: str) -> tuple[str, ...]:
    if given is None:
        return ()
    text = given if isinstance(given, str) else ",".join(given)
    if len(text) > MAX_TEXT:
        raise InvalidValue(f"'{what}' is longer than {MAX_TEXT} characters; name fewer attributes")
    if "[" in text:
        text = _without_filters(text)
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _without_filters(text: str) -> str:
    """The text without what stands in brackets; a bracket inside a string literal does not count."""
    kept: list[str] = []
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            escaped, quoted = character == "\\" and not escaped, character != '"' or escaped
        elif character == "[":
            depth += 1
        elif character == "]":
            depth = max(0, depth - 1)
        elif depth:
            quoted = character == '"'
        else:
            kept.append(character)
    return "".join(kept)


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - what is written behind the time says that it is UTC


_THOUSANDTHS: Final = tuple(f".{ms:03}Z" for ms in range(1000))


def format_time(ms: int) -> str:
    """Milliseconds since the epoch as ``2026-11-24T15:22:47.123Z`` (RFC 7643 §2.3.5)."""
    seconds, rest = divmod(ms, 1000)
    return _second(seconds) + _THOUSANDTHS[rest]


@lru_cache(maxsize=4096)  # what was provisioned together has its times together
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def etag(version: int) -> str:
    """The weak ETag of a version, ``W/"3"`` (RFC 7644 §3.14)."""
    return f'W/"{version}"'


class _Any(Enum):
    ANY = "*"


ANY: Final = _Any.ANY
"""What ``*`` in If-Match or If-None-Match stands for: any version."""

# entity-tag = [ weak ] opaque-tag; opaque-tag = DQUOTE *etagc DQUOTE   (RFC 9110 §8.8.3).
# Clients also send the value without its quotes.
_ETAG: Final = re.compile(r'(?:[Ww]/)?(?:"([^"]*)"|([^\s",]+))')


def parse_etags(header: str) -> frozenset[str] | Literal[_Any.ANY]:
    """The opaque tags of an If-Match or If-None-Match header, or ``ANY`` for ``*``.

    Comparison is weak (RFC 9110 §8.8.3.2), so ``W/`` is dropped. What is no tag matches nothing.
    """
    if header.strip() == "*":
        return ANY
    return frozenset(quoted or bare for quoted, bare in _ETAG.findall(header))


def etag_matches(header: str, version: int) -> bool:
    """Whether the header names the present version of a resource."""
    tags = parse_etags(header)
    return tags is ANY or str(version) in tags
