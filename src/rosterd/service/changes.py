"""What a change is called and what it says: the events of the feed.

An event's data holds only the attributes that differ: ``{"before": {…}, "after": {…}}``, extension
attributes below their URN. Member lists in one event are cut at ``MEMBERS_PER_EVENT``; more members
make more events.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rosterd.scim.schema import ResourceType
from rosterd.service.ports import MemberChange

MEMBERS_PER_EVENT: Final = 1000


def noun(resource_type: ResourceType) -> str:
    """The first half of an event's type: ``user``, ``group``, ``device``…"""
    return resource_type.name[0].lower() + resource_type.name[1:]


def update_type(resource_type: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """``updated``, or for an account whose ``active`` moved, ``activated`` or ``deactivated``.

    An absent ``active`` counts as active: an account is deactivated only by being told so.
    """
    was, now = before.get("active", True), after.get("active", True)
    verb = "updated" if was == now else ("activated" if now else "deactivated")
    return f"{noun(resource_type)}.{verb}"


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that differ, before and after; an extension is compared attribute by attribute."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in {**before, **after}:
        if name == "schemas":
            continue
        left, right = before.get(name), after.get(name)
        if left == right:
            continue
        if name.startswith("urn:"):
            inner = difference(left or {}, right or {})
            left, right = inner["before"] or None, inner["after"] or None
        if left is not None:
            old[name] = left
        if right is not None:
            new[name] = right
    return {"before": old, "after": new}


def member_events(change: MemberChange) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ``member_added`` and ``member_removed`` events of one change, as (verb, data)."""
    for verb, ids, pending in (
        ("member_removed", change.removed, change.pending_removed),
        ("member_added", change.added, change.pending_added),
    ):
        for start in range(0, max(len(ids), len(pending)), MEMBERS_PER_EVENT):
            part = ids[start : start + MEMBERS_PER_EVENT]
            waiting = pending[start : start + MEMBERS_PER_EVENT]
            data: dict[str, Any] = {"members": list(part), "count": len(part)}
            if waiting:
                data["pending"] = list(waiting)
            yield verb, data
