"""A bound filter becomes a condition over ``resource AS r``; nothing from outside becomes SQL text.

Attribute names are bound like literals, as JSON paths into ``r.search``, the folded document. Every
term yields 0 or 1 and never NULL, so that ``NOT`` is plain negation. ``scim.match`` is the measure:
strings compare by code point, a value of another kind than the literal only ever differs (``ne``).

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
from rosterd.scim.index import fold
from rosterd.scim.match import match
from rosterd.scim.schema import Attribute, Ref, ResourceType
from rosterd.store.fragment import Sql, join, sql

Leaf = Compare[Ref] | Present[Ref] | syntax.Any[Ref]

TRUE: Final = Sql("1")
FALSE: Final = Sql("0")


@dataclass(frozen=True, slots=True)
class Values:
    """The values an attribute has: one expression (NULL: none), or one for each row of ``source``.

    The value to sort by is that of the row with the greatest ``first``, then the least ``place``.
    """

    value: Sql
    source: Sql | None = None
    place: Sql = TRUE
    first: Sql = TRUE


class Table(NamedTuple):
    """An attribute in the membership table: the schema that has it, its rows, and see ``Values``."""

    urn: str
    source: Sql
    place: Sql
    first: Sql


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a filter is compiled: the type it is bound to, and whose externalId is meant."""

    type: ResourceType
    connection: int | None


# SQLite converts nothing when it compares an expression with a parameter, so '1' = 1 is 0. But it
# orders every number before every text, and instr() makes a text of a number: both need the kind.
_EQUAL: Final[Mapping[str, LiteralString]] = {"eq": "{} = {}", "ne": "{} <> {}"}
_ORDER: Final[Mapping[str, LiteralString]] = {
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "lt": "{} < {}",
    "le": "{} <= {}",
}

# Where the common attributes of RFC 7643 §3.1 are kept, as seen in an answer.
_COLUMNS: Final[Mapping[tuple[str, ...], LiteralString]] = {
    ("id",): "r.id",
    ("meta", "resourceType"): "r.kind",
    ("meta", "created"): "r.created * 1000",
    ("meta", "lastModified"): "r.modified * 1000",
    ("meta", "version"): "'W/\"' || r.version || '\"'",
}

# Rows with the sub-attributes of `groups` and `members` as columns. The groups of a member of a
# group are the member's too; UNION ends at a circle.
_GROUPS: Final = Sql(
    """(WITH RECURSIVE up (id, direct) AS (
        SELECT m.group_id, 1 FROM member AS m WHERE m.directory = r.directory AND m.member_id = r.id
        UNION
        SELECT m.group_id, 0 FROM up CROSS JOIN member AS m
        ON m.directory = r.directory AND m.member_id = up.id
    )
    SELECT g.id AS value, g.display AS display, g.seq AS seq, max(up.direct) AS direct,
        iif(max(up.direct), 'direct', 'indirect') AS type
    FROM up CROSS JOIN resource AS g ON g.directory = r.directory AND g.id = up.id
    GROUP BY g.id) AS e"""
)
_MEMBERS: Final = Sql(
    """(SELECT m.member_id AS value, t.kind AS type, coalesce(m.display, t.display) AS display
    FROM member AS m CROSS JOIN resource AS t ON t.directory = m.directory AND t.id = m.member_id
    WHERE m.directory = r.directory AND m.group_id = r.id) AS e"""
)
_TABLES: Final[Mapping[str, Table]] = {
    "groups": Table(urns.USER, _GROUPS, Sql("e.seq"), Sql("e.direct")),
    "members": Table(urns.GROUP, _MEMBERS, Sql("e.value"), TRUE),
}
_SUBS: Final[Mapping[str, Sql]] = {name: Sql(f"e.{name}") for name in ("value", "type", "display")}
_PRIMARY: Final = Sql("json_extract(r.search, e.fullkey || '.\"primary\"') IS 1")
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
        return Sql("NULL")
    if _is_schemas(ref):
        return sql("{}", scope.type.schema.id)
    found = _values(ref, scope, inside=False)
    if found.source is None:
        return found.value
    if ref.sub and ref.sub.multi_valued and ref.attribute and ref.attribute.multi_valued:
        # The element is chosen first, then the first of what it has, be it nothing.
        first = sql("json_extract(r.search, e.fullkey || {})", f"{_path((ref.sub.name,))[1:]}[0]")
        found = Values(first, _elements(Ref(ref.extension, ref.attribute)), found.place, found.first)
    # One level more than it seems to need: ORDER BY does not see the r of the statement around it.
    return sql(
        "(SELECT value FROM (SELECT {} AS value, {} AS first, {} AS place FROM {})"
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
    source = _TABLES[name].source if name else _elements(b.path)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {})", source, _condition(b.filter, scope, inside=True))


