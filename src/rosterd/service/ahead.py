"""What a unit of work is going to look for, told beside it; part of the ports.

A store may look it up for many units at once, before it runs them. It is a hint: a unit sees the same whether
it was given, wrong, or used at all.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

from rosterd.scim import membership

FORESEEN: Final = 20
"""A change of more members is looked up by itself."""


class Ahead(NamedTuple):
    """The look-ups of one unit; none is left out or added for another reason than its cost."""

    resources: tuple[tuple[str, str], ...] = ()
    """Kind and id of resources that are read."""
    grouped: tuple[str, ...] = ()
    """Ids of resources whose groups are read."""
    unique: tuple[tuple[str, str, str], ...] = ()
    """Kind, attribute and folded value of unique values that are taken."""
    adopted: tuple[str, ...] = ()
    """Folded userNames under which somebody may wait to be adopted."""
    retained: tuple[tuple[str, int, str], ...] = ()
    """Kind, connection and externalId of deleted resources that may be revived."""
    awaited: tuple[str, ...] = ()
    """Values under which groups may wait for a member."""
    seats: tuple[tuple[str, str], ...] = ()
    """Group and value of members that are added or removed."""
    shown: tuple[tuple[str, int], ...] = ()
    """Groups that are shown with their members, if they have at most so many."""


UNKNOWN: Final = Ahead()
"""Nothing is told."""
TRACES: Final = ("adopted", "retained", "awaited", "unique")
"""What is only asked whether it is there, as the statement ``foresee`` of a store names it."""


def sought(several: Iterable[Ahead], part: str) -> list[Any]:
    """What several units are going to look for in one of the fields, each once."""
    return list(dict.fromkeys(chain.from_iterable(map(attrgetter(part), several))))


def with_members(ahead: Ahead, id: str, operations: Sequence[membership.MemberOp], most: int | None) -> Ahead:
    """What a PATCH of a group looks for: long lists are not, as that costs what the unit itself would."""
    values: list[str] = []
    for operation in operations:
        if isinstance(operation, membership.Add):
            values += [member.value for member in operation.members]
        elif isinstance(operation, membership.Remove):
            values += operation.values
    seats = tuple([(id, value) for value in values]) if len(values) <= FORESEEN else ()
    return ahead._replace(seats=seats, shown=() if most is None else ((id, most),))
