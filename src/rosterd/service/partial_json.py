"""The beginning of a JSON text as a value: what is whole of it is kept, and what was open at the cut is closed.

The last scalar is left out, as it may be cut. So is ``value`` of every object that was open and has no ``path``
yet: in a PATCH operation the path, which may still have come, says what the value is.
"""

import re
from typing import Any, Final

import orjson

_TOKEN: Final = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\]:,])|([^\s{}\[\]:,"]+))', re.S)
_NOTHING: Final = object()


def parse(text: str) -> Any:
    """The value. Raises ``ValueError`` if it does not begin as JSON does."""
    root: Any = _NOTHING
    open_: list[dict[str, Any] | list[Any]] = []
    keys: list[str | None] = []
    at = 0
    while (open_ or root is _NOTHING) and (token := _TOKEN.match(text, at)):
        at = token.end()
        string, mark, scalar = token.groups()
        if mark in ("}", "]"):
            if not open_:
                raise ValueError("nothing is open here")
            open_.pop()
            keys.pop()
            continue
        if mark in (":", ","):
            continue
        holder = open_[-1] if open_ else None
        if isinstance(holder, dict) and keys[-1] is None:
            keys[-1] = _key(string)
            continue
        if mark is None and at == len(text):
            break  # perhaps not all of it
        value: Any = {} if mark == "{" else [] if mark == "[" else orjson.loads(string or scalar)
        if isinstance(holder, dict):
            holder[str(keys[-1])], keys[-1] = value, None
        elif isinstance(holder, list):
            holder.append(value)
        else:
            root = value
        if mark is not None:
            open_.append(value)
            keys.append(None)
    if not isinstance(root, dict | list):
        raise ValueError("not the beginning of a JSON object")
    for unfinished in open_:
        if isinstance(unfinished, dict) and not any(key.casefold() == "path" for key in unfinished):
            for key in [key for key in unfinished if key.casefold() == "value"]:
                del unfinished[key]
    return root


def _key(string: str | None) -> str:
    if string is None:
        raise ValueError("a key is a string")
    return str(orjson.loads(string))
