"""Patroni fails a PostgreSQL over under load, again and again, and rosterd follows: nothing is lost.

A part of ``make faults``; ``FAULT_PATRONI=1 FAULT_SECONDS=60`` runs it alone.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from faults.clusters import wait_until
from faults.haproxy import to_the_primary
from faults.patroni import DEPLOYED, PASSWORD, TIMES, Node, Patroni, patroni
from faults.site import Run, asked, site

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))
TTL = TIMES["ttl"]


@pytest.fixture(scope="module")
def made() -> Iterator[Patroni]:
    """Two nodes with the database of rosterd."""
    if "FAULT_PATRONI" not in os.environ:
        pytest.skip("a part of make faults")
    with patroni() as running:
        yield running


def test_what_differs_between_nodes_is_in_the_environment(tmp_path: Path) -> None:
    lines = (DEPLOYED.parent / "patroni.env").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert named == set(Node(tmp_path, "one", "127.0.0.1:2379").environment)


@pytest.mark.slow
def test_nothing_is_lost_when_patroni_fails_over(made: Patroni, tmp_path: Path) -> None:
    with site(made.url("rosterd", target_session_attrs="read-write"), tmp_path) as run:
        end = time.monotonic() + SECONDS
        turns = 0
        while turns < 2 or time.monotonic() < end:
            leader, standby = made.settled()
            run.more(200)
            if turns % 2:
                what = random.choice((leader.kill_postgres, standby.kill))
            else:
                what = leader.kill
            with run.harm():
                what()
            if what != leader.kill_postgres:
                (leader if what == leader.kill else standby).start()
            whom = "the leader" if what != standby.kill else "the standby"
            print(f"\n{what.__name__} of {whom}: no change for {run.outages[-1]:.2f} s", end="")
            turns += 1
        made.settled()
        run.more(200)


def leader_killed(run: Run, made: Patroni) -> None:
    leader, _ = made.settled()
    with run.harm():
        leader.kill()
        run.refused_after(time.monotonic_ns())
    leader.start()


def etcd_lost(run: Run, made: Patroni) -> None:
    """Nobody may lead then; it is led again once etcd is back, and not before."""
    made.settled()
    with run.harm():
        made.etcd.kill()
        wait_until(lambda: not any(node.is_("leader") for node in made.nodes), "somebody still leads")
        run.refused_after(time.monotonic_ns())
        for server in run.servers:
            server.until("/readyz", 503)
            assert server.status("/healthz") == 200
            assert int(asked(server).headers["retry-after"]) > 0
        time.sleep(TTL)
        assert not any(node.is_("leader") for node in made.nodes)
        made.etcd.start()


@pytest.mark.slow
def test_etcd_is_lost_and_haproxy_leads_to_the_primary(made: Patroni, tmp_path: Path) -> None:
    with (
        to_the_primary(made.nodes, tmp_path / "haproxy") as port,
        # What the test before has written is there still, so its words must be others.
        site(f"postgres://rosterd:{quote(PASSWORD)}@127.0.0.1:{port}/rosterd", tmp_path, tag="b") as run,
    ):
        for harm in (leader_killed, etcd_lost):
            run.more(200)
            harm(run, made)
            print(f"\n{harm.__name__}: no change for {run.outages[-1]:.2f} s", end="")
        made.settled()
        run.more(200)
