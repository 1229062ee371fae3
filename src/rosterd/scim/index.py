"""What a store keeps beside a document so that every filter, sort and look-up is a plain comparison.

Folding happens once, on write: a string whose attribute is not ``caseExact`` is casefolded, a date
becomes microseconds since the epoch, a boolean 0 or 1. SQL then compares binary values only, and
the same on every engine; ``fold`` is applied to the literals of a filter in the same way.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from rosterd.scim.schema import Attribute, Ref, ResourceType

Scalar = str | int | float | bool

# Attributes looked up by equality often enough to deserve a row each in the index table.
INDEXED: Final[Mapping[str, tuple[str, ...]]] = {
    "User": ("displayName", "emails.value", "name.familyName"),
    "Group": ("displayName",),
}

# dateTime of RFC 7643 §2.3.5: xsd:dateTime, here with an optional zone (UTC) and any fraction.
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.I)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_date(text: str) -> int | None:
    """Microseconds since the epoch of an ``xsd:dateTime``; ``None`` if it is not one."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int((fraction or "")[:6].ljust(6, "0"))
    try:
        base = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    seconds = int((base - _EPOCH).total_seconds())
    if zone and zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours > 14 or minutes > 59:
            return None
        offset = hours * 3600 + minutes * 60
        seconds += offset if zone[0] == "-" else -offset
    return seconds * 1_000_000 + micros


def fold(attribute: Attribute, value: Scalar) -> Scalar:
    """The value in the form in which it is compared (see the module's law)."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if attribute.type == "dateTime":
            date = parse_date(value)
            return value if date is None else date
        if not attribute.case_exact:
            return value.casefold()
    return value


@dataclass(frozen=True, slots=True)
class Indexed:
    """The comparable shadow of one canonical document."""

    search: Mapping[str, Any]
    """The folded document: same keys and nesting, folded values."""
    unique: tuple[tuple[str, str], ...]
    """(attribute, folded value) pairs that must be unique in the directory for the type."""
    values: tuple[tuple[str, str], ...]
    """(attribute, folded value) pairs for the index table, without repetition."""
    display: str | None = None
    """The name it is shown by in the lists it appears in: displayName, else userName."""


def index(document: Mapping[str, Any], resource_type: ResourceType) -> Indexed:
    """Compute what a store indexes for a canonical document (without id, meta, groups, members)."""
    search: dict[str, Any] = {}
    for attribute in resource_type.schema.attributes:
        if attribute.name in document:
            search[attribute.name] = folded(attribute, document[attribute.name])
    for extension in resource_type.extensions:
        part = document.get(extension.schema.id)
        if part:
            search[extension.schema.id] = {
                a.name: folded(a, part[a.name]) for a in extension.schema.attributes if a.name in part
            }
    plan = _plan(resource_type)
    unique = [(name, str(value)) for name, keys in plan.unique for value in _leaves(search, keys)]
    values = {(name, str(value)): None for name, keys in plan.indexed for value in _leaves(search, keys)}
    return Indexed(search, tuple(unique), tuple(values), _display(document))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The attributes of one resource type that get rows of their own: (name, keys to follow)."""

    unique: tuple[tuple[str, tuple[str, ...]], ...]
    indexed: tuple[tuple[str, tuple[str, ...]], ...]


def _display(document: Mapping[str, Any]) -> str | None:
    names = (document.get(name) for name in ("displayName", "userName"))
    return next((name for name in names if isinstance(name, str) and name), None)


@lru_cache(maxsize=1024)
def _plan(resource_type: ResourceType) -> _Plan:
    found = [_ref(resource_type, name) for name in INDEXED.get(resource_type.name, ())]
    return _Plan(
        unique=tuple((str(ref), ref.keys) for ref in unique_attributes(resource_type)),
        indexed=tuple((str(ref), ref.keys) for ref in found if ref),
    )


def unique_attributes(resource_type: ResourceType) -> tuple[Ref, ...]:
    """The stored attributes with ``uniqueness`` server or global: userName, and custom ones."""
    return tuple(ref for ref in resource_type.references() if is_unique(ref))


def is_unique(ref: Ref) -> bool:
    """Whether ``ref`` is one of ``unique_attributes``."""
    attribute = ref.attribute
    return (
        attribute is not None
        and ref.sub is None
        and attribute.uniqueness != "none"
        and attribute.name != "id"
        and attribute.returned != "never"
        and attribute.type != "complex"
    )


def scalars(document: Mapping[str, Any], ref: Ref) -> list[Scalar]:
    """Every value that ``ref`` names in a canonical (or folded) document, in document order."""
    return _leaves(document, ref.keys)


def _leaves(document: Mapping[str, Any], keys: tuple[str, ...]) -> list[Scalar]:
    nodes: list[Any] = [document]
    for key in keys:
        found = [node[key] for node in nodes if isinstance(node, dict) and key in node]
        nodes = [leaf for node in found for leaf in (node if isinstance(node, list) else (node,))]
    return [node for node in nodes if not isinstance(node, dict)]


def _ref(resource_type: ResourceType, name: str) -> Ref | None:
    attribute, _, sub = name.partition(".")
    return resource_type.resolve(None, attribute, sub or None)


def folded(attribute: Attribute, value: Any) -> Any:
    """A canonical value of ``attribute`` with everything in it folded; unknown sub-attributes are dropped."""
    if isinstance(value, list):
        return [folded(attribute, element) for element in value]
    if isinstance(value, dict):
        return {
            sub.name: folded(sub, value[sub.name]) for sub in attribute.sub_attributes if sub.name in value
        }
    return fold(attribute, value)
