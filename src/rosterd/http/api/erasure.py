"""Erasure over the management API: an account for good, on a data-protection request.

It is a POST of its own and no DELETE: what DELETE means in SCIM can be taken back, and this cannot.
"""

from typing import Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.schemas import maybe, text, thing
from rosterd.service.erasure import WARNING
from rosterd.service.keys import USERS_WRITE


async def erase_user(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/users/{user}/erase."""
    directory = await api.directory(request)
    id = request.path["user"]
    live = await api.erasure.erase(directory, "User", id, by=request.by)
    return ApiReply(200, {"id": id, "wasLive": live, "warning": WARNING if live else None})


ROUTES: Final = (
    ApiRoute(
        "POST",
        "/directories/{directory}/users/{user}/erase",
        USERS_WRITE,
        erase_user,
        "Erase a user for good, deleted before or not; it cannot be taken back",
        reply=thing(
            "The account is erased.",
            id=text("Its id, which is all that is kept."),
            wasLive={"type": "boolean", "description": "Whether it was not deleted before."},
            warning=maybe(text("What to heed if it was live.")),
        ),
    ),
)
