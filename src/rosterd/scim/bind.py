"""Filters meet the schema: attributes are looked up, operators and literals checked, literals folded.

A ``Bound`` filter needs no further checks: every ``Compare`` names an attribute that holds single
values of one comparable type, with an operator that type has and a literal in its folded form
(booleans 0 and 1, dates in microseconds, see ``scim.folding``). ``null`` is gone: ``eq null`` has
become ``not (… pr)``, ``ne null`` has become ``… pr``. A complex attribute is compared by its
``value`` sub-attribute (RFC 7644 §3.4.2.2: ``emails co "example.com"``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from rosterd.scim.errors import InvalidFilter
from rosterd.scim.filter import And, Any, AttrPath, Bound, Compare, Filter, Not, Or, Present, compared
from rosterd.scim.folding import parse_date
from rosterd.scim.index import Scalar
from rosterd.scim.schema import COMMON, Attribute, Ref, ResourceType

EVERYTHING: Final[Bound] = Present(Ref(None, COMMON["id"]))
"""Holds for every resource."""
NOTHING: Final[Bound] = Not(EVERYTHING)
"""Holds for no resource."""

MOST_WALKS: Final = 20
"""Comparisons of a search with attributes that have several values: each may go through all there are."""
_KEPT: Final = 1024
"""Attributes of which is remembered where they were found: clients ask by few of them, again and again."""
_EQUAL: Final = ("eq", "ne")
_ORDER: Final = ("gt", "ge", "lt", "le")
_PARTS: Final = ("co", "sw", "ew")


class _Kind(NamedTuple):
    """What a type can be compared with."""

    operators: tuple[str, ...]
    literal: str
    accepts: Callable[[Scalar], bool]


def _is_text(value: Scalar) -> bool:
    return isinstance(value, str)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Scalar) -> bool:
    return isinstance(value, str) and parse_date(value) is not None


# The types of RFC 7643 §2.3 and the operators of RFC 7644 Table 3.
_TEXT: Final = _Kind(_EQUAL + _PARTS + _ORDER, "a string in double quotes", _is_text)
_NUMBER: Final = _Kind(_EQUAL + _ORDER, "a number without quotes", _is_number)
_KINDS: Final[Mapping[str, _Kind]] = {
    "string": _TEXT,
    "reference": _TEXT,
    "binary": _Kind(_EQUAL, "a string in double quotes", _is_text),
    "boolean": _Kind(_EQUAL, "true or false", lambda value: isinstance(value, bool)),
    "integer": _NUMBER,
    "decimal": _NUMBER,
    "dateTime": _Kind(_EQUAL + _ORDER, 'a date such as "2026-11-24T15:22:47Z"', _is_date),
}
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


def bind(f: Filter, t: ResourceType, *, missing_ok: bool = False) -> Bound:
    """The filter over the attributes of ``t``. Raises ``InvalidFilter``.

    With ``missing_ok`` (searches over several types) a comparison of an attribute that ``t`` does not
    have is false, whatever the operator; a filter that comes to the same for every resource is then
    ``EVERYTHING`` or ``NOTHING``.
    """
    return _constant(_Binder(t, None, missing_ok).bind(f))


def bind_all(f: Filter, types: Sequence[ResourceType]) -> list[tuple[ResourceType, Bound]]:
    """The filter for each type that can have a match (RFC 7644 §3.4.2.1, search at the root).

    Every attribute must be known to one of the types at least. Raises ``InvalidFilter``.
    """
    for path in _paths(f):
        if all(t.resolve(path.urn, path.name, path.sub) is None for t in types):
            raise _unknown(" or ".join(t.name for t in types), path, types)
    bound = [(t, bind(f, t, missing_ok=True)) for t in types]
    return [(t, b) for t, b in bound if b != NOTHING]


def require_few_walks(b: Bound) -> None:
    """Raise ``InvalidFilter`` for a search that would go through the values of resources too often."""
    walks = [] if isinstance(b, Compare) else [ref for ref in compared(b) if _has_several(ref)]
    if len(walks) <= MOST_WALKS:
        return
    raise InvalidFilter(
        f"filter: {len(walks)} comparisons with attributes that can have several values, such as "
        f"'{walks[0]}'; at most {MOST_WALKS} are taken. Send several requests with shorter filters, or "
        "search by id, userName or externalId"
    )


def _has_several(ref: Ref) -> bool:
    return any(a is not None and a.multi_valued for a in (ref.attribute, ref.sub))


def bind_values(f: Filter, ref: Ref, t: ResourceType) -> Bound:
    """The value filter of a PATCH path, over the values of ``ref``; for ``match_value``.

    The values of an attribute that is not complex are named ``value``. Raises ``InvalidFilter``.
    """
    attribute = ref.attribute
    if attribute is None or ref.sub is not None:
        raise InvalidFilter(f"filter: '{ref}' has no values to filter")
    if attribute.type != "complex" and not attribute.multi_valued:
        raise InvalidFilter(f"filter: '{ref}' has a single {attribute.type} value; name it without a filter")
    return _constant(_Binder(t, ref, missing_ok=False).bind(f))


def bind_attribute(path: AttrPath, t: ResourceType) -> Ref | None:
    """The attribute to sort by: ``emails`` means ``emails.value``.

    ``None`` if ``t`` has no such attribute, or there is nothing in it that can be compared.
    """
    ref = t.resolve(path.urn, path.name, path.sub)
    if ref is None or _hidden(ref):
        return None
    return _comparable(ref)


class _Binder:
    """Binds one level: the attributes of a resource, or in a value filter those of ``parent``."""

    __slots__ = ("_missing_ok", "_parent", "_type")

    def __init__(self, t: ResourceType, parent: Ref | None, missing_ok: bool) -> None:
        self._type = t
        self._parent = parent
        self._missing_ok = missing_ok

    def bind(self, f: Filter) -> Bound | bool:
        """The bound filter, or a truth value if it does not depend on the resource."""
        if isinstance(f, Compare):
            ref = self._look_up(f.path)
            return _compare(f, ref) if ref and not _is_nameless(f, ref) else False
        if isinstance(f, Present):
            ref = self._look_up(f.path)
            return Present(ref) if ref else False
        if isinstance(f, Any):
            ref = self._look_up(f.path)
            return self._values(f.filter, ref) if ref else False
        if isinstance(f, Not):
            part = self.bind(f.part)
            return not part if isinstance(part, bool) else Not(part)
        return self._join(f)

    def _look_up(self, path: AttrPath) -> Ref | None:
        ref = _attribute(self._type, self._parent, path)
        if ref is None and not self._missing_ok:
            parent, t = self._parent, self._type
            raise _unknown(f"'{parent}'", path, ()) if parent else _unknown(t.name, path, (t,))
        return ref

    def _values(self, inner: Filter, ref: Ref) -> Bound | bool:
        if ref.attribute is None or ref.attribute.type != "complex":
            raise InvalidFilter(f"filter: '{ref}' is not complex, so no '[' can follow; compare it directly")
        part = _Binder(self._type, ref, self._missing_ok).bind(inner)
        if isinstance(part, bool):
            return part and Present(ref)
        return Any(ref, part)

    def _join(self, f: And[AttrPath] | Or[AttrPath]) -> Bound | bool:
        """A constant part decides the whole or falls away; every part is checked all the same."""
        decisive = isinstance(f, Or)
        bound = [self.bind(part) for part in f.parts]
        if any(part is decisive for part in bound):
            return decisive
        parts = tuple(part for part in bound if not isinstance(part, bool))
        if len(parts) < 2:
            return parts[0] if parts else not decisive
        return Or(parts) if decisive else And(parts)


@lru_cache(_KEPT)
def _attribute(t: ResourceType, parent: Ref | None, path: AttrPath) -> Ref | None:
    """The attribute that a filter names, of ``parent`` if there is one."""
    ref = _sub_attribute(parent, path, t) if parent else t.resolve(path.urn, path.name, path.sub)
    if ref is None:
        return None
    if ref.attribute is None:
        raise InvalidFilter(f"filter: '{path}' is a schema; name one of its attributes behind it")
    if _hidden(ref):
        raise InvalidFilter(f"filter: '{path}' is never returned and cannot be used in a filter")
    return ref


def _is_nameless(f: Compare[AttrPath], ref: Ref) -> bool:
    """Whether an externalId is asked for that is blank: nobody has such a one (``check.drop_blank``)."""
    value = f.value
    return f.op == "eq" and ref.keys == ("externalId",) and isinstance(value, str) and not value.strip()


def _compare(f: Compare[AttrPath], ref: Ref) -> Bound:
    if f.value is None:
        if f.op not in _EQUAL:
            raise InvalidFilter(f"filter: '{f.path} {f.op} null' has no meaning; null takes eq and ne only")
        return Not(Present(ref)) if f.op == "eq" else Present(ref)
    compared = _comparable(ref)
    if compared is None or compared.target is None:
        names = ", ".join(sub.name for sub in ref.attribute.sub_attributes) if ref.attribute else ""
        raise InvalidFilter(f"filter: '{f.path}' is complex; name one of its sub-attributes: {names}")
    return Compare(compared, f.op, _literal(f.path, f.op, f.value, compared.target))


def _literal(path: AttrPath, op: str, value: Scalar, attribute: Attribute) -> Scalar:
    kind = _KINDS[attribute.type]
    if op not in kind.operators:
        use = ", ".join(kind.operators)
        raise InvalidFilter(
            f"filter: '{path}' is of type {attribute.type} and has no '{op}'; use {use} or pr"
        )
    if attribute.type == "boolean" and isinstance(value, str):  # Entra compares active with "True"
        value = _BOOLEANS.get(value.lower(), value)
    if not kind.accepts(value):
        raise InvalidFilter(f"filter: '{path}' is of type {attribute.type}; compare it with {kind.literal}")
    folded: Scalar = attribute.fold(value)
    return folded


def _comparable(ref: Ref) -> Ref | None:
    """``ref``, or its ``value`` sub-attribute if it is complex; ``None`` if there is none."""
    if ref.attribute is None or ref.sub is not None or ref.attribute.type != "complex":
        return ref if ref.attribute else None
    value = ref.attribute.subs.get("value")
    compared = Ref(ref.extension, ref.attribute, value) if value else None
    return None if compared is None or _hidden(compared) else compared


def _hidden(ref: Ref) -> bool:
    attribute, sub = ref.attribute, ref.sub
    return (attribute is not None and attribute.returned == "never") or (
        sub is not None and sub.returned == "never"
    )


def _sub_attribute(parent: Ref, path: AttrPath, t: ResourceType) -> Ref | None:
    """What ``path`` means within ``parent``; the grammar allows it a URN, which must be the parent's."""
    urn = parent.extension or t.schema.id
    if parent.attribute is None or path.sub or (path.urn or urn).casefold() != urn.casefold():
        return None
    if parent.attribute.type != "complex":
        return parent if path.name.casefold() == "value" else None
    sub = parent.attribute.subs.get(path.name.casefold())
    return Ref(parent.extension, parent.attribute, sub) if sub else None


def _paths(f: Filter) -> Iterator[AttrPath]:
    """Every attribute of the filter, those within a value filter in full."""
    if isinstance(f, Compare | Present):
        yield f.path
    elif isinstance(f, Any):
        yield f.path
        for inner in _paths(f.filter):
            name = f"{inner.name}.{inner.sub}" if inner.sub else inner.name
            yield AttrPath(f.path.urn, f.path.name, name)
    elif isinstance(f, Not):
        yield from _paths(f.part)
    else:
        for part in f.parts:
            yield from _paths(part)


def _unknown(owner: str, path: AttrPath, types: Sequence[ResourceType]) -> InvalidFilter:
    """``types`` are searched for an extension that has the attribute; the client left its URN away."""
    meant = [
        e.schema.id
        for t in types
        for e in t.extensions
        if path.urn is None and t.resolve(e.schema.id, path.name, path.sub)
    ]
    hint = f"; write '{meant[0]}:{path}'" if meant else ""
    return InvalidFilter(f"filter: {owner} has no attribute '{path}'{hint}")


def _constant(b: Bound | bool) -> Bound:
    if isinstance(b, bool):
        return EVERYTHING if b else NOTHING
    return b
