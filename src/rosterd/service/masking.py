"""No secret gets into the request log: bodies and queries are masked by a table of names, before they are kept.

A value is hidden if its key is a secret's, at any depth, or if the path of its PATCH operation names one. So is
the text of any credential of rosterd, wherever it stands. What cannot be read is kept only if it mentions no
such name. When in doubt, it is hidden.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from rosterd.scim.schema import Attribute, Model
from rosterd.service import partial_json
from rosterd.service.audit import MASK

CONTAINED: Final = ("passw", "passphrase", "secret", "credential", "pwd", "authorization")
"""A key with one of these in it is a secret's, letter case and what is no letter ignored."""
ENDINGS: Final = ("token", "apikey", "privatekey", "accesskey", "bearer", "otp", "pincode")
"""So is a key with one of these at its end."""
NAMING: Final = ("path", "name", "key", "type")
"""Members that say what the ``value`` beside them is."""

MAX_DEPTH: Final = 32
"""What lies deeper is hidden; such a body is refused anyway."""

_HINTS: Final = (
    "pass", "secret", "credential", "pwd", "authorization", "token", "bearer", "otp",
    *(f"{word}{between}" for word in ("api", "private", "access") for between in ("key", "_", "-", " ")),
    "pincode", "pin_", "pin-", "rst_", "rss_", "rak_",
)  # fmt: skip
"""A text without any of these holds no secret: what most bodies are, and then they need not be read."""
_PARTS: Final = re.compile(r"[^\W_]+(?:[_$-]+[^\W_]+)*")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_CREDENTIAL: Final = re.compile(r"\b(?:r[a-z]{2})_(?:[0-9A-Za-z]{12}_)?[0-9A-Za-z]{49}(?![0-9A-Za-z])")
_NO_LETTER: Final = re.compile(r"[\W_]+")
_SHORTEST: Final = 4
"""Characters from which on a hidden value is looked for in the reply, too."""
_BEGINNING: Final = 24


@dataclass(frozen=True, slots=True)
class Masked:
    """A text that may be kept, and the values that were hidden in it."""

    text: str
    hidden: frozenset[str] = frozenset()

    def elsewhere(self, text: str) -> str:
        """Another text of the same exchange, without what was hidden in this one."""
        for value in sorted(self.hidden, key=len, reverse=True):
            # An error shows the beginning of a long value.
            cut = f'{re.escape(value[:_BEGINNING])}[^"…]*' if len(value) > _BEGINNING else re.escape(value)
            text = re.sub(cut, MASK, text)
        return _CREDENTIAL.sub(MASK, text)


class Masks:
    """What is hidden in a directory: the table above, ``password``, and what is never returned."""

    def __init__(self, never: Iterable[str] = ()) -> None:
        names = tuple(never)
        self._never = frozenset(map(_plain, names))
        self._hints = (*_HINTS, *(name.casefold() for name in names))

    def names_secret(self, key: str) -> bool:
        """Whether a key, or a path, names a secret; of ``name.x`` and ``urn:…:x`` each part counts."""
        folded = key.casefold()
        if not self._suspicious(folded):
            return False
        parts = [_plain(part) for part in _PARTS.findall(_QUOTED.sub(" ", folded))]
        return any(
            part in self._never or part.endswith(ENDINGS) or any(one in part for one in CONTAINED)
            for part in (*parts, _plain(folded))
        )

    def body(self, raw: bytes, *, whole: bool = True) -> Masked:
        """A body as it may be kept; ``whole`` is whether these are all of its bytes."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode(errors="ignore")
            whole = False
        folded = text.casefold()
        if whole and "\\u" not in folded and not self._suspicious(folded):
            return Masked(text)
        try:
            value = orjson.loads(raw) if whole else partial_json.parse(text)
        except ValueError:
            suspicious = "\\u" in folded or self._suspicious(folded)
            return Masked(f"({len(raw)} bytes that are not JSON)" if suspicious else text)
        hidden: set[str] = set()
        kept = self._value(value, hidden, MAX_DEPTH)
        return Masked(orjson.dumps(kept).decode(), _long(hidden))

    def query(self, raw: bytes) -> Masked:
        """A query string as readable text."""
        hidden: set[str] = set()
        shown = []
        for pair in raw.decode("latin-1").split("&"):
            name, equals, value = (unquote_plus(part, errors="replace") for part in pair.partition("="))
            if self.names_secret(name):
                value = self._hide(value, hidden)
            elif self.names_secret(value):
                value = _QUOTED.sub(lambda found: f'"{self._hide(found.group().strip(chr(34)), hidden)}"', value)
            shown.append(_CREDENTIAL.sub(MASK, name + equals + value))
        return Masked("&".join(shown), _long(hidden))

    def _suspicious(self, folded: str) -> bool:
        return any(hint in folded for hint in self._hints)

    def _value(self, value: Any, hidden: set[str], depth: int) -> Any:
        if isinstance(value, str):
            return _CREDENTIAL.sub(MASK, value)
        if not isinstance(value, dict | list):
            return value
        if not depth:
            return self._hide(value, hidden)
        if isinstance(value, list):
            return [self._value(each, hidden, depth - 1) for each in value]
        named = any(
            isinstance(text, str) and self.names_secret(text)
            for key, text in value.items()
            if key.casefold() in NAMING
        )
        kept = {}
        for key, each in value.items():
            folded = key.casefold()
            if self.names_secret(key) or (named and folded == "value"):
                kept[_CREDENTIAL.sub(MASK, key)] = self._hide(each, hidden)
            elif folded == "path" and named and isinstance(each, str):
                kept[key] = _QUOTED.sub(f'"{MASK}"', each)
            else:
                kept[_CREDENTIAL.sub(MASK, key)] = self._value(each, hidden, depth - 1)
        return kept

    def _hide(self, value: Any, hidden: set[str]) -> Any:
        level = [value]
        while level:
            hidden.update(str(one) for one in level if isinstance(one, str | int | float))
            level = [
                inner
                for one in level
                if isinstance(one, dict | list)
                for inner in (one.values() if isinstance(one, dict) else one)
            ]
        return None if value is None else MASK


@lru_cache(256)
def masks_of(model: Model) -> Masks:
    """The masks of a directory's schemas; an attribute with a part that is never returned is hidden as a whole."""
    schemas = [s for t in model.types.values() for s in (t.schema, *(e.schema for e in t.extensions))]
    return Masks(a.name for schema in schemas for a in schema.attributes if _never(a))


def _never(attribute: Attribute) -> bool:
    return attribute.returned == "never" or any(map(_never, attribute.sub_attributes))


def _long(hidden: set[str]) -> frozenset[str]:
    return frozenset(one for one in hidden if len(one) >= _SHORTEST and one not in ("True", "False"))


def _plain(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())
