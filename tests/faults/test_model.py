"""The model finds what it is for: in a small world in which all holds, one thing at a time is made wrong."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.history import ANSWERED, REFUSED, UNKNOWN, History, Operation, Seen, outcome_of, read
from faults.messages import attributes
from faults.model import State, problems
from judges.harness import ENTERPRISE

from rosterd.http.problems import reply_to
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable


def op(began: int, kind: str, key: str = "user:ann", status: int = 200, **more: Any) -> Operation:
    return Operation(0, key, kind, began, began + 5, more.pop("outcome", ANSWERED), status, **more)


def event(number: int, type: str, id: str, data: dict[str, Any]) -> dict[str, Any]:
    kind = "User" if type.startswith("user") else "Group"
    cause = {"connection": "okta", "requestId": f"r{number}"}
    return {
        "id": f"1-{number}",
        "type": type,
        "resource": {"type": kind, "id": id},
        "cause": cause,
        "data": data,
    }


def user(id: str, name: str, mark: str, version: int, *groups: str, active: bool = True) -> dict[str, Any]:
    listed = {"groups": [{"value": group} for group in groups]} if groups else {}
    known = {**attributes(mark), "userName": name, "active": active}
    return {"id": id, "meta": {"version": f'W/"{version}"'}, **known, **listed}


def delta(mark: str) -> dict[str, Any]:
    return {name: value for name, value in attributes(mark).items() if name != "schemas"}


class World:
    """Ann was made, changed and switched off, Ben was made and came into a crew, Cid was made and deleted."""

    def __init__(self) -> None:
        ann = {"userName": "ann", "active": True, **delta("m1")}
        ben = {"userName": "ben", "active": True, **delta("m3")}
        cid = {"userName": "cid", "active": True, **delta("m5")}
        switched = {"before": {"active": True}, "after": {"active": False}, "sessions": "revoke"}
        self.events = [
            event(1, "user.created", "a", {"before": {}, "after": ann}),
            event(2, "user.updated", "a", {"before": delta("m1"), "after": delta("m2")}),
            event(3, "user.created", "b", {"before": {}, "after": ben}),
            event(4, "group.created", "g", {"before": {}, "after": {"displayName": "crew"}}),
            event(5, "group.member_added", "g", {"members": ["b"], "count": 1}),
            event(6, "user.created", "c", {"before": {}, "after": cid}),
            event(7, "user.deleted", "c", {"before": {"userName": "cid"}, "after": {}, "sessions": "revoke"}),
            event(8, "user.deactivated", "a", switched),
        ]
        self.users = {"a": user("a", "ann", "m2", 3, active=False), "b": user("b", "ben", "m3", 1, "g")}
        group = {"id": "g", "displayName": "crew", "meta": {"version": 'W/"2"'}, "members": [{"value": "b"}]}
        self.groups: dict[str, Any] = {"g": group}
        self.operations = [
            op(0, "create", status=201, mark="m1", seen=Seen("a", 1, "m1", True)),
            op(10, "write", id="a", mark="m2", match=1, seen=Seen("a", 2, "m2", True)),
            op(20, "create", "user:ben", 201, mark="m3", seen=Seen("b", 1, "m3", True)),
            op(40, "join", "crew:g", team=0),
            op(50, "look", "crew:g", seen=Seen("g", teams="1")),
            op(60, "create", "user:cid", 201, mark="m5", seen=Seen("c", 1, "m5", True)),
            op(70, "delete", "user:cid", 204, id="c"),
            op(80, "write", id="a", active=False, seen=Seen("a", 3, "m2", False)),
            op(90, "spoil", status=409, id="a", mark="m8"),
        ]
        self.followed = [each["id"] for each in self.events]

    def problems(self) -> list[str]:
        history = History(self.operations, self.followed, {"crew:g": [["b"]]})
        return problems(history, State(1000, self.users, self.groups, tuple(self.events)))

    def change(self, number: int, **to: Any) -> None:
        self.operations[number] = replace(self.operations[number], **to)


def test_nothing_is_wrong_where_all_holds() -> None:
    assert World().problems() == []


def without_event(number: int) -> Callable[[World], object]:
    """It is not told at all: neither is there a gap in the numbers."""

    def harm(world: World) -> None:
        del world.events[number]
        for place, each in enumerate(world.events, 1):
            each["id"] = f"1-{place}"
        world.followed = [each["id"] for each in world.events]

    return harm


WRONG: dict[str, tuple[Callable[[World], object], str]] = {
    "a user is gone": (lambda w: w.users.pop("b"), "told, but not there"),
    "a user nobody made": (lambda w: w.users.update(d=user("d", "dan", "m9", 1)), "there, but not told"),
    "a deleted one is back": (lambda w: w.users.update(c=user("c", "cid", "m5", 1)), "no order explains"),
    "an acknowledged value is lost": (lambda w: w.users["a"].update(delta("m1")), "no order explains"),
    "half of a change": (lambda w: w.users["a"].update(nickName="m1"), "torn"),
    "half of a change, in an extension": (
        lambda w: w.users["a"].update({ENTERPRISE: {"department": "m1"}}),
        "torn",
    ),
    "a version too many": (lambda w: w.users["a"]["meta"].update(version='W/"4"'), "has version 4, but 3"),
    "a group's version too few": (
        lambda w: w.groups["g"]["meta"].update(version='W/"1"'),
        "version 1, but 2",
    ),
    "no making is told": (without_event(0), "is not there"),
    "no change is told": (without_event(1), "0 events tell of it"),
    "no deletion is told": (without_event(6), "told, but not there"),
    "no member is told": (without_event(4), "are members, but not told"),
    "the feed has a gap": (lambda w: w.events.pop(7), "who followed"),
    "a number of the feed is left out": (lambda w: w.events[7].update(id="1-9"), "follows number 7"),
    "a change is told twice": (
        lambda w: w.events.append(event(9, "user.updated", "a", {"before": {}, "after": delta("m2")})),
        "2 events tell of it",
    ),
    "before is not what was": (lambda w: w.events[1]["data"].update(before=delta("m0")), "before was"),
    "a member comes twice": (
        lambda w: w.events.append(event(9, "group.member_added", "g", {"members": ["b"], "count": 1})),
        "were there already",
    ),
    "count is not the number": (lambda w: w.events[4]["data"].update(count=2), "count is not"),
    "a member is lost": (lambda w: w.groups["g"].update(members=[]), "no order explains"),
    "a group forgets, its member does not": (lambda w: w.groups["g"].update(members=[]), "told only"),
    "a member forgets, its group does not": (lambda w: w.users["b"].pop("groups"), "shows groups []"),
    "a refused change is done": (lambda w: w.change(1, outcome=REFUSED, status=503), "1 events tell of it"),
    "what must be refused is told": (
        lambda w: w.events.append(event(9, "user.updated", "a", {"before": {}, "after": delta("m8")})),
        "1 events tell of it",
    ),
    "the later change is told first": (lambda w: w.change(0, began=30, ended=31), "tells of a later change"),
    "two creates are answered 201": (
        lambda w: w.operations.append(
            op(1, "create", status=201, mark="m7", seen=Seen("z", 1, "m7", True)),
        ),
        "no order explains",
    ),
    "who follows the feed misses one": (
        lambda w: w.followed.pop(2),
        "who followed the feed got 1-4 in place 3",
    ),
    "who follows the feed gets one twice": (lambda w: w.followed.insert(2, "1-2"), "who followed"),
    "who follows the feed stops too early": (
        lambda w: w.followed.__delitem__(slice(4, None)),
        "never got event 6",
    ),
    "who follows the feed gets too many": (lambda w: w.followed.append("1-9"), "who followed"),
    "a 500": (lambda w: w.change(8, outcome=UNKNOWN, ended=None, status=500), "a fault of the server"),
    "a good request is refused": (
        lambda w: w.change(8, kind="write", outcome=REFUSED, status=400),
        "was refused",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found(what: str) -> None:
    world = World()
    harm, said = WRONG[what]
    harm(world)
    assert any(said in problem for problem in world.problems()), world.problems()


def test_what_is_unknown_may_be_so_or_not() -> None:
    lost = World()
    lost.change(7, outcome=UNKNOWN, ended=None, status=None, seen=None)
    assert lost.problems() == []
    without_event(7)(lost)
    lost.users["a"].update(active=True, meta={"version": 'W/"2"'})
    assert lost.problems() == []


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {}, ANSWERED),
        (204, None, ANSWERED),
        (404, None, ANSWERED),
        (412, None, ANSWERED),
        (400, None, REFUSED),
        (429, None, REFUSED),
        (500, None, UNKNOWN),
        (502, "<html>", UNKNOWN),
        (503, "<html>", UNKNOWN),
    ],
)
def test_what_a_reply_says(status: int, body: Any, outcome: str) -> None:
    assert outcome_of(status, body) == outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(StoreUnavailable("away"), REFUSED), (OutcomeUnknown("lost in COMMIT"), UNKNOWN)],
)
def test_what_a_503_of_rosterd_says(error: Exception, outcome: str) -> None:
    reply = reply_to(error, "r")
    assert outcome_of(reply.status, json.loads(reply.body)) == outcome


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    world = World()
    history = History(deepcopy(world.operations), world.followed, {"crew:g": [["b"]]})
    history.operations.append(Operation(1, "user:ann", "delete", 99, None, UNKNOWN, id="a", note="ReadError"))
    history.write(tmp_path / "history.jsonl")
    assert read(tmp_path / "history.jsonl") == history
