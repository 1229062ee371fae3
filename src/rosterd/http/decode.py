"""Step 2, decode: bytes → JSON value, within limits (400, 413)."""

import gc
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

import orjson

from rosterd.http.headers import Headers
from rosterd.http.reply import Receive
from rosterd.scim import errors
from rosterd.scim.amount import MOST_BYTES

MAX_BODY: Final = 16 * 1024 * 1024
MAX_SINGLE: Final = 4 * MOST_BYTES
"""Of a request for one resource without members: JSON may be longer than what is kept of it."""
LARGE: Final = 1 << 20
"""Bytes of a body from which on other requests would notice what is done with it at once."""
MAX_DEPTH: Final = 32
MAX_QUERY: Final = 64 * 1024
MAX_PARAMETERS: Final = 100


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


async def read_body(receive: Receive, headers: Headers, limit: int = MAX_BODY) -> bytes:
    """The whole body; raises ``PayloadTooLarge`` as soon as it is known to pass the limit."""
    declared = headers.raw(b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def _too_large(limit: int) -> errors.PayloadTooLarge:
    return errors.PayloadTooLarge(f"The request body is larger than {limit} bytes; send less at a time.")


def parse_json(body: bytes) -> Any:
    """The JSON value; raises ``InvalidSyntax`` for anything else, an empty body or too deep a nesting."""
    try:
        value = orjson.loads(body) if len(body) < LARGE else _without_collecting(body)
    except orjson.JSONDecodeError as error:
        if not body.strip():
            raise errors.InvalidSyntax("The request has no body; a JSON object is expected.") from None
        raise errors.InvalidSyntax(f"The body is not valid JSON: {error}.") from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if not isinstance(value, dict):
        raise errors.InvalidSyntax("The body must be a JSON object.")
    return value


def _without_collecting(body: bytes) -> Any:
    """Each of millions of new objects would be looked at again and again, and none is garbage yet."""
    if not gc.isenabled():
        return orjson.loads(body)
    gc.disable()
    try:
        return orjson.loads(body)
    finally:
        gc.enable()


def _check_depth(value: Any) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for node in level
            for inner in (node if node.__class__ is list else node.values())
            if inner.__class__ is dict or inner.__class__ is list
        ]
        if not level:
            return
    raise errors.InvalidSyntax(f"The body nests deeper than {MAX_DEPTH} levels.")


def parse_query(raw: bytes) -> Sequence[tuple[str, str]]:
    """The query parameters in order; raises ``InvalidSyntax`` if they are not UTF-8 or too many."""
    if not raw:
        return ()
    if len(raw) > MAX_QUERY:
        raise errors.InvalidSyntax(f"The query string is longer than {MAX_QUERY} bytes; use POST .search.")
    try:
        parts = raw.decode("utf-8").split("&")
        if len(parts) > MAX_PARAMETERS:
            raise ValueError("too many parameters")
        pairs = [part.partition("=") for part in parts if part]
        return [(_decoded(name), _decoded(value)) for name, _, value in pairs]
    except ValueError as error:
        raise errors.InvalidSyntax("The query string is not valid UTF-8 with percent-encoding.") from error


def _decoded(text: str) -> str:
    """A part of ``application/x-www-form-urlencoded``; raises ``ValueError`` unless it is UTF-8."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    if text.isascii():
        return unquote_to_bytes(text).decode("utf-8")
    return unquote(text, errors="strict")  # which decodes what stands between other characters by itself
