r"""Partial matching of JSON: what is expected is there; what is not mentioned is free.

An expected object names some keys, and each must match. An expected list has the same length and
order. Any other expected value is equal, type included (``1`` is not ``true`` and not ``"1"``).
An object all of whose keys are matchers says more than equality:

    {"$any": true}            anything but absence; a JSON type's name narrows it: {"$any": "string"}
    {"$absent": true}         the key is missing (for a body: it is empty)
    {"$length": 3}            a list or string of this length
    {"$contains": X}          a string with this part, or a list with an element that matches X
    {"$unordered": [X, Y]}    a list of exactly these elements in any order
    {"$each": X}              a list, each element of which matches X
    {"$regex": "a.*"}         a string that matches as a whole
    {"$not": X}               there, and does not match X
    {"$exactly": {…}}         an object with these keys and no others
    {"$oneOf": [X, Y]}        one of the alternatives matches

Several matchers in one object must all hold. ``$ref`` is an attribute of SCIM, not a matcher.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final


class Absent:
    """The value of a key that is not there; ``ABSENT`` is the only instance."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()

JSON = Any
"""A value as ``json.loads`` gives it."""

_TYPES: Final[Mapping[str, Callable[[JSON], bool]]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}


class PatternError(ValueError):
    """The expectation itself is not valid."""


def differences(expected: JSON, found: JSON, where: str = "") -> tuple[str, ...]:
    """What of ``expected`` does not hold for ``found``: a sentence each, with the place; empty if it matches.

    Raises ``PatternError`` if ``expected`` uses a matcher that does not exist or in a wrong way.
    """
    return tuple(_compare(expected, found, where))


def show(value: JSON) -> str:
    """A value as one line of JSON, shortened."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:197] + "…"


def is_matcher(expected: JSON) -> bool:
    """Whether ``expected`` is an object of matchers; raises ``PatternError`` for a mixed or unknown one."""
    if not isinstance(expected, dict):
        return False
    named = {key for key in expected if key.startswith("$") and key != "$ref"}
    if not named:
        return False
    unknown = sorted(named - MATCHERS.keys())
    if unknown or len(named) != len(expected):
        raise PatternError(
            f"{show(expected)}: {unknown[0]} is no matcher"
            if unknown
            else f"{show(expected)} mixes matchers and attributes"
        )
    return True


def _compare(expected: JSON, found: JSON, where: str) -> Iterator[str]:
    if is_matcher(expected):
        for name, argument in expected.items():
            yield from MATCHERS[name](argument, found, where)
    elif found is ABSENT:
        yield f"{_at(where)}: expected {show(expected)}, found nothing"
    elif isinstance(expected, dict):
        yield from _object(expected, found, where)
    elif isinstance(expected, list):
        yield from _list(expected, found, where)
    elif not _equal(expected, found):
        yield f"{_at(where)}: expected {show(expected)}, found {show(found)}"


def _object(expected: Mapping[str, JSON], found: JSON, where: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{_at(where)}: expected an object, found {show(found)}"
        return
    for key, value in expected.items():
        yield from _compare(value, found.get(key, ABSENT), f"{where}.{key}" if where else key)


def _list(expected: list[JSON], found: JSON, where: str) -> Iterator[str]:
    if not isinstance(found, list):
        yield f"{_at(where)}: expected a list, found {show(found)}"
    elif len(found) != len(expected):
        yield f"{_at(where)}: expected {len(expected)} elements, found {len(found)}: {show(found)}"
    else:
        for position, (pattern, element) in enumerate(zip(expected, found, strict=True)):
            yield from _compare(pattern, element, f"{where}[{position}]")


def _any(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if argument is not True and not (isinstance(argument, str) and argument in _TYPES):
        raise PatternError(f"$any takes true or one of {', '.join(_TYPES)}, not {show(argument)}")
    if found is ABSENT:
        yield f"{_at(where)}: expected a value, found nothing"
    elif argument is not True and not _TYPES[argument](found):
        yield f"{_at(where)}: expected a value of type {argument}, found {show(found)}"


def _absent(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if argument is not True:
        raise PatternError("$absent takes true")
    if found is not ABSENT:
        yield f"{_at(where)}: expected nothing, found {show(found)}"


def _length(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not _TYPES["integer"](argument):
        raise PatternError("$length takes a number")
    if not isinstance(found, list | str) or len(found) != argument:
        yield f"{_at(where)}: expected a list or string of length {argument}, found {show(found)}"


def _contains(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if isinstance(found, str) and isinstance(argument, str):
        holds = argument in found
    else:
        holds = isinstance(found, list) and any(not differences(argument, element) for element in found)
    if not holds:
        yield f"{_at(where)}: expected it to contain {show(argument)}, found {show(found)}"


def _unordered(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not isinstance(argument, list):
        raise PatternError("$unordered takes a list")
    if not isinstance(found, list) or len(found) != len(argument):
        yield f"{_at(where)}: expected {len(argument)} elements, found {show(found)}"
        return
    left = list(found)
    for pattern in argument:
        match = next((i for i, element in enumerate(left) if not differences(pattern, element)), None)
        if match is None:
            yield f"{_at(where)}: expected an element {show(pattern)} among {show(left)}"
        else:
            del left[match]


def _each(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not isinstance(found, list):
        yield f"{_at(where)}: expected a list, found {show(found)}"
        return
    for position, element in enumerate(found):
        yield from _compare(argument, element, f"{where}[{position}]")


def _regex(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not isinstance(argument, str):
        raise PatternError("$regex takes a string")
    if not isinstance(found, str) or not re.fullmatch(argument, found, re.DOTALL):
        yield f"{_at(where)}: expected a string like /{argument}/, found {show(found)}"


def _not(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if found is ABSENT:
        yield f"{_at(where)}: expected a value other than {show(argument)}, found nothing"
    elif not differences(argument, found):
        yield f"{_at(where)}: expected anything but {show(argument)}, found {show(found)}"


def _exactly(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not isinstance(argument, dict):
        raise PatternError("$exactly takes an object")
    yield from _compare(argument, found, where)
    if isinstance(found, dict):
        for key in found.keys() - argument.keys():
            yield f"{_at(f'{where}.{key}' if where else key)}: expected nothing, found {show(found[key])}"


def _one_of(argument: JSON, found: JSON, where: str) -> Iterator[str]:
    if not isinstance(argument, list):
        raise PatternError("$oneOf takes a list")
    if all(differences(pattern, found) for pattern in argument):
        yield f"{_at(where)}: expected one of {show(argument)}, found {show(found)}"


MATCHERS: Final[Mapping[str, Callable[[JSON, JSON, str], Iterator[str]]]] = {
    "$any": _any,
    "$absent": _absent,
    "$length": _length,
    "$contains": _contains,
    "$unordered": _unordered,
    "$each": _each,
    "$regex": _regex,
    "$not": _not,
    "$exactly": _exactly,
    "$oneOf": _one_of,
}


def _equal(expected: JSON, found: JSON) -> bool:
    numbers = _TYPES["number"](expected) and _TYPES["number"](found)
    return (numbers or type(expected) is type(found)) and bool(expected == found)


def _at(where: str) -> str:
    return where or "the body"
