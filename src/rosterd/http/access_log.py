"""The log's one line for each request: what was asked in kind, what came of it, never what was in it."""

import time

import structlog

from rosterd.http.reply import Scope

_log = structlog.get_logger("rosterd.http")
# Lines are given to ``bind()``, the logger itself: what stands in for it until the first line looks for it
# anew at each one.


def answered(
    scope: Scope,
    route: str | None,
    status: int,
    started: float,
    request_id: str,
    **who: int | str | None,
) -> None:
    """Tell of a request; ``started`` by ``time.perf_counter``, ``who`` by a public id."""
    _log.bind().info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=int((time.perf_counter() - started) * 100_000) / 100,
        request_id=request_id,
        **who,
    )


def answered_connection(
    scope: Scope, route: str | None, status: int, started: float, request_id: str, connection: int | None
) -> None:
    """The same of what a connection asked: without a mapping of names, which would be copied twice."""
    _log.bind().info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=int((time.perf_counter() - started) * 100_000) / 100,
        request_id=request_id,
        connection=connection,
    )
