"""One request's place in its connection's rate: what it takes, and the headers that say what is left.

The headers are the three of draft-ietf-httpapi-ratelimit-headers-06: ``RateLimit-Limit`` (requests that may
come at once), ``RateLimit-Remaining``, and ``RateLimit-Reset`` (whole seconds until all of them may come
again; in a refusal the same as ``Retry-After``).
"""

from functools import lru_cache
from typing import Any, Final

from rosterd.http.reply import Header
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service import limits
from rosterd.service.caller import WRITE, Caller
from rosterd.service.limits import Throttle

_KEPT: Final = 256
"""Headers that are remembered."""


def take(throttle: Throttle, request: Request, caller: Caller, scope: str | None, cost: int = 1) -> None:
    """Take ``cost`` requests of the scope's class, and note the headers, which belong to the answer whatever
    that is. Raises ``TooManyRequests``."""
    connection = caller.connection
    kind = limits.WRITE if scope == WRITE else limits.READ
    allowed = connection.policy.limits
    quota = throttle.take(connection.directory, connection.id, kind, allowed, cost)
    if quota is None:
        return
    request.rate = told(quota.limit, quota.remaining, quota.reset)
    if quota.wait:
        raise errors.TooManyRequests(
            f"Connection '{connection.name}' may send {allowed.rate(kind)} {kind} requests a second, and "
            f"{quota.limit} at once. Try again in {quota.wait} s. An administrator can raise it: "
            f"'rosterd connection update {connection.name} --directory {caller.directory.name} "
            f"--{kind}-rate …'.",
            retry_after=quota.wait,
        )


@lru_cache(_KEPT)
def told(limit: int, remaining: int, reset: int) -> tuple[Header, ...]:
    """The headers of a bucket. They are mostly the same: one that fills quicker than it is used is full."""
    return (
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % remaining),
        (b"ratelimit-reset", b"%d" % reset),
    )


def operations(body: Any) -> int:
    """How many requests a bulk request counts as: one for each operation, and at least one."""
    if not isinstance(body, dict):
        return 1
    listed = next((v for k, v in body.items() if k.casefold() == "operations"), None)
    return max(1, len(listed)) if isinstance(listed, list) else 1
