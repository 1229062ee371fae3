"""Security event tokens over the management API: fetching them (RFC 8936), and the keys that sign them."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import number, page, ref, text, thing, time
from rosterd.scim.render import format_time
from rosterd.service.keys import EVENTS_READ, WEBHOOKS_READ, WEBHOOKS_WRITE
from rosterd.service.set_polls import DEFAULT_EVENTS, MAX_ACKS, MAX_EVENTS, MAX_WAIT, Poll, Polling
from rosterd.service.signing_keys import ALGORITHMS, STATES, SigningKey

_KEPT: Final = 300
"""Characters of a refusal that are kept."""


async def poll(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /sets/{stream}/poll."""
    endpoint = await api.webhooks.find(request.path["stream"], request.caller.directory)
    body = request.body
    wanted = Poll(
        max_events=body.get("maxEvents", DEFAULT_EVENTS),
        at_once=body.get("returnImmediately", False),
        ack=body.get("ack", ()),
        refused={jti: _refusal(why) for jti, why in body.get("setErrs", {}).items()},
    )
    polling = Polling(
        api.store, api.control, api.polls, api.webhooks.composer, api.signing, api.now, api.stopping.is_set
    )
    waits = wanted.max_events and not wanted.at_once
    with api.waits.place(request.caller.key.id) if waits else nullcontext():
        polled = await polling.poll(endpoint, wanted)
    return ApiReply(200, {"sets": polled.sets, "moreAvailable": polled.more})


async def list_signing_keys(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /signing-keys."""
    request.caller.require_unbound()
    place = api.place(request, "signing keys")
    keys = tuple(enumerate(await api.signing.published(), 1))
    rows = keys[place.seq if place else 0 :][: request.limit + 1]
    return api.page(
        request,
        "signing keys",
        rows,
        lambda row: described(row[1], api.signing.state(row[1])),
        lambda row: (row[0], None),
    )


async def rotate_signing_key(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /signing-keys/rotate."""
    request.caller.require_unbound()
    key = await api.signing.rotate(
        algorithm=request.body.get("algorithm"), at_once=request.body.get("atOnce", False), by=request.by
    )
    return ApiReply(201, described(key, api.signing.state(key)))


def described(key: SigningKey, state: str) -> dict[str, Any]:
    """A signing key as an administrator is shown it."""
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": state,
        "created": format_time(key.created),
        "signs": format_time(key.signs),
        "ends": None if key.ends is None else format_time(key.ends),
    }


def _refusal(why: Any) -> tuple[str, str]:
    """Code and description (RFC 8936 §2.6), of whatever form they have."""
    told: Mapping[str, Any] = why if isinstance(why, dict) else {}
    code, more = told.get("err"), told.get("description")
    return (
        code[:_KEPT] if isinstance(code, str) else "no code",
        more[:_KEPT] if isinstance(more, str) else "",
    )


ROUTES: Final = (
    ApiRoute(
        "POST",
        "/sets/{stream}/poll",
        EVENTS_READ,
        poll,
        "Fetch security event tokens (RFC 8936), and acknowledge those that were fetched",
        body={
            "type": "object",
            "description": "What the receiver wants and what it has; other members are ignored.",
            "properties": {
                "maxEvents": number(
                    "The most tokens; 0 only to acknowledge.", 0, MAX_EVENTS, default=DEFAULT_EVENTS
                ),
                "returnImmediately": {
                    "type": "boolean",
                    "description": f"Do not wait, up to {MAX_WAIT} s, if there is none.",
                    "default": False,
                },
                "ack": {
                    "type": "array",
                    "description": "The `jti` of tokens that need not come again.",
                    "items": {"type": "string", "description": "A `jti`."},
                    "maxItems": MAX_ACKS,
                },
                "setErrs": {
                    "type": "object",
                    "description": "Tokens that are refused: `jti` → `err` and `description`.",
                },
            },
        },
        reply=thing(
            "Tokens.",
            sets={"type": "object", "description": "Signed tokens by their `jti`."},
            moreAvailable={"type": "boolean", "description": "Whether there are more already."},
        ),
        statuses=(404, 409),
        secret=True,
    ),
    ApiRoute(
        "GET",
        "/signing-keys",
        WEBHOOKS_READ,
        list_signing_keys,
        "List the keys that sign security event tokens, newest first",
        query=PAGE,
        reply=page("SigningKey", "A page of signing keys."),
    ),
    ApiRoute(
        "POST",
        "/signing-keys/rotate",
        WEBHOOKS_WRITE,
        rotate_signing_key,
        "Make a new signing key; it is published now and signs two days later",
        body=thing(
            "How.",
            ("algorithm", "atOnce"),
            algorithm=text("How it signs; without it as the one before.", enum=list(ALGORITHMS)),
            atOnce={
                "type": "boolean",
                "description": "After a theft: it signs now, and all others are withdrawn now.",
            },
        ),
        reply=ref("SigningKey"),
        status=201,
        statuses=(409,),
    ),
)

COMPONENTS: Final = {
    "SigningKey": thing(
        "A key that signs security event tokens.",
        kid=text("Its id, as in the key set and in the tokens."),
        algorithm=text("How it signs.", enum=list(ALGORITHMS)),
        state=text(
            "Whether it is the next one, the one that signs, or kept for what it signed.", enum=list(STATES)
        ),
        created=time("When it was made and published."),
        signs=time("From when on it signs."),
        ends={
            "type": ["string", "null"],
            "format": "date-time",
            "description": "From when on it is not published any more; null for the newest one.",
        },
    ),
}
