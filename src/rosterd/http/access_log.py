"""The log's one line for each request: what was asked in kind, what came of it, never what was in it."""

import time
from collections.abc import Iterable, Mapping
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
    seconds = time.perf_counter() - started
    _log.bind().info("request", **_line(scope["method"], route, status, seconds, request_id, who))


def answered_together(answered: Iterable[tuple[Request, Reply]]) -> None:
    """The same of SCIM requests, a line for each: at once, if the logger can do that (``wiring.logs``)."""
    log = _log.bind()
    lines = [_line_of(request, reply) for request, reply in answered]
    together = getattr(log, "together", None)
    if together is not None:
        together("request", lines)
    else:
        for line in lines:
            log.info("request", **line)


def _line_of(request: Request, reply: Reply) -> dict[str, Any]:
    asker = request.asker
    who: dict[str, int | str | None] = {"connection": None if asker is None else asker.connection.id}
    if request.trace_id is not None:
        who["trace_id"] = request.trace_id
    seconds = request.sent - request.started
    return _line(request.method, request.match.template, reply.status, seconds, request.id, who)


def _line(
    method: str,
    route: str | None,
    status: int,
    seconds: float,
    request_id: str,
    who: Mapping[str, int | str | None],
) -> dict[str, Any]:
    return {
        "method": method,
        "route": route,
        "status": status,
        "ms": int(seconds * 100_000) / 100,
        "request_id": request_id,
        **who,
    }
