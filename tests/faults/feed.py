"""A directory's feed, told anew from its first event: what users, groups and members there are, and their
versions.

Each event must fit to what went before it: ``before`` is what was, members who come were not there, those
who go were. So an event that is missing, told twice or in the wrong place shows itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Thing:
    """A user or a group as the events tell of it."""

    attributes: dict[str, Any]
    version: int = 1
    live: bool = True
    members: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    changed_by: str = ""
    """The request that changed the members last: the version moves once for each."""


@dataclass(slots=True)
class Replay:
    """What the events tell, and what does not fit."""

    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def live(self, kind: str) -> dict[str, Thing]:
        """The resources of a type that are there, by id."""
        return {id: thing for (of, id), thing in self.things.items() if of == kind and thing.live}


def replay(events: Iterable[Mapping[str, Any]]) -> Replay:
    """Tell the feed from its beginning; its numbers have no gap."""
    told = Replay()
    last = 0
    for event in events:
        number = number_of(event["id"])
        if number != last + 1:
            told.problems.append(f"feed: event {event['id']} follows number {last}")
        last = number
        what = event.get("resource")
        if what is None or what["type"] not in ("User", "Group"):
            continue
        fault = _tell(told, event)
        if fault:
            told.problems.append(f"feed: event {event['id']} {event['type']} of {what['id']}: {fault}")
    return told


def number_of(id: str) -> int:
    """The place of an event in its directory's feed: ``1-42`` is the 42nd."""
    return int(id.rpartition("-")[2])


def _tell(told: Replay, event: Mapping[str, Any]) -> str | None:
    what, data = event["resource"], event["data"]
    key, verb = (what["type"], what["id"]), event["type"].partition(".")[2]
    known = told.things.get(key)
    if verb == "created" or data.get("revived"):
        return _begun(told, key, known, event)
    if known is None or not known.live:
        return "tells of something that is not there"
    match verb:
        case "updated" | "activated" | "deactivated":
            if _parts(known.attributes, data["before"]) != _plain(data["before"]):
                return f"before was {_parts(known.attributes, data['before'])}, not {data['before']}"
            known.attributes = applied(known.attributes, data["before"], data["after"])
            known.version += 1
        case "deleted":
            if known.members or known.pending:
                return f"it still has {sorted(known.members | known.pending)}"
            if _parts(known.attributes, data["before"]) != _plain(data["before"]):
                return f"it was {known.attributes}, not {data['before']}"
            known.live = False
        case "member_added" | "member_removed":
            return _moved(known, verb == "member_added", data, event["cause"]["requestId"])
    return None


def _begun(told: Replay, key: tuple[str, str], known: Thing | None, event: Mapping[str, Any]) -> str | None:
    data = event["data"]
    if known is not None and known.live:
        return "is there already"
    if data.get("revived"):
        if known is None:
            return "was never there"
        if known.attributes != _plain(data["before"]):
            return f"was {known.attributes}, not {data['before']}"
    elif known is not None:
        return "was there before, and is not told as revived"
    version = 1 if known is None else known.version + 1
    # The members that a group is made with are no change of it.
    told.things[key] = Thing(_plain(data["after"]), version, changed_by=event["cause"]["requestId"])
    return None


def _moved(group: Thing, come: bool, data: Mapping[str, Any], request: str) -> str | None:
    members, pending = set(data["members"]), set(data.get("pending", ()))
    resolved = set(data.get("resolved", ()))
    if len(members) != data["count"]:
        return "count is not the number of members"
    if group.changed_by != request:
        group.version += 1
        group.changed_by = request
    if come:
        wrong = (group.members & members) | (group.pending & pending) | (resolved - group.pending)
        group.members |= members
        group.pending = (group.pending | pending) - resolved
    else:
        wrong = (members - group.members) | (pending - group.pending)
        group.members -= members
        group.pending -= pending
    return f"{sorted(wrong)} were {'there already' if come else 'not there'}" if wrong else None


def applied(
    attributes: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """The attributes with a change; an extension's are changed one by one."""
    changed = {name: value for name, value in attributes.items() if name not in before or name in after}
    for name, value in _plain(after).items():
        if name.startswith("urn:") and isinstance(attributes.get(name), dict):
            value = applied(attributes[name], before.get(name, {}), value)
        changed[name] = value
    return changed


def _parts(attributes: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the attributes that ``like`` has."""
    return {
        name: _parts(attributes.get(name, {}), value) if name.startswith("urn:") else attributes.get(name)
        for name, value in _plain(like).items()
    }


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name != "schemas"}
