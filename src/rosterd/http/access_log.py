"""The log's one line for each request: what was asked in kind, what came of it, never what was in it."""

import time

import structlog

from rosterd.http.reply import Scope

_log = structlog.get_logger("rosterd.http")


def answered(
    scope: Scope, route: str | None, status: int, started: float, request_id: str, **who: int | str | None
) -> None:
    """Tell of a request; ``started`` by ``time.perf_counter``, ``who`` by a public id."""
    _log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=int((time.perf_counter() - started) * 100_000) / 100,
        request_id=request_id,
        **who,
    )
