"""What becomes of values that are to be members of a group, by what is there of each; whatever the engine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rosterd.service.ports import MemberChange

Named = tuple[str, str | None]
"""A value, and the name it is shown by."""


class Meant(NamedTuple):
    """Whom a value names that is no id, as the statement ``meant`` tells it."""

    value: str
    id: str
    is_member: bool
    shown: str | None
    """The display of the membership."""
    is_own: bool
    """Whether the connection that made the group made them."""


class Joining(NamedTuple):
    """What is to be written, and what that changes."""

    members: list[Named]
    waiting: list[Named]
    """Of nobody that exists so far."""
    arrived: list[str]
    """Those that waited before and do no more."""
    change: MemberChange
    values: list[str]
    """Of all that are to be members or pending, as the group has them."""

    def replacing(self, removed: Iterable[str], pending_removed: Iterable[str]) -> MemberChange:
        """The change if all others are removed."""
        return replace(
            self.change,
            removed=tuple(sorted(removed)),
            pending_removed=(*sorted(pending_removed), *self.change.pending_removed),
        )


def names_among(values: Iterable[str]) -> list[tuple[str, str]]:
    """Values that may name somebody, each with it as a userName is compared; a blank one is no name."""
    return [(value, value.casefold()) for value in values if value.strip()]


def joining(
    standing: Iterable[Sequence[Any]],
    wanted: Mapping[str, str | None],
    meant: Iterable[Sequence[Any]] = (),
    *,
    exactly: bool,
) -> Joining:
    """Make each value a member or pending; ``exactly``: one without a display shall have none.

    ``standing`` has of each value: whether it lives, is a member and shown by what, waits and announced by
    what; more behind that is not looked at. ``meant`` has whom some of them name that are no ids: they stand
    for those. But what is pending already stays so for somebody of another connection, which could have taken
    the name because of that.
    """
    found = {one.value: one for one in map(Meant._make, meant)}
    if not found:
        return _joining(standing, wanted, exactly=exactly)
    rows: dict[str, Sequence[Any]] = {}
    displays: dict[str, str | None] = {}
    resolved = []
    for row in standing:
        value, _, _, _, is_pending, announced, *_ = row
        display, one = wanted[value], found.get(value)
        if one is None or (is_pending and not one.is_own):
            rows[value] = row
        else:
            if is_pending:
                resolved.append(value)
                display = display or (None if exactly else announced)
            value = one.id
            rows.setdefault(value, (value, True, one.is_member, one.shown, False, None))
        displays[value] = display or displays.get(value)
    put = _joining(rows.values(), displays, exactly=exactly)
    change = replace(put.change, resolved=tuple(resolved))
    return put._replace(arrived=[*put.arrived, *resolved], change=change, values=[*put.values, *resolved])


def _joining(
    standing: Iterable[Sequence[Any]], wanted: Mapping[str, str | None], *, exactly: bool
) -> Joining:
    members: list[Named] = []
    waiting: list[Named] = []
    added, pending_added, arrived, renamed = [], [], [], []
    for value, lives, is_member, shown, is_pending, announced, *_ in standing:
        display = wanted[value]
        if is_member or (is_pending and not lives):
            if display != (shown if is_member else announced) and (display or exactly):
                (members if is_member else waiting).append((value, display))
                renamed.append(value)
        elif lives:
            members.append((value, display or (None if exactly else announced)))
            added.append(value)
            if is_pending:
                arrived.append(value)
        else:
            waiting.append((value, display))
            pending_added.append(value)
    change = MemberChange(tuple(added), (), tuple(pending_added), tuple(arrived), tuple(renamed))
    return Joining(members, waiting, arrived, change, list(wanted))
