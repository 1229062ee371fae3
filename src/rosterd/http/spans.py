"""What a SCIM request tells whoever keeps traces: which steps it went through, and when; never their data."""

from collections.abc import Iterator
from typing import Protocol

from rosterd.http.reply import Scope
from rosterd.http.request import Request

_READING = ("GET", "HEAD")


class Span(Protocol):
    """A request that is traced."""

    request_id: str
    """Its id, which also says where in which trace it is."""
    trace_id: str
    """32 hexadecimal digits (W3C Trace Context)."""

    def end(self, status: int | None, request: Request, ended: float) -> None:
        """Tell of it; ``status`` is ``None`` if the client has gone, ``ended`` by ``time.perf_counter``."""


class Spans(Protocol):
    """Keeps traces; never waits and never fails."""

    def begin(self, scope: Scope, started: float) -> Span | None:
        """The span of a request, unless it is not to be traced; ``started`` by ``time.perf_counter``."""


def steps(request: Request, ended: float) -> Iterator[tuple[str, float, float]]:
    """The steps that a request went through, each with its beginning and end.

    The last one is where it failed, if it did.
    """
    marks = [("admit", request.admitted), ("decode", request.decoded)]
    searches = request.match.template.endswith("/.search")
    if request.checked or not (request.method in _READING or searches):
        marks.append(("check", request.checked))
    marks.append(("commit", request.committed))
    at = request.started
    for step, end in marks:
        if not end:
            if request.error is not None:
                yield step, at, ended
                return
            continue  # what is answered without data, such as discovery, has no such step
        yield step, at, end
        at = end
    yield "render", at, ended
