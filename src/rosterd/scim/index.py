"""What a store keeps beside a document so that every filter, sort and look-up is a plain comparison.

Folding (``scim.folding``) happens once, on write. SQL then compares binary values only, and the same on
every engine; the literals of a filter are folded in the same way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from rosterd.scim.folding import Fold, Member, folder
from rosterd.scim.schema import Ref, ResourceType

Scalar = str | int | float | bool

# Attributes looked up by equality often enough to deserve a row each in the index table.
INDEXED: Final[Mapping[str, tuple[str, ...]]] = {
    "User": ("displayName", "emails.value", "name.familyName"),
    "Group": ("displayName",),
}

SEARCHED: Final = ("userName", "displayName", "name", "emails")
"""The attributes whose texts a store may index by their parts, those of their sub-attributes included."""


class Indexed(NamedTuple):
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
    plan = _plan(resource_type)
    whole = document if document.__class__ is dict else dict(document)
    return _indexed(plan, plan.fold(whole), document)


def former(
    document: Mapping[str, Any], resource_type: ResourceType, after: Indexed, differing: Iterable[str]
) -> Indexed:
    """The same of a document whose successor has ``after`` and is equal but for the attributes ``differing``.

    What both have in common is not folded again.
    """
    plan = _plan(resource_type)
    if not plan.exact:
        return index(document, resource_type)
    search = dict(after.search)
    for name in differing:
        search.pop(name, None)
    search |= plan.fold({name: document[name] for name in differing if name in document})
    if plan.shown.isdisjoint(differing):
        return Indexed(search, after.unique, after.values, after.display)
    return _indexed(plan, search, document)


_TEXTS: Final = ("string", "reference", "binary", "dateTime")

_Paths = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Attributes: how each is called, its first key and the keys to follow from there, in single objects."""


_SHOWN: Final = ("displayName", "userName")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A resource type's folding, and its attributes that get rows of their own."""

    fold: Fold
    unique: _Paths
    indexed: _Paths
    shown: frozenset[str]
    """The attributes, at the top of a document, on which more than ``search`` depends."""
    exact: bool
    """Whether all those are texts: equal ones have equal rows, but 1 and 1.0 have not."""


def _indexed(plan: _Plan, search: Mapping[str, Any], document: Mapping[str, Any]) -> Indexed:
    values = dict.fromkeys(_rows(search, plan.indexed))
    return Indexed(search, tuple(_rows(search, plan.unique)), tuple(values), _display(document))


def _rows(search: Mapping[str, Any], paths: _Paths) -> list[tuple[str, str]]:
    rows = []
    for name, key, inner in paths:
        value = search.get(key)
        if value.__class__ is str and not inner:
            rows.append((name, value))
            continue
        for node in value if value.__class__ is list else (value,):
            for part in inner:
                node = node.get(part) if node.__class__ is dict else None
            if node.__class__ is str:
                rows.append((name, node))
            elif node is not None:
                rows += [(name, str(leaf)) for leaf in _leaves(node, ())]
    return rows


def _display(document: Mapping[str, Any]) -> str | None:
    for name in _SHOWN:
        shown = document.get(name)
        if shown and isinstance(shown, str):
            return shown
    return None


@lru_cache(maxsize=1024)
def _plan(resource_type: ResourceType) -> _Plan:
    named = (_ref(resource_type, name) for name in INDEXED.get(resource_type.name, ()))
    indexed = tuple(ref for ref in named if ref)
    unique = unique_attributes(resource_type)
    refs = (*unique, *indexed)
    extensions = [(e.schema.id, e.schema.attributes) for e in resource_type.extensions]
    return _Plan(
        fold=_object(
            *(a.member for a in resource_type.schema.attributes),
            *(
                (urn, _object(*(a.member for a in attributes)), str.casefold)
                for urn, attributes in extensions
            ),
        ),
        unique=_paths(unique),
        indexed=_paths(indexed),
        shown=frozenset((*_SHOWN, *(ref.keys[0] for ref in refs))),
        exact=all(ref.target is not None and ref.target.type in _TEXTS for ref in refs),
    )


def _object(*members: Member) -> Fold:
    return folder("complex", False, members)


def _paths(refs: Iterable[Ref]) -> _Paths:
    return tuple((str(ref), ref.keys[0], ref.keys[1:]) for ref in refs)


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


def _leaves(node: Any, keys: tuple[str, ...]) -> list[Scalar]:
    for place, key in enumerate(keys):
        if node.__class__ is list:
            return [leaf for element in node for leaf in _leaves(element, keys[place:])]
        if node.__class__ is not dict or key not in node:
            return []
        node = node[key]
    if node.__class__ is list:
        return [leaf for leaf in node if leaf.__class__ is not dict]
    return [] if node.__class__ is dict else [node]


def _ref(resource_type: ResourceType, name: str) -> Ref | None:
    attribute, _, sub = name.partition(".")
    return resource_type.resolve(None, attribute, sub or None)
