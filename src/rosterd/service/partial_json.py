"""The beginning of a JSON text as a value: what is whole of it is kept, what was open at the cut is closed.

The last scalar is left out, as it may be cut. So is ``value`` of every object that was open and has no
``path`` yet: in a PATCH operation the path, which may still have come, says what the value is.
"""

import re
from typing import Any, Final

import orjson

_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\]:,])|([^\s{}\[\]:,"]+))', re.S)
_NOTHING: Final = object()


def parse(text: str) -> Any:
    """The value. Raises ``ValueError`` if it does not begin as a JSON object or list does."""
    building, at = _Building(), 0
    while not building.complete and (token := _TOKEN.match(text, at)):
        at = token.end()
        string, mark, scalar = token.groups()
        if mark is not None:
            building.mark(mark)
        elif string is not None or at < len(text):
            building.scalar(orjson.loads(string or scalar))
    return building.closed()


class _Building:
    """The value as far as it is known, and what of it is open, from the outside in."""

    def __init__(self) -> None:
        self._root: Any = _NOTHING
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | None] = []
        """For each that is open the key whose value comes next."""

    @property
    def complete(self) -> bool:
        return self._root is not _NOTHING and not self._open

    def mark(self, mark: str) -> None:
        """One of ``{}[]:,``. Raises ``ValueError``."""
        if mark in "{[":
            new: dict[str, Any] | list[Any] = {} if mark == "{" else []
            self._put(new)
            self._open.append(new)
            self._keys.append(None)
        elif mark in "}]":
            if not self._open or isinstance(self._open[-1], dict) != (mark == "}"):
                raise ValueError(f"nothing is open that ends by {mark}")
            self._open.pop()
            self._keys.pop()

    def scalar(self, value: Any) -> None:
        """A key or a value. Raises ``ValueError``."""
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            if not isinstance(value, str):
                raise ValueError("a key is a string")
            self._keys[-1] = value
        else:
            self._put(value)

    def _put(self, value: Any) -> None:
        holder = self._open[-1] if self._open else None
        if holder is None:
            self._root = value
        elif isinstance(holder, list):
            holder.append(value)
        else:
            key = self._keys[-1]
            if key is None:
                raise ValueError("a value without a key")
            holder[key], self._keys[-1] = value, None

    def closed(self) -> Any:
        """What is kept. Raises ``ValueError``."""
        if not isinstance(self._root, dict | list):
            raise ValueError("not the beginning of a JSON object or list")
        for unfinished in self._open:
            if isinstance(unfinished, dict) and not any(key.casefold() == "path" for key in unfinished):
                for key in [key for key in unfinished if key.casefold() == "value"]:
                    del unfinished[key]
        return self._root
