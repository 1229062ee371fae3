"""What a change is called and what it says: the events of the feed.

An event's data holds only the attributes that differ: ``{"before": {…}, "after": {…}}``, extension
attributes below their URN. Member lists in one event are cut at ``MEMBERS_PER_EVENT``; more members
make more events.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rosterd.scim.schema import ResourceType
from rosterd.service.ports import MemberChange

MEMBERS_PER_EVENT: Final = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """When an event of a type happens, and what is in its data."""

    when: str
    data: str


_DELTA: Final = "`before`, `after`: the attributes that differ"
_STANDING: Final = "`connection`, `state`, `by`, `reason`"

EVENTS: Final[Mapping[str, Kind]] = {
    "user.created": Kind(
        "An account was made",
        "`after`: all attributes; `revived` if it was deleted before, `before` is what it was then",
    ),
    "user.updated": Kind("Attributes of an account changed", _DELTA),
    "user.activated": Kind(
        "An account became active again, or a deleted one came back active", f"{_DELTA}; `revived` as above"
    ),
    "user.deactivated": Kind("An account was switched off", f"{_DELTA}; `sessions`"),
    "user.mapped": Kind(
        "What the mapping makes of an account changed",
        "`before`, `after`: the fields that differ, and `roles` if they do",
    ),
    "user.deleted": Kind("An account was deleted", "`before`: its names, unless it was erased; `sessions`"),
    "user.erased": Kind("An account was erased for good; so is what its events told", "`erased`"),
    "group.created": Kind("A group was made", "`after`: all attributes; its members follow"),
    "group.updated": Kind("Attributes of a group changed", _DELTA),
    "group.deleted": Kind(
        "A group was deleted; its members were told as removed before", "`before`: its name"
    ),
    "group.member_added": Kind(
        "A group got members",
        "`members`, `count`; `pending`: values not known yet; `resolved`: values that were so until now",
    ),
    "group.member_removed": Kind(
        "A group lost members", "`members`, `count`; `pending`: values not known yet"
    ),
    "connection.paused": Kind(
        "A connection was paused", f"{_STANDING}; `lost`, `of` if the mass-change fuse did it"
    ),
    "connection.resumed": Kind("A paused connection may go on", _STANDING),
    "connection.disabled": Kind("A connection was disabled", _STANDING),
    "connection.enabled": Kind("A disabled connection may go on", _STANDING),
    "connection.deleted": Kind(
        "A connection was deleted; if there is an `heir`, it got what was the connection's",
        "`connection`, `by`; `heir`",
    ),
    "directory.restored": Kind(
        "The directory was put back to a backup: what was told after `until` and before this is undone",
        "`until`: the id of the last event that the backup holds",
    ),
    "token.expiring": Kind(
        "A token ends soon; told once as many days before as the setting `tokenWarningDays`, and once 7 days",
        "`connection`, `token`, `label`, `expires`, `days`",
    ),
    "webhook.disabled": Kind(
        "rosterd gave a webhook up, in the feed of the directory concerned",
        "`webhook`, `label`, `state`, `by`, `reason`",
    ),
}
"""The types of events. A custom resource type has those of a user, but its own name before the point."""


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


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], *, within: bool = False
) -> dict[str, Any]:
    """The attributes that differ, before and after; an extension is compared attribute by attribute.

    ``schemas`` follows from the others, but ``within`` an extension it is an attribute as any other.
    """
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    names = before if after.keys() <= before.keys() else {**before, **after}
    for name in names:
        left, right = before.get(name), after.get(name)
        if left == right or (name == "schemas" and not within):
            continue
        if name.startswith("urn:"):
            inner = difference(left or {}, right or {}, within=True)
            left, right = inner["before"] or None, inner["after"] or None
        if left is not None:
            old[name] = left
        if right is not None:
            new[name] = right
    return {"before": old, "after": new}


def member_events(change: MemberChange) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ``member_added`` and ``member_removed`` events of one change, as (verb, data)."""
    for verb, ids, pending, resolved in (
        ("member_removed", change.removed, change.pending_removed, ()),
        ("member_added", change.added, change.pending_added, change.resolved),
    ):
        for start in range(0, max(len(ids), len(pending), len(resolved)), MEMBERS_PER_EVENT):
            end = start + MEMBERS_PER_EVENT
            part = ids[start:end]
            data: dict[str, Any] = {"members": list(part), "count": len(part)}
            for name, values in (("pending", pending), ("resolved", resolved)):
                if values[start:end]:
                    data[name] = list(values[start:end])
            yield verb, data