def _depth(b: Bound) -> int:
    if isinstance(b, And | Or):
        return 1 + max(map(_depth, b.parts))
    if isinstance(b, Not):
        return 1 + _depth(b.part)
    return 1 + _depth(b.filter) if isinstance(b, syntax.Any) else 0


def _present(ref: Ref, scope: Scope, *, inside: bool) -> Sql:
    if ref.extension is None and ref.keys[0] in _ALWAYS:
        return TRUE
    name = membership_table(ref, scope)
    if name and (ref.sub is None or ref.sub.name not in _OPTIONAL):
        return TRUE if inside else sql("EXISTS (SELECT 1 FROM {})", _TABLES[name].source)
    if ref.target is None or ref.target.type == "complex":
        path = _path(ref.keys)
        return sql("EXISTS (SELECT 1 FROM json_tree(r.search, {}) AS e WHERE e.atom <> '')", path)
    found = _values(ref, scope, inside=inside)
    if found.source is None:
        return sql("ifnull({} <> '', 0)", found.value)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {} <> '')", found.source, found.value)


def _compare(b: Compare[Ref], scope: Scope, *, inside: bool) -> Sql:
    if _is_schemas(b.path):
        return _schemas(b, scope)
    found = _values(b.path, scope, inside=inside)
    holds = _test(found.value, b)
    if b.op == "ne":  # holds where there is no value, too
        if found.source is None:
            return sql("ifnull({}, 1)", holds)
        return sql("ifnull((SELECT max({}) FROM {}), 1)", holds, found.source)
    if found.source is None:
        return sql("ifnull({}, 0)", holds)
    return sql("EXISTS (SELECT 1 FROM {} WHERE {})", found.source, holds)


def _test(v: Sql, b: Compare[Ref]) -> Sql:
    """The comparison of one value: true, false, or NULL if there is none."""
    op, literal = b.op, b.value
    if isinstance(literal, str):
        return _test_text(v, op, literal)
    if literal is None:
        raise ValueError("a bound filter does not compare with null")
    # SQLite reads the fractions of a document itself. Let it read the literal's too, so that both
    # are rounded alike; the plus takes from CAST the affinity it would give the comparison.
    x = sql("+CAST({} AS REAL)", repr(literal)) if isinstance(literal, float) else sql("{}", int(literal))
    if op in _ORDER:
        return sql("(typeof({}) IN ('integer', 'real') AND {})", v, sql(_ORDER[op], v, x))
    return sql(_EQUAL[op], v, x)


def _test_text(v: Sql, op: str, literal: str) -> Sql:
    size = len(literal)
    if op in _EQUAL:
        return sql(_EQUAL[op], v, literal)
    if op in _ORDER:
        holds = sql(_ORDER[op], v, literal)
    elif op == "co":
        holds = sql("instr({}, {}) > 0", v, literal)
    elif op == "sw":
        holds = sql("substr({}, 1, {}) = {}", v, size, literal)
    else:  # ew; substr(v, -0) would be all of v
        holds = sql("substr({}, {}) = {}", v, -size, literal) if size else TRUE
    return sql("(typeof({}) = 'text' AND {})", v, holds)


