"""Values that do not fit the schema, but leave no doubt what is meant.

``Walk`` goes once through a document beside its schema. A value that fits costs one look at its class;
only for one that does not are the rewrites asked, each of which changes what it knows and else gives
the value back. ReadOnly attributes are passed by: the core ignores them whatever they hold.
"""

import re
from collections.abc import Mapping
from typing import Final

from rosterd.scim.profiles.rewrites import Rewrite, ValueFunction, has_member, member, without_member
from rosterd.scim.schema import COMMON, Attribute, ResourceType

# The JSON classes of a value of each type (RFC 7643 §2.3).
_FITS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "decimal": (int, float),
    "integer": (int,),
    "dateTime": (str,),
    "reference": (str,),
    "binary": (str,),
    "complex": (dict,),
}
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LABELS: Final = frozenset(("value", "$ref", "display", "type", "primary"))


class Walk:
    """One pass through one message; ``changed`` collects the names of the rewrites that did something."""

    __slots__ = ("_value", "_values", "changed")

    def __init__(self, rewrites: tuple[Rewrite, ...]) -> None:
        self._values = tuple((r.name, r.values) for r in rewrites if r.values)
        self._value = tuple((r.name, r.value) for r in rewrites if r.value)
        self.changed: set[str] = set()

    def document(self, t: ResourceType, body: Mapping[str, object]) -> Mapping[str, object]:
        """The attributes of a resource, extensions included."""
        result: dict[str, object] | None = None
        for key, given in body.items():
            folded = key.casefold()
            new = given
            if attribute := t.schema.by_name.get(folded):
                new = self.attribute(attribute, given)
            elif extension := t.by_urn.get(folded):
                new = self.members(extension.schema.by_name, given)
            elif folded == "externalid":
                new = self.attribute(COMMON[folded], given)
            if new is not given:
                result = result or dict(body)
                result[key] = new
        return body if result is None else result

    def attribute(self, attribute: Attribute, given: object) -> object:
        """All that is given for an attribute."""
        if attribute.mutability == "readOnly" or given is None:
            return given
        if not attribute.multi_valued:
            return self.one(attribute, given)
        if not isinstance(given, list):
            given = self._ask(self._values, attribute, given)
            if not isinstance(given, list):
                return given
        elements = [self.one(attribute, element) for element in given]
        if any(new is not old for new, old in zip(elements, given, strict=True)):
            given = elements
        if "primary" in attribute.subs and _primaries(given) > 1:
            return self._ask(self._values, attribute, given)
        return given

    def one(self, attribute: Attribute, given: object) -> object:
        """One value of an attribute."""
        if given is None:
            return given
        if given.__class__ not in _FITS[attribute.type]:
            given = self._ask(self._value, attribute, given)
        if attribute.type != "complex" or not isinstance(given, dict):
            return given
        if any(item == "" or key.casefold() not in attribute.subs for key, item in given.items()):
            given = self._ask(self._value, attribute, given)
        return self.members(attribute.subs, given)

    def members(self, table: Mapping[str, Attribute], given: object) -> object:
        """The members of a complex value or of an extension."""
        if not isinstance(given, dict):
            return given
        result: dict[str, object] | None = None
        for key, item in given.items():
            attribute = table.get(key.casefold())
            if attribute is not None and (new := self.attribute(attribute, item)) is not item:
                result = result or dict(given)
                result[key] = new
        return given if result is None else result

    def _ask(
        self, functions: tuple[tuple[str, ValueFunction], ...], attribute: Attribute, given: object
    ) -> object:
        for name, function in functions:
            new = function(attribute, given)
            if new is not given:
                self.changed.add(name)
                given = new
        return given


def list_from_single(attribute: Attribute, given: object) -> object:
    """``{"value": "a@example.com"}`` → ``[{"value": "a@example.com"}]``."""
    return given if isinstance(given, list) else [given]


def one_primary(attribute: Attribute, given: object) -> object:
    """Several values with ``"primary": true`` → the first keeps it."""
    if not isinstance(given, list) or _primaries(given) < 2:
        return given
    seen = False
    result: list[object] = []
    for element in given:
        primary = isinstance(element, dict) and member(element, "primary") is True
        result.append(without_member(element, "primary") if primary and seen else element)
        seen = seen or primary
    return result


def single_from_list(attribute: Attribute, given: object) -> object:
    """``["x"]`` → ``"x"``."""
    return given[0] if isinstance(given, list) and len(given) == 1 else given


def value_from_object(attribute: Attribute, given: object) -> object:
    """``{"value": "x", "$ref": null}`` → ``"x"``, where the attribute is not complex."""
    if attribute.type == "complex" or not isinstance(given, dict) or not has_member(given, "value"):
        return given
    return member(given, "value") if {key.casefold() for key in given} <= _LABELS else given


def empty_reference(attribute: Attribute, given: object) -> object:
    """``""`` and ``{"value": ""}`` → ``null``, where the attribute is complex and single."""
    if attribute.type != "complex" or attribute.multi_valued or "value" not in attribute.subs:
        return given
    main = member(given, "value") if isinstance(given, dict) else given
    return None if main == "" else given


def object_from_value(attribute: Attribute, given: object) -> object:
    """``"2819c223"`` → ``{"value": "2819c223"}``."""
    if attribute.type != "complex" or "value" not in attribute.subs:
        return given
    if isinstance(given, (str, int, float)) and not isinstance(given, bool):
        return {attribute.subs["value"].name: given}
    return given


def display_from_display_name(attribute: Attribute, given: object) -> object:
    """``{"value": "2819c223", "displayName": "Ann"}`` → ``{"value": "2819c223", "display": "Ann"}``."""
    if not isinstance(given, dict) or "display" not in attribute.subs or "displayname" in attribute.subs:
        return given
    if not has_member(given, "displayName"):
        return given
    rest = without_member(given, "displayName")
    return rest if has_member(rest, "display") else {**rest, "display": member(given, "displayName")}


def boolean_from_string(attribute: Attribute, given: object) -> object:
    """``"True"``, ``"false"`` → ``true``, ``false``."""
    if attribute.type != "boolean" or not isinstance(given, str):
        return given
    return {"true": True, "false": False}.get(given.strip().casefold(), given)


def string_from_number(attribute: Attribute, given: object) -> object:
    """``701984`` → ``"701984"``."""
    if attribute.type != "string" or isinstance(given, bool) or not isinstance(given, (int, float)):
        return given
    return str(given)


def number_from_string(attribute: Attribute, given: object) -> object:
    """``"25"`` → ``25``."""
    if not isinstance(given, str) or not (found := _NUMBER.fullmatch(given.strip())):
        return given
    if attribute.type == "integer" and not found[1]:
        return int(found[0])
    if attribute.type == "decimal":
        return float(found[0]) if found[1] else int(found[0])
    return given


def _primaries(values: list[object]) -> int:
    return sum(isinstance(value, dict) and member(value, "primary") is True for value in values)
