"""A bound filter becomes a condition over ``resource AS r``; nothing from outside becomes SQL text.

Attribute names are bound like literals, as places in ``r.search``, the folded document. Every term
is true or false and never NULL, so that ``NOT`` is plain negation. ``scim.match`` is the measure:
strings compare by code point, a value of another kind than the literal only ever differs (``ne``).
The words of the engine are its ``Dialect``'s.

What is not in the document is read from its column or table: id, externalId (the asking
connection's own), meta, schemas, a user's groups (direct and indirect), a group's members.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, LiteralString, NamedTuple

from rosterd.scim import filter as syntax
from rosterd.scim import urns
from rosterd.scim.errors import InvalidFilter
from rosterd.scim.filter import And, Bound, Compare, Not, Or, Present
from rosterd.scim.match import match
from rosterd.scim.schema import Attribute, Ref, ResourceType
from rosterd.store.dialect import SQLITE, Dialect
from rosterd.store.fragment import Sql, join, sql

Leaf = Compare[Ref] | Present[Ref] | syntax.Any[Ref]

ONE: Final = Sql("1")


@dataclass(frozen=True, slots=True)
class Values:
    """The values an attribute has: one expression (NULL: none), or one for each row of ``source``.

    The value to sort by is that of the row with the greatest ``first``, then the least ``place``.
    """

    value: Sql
    source: Sql | None = None
    place: Sql = ONE
    first: Sql = ONE


class Table(NamedTuple):
    """An attribute in the membership table: the schema that has it, and see ``Values``."""

    urn: str
    place: Sql
    first: Sql


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a filter is compiled: the type it is bound to, whose externalId is meant, which engine."""

    type: ResourceType
    connection: int | None
    words: Dialect = SQLITE


# Where the common attributes of RFC 7643 §3.1 are kept, as seen in an answer.
_COLUMNS: Final[Mapping[tuple[str, ...], LiteralString]] = {
    ("id",): "r.id",
    ("meta", "resourceType"): "r.kind",
    ("meta", "created"): "r.created * 1000",
    ("meta", "lastModified"): "r.modified * 1000",
    ("meta", "version"): "'W/\"' || r.version || '\"'",
}

_TABLES: Final[Mapping[str, Table]] = {
    "groups": Table(urns.USER, Sql("e.seq"), Sql("e.direct")),
    "members": Table(urns.GROUP, Sql("e.value"), ONE),
}
_SUBS: Final[Mapping[str, Sql]] = {name: Sql(f"e.{name}") for name in ("value", "type", "display")}
_OPTIONAL: Final = frozenset(("display",))
_COMMON: Final = frozenset(("id", "externalId", "meta"))
_ALWAYS: Final = frozenset(("id", "schemas", "meta"))


def condition(b: Bound, scope: Scope) -> Sql:
    """The filter as a condition over ``r``.

    Raises ``InvalidFilter`` for what only an answer has: the addresses ``meta.location`` and ``$ref``.
    """
    return _condition(b, scope, inside=False)


def sort_key(ref: Ref | None, scope: Scope) -> Sql:
    """The value to sort by, as ``scim.match.sort_key`` chooses it; NULL if there is none.

    Raises ``InvalidFilter`` as ``condition`` does.
    """
    if ref is None:
        return scope.words.nothing
    if _is_schemas(ref):
        return scope.words.column(sql("{}", scope.type.schema.id), exact=True)
    found = _values(ref, scope, inside=False)
    if found.source is None:
        return found.value
    if ref.sub and ref.sub.multi_valued and ref.attribute and ref.attribute.multi_valued:
        # The element is chosen first, then the first of what it has, be it nothing.
        first = scope.words.inner_first(ref.sub.name)
        found = Values(first, _elements(Ref(ref.extension, ref.attribute), scope), found.place, found.first)
    # One level more than it seems to need: ORDER BY does not see the r of the statement around it.
    return sql(
        "(SELECT value FROM (SELECT {} AS value, {} AS first, {} AS place FROM {}) AS several"
        " ORDER BY first DESC, place LIMIT 1)",
        found.value,
        found.first,
        found.place,
        found.source,
    )


def membership_table(ref: Ref, scope: Scope) -> str | None:
    """``"groups"`` or ``"members"`` if ``ref`` is that attribute and so lies in the membership table."""
    name = ref.attribute.name if ref.attribute and ref.extension is None else ""
    return name if name in _TABLES and _TABLES[name].urn == scope.type.schema.id else None


def _condition(b: Bound, scope: Scope, *, inside: bool, negated: bool = False) -> Sql:
    """``inside`` a value filter sub-attributes are those of the one value ``e``.

    SQLite's parser has room for 100 symbols that wait for others behind them. So the deepest part of
    a conjunction stands first, and a negation is carried down to the comparisons (De Morgan).
    """
    if isinstance(b, And | Or):
        parts = sorted(b.parts, key=_depth, reverse=True)
        terms = [_condition(part, scope, inside=inside, negated=negated) for part in parts]
        return sql("({})", join(" AND " if isinstance(b, And) is not negated else " OR ", terms))
    if isinstance(b, Not):
        return _condition(b.part, scope, inside=inside, negated=not negated)
    term = _term(b, scope, inside=inside)
    return sql("NOT {}", term) if negated else term


def _term(b: Leaf, scope: Scope, *, inside: bool) -> Sql:
    if isinstance(b, Present):
        return _present(b.path, scope, inside=inside)
    if isinstance(b, Compare):
        return _compare(b, scope, inside=inside)
    if _is_meta(b.path):  # one value, and always there
        return _condition(b.filter, scope, inside=False)
    name = membership_table(b.path, scope)
    source = scope.words.tables[name] if name else _elements(b.path, scope)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {})", source, _condition(b.filter, scope, inside=True))


