"""While PostgreSQL is away every request is refused, soon or at once; then requests and webhooks go on."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from e2e.faulty import Faulty, post
from faults.clusters import Cluster, alone, wait_until
from faults.site import LONG, served


@contextmanager
def receiver() -> Iterator[tuple[int, list[str]]]:
    """The port of somebody who takes webhooks, and the names in them."""
    got: list[str] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            got.append(json.dumps(message))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, got
        finally:
            server.shutdown()
            thread.join()


def gone(cluster: Cluster) -> Callable[[], None]:
    cluster.kill()
    return cluster.start


def stopped(cluster: Cluster) -> Callable[[], None]:
    cluster.stop()
    return cluster.start


def hung(cluster: Cluster) -> Callable[[], None]:
    cluster.freeze()
    return cluster.thaw


def refused(server: Faulty, name: str) -> None:
    with server.client() as http:
        reply = post(http, name)
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) > 0


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="a part of make faults")
def test_requests_are_refused_meanwhile_and_webhooks_go_on_afterwards(tmp_path: Path) -> None:
    with receiver() as (port, got), alone() as cluster:
        allowed = {"egress_allow": "127.0.0.1/32", "egress_ports": str(port)}
        with served(cluster.url(), tmp_path, count=1, **allowed) as (_, (server,)):
            server.cli("webhook", "create", f"http://127.0.0.1:{port}/")
            for harm in (gone, stopped, hung):
                over = harm(cluster)
                for turn in range(3):
                    refused(server, f"during-{harm.__name__}-{turn}")
                server.until("/readyz", 503)
                assert server.status("/healthz") == 200
                time.sleep(2)
                over()
                server.until("/readyz", 200)
                name = f"after-{harm.__name__}"
                with server.client() as http:
                    assert post(http, name).status_code == 201
                wait_until(lambda name=name: any(name in each for each in got), f"{name} is not delivered")
