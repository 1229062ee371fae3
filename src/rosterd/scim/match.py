"""What a filter means: the reference evaluator. Plain, and the measure for every store's SQL.

All comparison is between folded values (``scim.folding``), so nothing here knows of letter case or
date formats. A comparison holds if one value fulfils it; ``ne`` also if there is no value. RFC 7644
§3.4.2.2 Table 3.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rosterd.scim import filter as syntax
from rosterd.scim.filter import And, Bound, Compare, Not, Or, Present
from rosterd.scim.index import Scalar
from rosterd.scim.schema import COMMON, Ref, ResourceType

_Read = Callable[[Ref], Iterator[Any]]

_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "co": operator.contains,
    "sw": lambda value, start: value.startswith(start),
    "ew": lambda value, end: value.endswith(end),
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


def match(b: Bound, document: Mapping[str, Any]) -> bool:
    """Whether a folded document (``folded_document``) fulfils the filter."""
    return _holds(b, lambda ref: _nodes(document, ref.keys))


def match_value(b: Bound, value: Any) -> bool:
    """Whether one folded value of an attribute fulfils a value filter (``bind_values``)."""
    return _holds(b, lambda ref: _nodes(value, (ref.sub.name,) if ref.sub else ()))


def sort_key(ref: Ref, document: Mapping[str, Any]) -> Scalar | None:
    """The folded value by which a resource is sorted; ``None`` without one (RFC 7644 §3.4.2.3).

    Of a multi-valued attribute it is that of the primary value, else of the first.
    """
    values = list(_nodes(document, Ref(ref.extension, ref.attribute).keys))
    if not values:
        return None
    primary = [v for v in values if isinstance(v, Mapping) and v.get("primary") == 1]
    chosen = (primary or values)[0]
    if ref.sub is not None:
        chosen = next(_nodes(chosen, (ref.sub.name,)), None)
    return None if isinstance(chosen, Mapping) else chosen


def folded_document(document: Mapping[str, Any], t: ResourceType) -> Mapping[str, Any]:
    """A full document (with id, externalId, meta, groups, members) in folded form.

    Dates become microseconds, booleans 0 and 1. Keys that no schema of ``t`` knows are dropped.
    """
    attributes = {a.name: a for a in (*COMMON.values(), *t.schema.attributes)}
    result = {name: a.fold(document[name]) for name, a in attributes.items() if name in document}
    for extension in t.extensions:
        part = document.get(extension.schema.id)
        if isinstance(part, Mapping):
            result[extension.schema.id] = {
                a.name: a.fold(part[a.name]) for a in extension.schema.attributes if a.name in part
            }
    return result


def _holds(b: Bound, read: _Read) -> bool:
    if isinstance(b, And):
        return all(_holds(part, read) for part in b.parts)
    if isinstance(b, Or):
        return any(_holds(part, read) for part in b.parts)
    if isinstance(b, Not):
        return not _holds(b.part, read)
    if isinstance(b, syntax.Any):
        return any(match_value(b.filter, value) for value in read(b.path))
    if isinstance(b, Present):
        return any(_present(value) for value in read(b.path))
    return _compares(b, list(read(b.path)))


def _compares(b: Compare[Ref], values: list[Any]) -> bool:
    if b.op == "ne" and not values:
        return True
    return any(_test(b.op, value, b.value) for value in values)


def _test(op: str, value: Any, literal: Any) -> bool:
    # A value of another kind (a date that is none) differs, and is neither before nor behind.
    if isinstance(value, str) != isinstance(literal, str):
        return op == "ne"
    return _TESTS[op](value, literal)


def _present(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_present, value.values()))
    if isinstance(value, list):
        return any(map(_present, value))
    return value is not None and value != ""


def _nodes(document: Any, keys: tuple[str, ...]) -> Iterator[Any]:
    """Every value under ``keys``, the elements of lists one by one."""
    if isinstance(document, list):
        for element in document:
            yield from _nodes(element, keys)
    elif not keys:
        yield document
    elif isinstance(document, Mapping) and keys[0] in document:
        yield from _nodes(document[keys[0]], keys[1:])
