"""What a message may cost, in steps of about a microsecond: counted, never timed.

    amount    values that there are in a value: what it costs to go through it once
    weight    values in the greatest attribute of an object
    handled   what it costs to handle a resource
    Budget    what all operations of one bulk request may cost together

So that what is too dear is refused before it is done, and the same on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rosterd.scim.errors import PayloadTooLarge

PATCH_STEPS: Final = 1_000_000
"""How often all operations of one PATCH, which is one transaction, may go to a value of an attribute."""
MOST_STEPS: Final = 4_000_000
"""The same for all operations of one bulk request, which are carried out in several."""
SHARE: Final = 4_000
"""Steps that an operation of a bulk request may take in any case: a thousand have all there are."""
PORTION: Final = 250_000
"""Steps of a bulk request after which its transaction ends, so that others get a turn."""
LONG: Final = 128
"""Characters of a text that are as much as one value more."""
COMPARING: Final = 1
"""Steps that a comparison with a value takes, and to fold it for that."""
FILTERED: Final = 100
"""Steps to read a path with a filter."""
NAMED: Final = 10
"""Steps to read any other path or name."""
STORED: Final = 4
"""Steps for each value of a resource that is changed: it is read, written, folded and compared."""
SEATED: Final = 20
"""Steps for each member that is given."""
SEATING: Final = 150
"""Steps for each operation on members, however few: it is some statements."""
TOUCHED: Final = 100
"""Steps for each group that has or loses a member because that one comes or goes."""
MOST_SEATED: Final = 200_000
"""Members that one request may give: about as many as the largest body has with their names."""
LOOKED_AT: Final = 5
"""Steps for each member that is chosen among."""


def weight(value: Any) -> int:
    """Values in the greatest attribute of an object, or in the value itself."""
    return max(map(weight, value.values()), default=0) if isinstance(value, Mapping) else amount(value)


def amount(value: Any) -> int:
    """Values that are not complex in all there is in a value; a long text is as several of them."""
    if isinstance(value, list):
        return sum(map(amount, value))
    if isinstance(value, Mapping):
        return sum(map(amount, value.values()))
    return 1 + len(value) // LONG if isinstance(value, str) else 1


def handled(document: bytes) -> int:
    """The steps to change or to make a resource, of its JSON: a value is what a comma is behind or in."""
    return STORED * (document.count(b",") + len(document) // LONG)


@dataclass(slots=True)
class Budget:
    """The steps of a bulk request: beyond them an operation is refused that takes more than its share.

    So few and large operations are bounded, and what small ones may do does not depend on those before.
    """

    spent: int = 0
    """By the operations that took more than their share."""
    operation: int = 0
    """By the one under way."""
    turn: int = 0
    """By all that were settled in the transaction under way."""
    seated: int = 0
    """Members that were given."""

    def take(self, steps: int) -> None:
        """The operation is going to take so many. Raises ``PayloadTooLarge``."""
        wanted = self.operation + steps
        if wanted > SHARE and self.spent + wanted > MOST_STEPS:
            raise _refusal(f"would take {wanted} steps, and {max(MOST_STEPS - self.spent, 0)} are left")
        self.operation = wanted

    def seat(self, members: int) -> None:
        """The operation gives so many members: they end the transaction, and only their number is bounded.

        Raises ``PayloadTooLarge``.
        """
        require_few_members(self.seated + members)
        self.seated += members
        self.turn += SEATED * members

    def touch(self, groups: int) -> None:
        """So many groups have or lose what the operation makes or deletes: they end the transaction.

        Their number follows from what others did, so it is never refused.
        """
        self.turn += TOUCHED * groups

    def dismiss(self, members: int) -> None:
        """So many members go with their group: they end the transaction, too."""
        self.turn += SEATED * members

    def walk(self, steps: int) -> None:
        """The operation took so many, which could not be told before."""
        self.operation += steps

    def require_some(self) -> None:
        """Raise ``PayloadTooLarge`` if nothing is left, for an operation whose cost is not known before."""
        if self.spent + self.operation >= MOST_STEPS:
            raise _refusal("chooses among all members, and no steps are left")

    def settle(self) -> None:
        """The operation is over, be it refused or undone: what it took it took."""
        if self.operation > SHARE:
            self.spent += self.operation
        self.turn += self.operation
        self.operation = 0


def require_few_members(given: int) -> None:
    """Raise ``PayloadTooLarge`` for more members than one request may give."""
    if given > MOST_SEATED:
        raise PayloadTooLarge(
            f"{given} members are too many in one request; {MOST_SEATED} are taken. Send them in several"
        )


def _refusal(why: str) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The operation {why} of the {MOST_STEPS} that the operations of one bulk request have together, not "
        f"counting those of at most {SHARE}: a step is a value of the resource, or of its greatest attribute "
        "for each operation of a PATCH. Send it in another bulk request or by itself"
    )
