"""Whether a history is linearizable: each operation happens at one moment between request and reply.

After Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's just-in-time
linearization and memoisation ("Testing for linearizability", 2017): the history is walked through once, and
a set is kept of everything that may be so far. Such a *configuration* is a state of the resource and those
of the operations under way that have happened. A reply leaves those in which its operation has happened, or
can happen then, with that very answer. If none is left, the history is not linearizable, and the reply says
where. An operation without a reply stays under way for ever: it happens at any time after its request, or
never; of configurations that differ only in which of these have happened, those are kept in which no more
have than in another.

Resources are independent of each other, so each is checked by itself (Herlihy and Wing, 1990, §3.3). What
grows with the number of operations under way at a time is bounded by a budget; when it is used up, the
verdict is undecided.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from faults.history import ANSWERED, REFUSED, UNKNOWN, Operation

S = TypeVar("S")

Step = Callable[[S, Operation], S | None]
"""The state after an operation, or ``None`` if it cannot have been answered so in this state."""

BUDGET = 200_000
READS = frozenset({"read", "find", "look"})
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Verdict(Generic[S]):
    """What came of a check: linearizable without a ``fault``; undecided if the budget did not suffice."""

    fault: Operation | None = None
    before: tuple[S, ...] = ()
    """The states that were possible before the reply that none of them explains."""
    under_way: tuple[Operation, ...] = ()
    undecided: bool = False

    @property
    def fine(self) -> bool:
        """Whether the history is linearizable."""
        return self.fault is None and not self.undecided

    def text(self, history: Sequence[Operation]) -> str:
        """The fault with what went before it on the resource, for people."""
        if self.undecided:
            return "undecided: too many operations are under way at once"
        if self.fault is None:
            return "linearizable"
        shown = [
            each for each in history if each.began <= (self.fault.ended or 0) and each.outcome != REFUSED
        ]
        shown.sort(key=lambda each: each.ended or each.began)
        lines = [f"  {'>>' if each is self.fault else '  '} {each.text()}" for each in shown[-SHOWN:]]
        states = "".join(f"\n     possible: {state}" for state in self.before[:SHOWN])
        return "no order explains the reply marked >>\n" + "\n".join(lines) + states


def check(history: Iterable[Operation], initial: S, step: Step[S], budget: int = BUDGET) -> Verdict[S]:
    """Look for an order of the operations on one resource, which was ``initial`` at first."""
    operations = [each for each in history if _matters(each)]
    moments = sorted(
        [(each.began, 0, number) for number, each in enumerate(operations)]
        + [(each.ended, 1, number) for number, each in enumerate(operations) if each.outcome == ANSWERED
           and each.ended is not None]
    )  # fmt: skip
    search = Search(operations, step, budget)
    configurations: set[tuple[S, int]] = {(initial, 0)}
    for _, is_reply, number in moments:
        if not is_reply:
            search.under_way.append(number)
            continue
        left = search.after(configurations, number)
        if left is None:
            return Verdict(undecided=True)
        if not left:
            waiting = tuple(operations[each] for each in search.under_way)
            states = tuple(dict.fromkeys(state for state, _ in configurations))
            return Verdict(operations[number], states, waiting)
        configurations = left
        search.under_way.remove(number)
    return Verdict()


class Search(Generic[S]):
    """Which configurations a reply leaves."""

    def __init__(self, operations: Sequence[Operation], step: Step[S], budget: int) -> None:
        self.under_way: list[int] = []
        self._operations = operations
        self._step = step
        self._budget = budget
        self._looks = sum(1 << n for n, each in enumerate(operations) if _only_looks(each))
        self._optional = sum(1 << n for n, each in enumerate(operations) if each.outcome == UNKNOWN)

    def after(self, configurations: set[tuple[S, int]], number: int) -> set[tuple[S, int]] | None:
        """Those in which this operation has happened, without it; ``None`` if the budget is used up."""
        bit = 1 << number
        left: set[tuple[S, int]] = set()
        known = {self._with_what_changes_nothing(*each) for each in configurations}
        ahead = list(known)
        while ahead:
            state, happened = ahead.pop()
            if happened & bit:
                left.add((state, happened ^ bit))
                continue
            for other in self.under_way:
                if happened >> other & 1:
                    continue
                self._budget -= 1
                if self._budget < 0:
                    return None
                then = self._step(state, self._operations[other])
                if then is None:
                    continue
                configuration = self._with_what_changes_nothing(then, happened | 1 << other)
                if configuration not in known:
                    known.add(configuration)
                    ahead.append(configuration)
        return self._least(left)

    def _with_what_changes_nothing(self, state: S, happened: int) -> tuple[S, int]:
        """The configuration in which what only looks has happened, if it can be answered so now.

        There is nothing to be had by putting it off, and each of these would double what is to be looked at.
        """
        for other in self.under_way:
            if self._looks >> other & 1 and not happened >> other & 1:
                self._budget -= 1
                if self._step(state, self._operations[other]) == state:
                    happened |= 1 << other
        return state, happened

    def _least(self, configurations: set[tuple[S, int]]) -> set[tuple[S, int]]:
        """Without those that another one can do all of, and more."""
        if len(configurations) < 2 or not self._optional:
            return configurations
        kept: dict[tuple[S, int], list[int]] = {}
        for state, happened in sorted(configurations, key=lambda each: each[1].bit_count()):
            others = kept.setdefault((state, happened & ~self._optional), [])
            if not any(other & happened == other for other in others):
                others.append(happened)
        return {(state, happened) for (state, _), found in kept.items() for happened in found}


def _only_looks(each: Operation) -> bool:
    """Whether it was answered in a way that never changes anything."""
    return each.outcome == ANSWERED and (each.kind in READS or (each.status or 0) >= 400)


def _matters(each: Operation) -> bool:
    """Whether it may change something or say something."""
    return each.outcome == ANSWERED or (each.outcome == UNKNOWN and each.kind not in READS)
