"""Undo over the management API: what a connection changed since a moment, looked at or given back."""

from typing import Any, Final

from rosterd.http.api.connections import find
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.schemas import maybe, text, thing, time
from rosterd.scim import errors
from rosterd.scim.folding import parse_date
from rosterd.scim.render import format_time
from rosterd.service.inverse import MEMBERS, Outcome
from rosterd.service.keys import CONNECTIONS_WRITE
from rosterd.service.undo import COUNTS, SHOWN, VERBS, Plan

_MOMENT: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$"


async def undo_connection(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/connections/{connection}/undo."""
    directory, connection = await find(api, request)
    micros = parse_date(request.body["since"])
    if micros is None or micros < 0:
        raise errors.InvalidValue(f"since: '{request.body['since']}' is not a time there is.")
    since, preview = micros // 1000, request.body.get("preview", False)
    if preview:
        plan = await api.undo.preview(directory, connection, since)
    else:
        plan = await api.undo.run(directory, connection, since, by=request.by)
    return ApiReply(200, {"preview": preview, **described(plan)})


def described(plan: Plan) -> dict[str, Any]:
    """What an undo does or did, as JSON."""
    return {
        "since": format_time(plan.since),
        "counts": plan.counts,
        "changes": [
            {
                **_resource(one),
                "change": one.verb,
                "attributes": list(one.step.attributes),
                "membersAdded": one.added,
                "membersRemoved": one.removed,
            }
            for one in plan.changes
        ],
        "conflicts": [
            {**_resource(one), "attribute": attribute, "reason": reason}
            for one in plan.conflicts
            for attribute, reason in one.step.conflicts
        ],
        "lost": [{**_resource(one), "reason": one.step.lost} for one in plan.lost],
    }


def _resource(outcome: Outcome) -> dict[str, Any]:
    return {"type": outcome.kind, "id": outcome.id, "name": outcome.name}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}


def _list(description: str, **properties: Any) -> dict[str, Any]:
    who = {
        "type": text("Its resource type."),
        "id": text("Its id."),
        "name": text("Its userName or displayName."),
    }
    return {"type": "array", "description": description, "items": thing("One.", **who, **properties)}


_MEANINGS: Final = {
    "deleted": "Resources that the connection made, and that are deleted again.",
    "revived": "Resources that it deleted, and that are back under their ids.",
    "updated": "Resources whose attributes are as before.",
    "activated": "The same of accounts that are active again.",
    "deactivated": "The same of accounts that are inactive again.",
    "membersAdded": "Memberships and pending members that are back.",
    "membersRemoved": "Memberships and pending members that are gone again.",
    "conflicts": "Attributes and resources that are left alone.",
    "lost": "Resources that cannot come back.",
}

ROUTES: Final = (
    ApiRoute(
        "POST",
        "/directories/{directory}/connections/{connection}/undo",
        CONNECTIONS_WRITE,
        undo_connection,
        "Give back what a paused connection changed since a moment, or look what that would be",
        body=thing(
            "What to undo.",
            ("preview",),
            since=text("The moment, such as `2026-11-24T15:00:00Z`.", pattern=_MOMENT, maxLength=40),
            preview={
                "type": "boolean",
                "description": "Only look: nothing is changed, and the connection need not be paused.",
                "default": False,
            },
        ),
        reply=thing(
            "What was done, or would be.",
            preview={"type": "boolean", "description": "Whether nothing was changed."},
            since=time("The moment."),
            counts=thing("How many of each kind.", **{name: _number(_MEANINGS[name]) for name in COUNTS}),
            changes=_list(
                f"The first {SHOWN} changes of each kind.",
                change=text("What becomes of it.", enum=[*VERBS, MEMBERS]),
                attributes={
                    "type": "array",
                    "description": "The attributes that are given back.",
                    "items": {"type": "string", "description": "A name, below an extension with its URN."},
                },
                membersAdded=_number("Memberships and pending members it gets back."),
                membersRemoved=_number("Memberships and pending members it loses."),
            ),
            conflicts=_list(
                f"What the first {SHOWN} resources with a conflict keep, and why.",
                attribute=maybe(text("The attribute; null: the whole resource.")),
                reason=text("Why it is left alone."),
            ),
            lost=_list(f"The first {SHOWN} that cannot come back.", reason=text("Why.")),
        ),
        statuses=(409, 410),
    ),
)
