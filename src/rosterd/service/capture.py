"""What the log keeps of the texts of a request: masked, and cut."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from rosterd.service.masking import Masked

NAMES: Final = ("userName", "displayName")
"""By which attributes an administrator knows a resource, the better one first."""
MAX_SUBJECT: Final = 200
MAX_LINE: Final = 2000
"""Characters that are kept of a path, a query or an error's detail."""
MAX_AGENT: Final = 300

_LOOKED_FOR: Final = re.compile(
    r'\b(?:userName|displayName|externalId|value)\s+eq\s+"((?:[^"\\]|\\.)+)"', re.IGNORECASE
)


def is_plain(text: str) -> bool:
    """Whether a text may be kept as it is in any case, if nothing is hidden in its exchange."""
    return "_" not in text and "\0" not in text and text.isascii() and len(text) <= MAX_SUBJECT


def clean(text: str | None, most: int, hiding: Masked) -> str | None:
    """A text without what is hidden elsewhere in its exchange, cut."""
    return None if text is None else storable(hiding.elsewhere(text)[:most])


def storable(text: str) -> str:
    """Without what a database or JSON cannot hold: U+0000, and halves of pairs (from a path in Latin-1)."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode(errors="replace").decode()


def name_in(body: object) -> str | None:
    """What a message calls the resource that it is about."""
    if not isinstance(body, dict):
        return None
    for name in NAMES:
        value = body.get(name)
        if value is None:
            value = next((v for k, v in body.items() if k.casefold() == name.casefold()), None)
        if isinstance(value, str) and value:
            return value
    return None


def name_looked_for(text: str) -> str | None:
    """Whom a filter looks for, as identity providers look for a user before they make it."""
    found = _LOOKED_FOR.search(text)
    return found[1] if found else None


def object_in(raw: bytes) -> Mapping[str, Any]:
    """A JSON object; empty if it is none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
