"""The checker of histories is checked: against histories made by hand, and against trying every order."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from faults.history import ANSWERED, REFUSED, UNKNOWN, Operation, Seen
from faults.linearizable import check
from faults.registers import ABSENT, Account, account, team
from hypothesis import given, settings
from hypothesis import strategies as st


def op(began: int, ended: int | None, kind: str, status: int | None = 200, **more: Any) -> Operation:
    """An operation; one without an end is unknown. Marks and versions stand in ``saw``, as "m1@2"."""
    saw = more.pop("saw", None)
    if saw is not None:
        id, mark, version = saw.split()
        more["seen"] = Seen(id, int(version), mark, more.pop("shows", True))
    if kind == "create" and status == 201:
        more.setdefault("mark", more["seen"].mark if "seen" in more else None)
    outcome = more.pop("outcome", ANSWERED if ended is not None else UNKNOWN)
    return Operation(0, "user:a", kind, began, ended, outcome, status if ended is not None else None, **more)


MADE = op(0, 1, "create", 201, saw="i m0 1")


def write(began: int, ended: int | None, mark: str, version: int = 0, **more: Any) -> Operation:
    saw = f"i {mark} {version}" if version else None
    return op(began, ended, "write", mark=mark, id="i", saw=saw, **more)


def reads(began: int, ended: int, mark: str, version: int, **more: Any) -> Operation:
    return op(began, ended, "read", id="i", saw=f"i {mark} {version}", **more)


def gone(began: int, ended: int) -> Operation:
    return op(began, ended, "read", 404, id="i")


DELETED = op(2, 3, "delete", 204, id="i")

HISTORIES: dict[str, tuple[bool, list[Operation]]] = {
    "nothing": (True, []),
    "made and read": (True, [MADE, reads(2, 3, "m0", 1)]),
    "read before it was made": (False, [reads(0, 1, "m0", 1), op(2, 3, "create", 201, saw="i m0 1")]),
    "read while it was made": (True, [op(0, 5, "create", 201, saw="i m0 1"), reads(2, 3, "m0", 1)]),
    "written and read": (True, [MADE, write(2, 3, "m1", 2), reads(4, 5, "m1", 2)]),
    "a stale read": (False, [MADE, write(2, 3, "m1", 2), reads(4, 5, "m0", 1)]),
    "a read beside a write sees the old": (True, [MADE, write(2, 9, "m1", 2), reads(4, 5, "m0", 1)]),
    "and then not the old after the new": (
        False,
        [MADE, write(2, 9, "m1", 2), reads(3, 4, "m1", 2), reads(5, 6, "m0", 1)],
    ),
    "a lost update": (False, [MADE, write(2, 5, "m1", 2), write(3, 6, "m2", 2)]),
    "two writes side by side": (
        True,
        [MADE, write(2, 5, "m1", 3), write(3, 6, "m2", 2), reads(7, 8, "m1", 3)],
    ),
    "two writes, and the wrong one at the end": (
        False,
        [MADE, write(2, 5, "m1", 3), write(3, 6, "m2", 2), reads(7, 8, "m2", 3)],
    ),
    "a version that moved by two": (False, [MADE, write(2, 3, "m1", 3)]),
    "an acknowledged write that vanished": (False, [MADE, write(2, 3, "m1", 2), op(4, 5, "find")]),
    "half a write": (False, [MADE, write(2, None, "m1"), reads(4, 5, "torn", 2)]),
    "an unknown write that happened": (True, [MADE, write(2, None, "m1"), reads(4, 5, "m1", 2)]),
    "an unknown write that did not": (True, [MADE, write(2, None, "m1"), reads(4, 5, "m0", 1)]),
    "an unknown write that happened late": (
        True,
        [MADE, write(2, None, "m1"), reads(4, 5, "m0", 1), reads(6, 7, "m1", 2)],
    ),
    "an unknown write that happened and was taken back": (
        False,
        [MADE, write(2, None, "m1"), reads(4, 5, "m1", 2), reads(6, 7, "m0", 1)],
    ),
    "an unknown write that happened twice": (
        False,
        [MADE, write(2, None, "m1"), reads(4, 5, "m1", 2), write(6, 7, "m2", 3), reads(8, 9, "m1", 4)],
    ),
    "a refused write that happened": (
        False,
        [MADE, write(2, 3, "m1", outcome=REFUSED, status=503), reads(4, 5, "m1", 2)],
    ),
    "two creates, one 201": (True, [op(0, 5, "create", 201, saw="i m0 1"), op(1, 4, "create", 409)]),
    "two creates, both 201": (
        False,
        [op(0, 5, "create", 201, saw="i m0 1"), op(1, 4, "create", 201, saw="j m1 1")],
    ),
    "two creates, none 201": (False, [op(0, 5, "create", 409), op(1, 4, "create", 409)]),
    "409 for an unknown create": (True, [op(0, None, "create", mark="m0"), op(1, 4, "create", 409)]),
    "an unknown create is found": (True, [op(0, None, "create", mark="m0"), reads(4, 5, "m0", 1)]),
    "and then has another id": (
        False,
        [op(0, None, "create", mark="m0"), reads(4, 5, "m0", 1), op(6, 7, "find", saw="j m0 1")],
    ),
    "deleted": (True, [MADE, DELETED, gone(4, 5), op(6, 7, "find")]),
    "deleted, and read": (False, [MADE, DELETED, reads(4, 5, "m0", 1)]),
    "404 for one that is there": (False, [MADE, gone(2, 3)]),
    "deleted twice": (False, [MADE, DELETED, op(4, 5, "delete", 204, id="i")]),
    "deleted and made again": (
        True,
        [MADE, DELETED, op(4, 5, "create", 201, saw="j m1 1"), gone(6, 7), op(6, 7, "find", saw="j m1 1")],
    ),
    "made again with what it was": (False, [MADE, DELETED, op(4, 5, "create", 201, saw="j m0 1", mark="m1")]),
    "revived as itself": (True, [MADE, DELETED, op(4, 5, "create", 201, saw="i m1 2", external=True)]),
    "revived as another": (False, [MADE, DELETED, op(4, 5, "create", 201, saw="j m1 1", external=True)]),
    "revived with an old version": (
        False,
        [MADE, DELETED, op(4, 5, "create", 201, saw="i m1 1", external=True)],
    ),
    "If-Match holds": (True, [MADE, write(2, 3, "m1", 2, match=1)]),
    "If-Match held though it was another": (
        False,
        [MADE, write(2, 3, "m1", 2), write(4, 5, "m2", 3, match=1)],
    ),
    "both If-Match held": (False, [MADE, write(2, 6, "m1", 2, match=1), write(3, 5, "m2", 3, match=1)]),
    "412 for another version": (
        True,
        [MADE, write(2, 3, "m1", 2), op(4, 5, "write", 412, mark="m2", match=1, id="i")],
    ),
    "412 for this version": (False, [MADE, op(4, 5, "write", 412, mark="m2", match=1, id="i")]),
    "412 without a condition": (False, [MADE, op(4, 5, "write", 412, mark="m2", id="i")]),
    "what must be refused": (True, [MADE, op(2, 3, "spoil", 409, mark="m1", id="i"), reads(4, 5, "m0", 1)]),
    "was refused, and done": (
        False,
        [MADE, op(2, 3, "spoil", 409, mark="m1", id="i"), reads(4, 5, "m1", 2)],
    ),
    "was not refused": (False, [MADE, op(2, 3, "spoil", 200, mark="m1", id="i")]),
    "switched off": (
        True,
        [MADE, op(2, 3, "write", id="i", active=False, saw="i m0 2", shows=False)],
    ),
    "switched on, which it was": (True, [MADE, op(2, 3, "write", id="i", active=True, saw="i m0 1")]),
    "switched off, and on again by nobody": (
        False,
        [MADE, op(2, 3, "write", id="i", active=False), reads(4, 5, "m0", 2, shows=True)],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_of_an_account(name: str) -> None:
    fine, history = HISTORIES[name]
    verdict = check(history, ABSENT, account)
    assert verdict.fine is fine, verdict.text(history)
    assert (verdict.text(history) == "linearizable") is fine


def looks(began: int, ended: int, teams: str) -> Operation:
    return op(began, ended, "look", seen=Seen(teams=teams))


TEAMS: dict[str, tuple[bool, list[Operation]]] = {
    "joined": (True, [looks(0, 1, "0"), op(2, 3, "join"), looks(4, 5, "1")]),
    "joined twice": (True, [op(0, 1, "join"), op(2, 3, "join"), looks(4, 5, "1")]),
    "joined, and not there": (False, [op(0, 1, "join"), looks(2, 3, "0")]),
    "joined by halves": (False, [op(0, None, "join"), looks(2, 3, "x")]),
    "left, and there": (False, [op(0, 1, "join"), op(2, 3, "leave"), looks(4, 5, "1")]),
    "joined and left side by side": (True, [op(0, 5, "join"), op(1, 6, "leave"), looks(7, 8, "0")]),
    "left and joined side by side": (True, [op(0, 5, "leave"), op(1, 6, "join"), looks(7, 8, "1")]),
    "left before it joined, though it was answered later": (
        True,
        [op(0, 6, "leave"), op(1, 5, "join"), looks(7, 8, "1"), op(9, None, "leave")],
    ),
    "left perhaps": (True, [op(0, 1, "join"), op(2, None, "leave"), looks(4, 5, "1"), looks(6, 7, "0")]),
    "left perhaps, and back": (
        False,
        [op(0, 1, "join"), op(2, None, "leave"), looks(4, 5, "0"), looks(6, 7, "1")],
    ),
    "refused": (True, [op(0, 1, "spoil", 400, outcome=REFUSED), looks(2, 3, "0")]),
    "not refused": (False, [op(0, 1, "spoil", 200)]),
}


@pytest.mark.parametrize("name", TEAMS)
def test_a_history_of_a_team(name: str) -> None:
    fine, history = TEAMS[name]
    assert check(history, False, team).fine is fine


def by_trying_every_order(history: list[Operation], initial: Any, step: Any) -> bool:
    """Whether some order of all that was answered, and of some of the rest, explains the answers."""
    needed = {n for n, each in enumerate(history) if each.outcome == ANSWERED}
    others = [n for n in range(len(history)) if n not in needed and history[n].outcome == UNKNOWN]
    for chosen in _subsets(others):
        for order in permutations([*needed, *chosen]):
            if _respects_time(history, order) and _explains([history[n] for n in order], initial, step):
                return True
    return False


def _subsets(numbers: list[int]) -> Iterator[list[int]]:
    for bits in range(1 << len(numbers)):
        yield [n for place, n in enumerate(numbers) if bits >> place & 1]


def _respects_time(history: list[Operation], order: tuple[int, ...]) -> bool:
    def ended_before(one: Operation, other: Operation) -> bool:
        return one.ended is not None and one.ended < other.began

    return not any(
        ended_before(history[later], history[earlier])
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )


def _explains(history: list[Operation], state: Any, step: Any) -> bool:
    for each in history:
        state = step(state, each)
        if state is None:
            return False
    return True


def served(state: Account, kind: str, mark: str, match: int | None) -> tuple[Account, dict[str, Any]]:
    """What a service in this state does and answers; ids are those of the marks that they began with."""
    if kind == "create":
        if state.live:
            return state, {"status": 409, "mark": mark}
        state = Account(True, mark, 1, mark)
        return state, {"status": 201, "mark": mark, "saw": f"{state.id} {mark} 1"}
    if kind != "find" and not state.live:
        return state, {"status": 404, "id": "m0", "mark": mark}
    if kind in ("find", "read"):
        return state, {
            "saw": f"{state.id} {state.mark} {state.version}" if state.live else None,
            "id": state.id,
        }
    if match not in (None, state.version):
        return state, {"status": 412, "id": state.id, "match": match, "mark": mark}
    if kind == "delete":
        return replace(state, live=False), {"status": 204, "id": state.id, "match": match}
    state = replace(state, mark=mark, version=state.version + (mark != state.mark))
    saw = f"{state.id} {mark} {state.version}"
    return state, {"id": state.id, "match": match, "mark": mark, "saw": saw}


KINDS = ["create", "create", "write", "write", "read", "find", "delete"]


@st.composite
def histories(draw: Any) -> list[Operation]:
    """What clients at a true service see, whose times overlap in every way; then perhaps some are lied to.

    Some get no reply, whether it was carried out or not.
    """
    found: list[Operation] = []
    state = ABSENT
    lies = draw(st.sets(st.integers(1, 5), max_size=2))
    for turn in range(draw(st.integers(2, 6))):
        kind, mark = draw(st.sampled_from(KINDS)), draw(st.sampled_from(["m0", "m1", "m2"]))
        match = draw(st.sampled_from([None, None, 1, 2])) if kind in ("write", "delete") else None
        began, ended = 10 * turn - draw(st.integers(0, 14)), 10 * turn + draw(st.integers(1, 14))
        after, answer = served(state, kind, mark, match)
        if turn in lies:  # it is told what would be so in another state
            other = draw(
                st.sampled_from([ABSENT, Account(True, "m0", 2, "m1"), Account(True, "m1", 1, "m1")])
            )
            answer = served(other, kind, mark, match)[1]
        lost = kind not in ("read", "find") and draw(st.integers(0, 4)) == 0
        if not lost or draw(st.booleans()):
            state = after
        status = answer.pop("status", 200)
        if lost:
            answer.pop("saw", None)
        found.append(op(began, None if lost else ended, kind, status, **answer))
    return found


@settings(max_examples=400)
@given(histories())
def test_the_verdict_is_that_of_trying_every_order(history: list[Operation]) -> None:
    assert check(history, ABSENT, account).fine is by_trying_every_order(history, ABSENT, account)


@st.composite
def team_histories(draw: Any) -> list[Operation]:
    """The same of a team, where an answer says less."""
    found: list[Operation] = []
    inside = False
    for turn in range(draw(st.integers(2, 6))):
        began, ended = 10 * turn - draw(st.integers(0, 14)), 10 * turn + draw(st.integers(1, 14))
        kind = draw(st.sampled_from(["join", "leave", "look"]))
        if kind == "look":
            lie = draw(st.integers(0, 4)) == 0
            found.append(looks(began, ended, str(int(inside is not lie))))
            continue
        lost = draw(st.integers(0, 4)) == 0
        if not lost or draw(st.booleans()):
            inside = kind == "join"
        found.append(op(began, None if lost else ended, kind))
    return found


@settings(max_examples=400)
@given(team_histories())
def test_the_verdict_on_a_team_is_that_of_trying_every_order(history: list[Operation]) -> None:
    assert check(history, False, team).fine is by_trying_every_order(history, False, team)


def test_a_long_history_takes_what_a_short_one_takes_for_each_operation() -> None:
    """One resource, 8,000 writes by four clients side by side, and a wrong answer at the end."""
    history = [MADE]
    for turn in range(2000):
        at = 10 + turn * 10
        history += [write(at + n, at + 9, f"m{turn}-{n}", 2 + turn * 4 + 3 - n) for n in range(4)]
    assert check(history, ABSENT, account).fine
    wrong = reads(60_000, 60_001, "m1999-1", 8_001)
    verdict = check([*history, wrong], ABSENT, account)
    assert verdict.fault is wrong
    assert [state.mark for state in verdict.before] == ["m1999-0"]


def test_what_may_still_happen_in_too_many_ways_is_undecided() -> None:
    unknown = [write(2 + n, None, f"m{n}") for n in range(30)]
    verdict = check([MADE, *unknown, reads(50, 51, "m7", 16)], ABSENT, account, budget=5000)
    assert verdict.undecided
    assert not verdict.fine
