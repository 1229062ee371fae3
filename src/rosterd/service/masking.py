"""No secret gets into the request log: a table of names says what is masked before anything is kept.

A value is hidden if its key is a secret's, at any depth, or if the path of its PATCH operation or the filter
that it stands in names one.
So is the text of any credential of rosterd, wherever it stands. What cannot be read is kept only if it
mentions no such name. When in doubt, it is hidden.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

import orjson

from rosterd.scim.schema import Attribute, Model
from rosterd.service import partial_json
from rosterd.service.audit import MASK

CONTAINED: Final = ("passw", "passphrase", "secret", "credential", "pwd", "authorization")
"""A key with one of these in it is a secret's, letter case and what is no letter ignored."""
ENDINGS: Final = ("token", "apikey", "privatekey", "accesskey", "bearer", "otp")
"""So is a key with one of these at its end, be it counted (``token2``) or several (``tokens``)."""
NAMING: Final = ("path", "name", "key", "type")
"""Members that say what the ``value`` beside them is."""

COMPARING: Final = ("path", "filter")
"""Members whose text has values in quotation marks, which are hidden if it names a secret."""

MAX_DEPTH: Final = 32
"""What lies deeper is hidden; such a body is refused anyway."""

_HINTS: Final = ("pass", "secre", "creden", "pwd", "uthoriz", "token", "beare", "otp", "key")
"""A text without any of these has no secret's name: most bodies are such, and then they need not be read."""
_UNFOLDED: Final = tuple(
    letter.encode() for letter in "\u00df\u1e9e\u017f\u212a\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
)
"""Letters beyond ASCII that fold to some of ASCII."""
_PARTS: Final = re.compile(r"[^\W_]+(?:[_$-]+[^\W_]+)*")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_CREDENTIAL: Final = re.compile(r"\b(?:r[a-z]{2})_(?:[0-9A-Za-z]{12}_)?[0-9A-Za-z]{49}(?![0-9A-Za-z])")
_RAW_CREDENTIAL: Final = re.compile(_CREDENTIAL.pattern.encode())
_NO_LETTER: Final = re.compile(r"[\W_]+")
_SHORTEST: Final = 4
"""Characters from which on a hidden value is looked for in the reply, too."""
_BEGINNING: Final = 24
_COUNTED: Final = "0123456789s"
_REMEMBERED: Final = 2048
_LONGEST: Final = 100
"""Characters of a name that is remembered."""


class _Key(NamedTuple):
    """What is to be known of an object's key."""

    secret: bool
    folded: str
    shown: str


class Masked(NamedTuple):
    """A text that may be kept, and the values that were hidden in it."""

    text: str
    hidden: frozenset[str] = frozenset()

    def elsewhere(self, text: str) -> str:
        """Another text of the same exchange, without what was hidden in this one."""
        if not self.hidden and "_" not in text:
            return text
        for value in sorted(self.hidden, key=len, reverse=True):
            if value[:_BEGINNING] not in text:
                continue
            # An error shows the beginning of a long value.
            cut = f'{re.escape(value[:_BEGINNING])}[^"…]*' if len(value) > _BEGINNING else re.escape(value)
            text = re.sub(cut, lambda _: MASK, text)
        return _without_credentials(text)


NOTHING: Final = Masked("")


