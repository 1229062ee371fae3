"""What must hold after a load: all that was acknowledged is there, and nothing by halves.

    linearizable   each account, each group and each team in a group, with what is there at the end as a
                   last read; so nothing acknowledged is lost or comes back, nothing is half applied, a
                   version moves by one with each change, and of several creates of one name one is answered
                   201
    told           the feed from its first event has no gap and fits to itself; what it tells is what is
                   there: users, groups, members, pending ones apart, versions
    once           every acknowledged mark stands in one event, an unknown one in at most one, a refused one
                   in none
    in order       the events of two changes stand in the order of the changes, if one had ended before the
                   other began
    followed       who read the feed meanwhile got every event once, in order, to the last acknowledged change
    polite         no 500, and no answer that the request could not have

``problems`` gives a sentence for each thing that does not hold, with the part of the history that shows it.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import httpx
from faults.access import Access
from faults.feed import Replay, number_of, replay
from faults.history import ANSWERED, REFUSED, UNKNOWN, History, Operation, Seen, by_key
from faults.linearizable import check
from faults.messages import group_seen, seen_of, version_of
from faults.registers import ABSENT, account, team
from judges.harness import NO_TLS

PAGE = 500
_RENDERED = ("schemas", "id", "meta", "groups", "members")
USUAL = (429, 503)
"""Refusals that a request may meet without being wrong."""


@dataclass(frozen=True)
class State:
    """Everything in a directory once nobody writes any more; resources by id."""

    began: int
    """When it was asked for, as ``time.monotonic_ns``; everything was over then."""
    users: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Mapping[str, Any]]
    events: tuple[Mapping[str, Any], ...]

    @cached_property
    def named(self) -> Mapping[str, Mapping[str, Any]]:
        """Users by ``user:`` and userName, groups by ``group:`` and externalId."""
        users = {f"user:{user['userName']}": user for user in self.users.values()}
        return users | {f"group:{g['externalId']}": g for g in self.groups.values() if "externalId" in g}


async def end_state(url: str, access: Access) -> State:
    """Read everything from the server with this origin, when nobody writes any more."""
    began = time.monotonic_ns()
    async with httpx.AsyncClient(verify=NO_TLS, timeout=30) as http:
        scim, api = {"Authorization": f"Bearer {access.token}"}, {"Authorization": f"Bearer {access.key}"}
        users = [each async for each in _walk(http, f"{url}/scim/v2/Users", scim)]
        listed = [
            each async for each in _walk(http, f"{url}/scim/v2/Groups?excludedAttributes=members", scim)
        ]
        groups = [await _json(http, f"{url}/scim/v2/Groups/{each['id']}", scim, {}) for each in listed]
        events: list[Mapping[str, Any]] = []
        after: dict[str, Any] = {}
        more = True
        while more:
            page = await _json(http, f"{url}/api/v1/events", api, {"limit": 1000, **after})
            events += page["events"]
            after, more = {"after": page["next"]}, page["more"]
    return State(began, {u["id"]: u for u in users}, {g["id"]: g for g in groups}, tuple(events))


async def _walk(http: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> AsyncIterator[Any]:
    start = 1
    while True:
        page = await _json(http, url, headers, {"startIndex": start, "count": PAGE})
        for each in page.get("Resources", ()):
            yield each
        start += PAGE
        if start > page["totalResults"]:
            return


async def _json(http: httpx.AsyncClient, url: str, headers: Mapping[str, str], query: dict[str, Any]) -> Any:
    reply = await http.get(httpx.URL(url).copy_merge_params(query), headers=headers)
    assert reply.status_code == 200, f"{url}: {reply.status_code} {reply.text}"
    return reply.json()


def problems(history: History, state: State) -> list[str]:
    """What does not hold, as sentences; empty if all is well."""
    told = replay(state.events)
    found = [*told.problems, *_differences(told, state), *_once(history, state), *_order(history, state)]
    found += [*_followed(history, state), *_polite(history), *_linearizable(history, state)]
    return found


# --- linearizable


def _linearizable(history: History, state: State) -> Iterator[str]:
    for key, operations in by_key(history.operations).items():
        checks: Iterator[tuple[str, list[Operation], Any, Any]] = iter(
            [(key, [*operations, _last(state, key)], ABSENT, account)]
        )
        if key in history.crews:
            checks = _teams(key, [*operations, _last_of_crew(history, state, key)])
        for name, single, initial, step in checks:
            verdict = check(single, initial, step)
            if not verdict.fine:
                yield f"{name}: {verdict.text(single)}"


def _last(state: State, key: str) -> Operation:
    """What there is of an account or a group at the end, as a read."""
    if key.startswith("group:"):
        group = state.named.get(key)
        seen = None if group is None else Seen(group["id"], mark=group["displayName"])
    else:
        seen = seen_of(state.named.get(key))
    return _at_the_end(state, key, "find", seen)


def _last_of_crew(history: History, state: State, key: str) -> Operation:
    group = state.groups.get(key.partition(":")[2], {"id": ""})
    return _at_the_end(state, key, "look", group_seen(group, history.crews[key]))


def _at_the_end(state: State, key: str, kind: str, seen: Seen | None) -> Operation:
    return Operation(0, key, kind, state.began, state.began, ANSWERED, 200, seen=seen, note="at the end")


def _teams(crew: str, operations: list[Operation]) -> Iterator[tuple[str, list[Operation], Any, Any]]:
    """The histories of a crew's teams, one after the other: a look at the crew is one at each of them."""
    looks = [each for each in operations if each.kind == "look" and each.seen and each.seen.teams]
    moves: dict[int, list[Operation]] = {}
    for each in operations:
        if each.team is not None:
            moves.setdefault(each.team, []).append(each)
    for number in range(max((len(each.seen.teams or "") for each in looks if each.seen), default=0)):
        parts = [
            replace(each, seen=Seen(teams=each.seen.teams[number]))
            for each in looks
            if each.seen and each.seen.teams
        ]
        yield f"{crew} team {number}", [*moves.get(number, ()), *parts], False, team


