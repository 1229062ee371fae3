"""What single resources do when one request comes after the other: the model that histories are checked
against.

A step takes a state and an operation and gives the next state, or ``None`` if the answer could not be that
one there. For an operation whose outcome is unknown it says what would have come of it.

    Account   by its userName         create write spoil delete read find
    Team      members that come and go together, in one group: 0 or 1      join leave look

    write     sets ``mark`` (in several attributes, by one PATCH or PUT) and ``active`` where given
    spoil     the same and something that must be refused, in one PATCH: nothing of it may happen
    find      a filter by name; read: GET by id; both show the whole account
"""

from dataclasses import dataclass, replace

from faults.history import ANSWERED, Operation, Seen


@dataclass(frozen=True, slots=True)
class Account:
    """An account, or where it was. A version moves by one with each change, and by none without."""

    live: bool = False
    id: str | None = None
    """``None`` while nobody has seen the id; of a deleted one, that which is given back."""
    version: int = 0
    mark: str | None = None
    active: bool = True


ABSENT = Account()


def account(state: Account, done: Operation) -> Account | None:
    """The state after an operation on an account."""
    if done.kind == "find":
        return _found(state, done)
    if done.kind == "create":
        return _created(state, done)
    known = state.live and (state.id is None or state.id == done.id)
    if done.outcome != ANSWERED:
        return _changed(replace(state, id=done.id), done) if known else None
    if done.status == 404:
        return state if not state.live or state.id is None or state.id != done.id else None
    if not known:
        return None
    state = replace(state, id=done.id)
    if done.kind == "read":
        return state if done.status == 200 and done.seen and _fits(state, done.seen) else None
    if done.kind == "spoil":
        return state if done.status is not None and done.status >= 400 else None
    if done.match is not None and (done.status == 412) != (done.match != state.version):
        return None
    if done.status == 412:
        return state if done.match is not None else None
    after = _changed(state, done)
    if after is None or done.status is None or done.status >= 300:
        return None
    return after if done.seen is None or _fits(after, done.seen) else None


def _found(state: Account, done: Operation) -> Account | None:
    if done.seen is None:
        return None if state.live else state
    if state.live and state.id is None:
        state = replace(state, id=done.seen.id)
    return state if state.live and _fits(state, done.seen) else None


def _created(state: Account, done: Operation) -> Account | None:
    if done.outcome == ANSWERED and done.status == 409:
        return state if state.live else None
    if state.live:
        return None
    again = done.external and state.id is not None
    made = Account(
        True,
        state.id if again else None,
        state.version + 1 if again else 1,
        done.mark,
        done.active is not False,
    )
    if done.outcome != ANSWERED:
        return made
    if done.status != 201 or done.seen is None:
        return None
    made = made if again else replace(made, id=done.seen.id)
    return made if _fits(made, done.seen) else None


def _changed(state: Account, done: Operation) -> Account | None:
    """What a change makes of the account that it is for; ``None`` if it does nothing."""
    if done.match is not None and done.match != state.version:
        return None
    if done.kind == "delete":
        return replace(state, live=False)
    if done.kind != "write":
        return None
    mark = state.mark if done.mark is None else done.mark
    active = state.active if done.active is None else done.active
    moved = (mark, active) != (state.mark, state.active)
    return replace(state, mark=mark, active=active, version=state.version + moved)


def _fits(state: Account, seen: Seen) -> bool:
    return (
        seen.id in (None, state.id)
        and seen.version in (None, state.version)
        and seen.mark in (None, state.mark)
        and seen.active in (None, state.active)
    )


def team(state: bool, done: Operation) -> bool | None:
    """The state after an operation on a team: whether its people are members."""
    if done.kind == "look":
        return state if done.seen is not None and done.seen.teams == str(int(state)) else None
    if done.kind == "spoil":
        return state if done.status is not None and 400 <= done.status < 500 else None
    if done.outcome == ANSWERED and (done.status is None or done.status >= 300):
        return None
    return done.kind == "join"
