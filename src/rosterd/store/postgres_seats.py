"""What is known of groups' members while a directory is locked: a part of ``Known``.

A *seat* is what a value is to a group. Seats, and the members of groups that have few, are looked up for many
units at once, and follow what the units change, so that the changes themselves can wait.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rosterd.scim.membership import Member
from rosterd.service.ahead import Ahead, sought
from rosterd.store.dialect_postgres import clean, cleaned
from rosterd.store.postgres_run import Reads

SPARE: Final = 128
"""How many members more than are shown are counted: as many may leave until it must be counted again."""


class Seat(NamedTuple):
    """What a value is to a group, as the statement ``standing`` tells it."""

    value: str
    lives: bool
    is_member: bool
    shown: str | None
    """The display of the membership."""
    is_pending: bool
    announced: str | None
    """The display of the pending value."""
    kind: str | None
    name: str | None
    """Of the resource that lives."""


class _Few:
    """How many members a group has, and who they are if they are at most so many."""

    __slots__ = ("count", "members", "most")

    def __init__(self, most: int, count: int) -> None:
        self.most = most
        self.count = count
        self.members: dict[str, Member] | None = {} if count <= most else None


class Seats:
    """Seats and members that hold now, inside one transaction."""

    __slots__ = ("_few", "_seats")

    def __init__(self) -> None:
        self._seats: dict[tuple[str, str], Seat] = {}
        self._few: dict[str, _Few] = {}

    async def look(self, reads: Reads, directory: int, several: Sequence[Ahead]) -> None:
        """Look up what these units are going to look for."""
        wanted = sought(several, "seats")
        if wanted:
            groups, values = cleaned(group for group, _ in wanted), cleaned(value for _, value in wanted)
            rows = await reads.rows("standing", directory, groups, values)
            self._seats.update(zip(zip(groups, values, strict=True), map(Seat._make, rows), strict=True))
        shown = {clean(group): most for group, most in sought(several, "shown")}
        if shown:
            rows = await reads.rows("shown_members", directory, list(shown), list(shown.values()), SPARE)
            self._few |= {group: _Few(most, count) for group, most, count, *_ in rows}
            for group, _, _, *member in rows:
                if (members := self._few[group].members) is not None and member[0] is not None:
                    members[member[0]] = Member(*member)

    def of(self, group: str, values: Iterable[str]) -> list[Seat] | None:
        """The seats of these values; ``None`` if one of them is not known."""
        seats = [self._seats.get((group, value)) for value in values]
        known = [seat for seat in seats if seat is not None]
        return known if len(known) == len(seats) else None

    def few(self, group: str, most: int) -> tuple[Member, ...] | None:
        """As ``Reader.few_members``. Raises ``KeyError`` if it is not known."""
        few = self._few[group]
        if few.most != most or (few.members is None and few.count <= most):
            raise KeyError(group)
        return None if few.members is None else tuple(map(few.members.__getitem__, sorted(few.members)))

    def join(self, group: str, value: str, display: str | None) -> None:
        """The value is a member, shown by this."""
        seat = self._seats[group, value]
        self._seats[group, value] = seat._replace(is_member=True, shown=display)
        if (few := self._few.get(group)) is not None:
            few.count += not seat.is_member
            if few.members is not None:
                shown = seat.name if display is None else display
                few.members[value] = Member(value, seat.kind, shown)
                if few.count > few.most:
                    few.members = None

    def leave(self, group: str, value: str) -> None:
        """The value, which was a member, is none any more."""
        self._seats[group, value] = self._seats[group, value]._replace(is_member=False, shown=None)
        if (few := self._few.get(group)) is not None:
            few.count -= 1
            if few.members is not None:
                del few.members[value]

    def wait(self, group: str, value: str, display: str | None) -> None:
        """The value is pending, announced by this."""
        self._seats[group, value] = self._seats[group, value]._replace(is_pending=True, announced=display)

    def drop(self, group: str, value: str) -> None:
        """The value is not pending any more."""
        self._seats[group, value] = self._seats[group, value]._replace(is_pending=False, announced=None)

    def changed(self, id: str) -> None:
        """A resource came to be, or has another name."""
        if self._seats:
            self._seats = {key: seat for key, seat in self._seats.items() if key[1] != id}
        if self._few:
            self._few = {
                group: few for group, few in self._few.items() if few.members is None or id not in few.members
            }
