"""A primary with a synchronous replica, and two rosterd over both: whatever happens to them, nothing is lost.

Each fault is done under load, and then everything is looked through (``model.problems``). In the suite it is
a short round; ``make faults MINUTES=10`` draws faults for longer.
"""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.clusters import Cluster, follow, pair, url_of
from faults.site import Run, asked, resident, site

SECONDS = float(os.environ.get("FAULT_SECONDS", "0"))
SOME = 200 if SECONDS else 50
HUNG = 7.0  # longer than a pulse may stay without an answer

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"
WRITTEN = "SELECT sum(value) FROM counter"

Fault = Callable[[Run, Cluster, Cluster], tuple[Cluster, Cluster]]
"""Takes the primary and the replica, and gives who is which afterwards."""


def restarted_after_a_kill(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    with run.harm():
        primary.kill()
        primary.start()
    return primary, replica


def stopped_and_started(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    with run.harm():
        primary.stop("fast")
        run.refused_after(time.monotonic_ns())
        primary.start()
    return primary, replica


def failed_over(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    """The host of the primary is gone; the old primary comes back as a replica."""
    with run.harm():
        primary.kill()
        replica.promote()
    follow(primary, replica)
    return replica, primary


def failed_over_from_one_that_hangs(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    """Connections to the old primary stay open, and new ones are made; it answers none."""
    with run.harm():
        primary.freeze()
        replica.promote()
    primary.kill()
    follow(primary, replica)
    return replica, primary


def failed_over_and_back_as_a_second_primary(
    run: Run, primary: Cluster, replica: Cluster
) -> tuple[Cluster, Cluster]:
    """Nobody fences the old primary, and it wants no replica: it would take changes."""
    with run.harm():
        primary.kill()
        replica.promote()
    primary.settings["synchronous_standby_names"] = ""
    primary.start()
    written = primary.ask(WRITTEN)
    with run.harm():
        replica.stop()
        run.refused_after(time.monotonic_ns())
        assert primary.ask(WRITTEN) == written
        replica.start()
    primary.stop()
    follow(primary, replica)
    return replica, primary


def hung(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    """It stops in the middle of everything, and goes on later."""
    before = [resident(server) for server in run.servers]
    with run.harm():
        frozen = time.monotonic()
        primary.freeze()
        run.refused_after(time.monotonic_ns())
        for server in run.servers:
            server.until("/readyz", 503)
        time.sleep(max(0.0, frozen + HUNG - time.monotonic()))
        primary.thaw()
    for was, server in zip(before, run.servers, strict=True):
        assert resident(server) < was + 100
    return primary, replica


def replica_away(run: Run, primary: Cluster, replica: Cluster) -> tuple[Cluster, Cluster]:
    """COMMIT waits for it until it is there again; what is read is what both have."""
    with run.harm():
        replica.freeze()
        primary.until(f"SELECT count(*) > 0 {WAITING}")
        run.refused_after(time.monotonic_ns())
        assert all(asked(server).status_code == 200 for server in run.servers)
        replica.thaw()
    return primary, replica


def failed_over_while_the_replica_lagged(
    run: Run, primary: Cluster, replica: Cluster
) -> tuple[Cluster, Cluster]:
    """What waited for the replica is lost; nobody was told that it was done, and nobody has seen it."""
    with run.harm():
        replica.kill()
        primary.until(f"SELECT count(*) > 0 {WAITING}")
        primary.kill()
        replica.start()
        replica.promote()
    follow(primary, replica)
    return replica, primary


SHORT: tuple[Fault, ...] = (failed_over_from_one_that_hangs, restarted_after_a_kill)
ALL: tuple[Fault, ...] = (
    *SHORT,
    failed_over,
    hung,
    stopped_and_started,
    failed_over_and_back_as_a_second_primary,
    replica_away,
    failed_over_while_the_replica_lagged,
)


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    with pair() as (one, two), site(url_of(one, two), tmp_path) as run:
        primary, replica = one, two
        end = time.monotonic() + SECONDS
        left = list(ALL if SECONDS else SHORT)
        while left or time.monotonic() < end:
            fault = left.pop(0) if left else random.choice(ALL)
            run.more(SOME)
            primary, replica = fault(run, primary, replica)
            print(f"\n{fault.__name__}: no change for {run.outages[-1]:.2f} s", end="")
        run.more(SOME)
