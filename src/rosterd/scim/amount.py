"""How many values an attribute may have: its cost must stay small beside that of the largest body.

The members of a group are no part of a document, and not bounded by this.
"""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.scim.errors import InvalidValue

MOST_VALUES: Final = 2000
"""Values of one multi-valued attribute: far more than an identity provider has of a person."""
SMALL: Final = 2 * MOST_VALUES
"""A document of fewer bytes cannot have more, as each value takes two with its comma."""


def require_few(document: Mapping[str, Any], size: int, former: Mapping[str, Any]) -> None:
    """Raise ``InvalidValue`` if an attribute has more than ``MOST_VALUES`` values, and more than before.

    What an older release took can still be changed and made less. ``size`` is the document's, in bytes.
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