class Masks:
    """What is hidden in a directory: the table above, ``password``, and what is never returned."""

    def __init__(self, never: Iterable[str] = ()) -> None:
        names = tuple(never)
        self._never = frozenset(map(_plain, names))
        more = (name.casefold() for name in names)
        self._hints = (*_HINTS, *(name for name in more if not any(hint in name for hint in _HINTS)))
        self._names_secret = lru_cache(_REMEMBERED)(self._look)
        self._known = lru_cache(_REMEMBERED)(self._read)  # the same keys come again and again

    def names_secret(self, key: str) -> bool:
        """Whether a key, or a path, names a secret; of ``name.x`` and ``urn:…:x`` each part counts."""
        folded = key.casefold()
        if not self._suspicious(folded):
            return False
        return self._names_secret(folded) if len(folded) <= _LONGEST else self._look(folded)

    def _key(self, key: str) -> _Key:
        # What may be a credential is not remembered: it would stay in memory.
        return self._known(key) if len(key) <= _LONGEST and "_" not in key else self._read(key)

    def _read(self, key: str) -> _Key:
        return _Key(self.names_secret(key), key.casefold(), _without_credentials(key))

    def _look(self, folded: str) -> bool:
        parts = [_plain(part) for part in _PARTS.findall(_QUOTED.sub(" ", folded))]
        return any(
            part in self._never
            or part.rstrip(_COUNTED).endswith(ENDINGS)
            or any(one in part for one in CONTAINED)
            for part in (*parts, _plain(folded))
        )

    def body(self, raw: bytes, *, whole: bool = True) -> Masked:
        """A body as it may be kept; ``whole`` is whether these are all of its bytes."""
        if whole and not self._may_hold(raw):
            try:
                return Masked(raw.decode())
            except UnicodeDecodeError:
                return _unreadable(raw)
        try:
            value = orjson.loads(raw) if whole else partial_json.parse(raw.decode(errors="ignore"))
        except ValueError:
            return _unreadable(raw)
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
                value = self._unquoted(value, hidden)
            shown.append(_without_credentials(name + equals + value))
        return Masked("&".join(shown), _long(hidden))

    def _suspicious(self, folded: str) -> bool:
        return any(map(folded.__contains__, self._hints))

    def _may_hold(self, raw: bytes) -> bool:
        """Whether a secret can be in it at all; quick, as it is asked of every body."""
        lower = raw.lower().decode("latin-1")  # looked through quicker than bytes
        if any(map(lower.__contains__, self._hints)):
            return True
        if "\\" in lower or ("_" in lower and _RAW_CREDENTIAL.search(raw)):
            return True
        return not raw.isascii() and any(letter in raw for letter in _UNFOLDED)

    def _value(self, value: Any, hidden: set[str], depth: int) -> Any:
        if isinstance(value, str):
            return _without_credentials(value)
        if not isinstance(value, dict | list):
            return value
        if not depth:
            return self._hide(value, hidden)
        if isinstance(value, list):
            return [self._value(each, hidden, depth - 1) for each in value]
        named, kept = self._named(value), {}
        for key, each in value.items():
            secret, folded, shown = self._key(key)
            if secret or (named and folded == "value"):
                kept[shown] = self._hide(each, hidden)
            elif isinstance(each, str):
                if folded in COMPARING and (named or self.names_secret(each)):
                    kept[shown] = self._unquoted(each, hidden)
                else:
                    kept[shown] = _without_credentials(each)
            else:
                kept[shown] = self._value(each, hidden, depth - 1)
        return kept

    def _named(self, value: dict[str, Any]) -> bool:
        """Whether one of an object's members says that the ``value`` beside it is a secret."""
        for key, text in value.items():
            if self._key(key).folded in NAMING and isinstance(text, str) and self.names_secret(text):
                return True
        return False

    def _unquoted(self, text: str, hidden: set[str]) -> str:
        """A path or filter without what it compares with."""
        return _QUOTED.sub(lambda found: f'"{self._hide(found[0].strip(chr(34)), hidden)}"', text)

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
    """The masks of a directory's schemas; what has a part that is never returned is hidden as a whole."""
    schemas = [s for t in model.types.values() for s in (t.schema, *(e.schema for e in t.extensions))]
    return Masks(a.name for schema in schemas for a in schema.attributes if _never(a))


def _never(attribute: Attribute) -> bool:
    return attribute.returned == "never" or any(map(_never, attribute.sub_attributes))


def _unreadable(raw: bytes) -> Masked:
    return Masked(f"({len(raw)} bytes that are not JSON)")


def _without_credentials(text: str) -> str:
    return _CREDENTIAL.sub(MASK, text) if "_" in text else text


def _long(hidden: set[str]) -> frozenset[str]:
    return frozenset(one for one in hidden if len(one) >= _SHORTEST and one not in ("True", "False"))


def _plain(name: str) -> str:
    return _NO_LETTER.sub("", name.casefold())
