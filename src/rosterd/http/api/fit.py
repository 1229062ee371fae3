"""Does a JSON value fit a schema? What does not is told at once, each by its place, up to a hundred.

The schemas are those of the OpenAPI document, and use only what is read here (JSON Schema 2020-12): ``type``,
``properties``, ``required``, ``additionalProperties`` false, ``items``, ``enum``, ``pattern``, ``minLength``,
``maxLength``, ``minimum``, ``maximum``, ``minItems``, ``maxItems``.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from rosterd.http.api.route import Schema
from rosterd.http.problems import InvalidRequest
from rosterd.scim.errors import InvalidSyntax

Faults = Iterator[tuple[str, str]]

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}
_BOUNDS: Final[Mapping[str, tuple[str, Callable[[Any, Any], bool], str]]] = {
    "minLength": ("string", lambda v, n: len(v) >= n, "must have at least {} characters"),
    "maxLength": ("string", lambda v, n: len(v) <= n, "must have at most {} characters"),
    "pattern": ("string", lambda v, p: re.fullmatch(p, v) is not None, "must match {}"),
    "minimum": ("integer", lambda v, n: v >= n, "must be at least {}"),
    "maximum": ("integer", lambda v, n: v <= n, "must be at most {}"),
    "minItems": ("array", lambda v, n: len(v) >= n, "must have at least {} items"),
    "maxItems": ("array", lambda v, n: len(v) <= n, "must have at most {} items"),
}
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


MOST_FAULTS: Final = 100
"""Who has more looks at these first, and a body of a million is not gone through."""


def check_body(value: Any, schema: Schema) -> None:
    """Raise ``InvalidRequest`` with the faults of the body."""
    faults = list(islice(_faults(value, schema, ""), MOST_FAULTS + 1))
    if faults:
        where, what = faults[0]
        more = f" ({len(faults)} faults in all)" if len(faults) > 1 else ""
        if len(faults) > MOST_FAULTS:
            more = f" (more than {MOST_FAULTS} faults in all)"
            del faults[MOST_FAULTS:]
        raise InvalidRequest(f"The body does not fit: {where or 'it'} {what}{more}.", faults)


def check_query(pairs: Sequence[tuple[str, str]], known: Mapping[str, Schema]) -> dict[str, str]:
    """The parameters by name. Raises ``InvalidRequest`` for one unknown, repeated or out of its schema."""
    found: dict[str, str] = {}
    for name, text in pairs:
        if name not in known:
            names = ", ".join(known) or "none"
            raise _invalid(name[:100], f"is not known here; there is: {names}")
        if name in found:
            raise _invalid(name, "is given twice")
        value: Any = text
        if known[name].get("type") == "integer" and _INTEGER.fullmatch(text):
            value = int(text)
        for _, fault in _faults(value, known[name], ""):
            raise _invalid(name, fault)
        found[name] = text
    return found


def check_text(value: Any, raw: bytes) -> None:
    """Raise ``InvalidSyntax`` if a text in the value of JSON holds U+0000, which no text of ours may."""
    if b"\\u0000" not in raw:  # it cannot be written otherwise
        return
    level = [value]
    while level:
        inner: list[Any] = []
        for node in level:
            if isinstance(node, str) and "\0" in node:
                raise InvalidSyntax("The body holds the character U+0000, which is not allowed.")
            if isinstance(node, dict):
                inner += [*node.keys(), *node.values()]
            elif isinstance(node, list):
                inner += node
        level = inner


def _invalid(name: str, fault: str) -> InvalidRequest:
    return InvalidRequest(f"The query parameter '{name}' {fault}.", [(f"?{name}", fault)])


def _faults(value: Any, schema: Schema, place: str) -> Faults:
    wanted = schema.get("type", ())
    kinds = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        yield place, f"must be {' or '.join(map(_a, kinds))}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield place, f"must be one of {', '.join(map(str, schema['enum']))}"
    for name, (kind, holds, text) in _BOUNDS.items():
        if name in schema and _TYPES[kind](value) and not holds(value, schema[name]):
            yield place, text.format(schema[name])
            if name == "maxItems":
                return
    if isinstance(value, dict):
        yield from _object(value, schema, place)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _faults(item, schema["items"], f"{place}/{index}")


def _a(kind: str) -> str:
    return kind if kind == "null" else f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def _object(value: Mapping[str, Any], schema: Schema, place: str) -> Faults:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}/{name}", "is missing"
    for name, inner in value.items():
        escaped = name.replace("~", "~0").replace("/", "~1")[:200]
        if name in properties:
            yield from _faults(inner, properties[name], f"{place}/{escaped}")
        elif schema.get("additionalProperties") is False:
            yield f"{place}/{escaped}", "is not known here"
