"""The log's one line for each request: what was asked in kind, what came of it, never what was in it."""

import time
from collections.abc import Mapping

import structlog

from rosterd.http.reply import Scope

_log = structlog.get_logger("rosterd.http")


def answered(
    scope: Scope,
    route: str | None,
    status: int,
    started: float,
    request_id: str,
    who: Mapping[str, int | str | None],
) -> None:
    """Tell of a request; ``started`` by ``time.perf_counter``, ``who`` by a public id."""
    # The logger itself: what stands in for it until the first line looks for it anew at each one.
    _log.bind().info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=int((time.perf_counter() - started) * 100_000) / 100,
        request_id=request_id,
        **who,
    )
