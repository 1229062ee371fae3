"""Filters as values: the syntax tree, before and after its attributes are looked up; its parser.

A parsed ``Filter`` names attributes by ``AttrPath`` as the client wrote them. ``bind`` (bind.py)
looks them up in a resource type and folds the literals: a ``Bound`` filter is the same tree over
``Ref``. ``match`` evaluates a ``Bound`` in Python, the stores' ``compile`` turns it into SQL.
Parsing back what ``print_filter`` writes gives the same tree. Source: RFC 7644 §3.4.2.2.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from rosterd.scim.errors import InvalidFilter
from rosterd.scim.grammar import LIMITS, PLAIN, Limits, Tokens
from rosterd.scim.schema import Ref


class AttrPath(NamedTuple):
    """``[urn:]name[.sub]`` as written by the client (RFC 7644 §3.10)."""

    urn: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        text = f"{self.name}.{self.sub}" if self.sub else self.name
        return f"{self.urn}:{text}" if self.urn else text


P = TypeVar("P", AttrPath, Ref)

Literal = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Compare(Generic[P]):
    """``path op value``; ``op`` is one of eq ne co sw ew gt ge lt le, in lower case."""

    path: P
    op: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Present(Generic[P]):
    """``path pr``."""

    path: P


@dataclass(frozen=True, slots=True)
class And(Generic[P]):
    """All parts hold; at least two parts."""

    parts: tuple["Node[P]", ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[P]):
    """One part holds; at least two parts."""

    parts: tuple["Node[P]", ...]


@dataclass(frozen=True, slots=True)
class Not(Generic[P]):
    """The part does not hold."""

    part: "Node[P]"


@dataclass(frozen=True, slots=True)
class Any(Generic[P]):
    """``path[filter]``: one value of the complex attribute fulfils the whole inner filter.

    Before binding the inner paths are relative (``type``); after binding each inner ``Ref`` is the
    full one (``emails.type``), of which ``sub`` is read from the value under test.
    """

    path: P
    filter: "Node[P]"


Node = Compare[P] | Present[P] | And[P] | Or[P] | Not[P] | Any[P]
Filter = Node[AttrPath]
Bound = Node[Ref]


def comparisons(node: Node[P]) -> int:
    """How many comparisons a filter has, ``pr`` counted as one."""
    return sum(1 for _ in compared(node))


def compared(node: Node[P]) -> Iterator[P]:
    """The attribute of each of them."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from compared(part)
    elif isinstance(node, Not):
        yield from compared(node.part)
    elif isinstance(node, Any):
        yield from compared(node.filter)
    else:
        yield node.path


# RFC 7644 Figure 1:
#
#   FILTER    = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
#   valuePath = attrPath "[" valFilter "]"
#               ; FILTER uses sub-attributes of a parent attrPath
#   valFilter = attrExp / logExp / *1"not" "(" valFilter ")"
#   attrExp   = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
#   logExp    = FILTER SP ("and" / "or") SP FILTER
#   compareOp = "eq" / "ne" / "co" /
#               "sw" / "ew" /
#               "gt" / "lt" /
#               "ge" / "le"
#
# Erratum 7319: a space may stand between "not" and "(", as in the RFC's own examples.
# The logExp inside a valFilter joins valFilters: sub-attributes have no values of their own to
# filter, so a value path inside a value path, or behind a sub-attribute, is refused here.
# Of "and" and "or" the figure gives no order; the text does: grouping, then "not", "and", "or".

COMPARE_OPERATORS: Final = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
_COMPARE: Final = frozenset(COMPARE_OPERATORS)
_OPERATORS: Final = _COMPARE | {"pr"}
_LEVELS: Final[tuple[tuple[str, type[Or[AttrPath]] | type[And[AttrPath]]], ...]] = (("or", Or), ("and", And))
_OPERATOR: Final = f"an operator ({', '.join(COMPARE_OPERATORS)}, pr)"


