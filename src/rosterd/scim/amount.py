"""How much a resource may have: its cost must stay small beside that of the largest body.

The members of a group are no part of a document, and not bounded by this.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rosterd.scim.errors import InvalidValue
from rosterd.scim.index import SEARCHED

MOST_VALUES: Final = 2000
"""Values of one multi-valued attribute: far more than an identity provider has of a person."""
MOST_BYTES: Final = 1 << 20
"""Bytes of a resource in JSON: it goes as a whole into each event, webhook and page of a list."""
MOST_SEARCHED: Final = 65_536
"""Characters of the texts of one resource in the index of parts, which costs 30 ms to change then."""
SMALL: Final = 2 * MOST_VALUES
"""A document of fewer bytes cannot have more values, as each takes two with its comma."""


def require_moderate(document: Mapping[str, Any], size: int, former: Mapping[str, Any], was: int) -> None:
    """Raise ``InvalidValue`` if a resource has more than it may have, and more than before.

    What an older release took can still be changed and made less. ``size`` is the document's and ``was``
    the former one's, in bytes of JSON; more bytes without more text, as of ``"active": false``, are fine.
    """
    if size < SMALL:
        return
    many = {name: count for name, count in _counts(document).items() if count > MOST_VALUES}
    before = _counts(former) if many else {}
    for name, count in many.items():
        if count > before.get(name, 0):
            raise InvalidValue(
                f"{name}: {count} values are too many; a resource can have {MOST_VALUES} of an attribute. "
                "Send fewer of them, or put what they say into groups."
            )
    if size > MOST_BYTES and size > was and _length(document.values()) > _length(former.values()):
        raise InvalidValue(
            f"{size} bytes are too much; a resource can have {MOST_BYTES} without its members. "
            "Send shorter values, or the addresses of pictures and certificates instead of them."
        )
    if size > MOST_SEARCHED:
        length = _length(map(document.get, SEARCHED))
        if length > MOST_SEARCHED and length > _length(map(former.get, SEARCHED)):
            names = f"{', '.join(SEARCHED[:-1])} and {SEARCHED[-1]}"
            raise InvalidValue(
                f"{length} characters are too many; {names} can have {MOST_SEARCHED} together. "
                "Send shorter values, or fewer of them."
            )


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
