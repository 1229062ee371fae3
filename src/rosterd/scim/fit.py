"""One value meets its type: the canonical value comes out, or a ``Misfit`` says what was expected.

``[]`` and ``{}`` mean "no value" whatever the type (RFC 7643 §2.5); the answer is then ``None``. Types
are those of RFC 7643 §2.3, taken strictly: ``"true"`` is no boolean, ``true`` is no integer. A ``Misfit``
gets its path on the way out, each level adding its name: a value that fits pays nothing for it.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

from rosterd.scim.errors import InvalidValue, ScimError
from rosterd.scim.folding import parse_date

Check = Callable[[Any], Any]
"""Takes a JSON value other than null; gives the canonical value, or ``None`` if there is none."""

_SHOWN: Final = 40
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_INTEGERS: Final = range(-(2**63), 2**63)


class Misfit(Exception):
    """A value does not fit its attribute. ``where`` is the path to it, as far as known yet."""

    def __init__(self, message: str, kind: type[ScimError] = InvalidValue, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.where = where

    def under(self, name: str) -> Self:
        """The same, seen from one level further out."""
        self.where = join(name, self.where)
        return self

    def error(self) -> ScimError:
        """What the client is told."""
        return self.kind(f"{self.where}: {self.message}" if self.where else self.message)


def join(name: str, inner: str) -> str:
    """A path seen from one level further out, in the notation of RFC 7644 §3.10."""
    joint = "" if not inner or inner[0] == "[" else ":" if ":" in name else "."
    return f"{name}{joint}{inner}"


def leaf(kind: str, secret: bool) -> Check:
    """The check for a value of a type that is not complex."""
    classes, fits, expected = _TYPES[kind]

    def check(value: Any) -> Any:
        if value.__class__ in classes and (fits is None or fits(value)):
            return value
        return unfit(expected, value, secret)

    return check


def several(one: Check, primary: bool, secret: bool) -> Check:
    """The check for a list of values that each pass ``one``; ``primary``: at most one is the primary."""

    def check(values: Any) -> Any:
        if values.__class__ is not list:
            return unfit("a list of values", values, secret)
        out = []
        for position, value in enumerate(values):
            if value is not None:
                try:
                    value = one(value)
                except Misfit as misfit:
                    raise misfit.under(f"[{position}]") from None
                if value is not None:
                    out.append(value)
        if primary and len(out) > 1:
            only_one_primary(out)
        return out or None

    return check


def chosen(one: Check, values: Iterable[str], exact: bool, by: str) -> Check:
    """The check for a text that is one of ``values``, as the directory ``by`` asks."""
    listed = tuple(values)
    allowed = frozenset(listed if exact else (value.casefold() for value in listed))

    def check(value: Any) -> Any:
        text = one(value)
        if text is not None and (text if exact else text.casefold()) not in allowed:
            raise Misfit(
                f"expected one of {', '.join(listed)}, found {shown(text)}; {by} allows no other value, by a "
                "rule of its administrator"
            )
        return text

    return check


def nothing(value: Any) -> None:
    """The check of a readOnly attribute: what the client sends for it is ignored (RFC 7644 §3.3)."""


def forgotten(check: Check) -> Check:
    """The check of an attribute that is never returned: the value must fit, and is not kept."""

    def checked(value: Any) -> None:
        check(value)

    return checked


def only_one_primary(values: Iterable[Mapping[str, Any]]) -> None:
    """Raises ``Misfit`` if more than one of the values is the primary one (RFC 7643 §2.4)."""
    found = sum(value.get("primary") is True for value in values)
    if found > 1:
        raise Misfit(f"only one value may be primary, found {found} with 'primary': true")


def unfit(expected: str, value: Any, secret: bool = False) -> None:
    """Refuse a value, unless it is none."""
    if value not in ([], {}):
        raise Misfit(f"expected {expected}, found {shown(value, secret)}")


def shown(value: object, secret: bool = False) -> str:
    """A value as an administrator can recognise it, cut short; of a secret only its kind."""
    if value is None:
        return "null"
    name = _NAMES.get(type(value), "value of no JSON type")
    if secret or isinstance(value, (list, dict)):
        return f"an {name}" if name == "object" else f"a {name}"
    text = str(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f'the string "{text}"' if isinstance(value, str) else f"the {name} {text.lower()}"


def _is_number(value: float) -> bool:
    return value in _INTEGERS if isinstance(value, int) else math.isfinite(value)


def _is_text(value: str) -> bool:
    if "\0" in value:  # no database keeps it, and no filter can name it
        raise Misfit("the character U+0000 is not allowed in a string")
    return True


def _is_base64(value: str) -> bool:
    return _BASE64.fullmatch(value) is not None and len(value.rstrip("=")) % 4 != 1


# type → (JSON classes, further test, how it is called): RFC 7643 §2.3.1 to §2.3.7.
_TYPES: Final[Mapping[str, tuple[tuple[type, ...], Check | None, str]]] = {
    "string": ((str,), _is_text, "a string"),
    "boolean": ((bool,), None, "a boolean"),
    "decimal": ((int, float), _is_number, "a number"),
    "integer": ((int,), _INTEGERS.__contains__, "an integer of at most 64 bits"),
    "dateTime": ((str,), lambda v: parse_date(v) is not None, "a date such as 2026-11-24T15:22:47Z"),
    "binary": ((str,), _is_base64, "a base64 string"),
    "reference": ((str,), _is_text, "a string (a URI)"),
}

PLAIN: Final[Mapping[str, type]] = {
    kind: classes[0] for kind, (classes, fits, _) in _TYPES.items() if fits is None or fits is _is_text
}
"""Type → the class of which every value fits, if it is no text with U+0000."""

_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "list",
    dict: "object",
}
