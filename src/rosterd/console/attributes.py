"""A resource as people read it: each schema a section, each attribute a line, its values as texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from rosterd.scim.schema import Attribute, ResourceType, Schema


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute with its values."""

    name: str
    """With its sub-attribute, e.g. ``name.familyName``."""
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The attributes of one schema that the resource has."""

    title: str
    urn: str
    lines: tuple[Line, ...]


def parts(document: Mapping[str, Any], resource_type: ResourceType) -> tuple[Part, ...]:
    """The sections of a canonical document, the extensions it has nothing of left out."""
    found = [_part(document, resource_type.schema)]
    for extension in resource_type.extensions:
        inner = document.get(extension.schema.id)
        if isinstance(inner, Mapping) and inner:
            found.append(_part(inner, extension.schema))
    return tuple(found)


def shown(value: Any) -> str:
    """A simple value as people read it; any other as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list):
        return orjson.dumps(value).decode()
    return str(value)


def name_of(document: Mapping[str, Any]) -> str:
    """What somebody or something is called, in the best form there is; ``""`` if it has no name at all."""
    name = document.get("name")
    parts = name if isinstance(name, Mapping) else {}
    whole = " ".join(str(parts[key]) for key in ("givenName", "familyName") if parts.get(key))
    for value in (document.get("displayName"), parts.get("formatted"), whole, document.get("userName")):
        if isinstance(value, str) and value:
            return value
    return ""


def email_of(document: Mapping[str, Any]) -> str:
    """The primary e-mail address, else the first, else ``""``."""
    emails = [e for e in document.get("emails") or () if isinstance(e, Mapping) and e.get("value")]
    primary = next((e for e in emails if e.get("primary") is True), emails[0] if emails else None)
    return str(primary["value"]) if primary else ""


def _part(document: Mapping[str, Any], schema: Schema) -> Part:
    lines = [line for a in schema.attributes if a.name in document for line in _lines(a, document[a.name])]
    return Part(schema.name, schema.id, tuple(lines))


def _lines(attribute: Attribute, value: Any) -> Iterator[Line]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            sub = attribute.subs.get(name.casefold())
            description = sub.description if sub else ""
            yield Line(f"{attribute.name}.{name}", description, _values(inner))
    else:
        yield Line(attribute.name, attribute.description, _values(value))


def _values(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else (_text(value),)


def _text(value: Any) -> str:
    """One value; of a complex one its ``value`` first, and the rest in brackets."""
    if not isinstance(value, Mapping):
        return shown(value)
    main = value.get("value", value.get("formatted"))
    rest = [
        "primary" if name == "primary" else text if name == "type" else f"{name}: {text}"
        for name, inner in value.items()
        if name not in ("value", "formatted") and (text := shown(inner)) and inner is not False
    ]
    if main is None:
        return ", ".join(rest)
    return f"{shown(main)} ({', '.join(rest)})" if rest else shown(main)
