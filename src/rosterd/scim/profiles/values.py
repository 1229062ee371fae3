"""Values that do not fit the schema, but leave no doubt what is meant.

A ``Walk`` is the attributes of a resource type and the rewrites of a profile, compiled into readers; it goes
once through a document. A value that fits costs one look at its class; only for one that does not are the
rewrites asked, each of which changes what it knows and else gives the value back. ReadOnly attributes are
passed by: the core ignores them whatever they hold.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from operator import is_not
from typing import Final, NamedTuple

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

Read = Callable[[object, set[str]], object]
"""Takes what is given, gives what it becomes; names of rewrites that did something go into the set."""

_Functions = tuple[tuple[str, ValueFunction], ...]


class Reader(NamedTuple):
    """How the values of one attribute are read."""

    one: Read
    """Reads one value."""
    all: Read
    """Reads all that is given for the attribute."""
    plain: type | None
    """What is of this class, ``all`` gives back as it is."""


class Walk:
    """The way through the documents of one resource type."""

    __slots__ = ("_readers", "_several", "_single", "document", "extensions")

    def __init__(self, t: ResourceType, rewrites: Iterable[Rewrite]) -> None:
        self._several: _Functions = tuple((r.name, r.values) for r in rewrites if r.values)
        self._single: _Functions = tuple((r.name, r.value) for r in rewrites if r.value)
        self._readers: dict[Attribute, Reader] = {}
        common = {a.name: self._reader(a) for a in COMMON.values()}
        own = {a.name: self._reader(a) for a in t.schema.attributes}
        self.extensions = {e.schema.id: self._members(e.schema.attributes) for e in t.extensions}
        """Read the members of an extension, by its URN."""
        extensions = {urn: Reader(read, read, None) for urn, read in self.extensions.items()}
        self.document = _members({"externalId": common["externalId"], **extensions, **own})
        """Reads the attributes of a resource, extensions included."""

    def reader(self, attribute: Attribute) -> Reader:
        """That of an attribute or sub-attribute of the type, or of all resources."""
        return self._readers[attribute]

    def _members(self, attributes: Iterable[Attribute]) -> Read:
        return _members({attribute.name: self._reader(attribute) for attribute in attributes})

    def _reader(self, attribute: Attribute) -> Reader:
        one = self._object(attribute) if attribute.type == "complex" else self._leaf(attribute)
        plain = None if attribute.type == "complex" else _FITS[attribute.type][0]
        reader = Reader(one, one, plain)
        if attribute.multi_valued:
            reader = Reader(one, self._list(attribute, one), None)
        if attribute.mutability == "readOnly":
            reader = Reader(one, lambda given, changed: given, None)
        self._readers[attribute] = reader
        return reader

    def _leaf(self, attribute: Attribute) -> Read:
        fits, rewrites = _FITS[attribute.type], self._single

        def read(given: object, changed: set[str]) -> object:
            if given is None or given.__class__ in fits:
                return given
            return _ask(rewrites, attribute, given, changed)

        return read

    def _object(self, attribute: Attribute) -> Read:
        names, rewrites = frozenset(a.name for a in attribute.sub_attributes), self._single
        members = self._members(attribute.sub_attributes)
        plain = {a.name: self.reader(a).plain for a in attribute.sub_attributes}

        def read(given: object, changed: set[str]) -> object:
            if given is None:
                return given
            if isinstance(given, dict):
                for name, item in given.items():
                    if item.__class__ is not plain.get(name) or item == "":
                        break
                else:
                    return given
            if not isinstance(given, dict) or not given.keys() <= names or "" in given.values():
                given = _ask(rewrites, attribute, given, changed)
            return members(given, changed)

        return read

    def _list(self, attribute: Attribute, one: Read) -> Read:
        rewrites, primary = self._several, "primary" in attribute.subs

        def read(given: object, changed: set[str]) -> object:
            if given is None:
                return given
            if not isinstance(given, list):
                given = _ask(rewrites, attribute, given, changed)
                if not isinstance(given, list):
                    return given
            elements = [one(element, changed) for element in given]
            if any(map(is_not, elements, given)):
                given = elements
            if primary and len(given) > 1 and _primaries(given) > 1:
                return _ask(rewrites, attribute, given, changed)
            return given

        return read


def _members(readers: Mapping[str, Reader]) -> Read:
    """Reads the members of an object; letter case is ignored, and what has no reader is passed by."""
    folded = {name.casefold(): reader for name, reader in readers.items()}
    table = folded | {name: folded[name.casefold()] for name in readers}
    plain = {name: reader.plain for name, reader in table.items() if reader.plain}

    def read(given: object, changed: set[str]) -> object:
        if not isinstance(given, dict):
            return given
        result: dict[str, object] | None = None
        for key, item in given.items():
            if item.__class__ is plain.get(key):
                continue
            reader = table.get(key) or table.get(key.casefold())
            if reader is None:
                continue
            new = reader.all(item, changed)
            if new is not item:
                result = result or dict(given)
                result[key] = new
        return given if result is None else result

    return read


def _ask(functions: _Functions, attribute: Attribute, given: object, changed: set[str]) -> object:
    for name, function in functions:
        new = function(attribute, given)
        if new is not given:
            changed.add(name)
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
    """``701984`` → ``"701984"``; not a fraction or a very long one, as how that was written is lost."""
    if attribute.type != "string" or isinstance(given, bool) or not isinstance(given, int):
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