def _schemas(b: Compare[Ref], scope: Scope) -> Sql:
    """``schemas`` is the core URN, and that of each extension the document has: decided one by one."""
    attribute, t = b.path.attribute, scope.type

    def fulfils(urn: str) -> bool:
        return match(b, {"schemas": [fold(attribute, urn) if attribute else urn]})

    if fulfils(t.schema.id):
        return TRUE
    there = [
        sql("json_type(r.search, {}) IS NOT NULL", _path((e.schema.id,)))
        for e in t.extensions
        if fulfils(e.schema.id)
    ]
    return sql("({})", join(" OR ", there)) if there else FALSE


def _values(ref: Ref, scope: Scope, *, inside: bool) -> Values:
    name = membership_table(ref, scope)
    if name:
        table, sub = _TABLES[name], ref.sub
        if sub is None or sub.name not in _SUBS:
            raise _unanswerable(ref, f"use {name}.value")
        value = _folded(sub, _SUBS[sub.name])
        return Values(value) if inside else Values(value, table.source, table.place, table.first)
    if ref.extension is None and ref.keys[0] in _COMMON:
        return Values(_folded(ref.target, _column(ref, scope)))
    return _element_values(ref) if inside else _document_values(ref)


def _column(ref: Ref, scope: Scope) -> Sql:
    if ref.keys == ("externalId",):
        if scope.connection is None:
            return Sql("r.external_id")
        return sql("CASE WHEN r.connection = {} THEN r.external_id END", scope.connection)
    if ref.keys not in _COLUMNS:
        raise _unanswerable(ref, "use id")
    return Sql(_COLUMNS[ref.keys])


def _document_values(ref: Ref) -> Values:
    attribute, sub = ref.attribute, ref.sub
    if attribute is not None and attribute.multi_valued:
        source = _elements(Ref(ref.extension, attribute))
        if sub is None:
            return Values(Sql("e.value"), source, Sql("e.key"))
        inner = _element_values(ref)
        if inner.source is not None:
            source = sql("{} CROSS JOIN {}", source, inner.source)
        return Values(inner.value, source, Sql("e.key"), _PRIMARY)
    if sub is not None and sub.multi_valued:
        return Values(Sql("e.value"), sql("json_each(r.search, {}) AS e", _path(ref.keys)), Sql("e.key"))
    return Values(sql("json_extract(r.search, {})", _path(ref.keys)))


def _element_values(ref: Ref) -> Values:
    """The sub-attribute in the one value ``e``."""
    if ref.sub is None:
        return Values(Sql("e.value"))
    inner = sql("e.fullkey || {}", _path((ref.sub.name,))[1:])
    if ref.sub.multi_valued:
        return Values(Sql("f.value"), sql("json_each(r.search, {}) AS f", inner))
    return Values(sql("json_extract(r.search, {})", inner))


def _elements(ref: Ref) -> Sql:
    """The values of a complex attribute in the document, as rows ``e``."""
    path = _path(ref.keys)
    if ref.attribute is not None and ref.attribute.multi_valued:
        return sql("json_each(r.search, {}) AS e", path)
    return sql("(SELECT {} AS fullkey WHERE json_type(r.search, {}) IS NOT NULL) AS e", path, path)


def _folded(attribute: Attribute | None, value: Sql) -> Sql:
    """Columns and tables hold values as they came; documents are folded when they are written."""
    exact = attribute is None or attribute.type == "dateTime" or attribute.case_exact
    return value if exact else sql("casefold({})", value)


def _path(keys: tuple[str, ...]) -> str:
    """The JSON path; neither an attribute name nor a URN has a quotation mark in it."""
    return "$" + "".join(f'."{key}"' for key in keys)


def _is_schemas(ref: Ref) -> bool:
    return ref.extension is None and ref.keys == ("schemas",)


def _is_meta(ref: Ref) -> bool:
    return ref.extension is None and ref.keys == ("meta",)


def _unanswerable(ref: Ref, instead: str) -> InvalidFilter:
    return InvalidFilter(f"'{ref}' is an address made for each answer and cannot be searched by; {instead}.")