def _depth(b: Bound) -> int:
    if isinstance(b, And | Or):
        return 1 + max(map(_depth, b.parts))
    if isinstance(b, Not):
        return 1 + _depth(b.part)
    return 1 + _depth(b.filter) if isinstance(b, syntax.Any) else 0


def _present(ref: Ref, scope: Scope, *, inside: bool) -> Sql:
    words = scope.words
    if ref.extension is None and ref.keys[0] in _ALWAYS:
        return words.true
    name = membership_table(ref, scope)
    if name and (ref.sub is None or ref.sub.name not in _OPTIONAL):
        return words.true if inside else sql("EXISTS (SELECT 1 FROM {})", words.tables[name])
    if ref.target is None or ref.target.type == "complex":
        return words.filled(ref.keys)
    found = _values(ref, scope, inside=inside)
    filled = words.nonempty(found.value)
    if found.source is None:
        return sql("coalesce({}, {})", filled, words.false)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {})", found.source, filled)


def _compare(b: Compare[Ref], scope: Scope, *, inside: bool) -> Sql:
    words = scope.words
    if _is_schemas(b.path):
        return _schemas(b, scope)
    if b.value is None:
        raise ValueError("a bound filter does not compare with null")
    found = _values(b.path, scope, inside=inside)
    holds = words.test(found.value, b.op, b.value)
    if b.op == "ne":  # holds where there is no value, too
        if found.source is None:
            return sql("coalesce({}, {})", holds, words.true)
        return sql("coalesce((SELECT {} FROM {}), {})", words.some(holds), found.source, words.true)
    if found.source is None:
        return sql("coalesce({}, {})", holds, words.false)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {})", found.source, holds)


def _schemas(b: Compare[Ref], scope: Scope) -> Sql:
    """``schemas`` is the core URN, and that of each extension the document has: decided one by one."""
    attribute, t = b.path.attribute, scope.type

    def fulfils(urn: str) -> bool:
        return match(b, {"schemas": [attribute.fold(urn) if attribute else urn]})

    if fulfils(t.schema.id):
        return scope.words.true
    there = [scope.words.has((e.schema.id,)) for e in t.extensions if fulfils(e.schema.id)]
    return sql("({})", join(" OR ", there)) if there else scope.words.false


def _values(ref: Ref, scope: Scope, *, inside: bool) -> Values:
    name = membership_table(ref, scope)
    if name:
        table, sub = _TABLES[name], ref.sub
        if sub is None or sub.name not in _SUBS:
            raise _unanswerable(ref, f"use {name}.value")
        value = scope.words.column(_SUBS[sub.name], exact=_is_exact(sub))
        return Values(value) if inside else Values(value, scope.words.tables[name], table.place, table.first)
    if ref.extension is None and ref.keys[0] in _COMMON:
        return Values(scope.words.column(_column(ref, scope), exact=_is_exact(ref.target)))
    return _element_values(ref, scope) if inside else _document_values(ref, scope)


def _column(ref: Ref, scope: Scope) -> Sql:
    if ref.keys == ("externalId",):
        if scope.connection is None:
            return Sql("r.external_id")
        return sql("CASE WHEN r.connection = {} THEN r.external_id END", scope.connection)
    if ref.keys not in _COLUMNS:
        raise _unanswerable(ref, "use id")
    return Sql(_COLUMNS[ref.keys])


def _document_values(ref: Ref, scope: Scope) -> Values:
    attribute, sub, words = ref.attribute, ref.sub, scope.words
    if attribute is not None and attribute.multi_valued:
        source = _elements(Ref(ref.extension, attribute), scope)
        if sub is None:
            return Values(words.element("e"), source, Sql("e.key"))
        inner = _element_values(ref, scope)
        if inner.source is not None:
            source = sql("{} CROSS JOIN {}", source, inner.source)
        return Values(inner.value, source, Sql("e.key"), words.primary)
    if sub is not None and sub.multi_valued:
        return Values(words.element("e"), words.rows(ref.keys), Sql("e.key"))
    return Values(words.document(ref.keys))


def _element_values(ref: Ref, scope: Scope) -> Values:
    """The sub-attribute in the one value ``e``."""
    if ref.sub is None:
        return Values(scope.words.element("e"))
    if ref.sub.multi_valued:
        return Values(scope.words.element("f"), scope.words.inner_rows(ref.sub.name))
    return Values(scope.words.inner(ref.sub.name))


def _elements(ref: Ref, scope: Scope) -> Sql:
    """The values of a complex attribute in the document, as rows ``e``."""
    several = ref.attribute is not None and ref.attribute.multi_valued
    return scope.words.rows(ref.keys) if several else scope.words.one(ref.keys)


def _is_exact(attribute: Attribute | None) -> bool:
    """Columns and tables hold values as they came; documents are folded when they are written."""
    return attribute is None or attribute.type == "dateTime" or attribute.case_exact


def _is_schemas(ref: Ref) -> bool:
    return ref.extension is None and ref.keys == ("schemas",)


def _is_meta(ref: Ref) -> bool:
    return ref.extension is None and ref.keys == ("meta",)


def _unanswerable(ref: Ref, instead: str) -> InvalidFilter:
    return InvalidFilter(f"'{ref}' is an address made for each answer and cannot be searched by; {instead}.")