# --- told


def _differences(told: Replay, state: State) -> Iterator[str]:
    """What the feed tells beside what is there."""
    for kind, there in (("User", state.users), ("Group", state.groups)):
        live = told.live(kind)
        for id in live.keys() ^ there.keys():
            yield f"{kind} {id} is {'told, but not there' if id in live else 'there, but not told'}"
        for id in live.keys() & there.keys():
            thing, resource = live[id], there[id]
            shown = {k: v for k, v in resource.items() if k not in _RENDERED}
            if shown != thing.attributes:
                yield f"{kind} {id} is {shown}, but told as {thing.attributes}"
            if version_of(resource) != thing.version:
                yield f"{kind} {id} has version {version_of(resource)}, but {thing.version} by its events"
            if kind == "Group":
                yield from _members(id, {m["value"] for m in resource.get("members", ())}, thing.members)
    for id, user in state.users.items():
        groups = {group["value"] for group in user.get("groups", ())}
        listed = {group for group, thing in told.live("Group").items() if id in thing.members}
        if groups != listed:
            yield f"User {id} shows groups {sorted(groups)}, but is told to be in {sorted(listed)}"


def _members(group: str, there: set[str], told: set[str]) -> Iterator[str]:
    if there != told:
        more, less = sorted(there - told), sorted(told - there)
        yield f"Group {group}: {more} are members, but not told; {less} are told only"


# --- once, in order, followed, polite


def _marked(state: State) -> dict[str, list[int]]:
    """The numbers of the events that tell of each mark."""
    found: dict[str, list[int]] = {}
    for event in state.events:
        after = event["data"].get("after") or {}
        mark = after.get("nickName") or (
            after.get("displayName") if event["type"].startswith("group.") else None
        )
        if mark:
            found.setdefault(mark, []).append(number_of(event["id"]))
    return found


def _once(history: History, state: State) -> Iterator[str]:
    marked = _marked(state)
    for each in history.operations:
        if each.mark is None:
            continue
        times = len(marked.get(each.mark, ()))
        done = each.outcome == ANSWERED and each.status is not None and each.status < 300
        least, most = (1, 1) if done else (0, int(each.outcome == UNKNOWN and each.kind != "spoil"))
        if not least <= times <= most:
            yield f"{each.key}: {times} events tell of it: {each.text()}"


def _order(history: History, state: State) -> Iterator[str]:
    """Whether the events of changes that one after the other were made stand so in the feed."""
    marked = _marked(state)
    moments = []
    for each in history.operations:
        places = marked.get(each.mark or "", ())
        if each.outcome == ANSWERED and each.ended is not None and places:
            moments += [(each.began, 0, places[0], each), (each.ended, 1, places[0], each)]
    moments.sort(key=lambda moment: moment[:3])
    newest, by = 0, None
    for _, is_end, place, each in moments:
        if is_end and place > newest:
            newest, by = place, each
        elif not is_end and place < newest and by is not None:
            said = f"event {place} tells of a later change than event {newest}"
            yield f"{said}:\n  {each.text()}\n  {by.text()}"


def _followed(history: History, state: State) -> Iterator[str]:
    if not history.followed:
        return
    there = [event["id"] for event in state.events]
    if history.followed != there[: len(history.followed)]:
        at = next(n for n, id in enumerate(history.followed) if n >= len(there) or id != there[n])
        got = history.followed[at]
        yield f"who followed the feed got {got} in place {at + 1}, which is {there[at : at + 1]}"
    marked, newest = _marked(state), number_of(history.followed[-1])
    for each in history.operations:
        places = marked.get(each.mark or "", ())
        if each.outcome == ANSWERED and places and places[0] > newest:
            yield f"who followed the feed to its end never got event {places[0]}: {each.text()}"


def _polite(history: History) -> Iterator[str]:
    for each in history.operations:
        if each.status == 500:
            yield f"{each.key}: a fault of the server: {each.text()}"
        elif each.outcome == REFUSED and each.status and each.status not in USUAL and each.kind != "spoil":
            yield f"{each.key}: was refused: {each.text()}"
