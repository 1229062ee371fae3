"""Traces reach a collector by OTLP: the six steps of a request in one trace, and nothing of anybody in it."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from judges.harness import PATCH_OP, SEARCH, Server, environment, free_port, running, scim_client, user
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from rosterd.service.audit import ITSELF
from rosterd.wiring import Settings, SettingsError, open_service
from rosterd.wiring.tracing import tracing_of

STEPS = ["admit", "decode", "check", "commit", "render"]
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SERVER, CLIENT = Span.SpanKind.SPAN_KIND_SERVER, Span.SpanKind.SPAN_KIND_CLIENT


@dataclass
class Collector:
    """Takes traces at ``/v1/traces`` and webhooks anywhere else, and keeps both."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    hooks: list[Mapping[str, str]] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def spans(self) -> list[Span]:
        found = []
        for body in list(self.bodies):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services.add(attributes(resource.resource)["service.name"])
                for scope in resource.scope_spans:
                    found += scope.spans
        return found

    def trace(self, id: str, enough: Callable[[list[Span]], bool]) -> list[Span]:
        """The spans of a trace in order of their beginnings, once there are enough."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = [span for span in self.spans() if span.trace_id.hex() == id]
            if enough(found):
                return sorted(found, key=lambda span: span.start_time_unix_nano)
            time.sleep(0.05)
        raise AssertionError(f"not enough of the trace {id}: {[s.name for s in self.spans()]}")


def attributes(of: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in of.attributes}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                kept.bodies.append(body)
            else:
                kept.hooks.append(dict(self.headers.items()))
            self.send_response(200 if self.path != "/refused" else 410)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kept
        server.shutdown()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "ROSTERD_TRACES": "on",
        "ROSTERD_EGRESS_ALLOW": "127.0.0.0/8",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "provisioning",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in settings.items():
            patched.setenv(name, value)
        with running(tmp_path_factory.mktemp("traces") / "data") as server:
            yield server


async def prepared(data: Path, name: str, hook: str | None = None, **batching: int) -> str:
    """A directory and a connection of this name, and a webhook; the token. Beside the running server."""
    async with open_service(Settings(data=data, egress_allow="127.0.0.0/8")) as service:
        home = await service.directories.create(name, by=ITSELF)
        line = await service.connections.create(home, name, by=ITSELF)
        _, token = await service.tokens.issue(home.id, line.id, by=ITSELF)
        if hook is not None:
            await service.webhooks.create(hook, by=ITSELF, directory=home.id, **batching)
        return token


def steps_of(spans: list[Span], request: Span) -> list[str]:
    return [span.name for span in spans if span.parent_span_id == request.span_id]


def test_a_post_is_one_trace_with_the_six_steps_in_order(traced: Server, collector: Collector) -> None:
    token = asyncio.run(prepared(traced.data, "acme", f"{collector.url}/hook"))
    with scim_client(traced.base_url, token) as client:
        body = user("anna@example.com", displayName="Anna", emails=[{"value": "anna@example.com"}])
        sent = {"traceparent": PARENT, "tracestate": "anna=example.com", "user-agent": "anna-agent"}
        reply = client.post("/Users", json=body, headers=sent)
    assert reply.status_code == 201
    trace = PARENT.split("-")[1]
    spans = collector.trace(trace, lambda found: len(found) == 7)
    (request,) = (span for span in spans if span.kind == SERVER)
    assert request.parent_span_id.hex() == PARENT.split("-")[2]
    assert request.name == "POST /scim/v2/Users"
    assert steps_of(spans, request) == [*STEPS, "deliver"]
    told = attributes(request)
    assert {name: told[name] for name in told if not name.startswith("rosterd.")} == {
        "http.request.method": "POST",
        "http.route": "/scim/v2/Users",
        "http.response.status_code": 201,
        "url.scheme": "http",
    }
    assert set(told) >= {"rosterd.directory", "rosterd.connection"}
    ends = [span.end_time_unix_nano for span in spans if span.kind not in (SERVER, CLIENT)]
    begins = [span.start_time_unix_nano for span in spans if span.kind not in (SERVER, CLIENT)]
    assert begins == [request.start_time_unix_nano, *ends[:-1]]
    assert ends[-1] <= request.end_time_unix_nano
    (deliver,) = (span for span in spans if span.kind == CLIENT)
    assert [link.span_id for link in deliver.links] == [request.span_id]
    assert attributes(deliver)["http.response.status_code"] == 200
    assert collector.hooks[-1]["traceparent"] == f"00-{trace}-{deliver.span_id.hex()}-01"
    assert reply.headers["x-request-id"] == f"{trace}-{request.span_id.hex()}"
    lines = [json.loads(line) for line in log_of(traced).splitlines() if '"trace_id"' in line]
    assert [line["request_id"] for line in lines if line["trace_id"] == trace] == [
        reply.headers["x-request-id"]
    ]
    assert collector.services == {"provisioning"}


def log_of(server: Server) -> str:
    port = server.origin.rpartition(":")[2]
    return (server.data.parent / f"{server.data.name}-{port}.log").read_text()


FAULTS = [
    ("GET", "/Users/nobody@example.com", {}, None, 404, "/scim/v2/Users/{id}", ["admit", "decode", "commit"]),
    ("GET", "/Users?filter=userName+is+anna", {}, None, 400, "/scim/v2/Users", ["admit", "decode", "commit"]),
    (
        "POST",
        "/Users/.search",
        {},
        {"schemas": [SEARCH], "filter": "userName is anna"},
        400,
        "/scim/v2/Users/.search",
        ["admit", "decode", "commit"],
    ),
    ("POST", "/Users", {}, {"schemas": []}, 400, "/scim/v2/Users", ["admit", "decode", "check"]),
    ("POST", "/Users", {}, user("bert"), 409, "/scim/v2/Users", ["admit", "decode", "check", "commit"]),
    ("POST", "/Users", {"authorization": "Bearer no"}, user("x"), 401, "/scim/v2/{endpoint}", ["admit"]),
    ("GET", "/Anna", {}, None, 404, "/scim/v2/{endpoint}", ["admit", "decode", "commit"]),
    ("PATCH", "/Users/x", {}, {"schemas": [PATCH_OP]}, 400, "/scim/v2/Users/{id}", STEPS[:3]),
    (
        "GET",
        "/ServiceProviderConfig",
        {},
        None,
        200,
        "/scim/v2/ServiceProviderConfig",
        [*STEPS[:2], "render"],
    ),
    ("GET", "/Users", {}, None, 200, "/scim/v2/Users", ["admit", "decode", "commit", "render"]),
]


def test_refusals_have_their_status_and_end_where_they_were_refused(
    traced: Server, collector: Collector
) -> None:
    token = asyncio.run(prepared(traced.data, "faults"))
    with scim_client(traced.base_url, token) as client:
        client.post("/Users", json=user("bert"))
        for number, (method, path, headers, body, status, route, steps) in enumerate(FAULTS, 1):
            trace = f"{number:032x}"
            parent = f"00-{trace}-00f067aa0ba902b7-01"
            sent = {**headers, "traceparent": parent, "tracestate": "no state but Anna's"}
            assert client.request(method, path, json=body, headers=sent).status_code == status, path
            spans = collector.trace(trace, lambda found: any(span.kind == SERVER for span in found))
            (request,) = (span for span in spans if span.kind == SERVER)
            assert attributes(request)["http.route"] == route
            assert request.name == f"{method} {route}"
            assert attributes(request)["http.response.status_code"] == status
            assert request.status.code == Status.STATUS_CODE_UNSET
            assert steps_of(spans, request) == steps, path
        traced.cli("connection", "pause", "faults", "-d", "faults")
        trace = f"{99:032x}"
        sent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        assert client.get("/Users", headers=sent).status_code == 503
        spans = collector.trace(trace, lambda found: len(found) == 2)
        assert [span.status.code for span in spans] == [Status.STATUS_CODE_ERROR] * 2


def test_a_message_of_several_requests_is_linked_to_each(traced: Server, collector: Collector) -> None:
    hook = f"{collector.url}/refused"
    token = asyncio.run(prepared(traced.data, "batches", hook, max_events=10, max_wait=1))
    with scim_client(traced.base_url, token) as client:
        ids = [client.post("/Users", json=user(f"u{n}")).headers["x-request-id"] for n in range(3)]
        unsampled = {"traceparent": PARENT.replace("4bf9", "4bfa")[:-1] + "0"}
        plain = client.post("/Users", json=user("plain"), headers=unsampled).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", plain)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = [s for s in collector.spans() if s.kind == CLIENT and len(s.links) == 3]
        if found:
            break
        time.sleep(0.05)
    (deliver,) = found
    assert [f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in deliver.links] == ids
    assert deliver.parent_span_id == b""
    assert attributes(deliver)["error.type"] == "410"
    assert deliver.status.code == Status.STATUS_CODE_ERROR


def test_nobody_is_in_a_trace(traced: Server, collector: Collector) -> None:
    """After the requests above: no name, no address, no text of a client, no token."""
    assert len(collector.spans()) > 30
    told = b"".join(collector.bodies).lower()
    for word in (b"anna", b"bert", b"example.com", b"nobody", b"bearer", b"rst_", b"username", b"/hook"):
        assert word not in told, word
    assert "anna" not in log_of(traced).lower()


def test_without_a_collector_requests_are_answered_and_the_server_ends(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ROSTERD_TRACES", "on")
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
        patched.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
        patched.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
        with running(tmp_path / "data") as server:
            token = asyncio.run(prepared(server.data, "acme"))
            with scim_client(server.base_url, token) as client:
                for number in range(50):
                    assert client.post("/Users", json=user(f"u{number}")).status_code == 201


def test_traces_that_are_off_load_nothing() -> None:
    program = (
        "import sys, rosterd.wiring, rosterd.wiring.service; from rosterd.wiring import Settings;"
        "from rosterd.wiring.tracing import tracing_of; assert tracing_of(Settings()) is None;"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert done.stdout == "[]\n", done.stderr


def test_traces_without_the_packages_are_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rosterd.wiring.spans", None)
    with pytest.raises(SettingsError, match=r"pip install 'rosterd\[traces\]'"):
        tracing_of(Settings(traces="on"))
