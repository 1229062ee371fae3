"""Values in the form in which they are compared: what each attribute makes of its values is compiled once.

A string whose attribute is not ``caseExact`` is casefolded, a date becomes microseconds since the epoch, a
boolean 0 or 1. Of an object only the members that the schema knows are kept, in the schema's order. A value
of another class than its attribute's (its schema may have changed since) is folded by its own class.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

Fold = Callable[[Any], Any]
"""Takes a canonical value, one or several; gives it with everything in it folded."""
Member = tuple[str, Fold, Fold]
"""A member of an object: how it is called, how its values are folded, and how a single text is."""

# dateTime of RFC 7643 §2.3.5: xsd:dateTime, here with an optional zone (UTC) and any fraction.
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.I)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


MOST: Final = 64
"""Orders that are remembered of one kind of object; then all of them are forgotten."""


class _Orders(dict[tuple[str, ...], tuple[Member, ...]]):
    """The members of an object that are known, in their order, by all its names in theirs.

    A canonical object has a few of very many members, and most objects have the same.
    """

    __slots__ = ("_members",)

    def __init__(self, members: Iterable[Member]) -> None:
        super().__init__()
        self._members = tuple(members)

    def __missing__(self, names: tuple[str, ...]) -> tuple[Member, ...]:
        if len(self) >= MOST:
            self.clear()
        known = self[names] = tuple([member for member in self._members if member[0] in names])
        return known


def text_folder(kind: str, case_exact: bool) -> Fold:
    """How the texts of a type are folded."""
    return _date if kind == "dateTime" else str if case_exact else str.casefold


def folder(kind: str, case_exact: bool, members: Iterable[Member]) -> Fold:
    """How the values of a type are folded; ``members`` are those of an object, in order."""
    text = text_folder(kind, case_exact)
    orders = _Orders(members)

    def fold(value: Any) -> Any:
        given = value.__class__
        if given is dict:
            folded = {}
            for name, fold_member, fold_text in orders[tuple(value)]:
                item = value[name]
                inner = item.__class__
                if inner is str:
                    folded[name] = fold_text(item)
                elif inner is bool:
                    folded[name] = 1 if item else 0
                elif inner is list:
                    folded[name] = list(map(fold_member, item))
                else:
                    folded[name] = fold_member(item)
            return folded
        if given is list:
            return [fold(element) for element in value]
        if given is str:
            return text(value)
        return int(value) if given is bool else value

    return fold


def parse_date(text: str) -> int | None:
    """Microseconds since the epoch of an ``xsd:dateTime``; ``None`` if it is not one."""
    match = _DATE.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micros = int((fraction or "")[:6].ljust(6, "0"))
    try:
        base = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    seconds = int((base - _EPOCH).total_seconds())
    if zone and zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:])
        if hours > 14 or minutes > 59:
            return None
        offset = hours * 3600 + minutes * 60
        seconds += offset if zone[0] == "-" else -offset
    return seconds * 1_000_000 + micros


def _date(text: str) -> int | str:
    date = parse_date(text)
    return text if date is None else date
