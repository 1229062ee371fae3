"""Filters as values: the syntax tree, before and after its attributes are looked up.

A parsed ``Filter`` names attributes by ``AttrPath`` as the client wrote them. ``bind`` (bind.py)
looks them up in a resource type and folds the literals: a ``Bound`` filter is the same tree over
``Ref``. ``match`` evaluates a ``Bound`` in Python, the stores' ``compile`` turns it into SQL.
Source: RFC 7644 §3.4.2.2.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from rosterd.scim.schema import Ref


@dataclass(frozen=True, slots=True)
class AttrPath:
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
