"""Reconciliation over the management API: an application's accounts held against a directory, and adopted."""

from typing import Any, Final

from rosterd.http.api.connections import find
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.schemas import text, thing
from rosterd.service.caller import Caller
from rosterd.service.keys import USERS_READ, USERS_WRITE
from rosterd.service.reconciliation import PORTION, Account, Report

MOST_TOLD: Final = 1000
"""Findings in one reply; the counts are of all."""
MAX_BODY: Final = 32 * 1024 * 1024
_MOST: Final = 100_000


async def reconcile(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/reconciliation."""
    directory = await api.directory(request)
    report = await api.reconciliation.compare(directory, list(map(_account, request.body["accounts"])))
    return ApiReply(200, reported(report, MOST_TOLD))


async def adopt(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/connections/{connection}/adopt."""
    directory, connection = await find(api, request)
    caller = Caller.within(directory, connection, api.model_of(directory), request.request_id)
    accounts = list(map(_account, request.body["accounts"]))
    outcomes = await api.reconciliation.adopt(caller, accounts, by=request.by)
    return ApiReply(200, {"outcomes": [outcome.to_json() for outcome in outcomes]})


def reported(report: Report, most: int) -> dict[str, Any]:
    """A report as JSON, with at most so many findings."""
    return {
        "counts": dict(report.counts),
        "findings": [
            {
                "what": one.what,
                "name": one.name,
                "account": one.account,
                "id": one.id,
                "detail": one.detail,
            }
            for one in report.findings[:most]
        ],
        "complete": len(report.findings) <= most,
    }


def _account(data: dict[str, Any]) -> Account:
    return Account(
        account=data["account"],
        user_name=data.get("userName", ""),
        email=data.get("email", ""),
        id=data.get("id", ""),
        active=data.get("active", True),
        display_name=data.get("displayName", ""),
    )


_TEXT: Final = {"maxLength": 500}
_ACCOUNT: Final = thing(
    "One of the application's accounts.",
    ("userName", "email", "id", "active", "displayName"),
    account=text("What the application calls it.", minLength=1, **_TEXT),
    userName=text("The userName it has, or should have, here.", **_TEXT),
    email=text("Its e-mail address.", **_TEXT),
    id=text("Its id here, if it is known.", **_TEXT),
    active={"type": "boolean", "description": "Whether it may be used.", "default": True},
    displayName=text("Its name for people.", **_TEXT),
)


def _accounts(most: int) -> dict[str, Any]:
    return {"type": "array", "description": "The accounts.", "maxItems": most, "items": _ACCOUNT}


_MAYBE: Final = {"type": ["string", "null"]}

ROUTES: Final = (
    ApiRoute(
        "POST",
        "/directories/{directory}/reconciliation",
        USERS_READ,
        reconcile,
        "Hold the application's accounts against the directory; changes nothing",
        body=thing("All the application's accounts.", accounts=_accounts(_MOST)),
        reply=thing(
            "Where the two do not agree.",
            counts={
                "type": "object",
                "description": "Kind of finding: how many; `agreed`: how many agree.",
                "additionalProperties": {"type": "integer"},
            },
            findings={
                "type": "array",
                "description": "The findings, at most a thousand.",
                "items": thing(
                    "A finding.",
                    what=text("`unknown`, `missing`, `should be inactive`, `should be active` or `renamed`."),
                    name=text("Its userName, or what the application knows."),
                    account={**_MAYBE, "description": "What the application calls it."},
                    id={**_MAYBE, "description": "Its id here."},
                    detail=text("What to do."),
                ),
            },
            complete={"type": "boolean", "description": "Whether these are all findings."},
        ),
        max_body=MAX_BODY,
    ),
    ApiRoute(
        "POST",
        "/directories/{directory}/connections/{connection}/adopt",
        USERS_WRITE,
        adopt,
        "Make users of the application's accounts, which wait for the identity provider's first word",
        body=thing("The accounts.", accounts=_accounts(PORTION)),
        reply=thing(
            "What became of each.",
            outcomes={
                "type": "array",
                "description": "In the order of the accounts.",
                "maxItems": PORTION,
                "items": thing(
                    "One account.",
                    account=text("What the application calls it."),
                    what=text("`adopted`, `there already` or `failed`."),
                    id={**_MAYBE, "description": "Its id here."},
                    detail=text("Why it failed."),
                ),
            },
        ),
    ),
)
