"""What becomes of values that are to be members of a group, by what is there of each; whatever the engine."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rosterd.service.ports import MemberChange

Named = tuple[str, str | None]
"""A value, and the name it is shown by."""


class Joining(NamedTuple):
    """What is to be written, and what that changes."""

    members: list[Named]
    waiting: list[Named]
    """Of nobody that exists so far."""
    arrived: list[str]
    """Those that waited before and do no more."""
    change: MemberChange


def joining(standing: Iterable[Sequence[Any]], wanted: Mapping[str, str | None], *, exactly: bool) -> Joining:
    """Make each value a member or pending; ``exactly``: one without a display shall have none.

    ``standing`` has of each value: whether it lives, is a member and shown by what, waits and announced by
    what; more behind that is not looked at.
    """
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
    return Joining(members, waiting, arrived, change)
