"""API keys over the management API: no key gives more than it has; a key's text is in one reply only."""

from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import KEY_SCOPES, number, page, ref, text, thing
from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.directories import NAME
from rosterd.service.expiry import is_ending
from rosterd.service.keys import KEYS_READ, KEYS_WRITE
from rosterd.service.registry import ApiKey
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME


async def list_keys(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /keys; a key that is bound to a directory sees those that are bound to it."""
    bound = request.caller.directory
    place = api.place(request, "keys")
    after = (place.seq, str(place.key)) if place else None
    rows = await api.registry.key_page(bound.id if bound else None, after, request.limit + 1)
    names = await api.registry.directory_names({k.directory for k in rows if k.directory is not None})
    now, days = api.now(), await _days(api)
    return api.page(
        request,
        "keys",
        rows,
        lambda row: _described(row, None if row.directory is None else names[row.directory], now, days),
        lambda row: (row.created, row.id),
    )


async def create_key(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /keys; without scopes it permits what the asking key does."""
    directory, own = request.caller.directory, request.caller.key
    if "directory" in request.body:
        directory = await api.directory(request, request.body["directory"])
    key, secret = await api.keys.create(
        by=request.by,
        label=request.body.get("label", ""),
        scopes=request.body.get("scopes", own.scopes),
        directory=directory.id if directory else None,
        lifetime=request.body.get("lifetime", MAX_LIFETIME),
        within=own,
    )
    described = _described(key, directory.name if directory else None, api.now(), await _days(api))
    return ApiReply(201, {**described, "key": secret})


async def read_key(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /keys/{key}."""
    return ApiReply(200, _described(*await _find(api, request), api.now(), await _days(api)))


async def revoke_key(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /keys/{key}."""
    key, _ = await _find(api, request)
    await api.keys.revoke(key.id, by=request.by)
    return ApiReply(204)


async def _find(api: ApiContext, request: ApiRequest) -> tuple[ApiKey, str | None]:
    """The key in the path and the name of its directory. Raises ``NotFound``, also for one of another."""
    id, bound = request.path["key"], request.caller.directory
    holder = await api.registry.key(id)
    if holder is None or (bound is not None and holder.key.directory != bound.id):
        raise errors.NotFound(f"There is no API key {id}.")
    return holder.key, holder.directory.name if holder.directory else None


async def _days(api: ApiContext) -> int:
    return (await api.preferences.get()).token_warning_days


def _described(key: ApiKey, directory: str | None, now: int, days: int) -> dict[str, Any]:
    revoked = key.revoked is not None and key.revoked <= now
    return {
        "id": key.id,
        "directory": directory,
        "label": key.label,
        "scopes": key.scopes,
        "state": "revoked" if revoked else "expired" if key.expires <= now else "valid",
        "expiresSoon": is_ending(key, now, days),
        "created": format_time(key.created),
        "expires": format_time(key.expires),
        "revoked": None if key.revoked is None else format_time(key.revoked),
        "lastUsed": None if key.last_used is None else format_time(key.last_used),
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/keys",
        KEYS_READ,
        list_keys,
        "List API keys, newest first, without their texts",
        query=PAGE,
        reply=page("ApiKey", "A page of API keys."),
    ),
    ApiRoute(
        "POST",
        "/keys",
        KEYS_WRITE,
        create_key,
        "Create an API key that permits no more than the asking one; its text is in this reply only",
        body=thing(
            "The new API key.",
            ("label", "directory", "scopes", "lifetime"),
            label=text("What or whom it is for.", maxLength=200),
            directory=text(
                "The only directory it may know of; without it as the asking key.", pattern=f"^{NAME}$"
            ),
            scopes={**KEY_SCOPES, "description": "What it permits; without it what the asking key does."},
            lifetime=number("Seconds it is valid.", MIN_LIFETIME, MAX_LIFETIME, default=MAX_LIFETIME),
        ),
        reply=ref("NewApiKey"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "GET", "/keys/{key}", KEYS_READ, read_key, "Read an API key, without its text", reply=ref("ApiKey")
    ),
    ApiRoute("DELETE", "/keys/{key}", KEYS_WRITE, revoke_key, "Revoke an API key at once", status=204),
)
