"""What is sent and seen: a mark stands in several attributes at once, and a team's people go together.

A resource whose attributes do not agree shows a mark that nobody wrote, ``torn: …``; so whatever is half
done is found by whoever reads it.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from faults.history import Seen
from judges.harness import ENTERPRISE, USER

_PATHS = ("nickName", "name.givenName", 'emails[type eq "work"].value', f"{ENTERPRISE}:department")


def attributes(mark: str) -> dict[str, Any]:
    """An account's attributes with this mark, and the schemas that they need."""
    return {
        "schemas": [USER, ENTERPRISE],
        "nickName": mark,
        "name": {"givenName": mark},
        "emails": [{"type": "work", "value": f"{mark}@example.com"}],
        ENTERPRISE: {"department": mark},
    }


def patches(chance: random.Random, mark: str | None, active: bool | None) -> list[dict[str, Any]]:
    """Operations of one PATCH, as identity providers send them: one for each attribute, or one for all."""
    switch = [] if active is None else [{"op": "replace", "path": "active", "value": active}]
    if mark is None:
        return switch if chance.random() < 0.5 else [{"op": "replace", "value": {"active": active}}]
    if chance.random() < 0.4:
        whole = {name: value for name, value in attributes(mark).items() if name not in ("schemas", "emails")}
        return [{"op": "replace", "value": whole}, _email(mark), *switch]
    single = [{"op": "replace", "path": path, "value": mark} for path in _PATHS if "emails" not in path]
    operations = [*single, _email(mark), *switch]
    chance.shuffle(operations)
    return operations


def _email(mark: str) -> dict[str, Any]:
    return {"op": "replace", "path": _PATHS[2], "value": f"{mark}@example.com"}


def spoilt(mark: str, taken: str) -> list[dict[str, Any]]:
    """A PATCH that sets the mark and then a userName that somebody else has: 409, and nothing is done."""
    operations = [{"op": "replace", "path": path, "value": mark} for path in _PATHS if "emails" not in path]
    return [*operations, _email(mark), {"op": "replace", "path": "userName", "value": taken}]


def seen_of(resource: Mapping[str, Any] | None) -> Seen | None:
    """What a reply shows of an account."""
    if not resource or "userName" not in resource:
        return None
    marks = {
        resource.get("nickName"),
        resource.get("name", {}).get("givenName"),
        *(each.get("value", "").removesuffix("@example.com") for each in resource.get("emails", [{}])),
        resource.get(ENTERPRISE, {}).get("department"),
    }
    mark = marks.pop() if len(marks) == 1 else f"torn: {sorted(map(str, marks))}"
    return Seen(resource["id"], version_of(resource), mark, resource.get("active"))


def version_of(resource: Mapping[str, Any]) -> int:
    """The number in ``meta.version``, which is ``W/"7"``."""
    return int(resource["meta"]["version"].removeprefix("W/").strip('"'))


def teams_of(chance: random.Random, kind: str, ids: Sequence[str], group: str) -> list[dict[str, Any]]:
    """Operations of one PATCH that let a team join or leave; ``spoil`` ends with what is refused."""
    listed = [{"value": id} for id in ids]
    if kind == "leave":
        if chance.random() < 0.5:
            return [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids]
        return [{"op": "remove", "path": "members", "value": listed}]
    if kind == "spoil":  # a group is no member of itself
        first = chance.choice(["add", "remove"])
        return [
            {"op": first, "path": "members", "value": listed},
            {"op": "add", "path": "members", "value": [{"value": group}]},
        ]
    if chance.random() < 0.5:
        return [{"op": "add", "path": "members", "value": [each]} for each in listed]
    return [{"op": "add", "path": "members", "value": listed}]


def group_seen(resource: Mapping[str, Any], teams: Sequence[Sequence[str]]) -> Seen:
    """Which teams a crew has."""
    members = {member["value"] for member in resource.get("members", ())}
    return Seen(resource["id"], teams="".join(_state(members, team) for team in teams))


def _state(members: set[str], team: Sequence[str]) -> str:
    inside = sum(id in members for id in team)
    return "0" if not inside else "1" if inside == len(team) else "x"
