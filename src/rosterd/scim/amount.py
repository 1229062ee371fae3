"""How much a resource may have: its cost must stay small beside that of the largest body.

A list that is too long is refused before anything is made of its values; what a resource would have at the
end is looked at once more. The members of a group are no part of a document, and not bounded by this.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from rosterd.scim.errors import InvalidValue
from rosterd.scim.index import SEARCHED
from rosterd.scim.membership import has_members
from rosterd.scim.profiles.rewrites import member
from rosterd.scim.schema import ResourceType

MOST_VALUES: Final = 2000
"""Values of one multi-valued attribute: far more than an identity provider has of a person."""
MOST_BYTES: Final = 1 << 20
"""Bytes of a resource in JSON: it goes as a whole into each event, webhook and page of a list."""
MOST_SEARCHED: Final = 65_536
"""Characters of the texts of one resource in the index of parts, which costs 30 ms to change then."""
MOST_NAMES: Final = 10_000
"""Names in one object: a profile looks at each that the schema has not, whether it is a path."""
SMALL: Final = 2 * MOST_VALUES
"""A document of fewer bytes cannot have more values, as each takes two with its comma."""

_MEMBERS: Final = "members"
_SIGNS: Final = frozenset(".:[")
"""One of these is in a key that is read as a path."""


class Long(NamedTuple):
    """A list in a message that is longer than a resource can have, if it has not had more before."""

    name: str
    length: int

    def require(self, former: Mapping[str, Any]) -> None:
        """Raise ``InvalidValue`` unless some attribute of the former document has as many values."""
        if self.length > max(_counts(former).values(), default=0):
            raise _refusal(_many(self.name, self.length))


class Excess(NamedTuple):
    """What is too much, and what to do about it."""

    what: str
    advice: str


def long_list(body: object, t: ResourceType) -> Long | None:
    """The first list of a resource that is too long; it costs nothing to find.

    Here and in a PATCH, raises ``InvalidValue`` for an object with too many names.
    """
    return None if not isinstance(body, dict) or _is_short(body) else _in_object(body, t)


def long_list_in_patch(body: object, t: ResourceType) -> Long | None:
    """The same of the values of a PATCH."""
    operations = member(body, "Operations") if isinstance(body, dict) else None
    for operation in operations if isinstance(operations, list) else ():
        if not isinstance(operation, dict):
            continue
        for value in operation.values():  # whichever of them is its value
            kind = value.__class__
            if (kind is not list and kind is not dict) or _is_short(value):
                continue
            path = member(operation, "path")
            name = path if isinstance(path, str) else ""
            if not name and isinstance(value, dict):
                found = _in_object(value, t)
            else:
                found = _in_value(value, name[:100] or "value")
                if found is not None and name and not _is_bounded(name, t):
                    found = None
            if found is not None:
                return found
    return None


def members_given(body: object, t: ResourceType) -> int:
    """How many members a resource gives."""
    return _members_in(body, t) if has_members(t) and isinstance(body, dict) else 0


def members_given_in_patch(body: object, t: ResourceType) -> int:
    """The same of the values of a PATCH."""
    operations = member(body, "Operations") if has_members(t) and isinstance(body, dict) else None
    given = 0
    for operation in operations if isinstance(operations, list) else ():
        if not isinstance(operation, dict):
            continue
        path = member(operation, "path")
        for value in operation.values():
            if value.__class__ is list and isinstance(path, str) and _is_of_members(path, t):
                given += len(value)
            elif value.__class__ is dict and not path:
                given += _members_in(value, t)
    return given


def require_moderate(document: Mapping[str, Any], size: int, former: Mapping[str, Any], was: int) -> None:
    """Raise ``InvalidValue`` if a resource has more than it may have, and more than before.

    What an older release took can still be changed and made less. ``size`` is the document's and ``was``
    the former one's, in bytes of JSON; more bytes without more text, as of ``"active": false``, are fine.
    """
    found = excess(document, size, former, was)
    if found is not None:
        raise _refusal(found)


def excess(document: Mapping[str, Any], size: int, former: Mapping[str, Any], was: int) -> Excess | None:
    """What ``require_moderate`` refuses."""
    if size < SMALL:
        return None
    many = {name: count for name, count in _counts(document).items() if count > MOST_VALUES}
    before = _counts(former) if many else {}
    for name, count in many.items():
        if count > before.get(name, 0):
            return _many(name, count)
    if size > MOST_BYTES and size > was and _length(document.values()) > _length(former.values()):
        return Excess(
            f"{size} bytes are too much; a resource can have {MOST_BYTES} without its members",
            "Send shorter values, or the addresses of pictures and certificates instead of them.",
        )
    if size > MOST_SEARCHED:
        length = _length(map(document.get, SEARCHED))
        if length > MOST_SEARCHED and length > _length(map(former.get, SEARCHED)):
            names = f"{', '.join(SEARCHED[:-1])} and {SEARCHED[-1]}"
            return Excess(
                f"{length} characters are too many; {names} can have {MOST_SEARCHED} together",
                "Send shorter values, or fewer of them.",
            )
    return None


def _refusal(excess: Excess) -> InvalidValue:
    return InvalidValue(f"{excess.what}. {excess.advice}")


def _many(name: str, count: int) -> Excess:
    return Excess(
        f"{name}: {count} values are too many; a resource can have {MOST_VALUES} of an attribute",
        "Send fewer of them, or put what they say into groups.",
    )


def _is_short(value: Any) -> bool:
    """Whether there is nothing in it to name: most messages cost no more than this."""
    if value.__class__ is list:
        if len(value) > MOST_VALUES:
            return False
    elif len(value) > MOST_NAMES:
        return False
    else:
        value = value.values()
    for item in value:
        kind = item.__class__
        if (kind is dict or kind is list) and not _is_short(item):
            return False
    return True


def _in_object(value: Mapping[str, Any], t: ResourceType) -> Long | None:
    _require_few_names(value)
    for name, item in value.items():
        kind = item.__class__
        if kind is list or kind is dict:
            found = _in_value(item, name[:100])
            if found is not None and _is_bounded(name, t):
                return found
    return None


def _in_value(value: Any, name: str) -> Long | None:
    """In a list or an object; a list that is too long is not gone through."""
    if value.__class__ is list:
        if len(value) > MOST_VALUES:
            return Long(name, len(value))
        inner = [(name, item) for item in value if item.__class__ is dict or item.__class__ is list]
    else:
        _require_few_names(value)
        inner = [
            (f"{name}.{key[:100]}", item)
            for key, item in value.items()
            if item.__class__ is list or item.__class__ is dict
        ]
    for key, item in inner:
        found = _in_value(item, key)
        if found is not None:
            return found
    return None


def _require_few_names(value: Mapping[str, Any]) -> None:
    if len(value) > MOST_NAMES:
        raise InvalidValue(
            f"An object has {len(value)} names, such as '{next(iter(value))[:100]}'; at most {MOST_NAMES} "
            "are read. Leave out what the schema does not have."
        )


def _members_in(value: Mapping[str, Any], t: ResourceType) -> int:
    return sum(
        len(item) for name, item in value.items() if item.__class__ is list and _is_of_members(name, t)
    )


def _is_of_members(name: str, t: ResourceType) -> bool:
    """Whether a key or a path leads to the members of a group."""
    return name.casefold().removeprefix(f"{t.schema.id.casefold()}:").startswith(_MEMBERS)


def _is_bounded(name: str, t: ResourceType) -> bool:
    """Whether what stands under a key or a path is kept in the document; what is ignored costs nothing."""
    folded = name.casefold()
    if has_members(t) and _is_of_members(name, t):
        return False
    attribute = t.schema.by_name.get(folded)
    if attribute is not None:
        return attribute.mutability != "readOnly"  # such as groups, which a client may send back
    return folded in t.by_urn or not _SIGNS.isdisjoint(folded)


def _counts(node: Any, name: str = "") -> dict[str, int]:
    """By its dotted name, how many values each multi-valued attribute has; of several, the most."""
    if node.__class__ is list:
        counts = {name: len(node)}
        inner = [_counts(element, name) for element in node if element.__class__ is dict]
    elif isinstance(node, Mapping):
        counts = {}
        inner = [_counts(value, f"{name}.{key}" if name else key) for key, value in node.items()]
    else:
        return {}
    for several in inner:
        for key, count in several.items():
            counts[key] = max(count, counts.get(key, 0))
    return counts


def _length(values: Iterable[Any]) -> int:
    """The characters of all texts among the values, and in them."""
    length = 0
    for value in values:
        kind = value.__class__
        if kind is str:
            length += len(value)
        elif kind is list:
            length += _length(value)
        elif kind is dict:
            length += _length(value.values())
    return length
