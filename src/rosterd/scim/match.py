"""What a filter means: the reference evaluator. Plain, and the measure for every store's SQL.

All comparison is between folded values (``scim.folding``), so nothing here knows of letter case or
date formats. A comparison holds if one value fulfils it; ``ne`` also if there is no value. RFC 7644
§3.4.2.2 Table 3.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from rosterd.scim import filter as syntax
from rosterd.scim.filter import And, Bound, Compare, Not, Or, Present, compared
from rosterd.scim.index import Scalar
from rosterd.scim.schema import COMMON, Attribute, Ref, ResourceType

_Read = Callable[[Ref], Iterator[Any]]
_Fulfils = Callable[[Mapping[str, Any]], bool]
"""Whether the folded parts of a value fulfil a filter."""

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


def chooser(b: Bound, attribute: Attribute) -> Callable[[Any], bool]:
    """``match_value`` for many values of the attribute that are not folded: of each only what is named is."""

    def matches(value: Any) -> bool:
        return match_value(b, attribute.fold(value))

    if not _is_of_parts(b):
        return matches
    parts = {ref.sub.name: ref.sub.fold for ref in compared(b) if ref.sub is not None}
    if isinstance(b, Compare) and b.op == "eq":
        ((name, fold),) = parts.items()

        def equals(value: Any) -> bool:
            item = fold(value.get(name)) if value.__class__ is dict else None
            return matches(value) if item.__class__ is list else bool(item == b.value)

        return equals
    fulfils, folds = _compiled(b), tuple(parts.items())

    def chooses(value: Any) -> bool:
        if value.__class__ is not dict:
            return matches(value)
        return fulfils({name: fold(value[name]) for name, fold in folds if name in value})

    return chooses


def _is_of_parts(b: Bound) -> bool:
    """Whether all that is compared are parts of a value that have one value each."""
    return all(ref.sub is not None and not ref.sub.multi_valued for ref in compared(b))


def _compiled(b: Bound) -> _Fulfils:
    if isinstance(b, And | Or):
        parts, decided = tuple(map(_compiled, b.parts)), isinstance(b, Or)

        def joined(value: Mapping[str, Any]) -> bool:
            for part in parts:
                if part(value) is decided:
                    return decided
            return not decided

        return joined
    if isinstance(b, Not):
        inner = _compiled(b.part)
        return lambda value: not inner(value)
    name = b.path.sub.name if b.path.sub is not None else ""
    if not isinstance(b, Compare):
        return lambda value: _present(value.get(name))
    is_other, is_text, literal, test = b.op == "ne", isinstance(b.value, str), b.value, _TESTS[b.op]

    def compares(value: Mapping[str, Any]) -> bool:
        item = value.get(name)
        if item is None:
            return is_other
        if item.__class__ is list:  # its schema was another one
            return _compares(b, list(_nodes(item, ())))
        return is_other if (item.__class__ is str) is not is_text else test(item, literal)

    return compares


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
