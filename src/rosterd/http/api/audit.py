"""The audit log over the management API: what administrators, programs and the command line changed."""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import page, text
from rosterd.scim.render import format_time
from rosterd.service.audit import StoredEntry
from rosterd.service.keys import AUDIT_READ


async def list_entries(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /audit; a key that is bound to a directory sees that one's entries."""
    directory = request.caller.directory
    if "directory" in request.query:
        directory = await api.directory(request, request.query["directory"])
    action = request.query.get("action", "")
    listing = f"audit {directory.id if directory else 0} {action}"
    place = api.place(request, listing)
    rows = await api.audit.audit_page(
        directory.id if directory else None, place.seq if place else None, request.limit + 1, action
    )
    ids = {row.entry.directory for row in rows if row.entry.directory is not None}
    names = await api.registry.directory_names(ids)
    return api.page(request, listing, rows, lambda row: _described(row, names), lambda row: (row.seq, None))


def _described(stored: StoredEntry, names: Mapping[int, str]) -> dict[str, Any]:
    entry, actor = stored.entry, stored.entry.actor
    return {
        "seq": stored.seq,
        "at": format_time(entry.at),
        "action": entry.action,
        "target": entry.target,
        "directory": None if entry.directory is None else names.get(entry.directory),
        "by": {"kind": actor.kind, "name": actor.name, "id": actor.id, "address": actor.address},
        "requestId": actor.request_id,
        "before": entry.before,
        "after": entry.after,
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/audit",
        AUDIT_READ,
        list_entries,
        "List administrative changes, newest first",
        query={
            "directory": text("Only those of this directory."),
            "action": text(
                "Only this action, such as `token.created`, or all that begin so, such as `token.`.",
                pattern="^[a-z_]{1,50}(\\.[a-z_]{0,50})?$",
            ),
            **PAGE,
        },
        reply=page("AuditEntry", "A page of administrative changes."),
    ),
)
