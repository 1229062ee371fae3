"""The log's one line for each request: what was asked in kind, what came of it, never what was in it."""

import time
from collections.abc import Iterable
from typing import Any

import structlog

from rosterd.http.reply import Reply, Scope
from rosterd.http.request import Request

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


def answered_together(answered: Iterable[tuple[Request, Reply]]) -> None:
    """The same of SCIM requests, a line for each: at once, if the logger can do that (``wiring.logs``)."""
    log = _log.bind()
    lines = [_line(request, reply) for request, reply in answered]
    together = getattr(log, "together", None)
    if together is not None:
        together("request", lines)
    else:
        for line in lines:
            log.info("request", **line)


def _line(request: Request, reply: Reply) -> dict[str, Any]:
    asker = request.asker
    line: dict[str, Any] = {
        "method": request.method,
        "route": request.match.template,
        "status": reply.status,
        "ms": int((request.sent - request.started) * 100_000) / 100,
        "request_id": request.id,
        "connection": None if asker is None else asker.connection.id,
    }
    if request.trace_id is not None:
        line["trace_id"] = request.trace_id
    return line
