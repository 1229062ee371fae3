"""Traces by OpenTelemetry: one of each SCIM request, its steps below it, the deliveries of its events too.

id         of a traced request: its trace and its span, ``<32 digits>-<16 digits>``. Events keep the id of
           their request, so whoever delivers one knows the trace, in any process and however much later
deliver    is in the trace of the request that all its events came from; a message of several requests is a
           trace of its own, with links to them
told       is what a trace needs: methods, routes, statuses, numbers of directories and connections. Addresses
           of resources, queries, headers, names and bodies are not
queue      is the SDK's, bounded; another thread sends what is in it, and nobody waits for that
"""

import re
import time
from collections.abc import Mapping
from importlib import metadata
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rosterd.http.reply import Scope
from rosterd.http.request import Request
from rosterd.http.scim import SCIM_PATH
from rosterd.http.spans import steps
from rosterd.scim import errors
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome

LINKS: Final = 32
"""The most requests that a delivery is linked to."""
CLOSE_SECONDS: Final = 2.0
"""How long the last traces are waited for at the end."""
_ID: Final = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))
_OTHER: Final = "_OTHER"
_PARENT: Final = b"traceparent"
"""``tracestate`` is not read: it is text that a client wrote, which would go into traces and the log."""
_NOWHERE: Final = Context()
"""The context of nobody: an application around rosterd has spans of its own."""
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def open_tracer() -> "Tracer":
    """What sends traces to where the variables ``OTEL_…`` say."""
    version = metadata.version("rosterd")
    own = Resource({"service.name": "rosterd", "service.version": version})
    provider = TracerProvider(
        resource=Resource.create().merge(own).merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracer(provider, exporter, version)


class Tracer:
    """See ``http.spans.Spans`` and ``delivery.spans.DeliverySpans``."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter, version: str) -> None:
        self._provider = provider
        self._exporter = exporter
        self._tracer = provider.get_tracer("rosterd", version)

    def close(self) -> None:
        """Send what is left, if that can be done soon; a collector that is away is not waited for."""
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self._exporter.shutdown()

    def begin(self, scope: Scope, started: float) -> "RequestSpan | None":
        """See ``Spans.begin``."""
        parents = [value.decode("latin-1") for name, value in scope["headers"] if name == _PARENT]
        context = _PROPAGATOR.extract({"traceparent": parents}, _NOWHERE) if len(parents) == 1 else _NOWHERE
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        offset = time.time_ns() - round(time.perf_counter() * 1e9)
        span = self._tracer.start_span(
            method,
            context,
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.scheme": _scheme(scope)},
            start_time=offset + round(started * 1e9),
            record_exception=False,
        )
        return RequestSpan(self, span, method, offset) if span.is_recording() else None

    def deliver(self, endpoint: Endpoint, message: Message) -> "SentSpan | None":
        """See ``DeliverySpans.deliver``."""
        causes = [found for found in map(_ID.fullmatch, message.causes[:LINKS]) if found]
        links = [_link(found[1], found[2]) for found in causes]
        context = _NOWHERE
        if len(links) == len(message.causes) == 1:
            context = trace.set_span_in_context(NonRecordingSpan(links[0].context), context)
        place = urlsplit(endpoint.url)
        attributes: dict[str, Any] = {
            "http.request.method": "POST",
            "server.address": place.hostname or "",
            "rosterd.webhook": endpoint.id,
            "rosterd.message": message.id,
        }
        span = self._tracer.start_span(
            "deliver", context, kind=SpanKind.CLIENT, attributes=attributes, links=links
        )
        return SentSpan(span) if span.is_recording() else None

    def step(self, name: str, parent: trace.Span, begin: int, end: int, *, failed: bool) -> None:
        """A step below a request; times in nanoseconds since the epoch."""
        context = trace.set_span_in_context(parent, _NOWHERE)
        span = self._tracer.start_span(name, context, start_time=begin)
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(end)


class RequestSpan:
    """See ``http.spans.Span``."""

    __slots__ = ("_method", "_offset", "_span", "_tracer", "request_id", "trace_id")

    def __init__(self, tracer: Tracer, span: trace.Span, method: str, offset: int) -> None:
        self._tracer = tracer
        self._span = span
        self._method = method
        self._offset = offset
        context = span.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.request_id = f"{self.trace_id}-{context.span_id:016x}"

    def end(self, status: int | None, request: Request, ended: float) -> None:
        """See ``Span.end``."""
        span, fault = self._span, status is not None and status >= 500
        span.set_attributes(_attributes(status, request))
        route = _route(request)
        if route:
            span.set_attribute("http.route", route)
            span.update_name(f"{self._method} {route}")
        found = list(steps(request, ended))
        for place, (name, begin, end) in enumerate(found, 1):
            failed = fault and place == len(found)
            self._tracer.step(name, span, self._at(begin), self._at(end), failed=failed)
        if fault:
            span.set_status(StatusCode.ERROR)
        span.end(self._at(ended))

    def _at(self, seconds: float) -> int:
        return self._offset + round(seconds * 1e9)


class SentSpan:
    """See ``delivery.spans.DeliverySpan``."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    def end(self, outcome: Outcome | None) -> None:
        """See ``DeliverySpan.end``."""
        status = None if outcome is None else outcome.status
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
        if outcome is None or not outcome.accepted:
            why = "broken off" if outcome is None else str(status or "no answer")
            self._span.set_attribute("error.type", why)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _link(trace_id: str, span_id: str) -> Link:
    return Link(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=_SAMPLED))


def _attributes(status: int | None, request: Request) -> Mapping[str, Any]:
    """What is told of a request: nothing that a client could have written itself."""
    found: dict[str, Any] = {}
    if status is not None:
        found["http.response.status_code"] = status
    if status is None or status >= 500:
        found["error.type"] = "client gone" if status is None else str(status)
    if isinstance(request.error, errors.ScimError) and request.error.scim_type:
        found["rosterd.scim_type"] = request.error.scim_type
    if request.credential is not None:
        found["rosterd.directory"] = request.credential.directory.id
        found["rosterd.connection"] = request.credential.connection.id
    return found


def _route(request: Request) -> str:
    """The template of the address, with the resource type's own endpoint where there is such a type."""
    match = request.match
    if not match.template:
        return ""
    known = request.kind
    template = (
        match.template if known is None else match.template.replace("{endpoint}", known.endpoint.strip("/"))
    )
    return SCIM_PATH + template


def _scheme(scope: Scope) -> str:
    return "https" if scope.get("scheme") == "https" else "http"
