"""The management API as ASGI: a request is matched, admitted and checked, then its handler answers.

Whatever goes wrong becomes problem details (RFC 9457). Order of refusal: address 404, method 405, Accept 406,
key 401, scope 403, query 400, body 413, media type 415, body 400; then what the handler says.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
import structlog

from rosterd.http.access_log import answered
from rosterd.http.api import fit, replay, routes
from rosterd.http.api.openapi import BASE, described
from rosterd.http.api.request import NOBODY, ApiCaller, ApiContext, ApiReply, ApiRequest, StreamReply
from rosterd.http.api.route import JSON, ApiRoute
from rosterd.http.decode import ClientGone, parse_json, parse_query, read_body
from rosterd.http.guard import Guard
from rosterd.http.headers import Headers, bearer, check_encoding, check_media_type, preferred
from rosterd.http.problems import problem_to
from rosterd.http.reply import GUARDS, NO_STORE, Header, Receive, Reply, Scope, Send, send_part
from rosterd.scim import errors
from rosterd.service import keys

_log = structlog.get_logger("rosterd.http")

_JSON_HEADER: Final = (b"content-type", JSON.encode())


@dataclass(slots=True)
class _Seen:
    """What turned out about a request, for its reply and the access log."""

    route: str = ""
    key: str | None = None
    headers: tuple[Header, ...] = ()


class ApiApp:
    """The ASGI application below ``/api/v1``."""

    def __init__(
        self,
        context: ApiContext,
        new_request_id: Callable[[], str],
        guard: Guard,
        used: MutableMapping[str, int],
    ) -> None:
        self._guard = guard
        self._api = replace(context, description=orjson.dumps(described(routes.ROUTES)))
        self._new_request_id = new_request_id
        self._used = used  # key id → time of last use (ms) since it was last written down

    def stop(self) -> None:
        """End every stream and every wait; the server stops."""
        self._api.stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"the management API speaks HTTP only, not {scope['type']}")
        started = time.perf_counter()
        request_id = self._new_request_id()
        seen = _Seen()
        head = scope["method"] == "HEAD"
        try:
            reply = await self._answer(scope, receive, request_id, seen)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets problem details
            reply = problem_to(error, request_id)
        if isinstance(reply, StreamReply):
            status = 200
            reply = replace(reply, headers=(*reply.headers, *seen.headers))
            await self._stream(reply, receive, send, request_id, head=head)
        else:
            status = reply.status
            await reply.send(scope, send, request_id, more=seen.headers)
        answered(scope, seen.route, status, started, request_id, key=seen.key)

    async def _answer(
        self, scope: Scope, receive: Receive, request_id: str, seen: "_Seen"
    ) -> Reply | StreamReply:
        headers = Headers(scope["headers"])
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        template, parameters = routes.match(path)
        seen.route = template
        if scope["method"] == "OPTIONS":
            return Reply(204, headers=((b"allow", ", ".join(routes.allowed(template)).encode()),))
        route = routes.route(template, scope["method"])
        _negotiate(headers, route)
        caller = NOBODY
        if route.scope is not None:
            caller = await self._admit(scope, headers, seen)
            caller.require(route.scope)
        query = fit.check_query(tuple(parse_query(scope.get("query_string", b""))), route.query)
        body = await _body(route, receive, headers)
        address = scope["client"][0] if scope.get("client") else None
        root = scope.get("root_path", "").removesuffix(BASE) if self._api.root is None else self._api.root
        request = ApiRequest(caller, parameters, query, body, headers, request_id, address, root)
        if route.method == "POST":
            return await replay.once(self._api, route, request, path, _rendered)
        return _rendered(await route.handler(self._api, request))

    async def _admit(self, scope: Scope, headers: Headers, seen: "_Seen") -> ApiCaller:
        """Who asks. Raises ``Unauthorized``, and ``TooManyRequests`` for whoever fails or asks too often."""
        try:
            caller = await self._known(headers)
        except errors.Unauthorized:
            self._guard.failed(scope)
            raise
        seen.key = caller.key.id
        seen.headers, wait = self._guard.key(caller.key.id)
        if wait:
            raise errors.TooManyRequests(
                f"This API key asks more often than the server lets it. Try again in {wait} s.",
                retry_after=wait,
            )
        return caller

    async def _known(self, headers: Headers) -> ApiCaller:
        text = bearer(headers.get(b"authorization"))
        id = keys.key_id(text)
        if id is None:
            raise errors.Unauthorized(
                "The API key is incomplete or mistyped. Copy the whole key, from 'rak_' to its end."
            )
        now = self._api.now()
        holder = keys.verify(await self._api.registry.key(id), text, now)
        self._used[id] = now
        return ApiCaller(holder.key, holder.directory)

    async def _stream(
        self, reply: StreamReply, receive: Receive, send: Send, request_id: str, *, head: bool
    ) -> None:
        """Send chunk by chunk, until there are no more, the client has gone or the server stops."""
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"x-request-id", request_id.encode("latin-1")),
            NO_STORE,
            *GUARDS,
            *reply.headers,
        ]
        end = {asyncio.ensure_future(_gone(receive)), asyncio.ensure_future(self._api.stopping.wait())}
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while not head:
                chunk = asyncio.ensure_future(anext(reply.events, None))
                await asyncio.wait({chunk, *end}, return_when=asyncio.FIRST_COMPLETED)
                if not chunk.done():
                    chunk.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await chunk
                    break
                data = chunk.result()
                if data is None or not await send_part(send, data):
                    break
        except Exception as error:  # noqa: BLE001 - the status is sent; all that is left is to end and tell
            _log.error("stream broke off", request_id=request_id, exc_info=error)
        finally:
            for task in end:
                task.cancel()
            close = getattr(reply.events, "aclose", None)
            if close is not None:
                await close()
        await send_part(send, b"", last=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(route: ApiRoute, receive: Receive, headers: Headers) -> Any:
    """The checked JSON value; ``None`` at a route without one. It may be left out if nothing is required."""
    if route.body is None:
        return None
    raw = await read_body(receive, headers, route.max_body)
    if not raw and not route.body.get("required"):
        return {}
    check_media_type(headers.raw(b"content-type"), (JSON,))
    check_encoding(headers.raw(b"content-encoding") or b"")
    body = parse_json(raw)
    fit.check_text(body, raw)
    fit.check_body(body, route.body)
    return body


def _rendered(reply: ApiReply | StreamReply) -> Reply | StreamReply:
    if isinstance(reply, StreamReply):
        return reply
    body = b"" if reply.body is None else orjson.dumps(reply.body)
    return Reply(reply.status, body, reply.headers, content_type=_JSON_HEADER)


def _negotiate(headers: Headers, route: ApiRoute) -> None:
    """Raise ``NotAcceptable`` if the client takes nothing that the route can reply with."""
    if preferred(headers.get(b"accept"), route.media) is not None:
        return
    raise errors.NotAcceptable(f"Only {', '.join(route.media)} can be produced here.")
