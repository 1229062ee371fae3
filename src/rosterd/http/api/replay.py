"""A POST with an ``Idempotency-Key`` is carried out once, however often it is sent within 24 hours.

    first time           the key is kept, the request carried out, its reply kept
    again, same request  the kept reply, with ``Idempotency-Replayed: true``
    again, another one   422
    before the outcome   409; also for ever after a crash in between, as the outcome is not known then
    refused (4xx, 503)   nothing was changed: the key is free again, unless the outcome is not known
    a secret in it       the reply is never kept: 409, which says what to do
    an erased person     the reply is kept no more: 409 as well

Keys belong to the API key that sent them. What is kept is the SHA-256 of the request, the status and the
body of the reply.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable
from typing import Final

import orjson

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest, StreamReply
from rosterd.http.api.route import JSON, ApiRoute
from rosterd.http.problems import InvalidRequest, KeyReused
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.service.ports import OutcomeUnknown, StoreUnavailable
from rosterd.service.registry import Answered

KEPT: Final = 86_400_000
"""How long, in ms."""
MAX_NAME: Final = 255
MAX_UNRELEASED: Final = 1000

_NAME: Final = re.compile(r"[\x21-\x7e]{1,255}")

Rendered = Callable[[ApiReply | StreamReply], Reply | StreamReply]


async def once(
    api: ApiContext, route: ApiRoute, request: ApiRequest, path: str, rendered: Rendered
) -> Reply | StreamReply:
    """The reply to a POST, carried out or kept. Raises ``KeyReused``, ``Conflict``, and as the handler."""
    name = request.headers.get(b"idempotency-key")
    if name is None:
        return rendered(await route.handler(api, request))
    if not _NAME.fullmatch(name):
        fault = f"must be 1 to {MAX_NAME} printable ASCII characters without spaces"
        raise InvalidRequest(f"The header Idempotency-Key {fault}.", [("Idempotency-Key", fault)])
    key, now = request.caller.key.id, api.now()
    digest = _digest(request, path)
    await _release(api)
    home = await api.registry.directory(request.path.get("directory", ""))
    earlier = await api.registry.claim(key, name, digest, now, now - KEPT, home.id if home else None)
    if earlier is not None:
        return _again(earlier, digest)
    try:
        reply = rendered(await route.handler(api, request))
    except OutcomeUnknown:
        raise
    except (errors.ScimError, StoreUnavailable):
        if len(api.unreleased) < MAX_UNRELEASED:
            api.unreleased.add((key, name))
        with contextlib.suppress(StoreUnavailable):
            await _release(api)
        raise
    if isinstance(reply, Reply):
        with contextlib.suppress(StoreUnavailable):  # it is done, whether or not that can be noted now
            await api.registry.settle(key, name, reply.status, None if route.secret else reply.body)
    return reply


async def _release(api: ApiContext) -> None:
    """Give the keys free of requests that changed nothing. Raises ``StoreUnavailable``."""
    for claimed in tuple(api.unreleased):
        await api.registry.release(*claimed)
        api.unreleased.discard(claimed)


def _again(earlier: Answered, digest: bytes) -> Reply:
    if earlier.digest != digest:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one for each request.")
    if earlier.status is None:
        raise errors.Conflict(
            "A request with this Idempotency-Key is being carried out, or was broken off. Look whether what "
            "it makes is there, and send it again with a new key if not."
        )
    if earlier.body is None:
        raise errors.Conflict(
            "This request was carried out already. Its reply held a secret, or told of somebody who is "
            "erased, so it is kept nowhere and cannot be shown again. If a secret did not arrive, revoke "
            "what was made and send it again with a new key."
        )
    headers = ((b"idempotency-replayed", b"true"),)
    return Reply(earlier.status, earlier.body, headers, content_type=(b"content-type", JSON.encode()))


def _digest(request: ApiRequest, path: str) -> bytes:
    body = orjson.dumps(request.body, option=orjson.OPT_SORT_KEYS)
    query = orjson.dumps(dict(request.query), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(orjson.dumps([path, query.decode(), body.decode()])).digest()
