"""Groups: found as one types, and one of them with its members, however many they are."""

from typing import Final

from rosterd.console.accounts import gone, in_path, listed, raw, shown
from rosterd.console.attributes import parts
from rosterd.console.context import Console
from rosterd.console.history import history
from rosterd.console.paging import cut, unpack
from rosterd.console.request import PageRequest
from rosterd.console.requests import recent
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.service.visitor import VIEWER

RECENT: Final = 10
"""Requests about a group that its page shows."""
MEMBERS: Final = 50
PENDING: Final = 50
COUNTED: Final = 1000
"""Members of each group of the list are counted up to here."""
COUNTED_ALONE: Final = 200_000
"""Members of one group are counted up to here."""


async def list_groups(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/groups."""
    directory = await console.directory(request)
    found = await listed(console, request, directory, "Group")
    reader = console.store.reader(directory.id)
    counts = {one.row.id: await reader.member_count(one.row.id, COUNTED + 1) for one in found.rows}
    return console.page(
        request,
        "groups.html",
        directory=directory,
        found=found,
        counts=counts,
        most=COUNTED,
        total=await reader.count("Group"),
    )


async def show_group(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/groups/{group}; of one that was erased, what is known still."""
    erased = await gone(console, request, "Group", "group")
    if erased is not None:
        return erased
    directory, row, resource_type = await in_path(console, request, "Group", "group")
    callers = await console.control.connection_names(directory.id)
    reader = console.store.reader(directory.id)
    group = shown(row, callers)
    place = unpack(request, str, name="members")
    members = await reader.members(row.id, place[0] if place else None, MEMBERS + 1)
    waits = unpack(request, str, name="pending")
    pending = await reader.pending(row.id, waits[0] if waits else None, PENDING + 1)
    return console.page(
        request,
        "group.html",
        directory=directory,
        group=group,
        schemas=parts(group.document, resource_type),
        count=await reader.member_count(row.id, COUNTED_ALONE + 1),
        most=COUNTED_ALONE,
        members=cut(request, members, MEMBERS, lambda member: member.value, "members"),
        pending=cut(request, pending, PENDING, lambda member: member.value, "pending"),
        within=(await reader.memberships((row.id,))).get(row.id, ()),
        happened=await history(console, request, directory, callers, "Group", row.id),
        requests=await recent(console, directory, row.id, RECENT),
        raw=raw(console, request, directory, row, resource_type, members=members[:MEMBERS]),
        cut=len(members) > MEMBERS or place is not None,
    )


PAGES: Final = (
    Page("GET", "/directories/{directory}/groups", VIEWER, list_groups),
    Page("GET", "/directories/{directory}/groups/{group}", VIEWER, show_group),
)
