"""The network between two PostgreSQL, one the synchronous replica of the other, and two rosterds is split.

Whoever is cut off from a primary that may acknowledge says 503, nothing is acknowledged that is lost, and all
of it works again by itself.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from e2e.faulty import Faulty, post
from faults.access import Access, access
from faults.clusters import Cluster, follow, owned_folder, program, url_of, wait_until
from faults.model import end_state
from faults.network import ClusterThere, Network, ServerThere, network
from faults.patroni import patroni
from faults.site import LONG, Run, asked, loaded, nothing_is_wrong

from rosterd.wiring import Settings

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not LONG, reason="a part of make faults")]
SOME = 150

_numbers = itertools.count()


@contextmanager
def world(folder: Path) -> Iterator[tuple[Network, list[ClusterThere], Access, list[Faulty]]]:
    """Four places: ``one`` has the primary, ``two`` its replica, ``a`` and ``b`` have rosterds."""
    program("initdb")
    with ExitStack() as stack:
        net = stack.enter_context(network("one", "two", "a", "b"))
        place = owned_folder("rosterd-split-")
        one, two = clusters = [ClusterThere(place, name, net[name]) for name in ("one", "two")]
        for cluster in clusters:
            stack.callback(cluster.end)
        one.create()
        one.start()
        follow(two, one, fresh=True)
        may, servers = stack.enter_context(serving(net, url_of(one, two), folder))
        yield net, clusters, may, servers


@contextmanager
def serving(net: Network, url: str, folder: Path) -> Iterator[tuple[Access, list[Faulty]]]:
    """A rosterd at ``a`` and one at ``b``."""
    with net["a"].inside():
        may = asyncio.run(access(Settings(data=folder, database_url=url)))
    servers = [ServerThere(folder / name, may.token, net[name], database_url=url) for name in ("a", "b")]
    try:
        for server in servers:
            server.start()
            server.until("/readyz", 200)
        yield may, [*servers]
    finally:
        for server in servers:
            if server.process is not None:
                server.kill()


def tried(server: Faulty) -> int:
    """The status of a change; a refusal says when to come again."""
    with server.client() as http:
        reply = post(http, f"tried-{next(_numbers)}")
    assert reply.status_code in (201, 503), reply.text
    assert reply.status_code == 201 or int(reply.headers["retry-after"]) > 0
    return reply.status_code


def refuses(server: Faulty, seconds: float = 0.0) -> None:
    """It takes no change, and goes on so."""
    end = time.monotonic() + seconds
    while True:
        assert tried(server) == 503
        if time.monotonic() > end:
            return
        time.sleep(0.2)


def replica_cut_off(run: Run, net: Network) -> None:
    """COMMIT waits for it; what was acknowledged can be read."""
    with run.harm():
        net.cut("two")
        run.refused_after(time.monotonic_ns())
        for server in run.servers:
            refuses(server)
            assert asked(server).status_code == 200
        net.heal()


def server_cut_off(run: Run, net: Network) -> float:
    """``b`` says so; ``a`` goes on, at the latest once PostgreSQL gives up the transactions of ``b``."""
    a, b = run.servers
    with run.harm():
        net.cut("b")
        since = time.monotonic()
        while tried(a) != 201:
            assert time.monotonic() < since + 25
        took = time.monotonic() - since
        b.until("/readyz", 503)
        refuses(b, 3)
        assert tried(a) == 201
        net.heal()
    return took


def primary_cut_off(run: Run, net: Network, old: Cluster, new: Cluster) -> None:
    """With ``a``, and nobody fences it: it may live on and be reached again, and acknowledges nothing."""
    a, b = run.servers
    with run.harm():
        net.cut("one", "a")
        run.refused_after(time.monotonic_ns())
        b.until("/readyz", 503)
        refuses(b)
        refuses(a, 3)
        new.promote()
        b.until("/readyz", 200)
        run.acknowledged_after(time.monotonic_ns())
        refuses(a, 3)
        net.heal()
        refuses(a, 3)
        run.acknowledged_after(time.monotonic_ns())
        assert old.running
        old.stop()
    follow(old, new)


def test_what_is_cut_off_acknowledges_nothing_that_is_lost(tmp_path: Path) -> None:
    with world(tmp_path) as (net, (one, two), may, servers):
        a, b = servers
        # What reads at ``a`` while the old primary is not fenced may be of before: see high-availability.md.
        with loaded(servers, may, tmp_path, urls=[b.origin]) as run:
            for harm in (replica_cut_off, server_cut_off):
                run.more(SOME)
                took = harm(run, net)
                print(f"\n{harm.__name__}: no change for {run.outages[-1]:.1f} s, {took}", end="")
            run.more(SOME)
            primary_cut_off(run, net, one, two)
            print(f"\nprimary cut off: no change for {run.outages[-1]:.1f} s", end="")
            run.more(SOME)
        for server in servers:
            nothing_is_wrong(run.load.history, asyncio.run(end_state(server.origin, may)), tmp_path)

        # Now the primary is fenced before the other one is promoted, as by Patroni, and all read everywhere.
        with loaded(servers, may, tmp_path, tag="c") as run:
            run.more(SOME)
            with run.harm():
                net.cut("two", "b")
                run.refused_after(time.monotonic_ns())
                two.stop("immediate")
                one.promote()
                a.until("/readyz", 200)
                b.until("/readyz", 503)
                refuses(b, 2)
                net.heal()
            follow(two, one)
            print(f"\nprimary cut off and fenced: no change for {run.outages[-1]:.1f} s", end="")
            run.more(SOME)
        nothing_is_wrong(run.load.history, asyncio.run(end_state(b.origin, may)), tmp_path)


@pytest.mark.skipif("FAULT_PATRONI" not in os.environ, reason="a part of make faults")
def test_patroni_fences_a_primary_that_is_cut_off_and_nobody_reads_what_was(tmp_path: Path) -> None:
    with network("etcd", "one", "two", "a", "b") as net, patroni(net) as made:
        leader, standby = made.settled()
        with serving(net, made.url("rosterd"), tmp_path) as (may, servers):
            a, b = servers
            with loaded(servers, may, tmp_path) as run:
                run.more(SOME)
                with run.harm():
                    net.cut(leader.name, "a")
                    wait_until(lambda: standby.is_("leader"), "nobody is promoted")
                    run.acknowledged_after(time.monotonic_ns())
                    assert not leader.is_("leader")
                    b.until("/readyz", 200)
                    a.until("/readyz", 503)
                    net.heal()
                print(f"\nleader cut off: no change for {run.outages[-1]:.1f} s", end="")
                run.more(SOME)
            nothing_is_wrong(run.load.history, asyncio.run(end_state(a.origin, may)), tmp_path)
