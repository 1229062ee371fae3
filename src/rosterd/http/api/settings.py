"""Settings of the installation over the management API, for keys that are not bound to a directory."""

from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.schemas import SETTINGS, maybe, ref, thing
from rosterd.service.keys import SETTINGS_READ, SETTINGS_WRITE
from rosterd.service.preferences import Preferences, described


async def read_settings(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /settings."""
    request.caller.require_unbound()
    return _reply(api, await api.preferences.get())


async def change_settings(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PATCH /settings; what is not given stays, null is the default."""
    request.caller.require_unbound()
    return _reply(api, await api.preferences.change(request.body, by=request.by))


def _reply(api: ApiContext, preferences: Preferences) -> ApiReply:
    values: dict[str, Any] = {**described(preferences), "fixed": api.preferences.fixed}
    return ApiReply(200, values)


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/settings",
        SETTINGS_READ,
        read_settings,
        "Read the settings of the installation",
        reply=ref("Settings"),
    ),
    ApiRoute(
        "PATCH",
        "/settings",
        SETTINGS_WRITE,
        change_settings,
        "Change settings of the installation; what is not given stays, null is the default",
        body=thing(
            "What to change.",
            tuple(SETTINGS),
            **{name: maybe(schema) for name, schema in SETTINGS.items()},
        ),
        reply=ref("Settings"),
        statuses=(409,),
    ),
)
