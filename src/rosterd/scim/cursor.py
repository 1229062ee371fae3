"""A cursor is a place in one listing, sealed: it opens for the same query and connection, until it expires.

It holds the sort key and number of the last resource given (keyset paging), so the server keeps
nothing, and nothing is skipped or given twice when resources come and go between two pages. It is
signed, not encrypted: the key it holds is one the client has just been given. Source: RFC 9865 §2.

    cursor    = base64url(payload tag)
    payload   = JSON array [expires, seq, key, extra …]
    tag       = first 128 bits of HMAC-SHA256(secret, binding payload)
    binding   = SHA-256 over what the cursor is bound to; 32 bytes, so the join is unambiguous
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final

from rosterd.scim.errors import ExpiredCursor, InvalidCursor
from rosterd.scim.filter import AttrPath, Filter, print_filter
from rosterd.scim.index import Scalar

_TAG: Final = 16


@dataclass(frozen=True, slots=True)
class Place:
    """What a cursor holds: a sort key (``None``: none) and number, and integers of the caller's own."""

    seq: int
    key: Scalar | None = None
    extra: tuple[int, ...] = ()


def binding(
    *,
    endpoint: str,
    filter: Filter | None,
    sort_by: AttrPath | None,
    descending: bool,
    directory: int,
    connection: int | None,
) -> bytes:
    """The digest of what a cursor belongs to.

    Letter case is ignored, as in the RFC's own example (``userName``, then ``username``); ``count``
    and the projection may change from page to page. A cursor of releases that put resources without
    a value last in a descending order, too, is of another query: it would lead past them.
    """
    order = "without first" if descending and sort_by else descending
    query = [
        endpoint.strip("/").casefold(),
        None if filter is None else print_filter(filter).casefold(),
        None if sort_by is None else str(sort_by).casefold(),
        order,
        directory,
        connection,
    ]
    return hashlib.sha256(json.dumps(query).encode()).digest()


def seal(
    seq: int,
    key: Scalar | None,
    *,
    binding: bytes,
    secret: bytes,
    expires: int,
    extra: tuple[int, ...] = (),
) -> str:
    """A cursor for the place behind ``seq`` and ``key``; ``expires`` in ms since the epoch."""
    text = json.dumps([expires, seq, key, *extra], ensure_ascii=False, separators=(",", ":"))
    payload = text.encode("utf-8", "surrogatepass")  # the pair of what json.loads does with bytes
    return _encode(payload + _tag(payload, binding, secret))


def unseal(text: str, *, binding: bytes, secret: bytes, now: int) -> Place:
    """Open a cursor; ``now`` in ms since the epoch.

    Raises ``InvalidCursor`` if it was not sealed here for this binding, ``ExpiredCursor`` if it was
    but its time is over (RFC 9865 §2.1).
    """
    try:
        sealed = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except ValueError as error:
        raise InvalidCursor() from error
    payload, tag = sealed[:-_TAG], sealed[-_TAG:]
    # Base64 has several spellings of one value, only one of which is ours.
    if not hmac.compare_digest(tag, _tag(payload, binding, secret)) or _encode(sealed) != text:
        raise InvalidCursor("The cursor is not of this server, or of another query; start again without it.")
    expires, seq, key, *extra = json.loads(payload)
    if now >= expires:
        raise ExpiredCursor()
    return Place(seq, key, tuple(extra))


def _tag(payload: bytes, binding: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, binding + payload, "sha256")[:_TAG]


def _encode(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")