def parse_filter(text: str, limits: Limits = LIMITS, *, lenient: bool = False) -> Filter:
    """The syntax tree of a filter. Raises ``InvalidFilter``, also when a limit is passed.

    ``lenient``: behind a value filter may stand a comparison of the same value, which the figure has not:
    ``emails[type eq "work"].value eq "x"``, or without ``.value``.
    """
    if len(text) <= limits.length and (plain := PLAIN.fullmatch(text)):
        urn, name, under, value = plain.groups()
        return Compare(AttrPath(urn, name, under), "eq", value)
    tokens = Tokens(text, "filter", InvalidFilter, limits, lenient=lenient)
    tree = _logical(tokens, 0, None)
    if tokens.kind != "end":
        raise tokens.unexpected("'and', 'or' or the end")
    return tree


def value_filter(tokens: Tokens, path: AttrPath) -> Filter:
    """Take ``"[" valFilter "]"`` behind ``path``."""
    tokens.enter("[")
    tree = _logical(tokens, 0, path)
    tokens.leave("]")
    return tree


def _logical(tokens: Tokens, level: int, parent: AttrPath | None) -> Filter:
    """``or`` at level 0, ``and`` of terms at level 1; ``parent`` is set inside brackets."""
    keyword, node = _LEVELS[level]
    parts = []
    while True:
        parts.append(_term(tokens, parent) if node is And else _logical(tokens, level + 1, parent))
        if tokens.value.lower() != keyword:
            return node(tuple(parts)) if len(parts) > 1 else parts[0]
        tokens.advance()


def _term(tokens: Tokens, parent: AttrPath | None) -> Filter:
    if tokens.value == "(":
        return _group(tokens, parent)
    if tokens.value.lower() == "not":
        tokens.advance()
        return Not(_group(tokens, parent))
    path = AttrPath(*tokens.attribute("an attribute name, 'not' or '('"))
    if tokens.value == "[":
        return _value_path(tokens, path, parent)
    return _expression(tokens, path)


def _group(tokens: Tokens, parent: AttrPath | None) -> Filter:
    tokens.enter("(")
    tree = _logical(tokens, 0, parent)
    tokens.leave(")")
    return tree


def _expression(tokens: Tokens, path: AttrPath) -> Filter:
    operator = tokens.value.lower()
    if operator in _COMPARE:
        tokens.count()
        tokens.advance()
        return Compare(path, operator, tokens.literal())
    if operator == "pr":
        tokens.count()
        tokens.advance()
        return Present(path)
    raise tokens.unexpected(_OPERATOR)


def _value_path(tokens: Tokens, path: AttrPath, parent: AttrPath | None) -> Filter:
    if path.sub:
        raise tokens.unexpected(
            _OPERATOR, hint=f"a sub-attribute such as '{path.sub}' has no values to filter"
        )
    if parent:
        raise tokens.unexpected(
            _OPERATOR, hint=f"inside {parent}[…] stand comparisons of its sub-attributes only"
        )
    tree = Any(path, value_filter(tokens, path))
    name = tokens.value[1:] if tokens.kind == "sub" else "value"
    if tokens.lenient and (tokens.kind == "sub" or tokens.value.lower() in _OPERATORS):
        if tokens.kind == "sub":
            tokens.advance()
        return Any(path, And((tree.filter, _expression(tokens, AttrPath(None, name)))))
    if tokens.kind == "sub":
        inside = f"{path}[… and {name} eq …]"
        raise tokens.unexpected("'and', 'or' or the end", hint=f"compare inside the brackets: {inside}")
    return tree


def print_filter(f: Filter) -> str:
    """The filter as text, with no more parentheses than needed to read the same tree."""
    return _print(f, 0)


def _print(f: Filter, level: int) -> str:
    if isinstance(f, Compare):
        return f"{f.path} {f.op} {json.dumps(f.value, ensure_ascii=False)}"
    if isinstance(f, Present):
        return f"{f.path} pr"
    if isinstance(f, Any):
        return f"{f.path}[{_print(f.filter, 0)}]"
    if isinstance(f, Not):
        return f"not ({_print(f.part, 0)})"
    own = 1 if isinstance(f, Or) else 2
    text = f" {_LEVELS[own - 1][0]} ".join(_print(part, own) for part in f.parts)
    return f"({text})" if level >= own else text
