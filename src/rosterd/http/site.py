"""Everything on one port: SCIM below ``/scim/v2``, management API, Token Provider, health, console.

The Token Provider's addresses come first, as one of them lies below that of the management API.
"""

import time
from collections.abc import Awaitable, Callable, Coroutine
from copy import copy
from typing import Any, Final

import orjson

from rosterd.http.api.app import ApiApp
from rosterd.http.api.openapi import BASE as API_PATH
from rosterd.http.measure import Requests
from rosterd.http.metrics import PATH as METRICS_PATH
from rosterd.http.metrics import Metrics
from rosterd.http.problems import RETRY_AFTER, reply_to
from rosterd.http.reply import Message, Receive, Reply, Scope, Send
from rosterd.http.scim import NOTHING_HERE, SCIM_PATH, ScimApp
from rosterd.http.token_provider import BY_PATH, TokenProvider
from rosterd.http.well_known import WELL_KNOWN, WellKnown
from rosterd.scim import errors

_SCIM: Final = SCIM_PATH + "/"
_JSON: Final = (b"content-type", b"application/json")
_HEALTH: Final = ("/healthz", "/readyz")
_LOOKS: Final = ("GET", "HEAD", "OPTIONS")
"""The methods of health checks; HAProxy's is OPTIONS unless it is told."""
_MISPLACED: Final = frozenset(
    ("scim", "v2", "users", "groups", "bulk", "me", "schemas", "resourcetypes", "serviceproviderconfig")
)
"""What an identity provider asks for when its base URL is not complete."""

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Site:
    """The ASGI application that ``rosterd serve`` runs; ``ready`` says whether the store takes changes."""

    def __init__(
        self,
        scim: ScimApp,
        token_provider: TokenProvider,
        api: ApiApp,
        console: App,
        ready: Callable[[], Awaitable[bool]],
        requests: Requests,
        well_known: WellKnown,
        metrics: Metrics | None = None,
    ) -> None:
        self._well_known = well_known
        self._scim = scim
        self._token_provider = token_provider
        self._api = api
        self._console: App | None = console
        self._ready = ready
        self._requests = requests
        self._metrics = metrics

    def without_console(self) -> "Site":
        """The same, but what would be pages of the console is not found."""
        other = copy(self)
        other._console = None
        return other

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Dispatch by path."""
        if scope["type"] == "http" and not scope.get("root_path") and scope["path"].startswith(_SCIM):
            return self._scim.answer(scope, receive, send, SCIM_PATH)  # without a step of its own
        return self._dispatch(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _lifespan(receive, send)
            return
        root, path = scope.get("root_path", ""), scope["path"]
        if root:
            if path != root and not path.startswith(root + "/"):  # some servers leave it out of the path
                scope = {**scope, "path": root + path}
            path = scope["path"].removeprefix(root)
        if path.startswith(_SCIM) or path == SCIM_PATH:
            await self._scim.answer(scope, receive, send, root + SCIM_PATH)
            return
        if path in BY_PATH:
            await self._token_provider(scope, receive, self._counted("token", scope, send))
            return
        if path == API_PATH or path.startswith(API_PATH + "/"):
            inner = dict(scope, root_path=root + API_PATH)
            await self._api(inner, receive, self._counted("api", scope, send))
            return
        if _is_misplaced(path) and any(name == b"authorization" for name, _ in scope["headers"]):
            await self._scim.answer(scope, receive, send, root, misplaced=True)
            return
        other = await self._other(path, scope)
        if other is None and self._console is not None:
            await self._console(scope, receive, self._counted("console", scope, send))
        else:
            await (other or _nothing_here()).send(scope, send, "-")

    def _counted(self, area: str, scope: Scope, send: Send) -> Send:
        started, requests = time.perf_counter(), self._requests

        def told(message: Message) -> Awaitable[None]:
            if "status" in message:
                requests.begun(area, scope["method"], message["status"], time.perf_counter() - started)
            return send(message)

        return told

    async def _other(self, path: str, scope: Scope) -> Reply | None:
        if path in _HEALTH and scope["method"] not in _LOOKS:
            error = errors.MethodNotAllowed("Health is asked for by GET.", allow=_LOOKS)
            return reply_to(error, "-")
        if path == "/healthz":
            return Reply(200, b'{"status":"ok"}', content_type=_JSON)
        if path == "/readyz":
            ready = await self._ready()
            body = {"status": "ok" if ready else "unavailable"}
            headers = () if ready else ((b"retry-after", b"%d" % RETRY_AFTER),)
            return Reply(200 if ready else 503, orjson.dumps(body), headers, content_type=_JSON)
        if path in WELL_KNOWN:
            return await self._well_known.reply(path, scope)
        if path == METRICS_PATH and self._metrics is not None:
            return await self._metrics.reply(scope)
        if _is_misplaced(path):
            return _nothing_here()
        return None


def _is_misplaced(path: str) -> bool:
    return path.removeprefix("/").split("/")[0].casefold() in _MISPLACED


def _nothing_here() -> Reply:
    error = errors.NotFound(NOTHING_HERE)
    return Reply(404, orjson.dumps(error.to_json()))


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
