"""What of a folded document may be in a table of values, whichever its schema says is."""

from collections.abc import Iterable, Mapping
from typing import Any


def lookups(search: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Attributes and values, named as ``rosterd.scim.index.index`` names them."""
    for name, value in search.items():
        for element in value if isinstance(value, list) else (value,):
            if isinstance(element, Mapping):
                yield from lookups(element, f"{prefix}{name}" + (":" if ":" in name else "."))
            else:
                yield f"{prefix}{name}", str(element)
