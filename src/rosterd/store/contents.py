"""How much an installation holds, and what is said of a copy that does not hold it."""

from dataclasses import dataclass


class NotWhole(Exception):
    """The copy does not hold what it should; it is not put to use."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a database holds."""

    directories: int
    users: int
    """Deleted ones that are retained included."""
    groups: int
    memberships: int
    events: int
    tokens: int
