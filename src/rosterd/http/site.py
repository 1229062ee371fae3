"""Everything on one port: SCIM below ``/scim/v2``, management API, Token Provider, health, console.

The Token Provider's addresses come first, as one of them lies below that of the management API.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import orjson

from rosterd.http.api.app import ApiApp
from rosterd.http.api.openapi import BASE as API_PATH
from rosterd.http.reply import Receive, Reply, Scope, Send
from rosterd.http.scim import ScimApp
from rosterd.http.token_provider import BY_PATH, TokenProvider
from rosterd.scim import errors

SCIM_PATH: Final = "/scim/v2"
_JSON: Final = (b"content-type", b"application/json")
_MISPLACED: Final = frozenset(
    ("scim", "v2", "users", "groups", "bulk", "me", "schemas", "resourcetypes", "serviceproviderconfig")
)
"""What an identity provider asks for when its base URL is not complete."""

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Site:
    """The ASGI application that ``rosterd serve`` runs; ``ready`` says whether the store answers.

    Without a console whatever would be its pages is not found.
    """

    def __init__(
        self,
        scim: ScimApp,
        token_provider: TokenProvider,
        api: ApiApp,
        console: App | None,
        ready: Callable[[], Awaitable[bool]],
    ) -> None:
        self._scim = scim
        self._token_provider = token_provider
        self._api = api
        self._console = console
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch by path."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        if path == SCIM_PATH or path.startswith(SCIM_PATH + "/"):
            await self._scim({**scope, "root_path": root + SCIM_PATH}, receive, send)
            return
        if path in BY_PATH:
            await self._token_provider(scope, receive, send)
            return
        if path == API_PATH or path.startswith(API_PATH + "/"):
            await self._api({**scope, "root_path": root + API_PATH}, receive, send)
            return
        other = await self._other(path)
        if other is None and self._console is not None:
            await self._console(scope, receive, send)
        else:
            await (other or _nothing_here()).send(send, "-", head=scope["method"] == "HEAD")

    async def _other(self, path: str) -> Reply | None:
        if path == "/healthz":
            return Reply(200, b'{"status":"ok"}', content_type=_JSON)
        if path == "/readyz":
            ready = await self._ready()
            body = {"status": "ok" if ready else "unavailable"}
            return Reply(200 if ready else 503, orjson.dumps(body), content_type=_JSON)
        if path.removeprefix("/").split("/")[0].casefold() in _MISPLACED:
            return _nothing_here()
        return None


def _nothing_here() -> Reply:
    error = errors.NotFound(f"There is nothing here; the SCIM base URL ends in {SCIM_PATH}.")
    return Reply(404, orjson.dumps(error.to_json()))


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
