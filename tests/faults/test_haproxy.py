"""Two rosterds behind the HAProxy of ``deploy/haproxy.cfg``: if one dies, what is under way there fails."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from faults.access import Access
from faults.clusters import alone, wait_until
from faults.haproxy import answers, balanced
from faults.history import ANSWERED, UNKNOWN
from faults.model import end_state
from faults.site import LONG, Run, loaded, nothing_is_wrong, served
from judges.harness import NO_TLS, SCIM_JSON, user

SOME = 300 if LONG else 60


def killed_and_started(run: Run, number: int) -> None:
    """What began after the kill must be answered by the other one, at once."""
    server = run.servers[number]
    server.kill()
    moment = time.monotonic_ns()
    run.more(SOME)
    server.start()
    run.more(SOME)
    failed = [
        each.text()
        for each in run.history
        if each.began > moment and (each.outcome != ANSWERED and (each.status or 599) >= 500)
    ]
    assert failed == []
    assert {each.status for each in run.history if each.outcome == UNKNOWN} <= {None, 502}


def requests_are_told_where_they_come_from(client: httpx.Client, may: Access) -> None:
    """And what a client says of that is not believed."""
    made = client.post("/scim/v2/Users", json=user("behind"), headers={"Host": "scim.example.com"})
    assert made.json()["meta"]["location"].startswith("https://scim.example.com/scim/v2/Users/")
    refused = [
        client.get(
            "/scim/v2/Users",
            headers={"Authorization": "Bearer wrong", "X-Forwarded-For": f"198.51.{number}.1"},
        ).status_code
        for number in range(40)
    ]
    assert 429 in refused
    assert client.get("/metrics").status_code == 404


def streams_come_through(client: httpx.Client, may: Access) -> None:
    """As they are written."""
    headers = {"Authorization": f"Bearer {may.key}", "Accept": "text/event-stream"}
    with client.stream("GET", "/api/v1/events?after=now", headers=headers) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 3000"
        made = client.post("/scim/v2/Users", json=user("streamed"))
        assert made.status_code == 201, made.text
        assert any("streamed" in line for line in lines)
    page = client.get(
        "/api/v1/events?after=now&wait=3", headers={"Authorization": f"Bearer {may.key}"}
    ).json()
    assert page["events"] == []


@pytest.mark.slow
def test_one_server_may_die_and_the_database_may_be_away(tmp_path: Path) -> None:
    with (
        alone() as cluster,
        served(cluster.url(), tmp_path, failure_rate="20") as (may, servers),
        balanced((servers[0].port, servers[1].port), tmp_path) as origin,
        httpx.Client(
            base_url=origin, verify=NO_TLS, timeout=30,
            headers={"Authorization": f"Bearer {may.token}", "Content-Type": SCIM_JSON},
        ) as client,
    ):  # fmt: skip
        streams_come_through(client, may)
        requests_are_told_where_they_come_from(client, may)
        with loaded(servers, may, tmp_path, urls=[origin]) as run:
            run.more(SOME)
            for number in (0, 1, 0, 1) if LONG else (0,):
                killed_and_started(run, number)
        nothing_is_wrong(run.load.history, asyncio.run(end_state(origin, may)), tmp_path)

        cluster.configure(default_transaction_read_only="on")
        wait_until(lambda: not answers(origin), "it is still ready")
        assert client.get("/scim/v2/Users?count=1").status_code == 200
        refused = client.post("/scim/v2/Users", json=user("refused"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        for server in servers:
            server.kill()
        # On a connection of its own: one that was used before may just end, like those to the servers.
        gone = httpx.post(f"{origin}/scim/v2/Users", json=user("gone"), headers=client.headers, verify=NO_TLS)
        assert (gone.status_code, gone.headers["retry-after"]) == (503, "5")
        assert gone.headers["content-type"] == SCIM_JSON
        assert json.loads(gone.text).keys() == refused.json().keys()
