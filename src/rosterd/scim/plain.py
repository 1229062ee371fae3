"""A resource that is as most are: nothing in it is to be tolerated, refused or left out within a value.

It is gone through once, instead of once by a profile's rewrites and once by the checker, and its values
become those of the canonical document as they are. Whatever looks otherwise is left to those two, who alone
decide: a property test holds that both ways come to the same.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import lru_cache
from math import inf
from typing import Any, Final

from rosterd.scim.amount import MOST_VALUES
from rosterd.scim.check import Rule, Table, checker_for
from rosterd.scim.membership import has_members
from rosterd.scim.profiles.schemas import is_named, own
from rosterd.scim.schema import ResourceType

_KEPT: Final = 1024

_Same = Callable[[Any], bool]
"""Whether a value of the right class is canonical, or empty."""
_Part = tuple[type, _Same]
"""The class of the values of an attribute that is not a single text or boolean, and what they must pass."""


class Plain:
    """The attributes of a resource type, by what their values are. Get it from ``plain_for``."""

    __slots__ = ("_core", "_forgotten", "_leaves", "_names", "_parts", "_read_only", "_urns")

    def __init__(self, t: ResourceType) -> None:
        checker, known = checker_for(t), own(t)
        rules = [rule for name, rule in checker.table.rules.items() if name in known.names]
        self._leaves = _leaves(rules)
        self._parts = _parts(rules, ("members",) if has_members(t) else ())
        self._names = frozenset(rule.name for rule in rules)
        self._read_only = frozenset(rule.name for rule in rules if rule.attribute.mutability == "readOnly")
        self._forgotten = frozenset(rule.name for rule in rules if _is_forgotten(rule))
        never = checker.has_secrets or "schemas" in t.schema.by_name or t.schema.id not in known.urns
        self._core = t.schema.id
        self._urns = () if never else known.urns
        """What ``schemas`` may have; nothing if no resource of the type is plain."""

    def read(self, body: object) -> dict[str, Any] | None:
        """The canonical values of a resource, for ``check.Checker.complete``; ``None`` if it is not plain.

        They are those of the body, not copies.
        """
        if not isinstance(body, dict) or not is_named(body.get("schemas"), self._core, self._urns):
            return None
        draft: dict[str, Any] = {"schemas": body["schemas"]}
        leaves, parts = self._leaves, self._parts
        for key, value in body.items():
            kind = value.__class__
            if kind is leaves.get(key):
                if kind is str and "\0" in value:
                    return None
                draft[key] = value
            elif key in parts:
                expected, same = parts[key]
                if kind is not expected or not same(value):
                    return None
                if value:
                    draft[key] = value
            elif key != "schemas" and not self._is_left_out(key, value):
                return None
        return draft

    def _is_left_out(self, key: str, value: Any) -> bool:
        """Whether it is in order, and nothing of it is kept."""
        if value is None:
            return key in self._names
        return key in self._read_only or (
            key in self._forgotten and value.__class__ is str and "\0" not in value
        )


@lru_cache(maxsize=_KEPT)
def plain_for(t: ResourceType) -> Plain:
    """What is plain in a resource type, compiled at first use."""
    return Plain(t)


def _kept(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Those whose values are stored, and may be any that fit."""
    for rule in rules:
        attribute = rule.attribute
        free = attribute.tightening is None or not attribute.tightening.values
        if free and attribute.mutability != "readOnly" and attribute.returned != "never":
            yield rule


def _is_forgotten(rule: Rule) -> bool:
    """Whether it is a text that is not kept, such as a password."""
    attribute = rule.attribute
    is_text = attribute.type == "string" and not attribute.multi_valued and attribute.tightening is None
    return is_text and attribute.returned == "never"


def _leaves(rules: Iterable[Rule]) -> Mapping[str, type]:
    """Class by name: a value of it fits, but for a text with U+0000."""
    return {rule.name: rule.plain for rule in _kept(rules) if rule.plain in (str, bool)}


def _parts(rules: Iterable[Rule], endless: Container[str] = ()) -> Mapping[str, _Part]:
    """By name; those that are ``endless`` may have any number of values (``amount.long_list``)."""
    parts: dict[str, _Part] = {}
    for rule in _kept(rules):
        if rule.table is not None:
            same, most = _same(rule.table), inf if rule.name in endless else MOST_VALUES
            several = rule.attribute.multi_valued
            parts[rule.name] = (list, _several(same, most)) if several else (dict, same)
    return parts


def _same(table: Table) -> _Same:
    """An empty text is not the same: to some rewrites it says that there is no value."""
    leaves, parts = _leaves(table.rules.values()), _parts(table.rules.values())

    def same(value: dict[str, Any]) -> bool:
        for key, item in value.items():
            kind = item.__class__
            if kind is leaves.get(key):
                if kind is str and (not item or "\0" in item):
                    return False
            else:
                part = parts.get(key)
                if part is None or not item or kind is not part[0] or not part[1](item):
                    return False
        return True

    return same


def _several(same: _Same, most: float) -> _Same:
    def are_same(values: list[Any]) -> bool:
        if len(values) > most:
            return False
        primaries = 0
        for value in values:
            if value.__class__ is not dict or not value or not same(value):
                return False
            if value.get("primary") is True:
                primaries += 1
        return primaries < 2

    return are_same
