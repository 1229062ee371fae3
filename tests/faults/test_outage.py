"""While PostgreSQL is away every request is refused, soon or at once; then requests and webhooks go on."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.faulty import Faulty, post
from faults.clusters import Cluster, alone, wait_until
from faults.receiver import receiver
from faults.site import LONG, served


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
    with (
        receiver() as (url, got),
        alone() as cluster,
        served(cluster.url(), tmp_path, count=1, egress_allow="127.0.0.1/32") as (_, (server,)),
    ):
        server.cli("webhook", "create", url)
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
            wait_until(lambda name=name: name in str(got), f"{name} is not delivered")
