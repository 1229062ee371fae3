"""Patroni fails a PostgreSQL over under load, again and again, and rosterd follows: nothing is lost.

A part of ``make faults``; ``FAULT_PATRONI=1 FAULT_SECONDS=60`` runs it alone.
"""

import asyncio
import os
import random
import time
from pathlib import Path

import asyncpg
import pytest
from faults.patroni import DEPLOYED, PASSWORD, Node, Patroni, patroni
from faults.site import site

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))


async def _database(made: Patroni) -> None:
    """What docs/high-availability.md says to make once."""
    connection = await asyncpg.connect(made.url(target_session_attrs="primary"))
    try:
        await connection.execute(f"CREATE ROLE rosterd LOGIN PASSWORD '{PASSWORD}'")
        await connection.execute("CREATE DATABASE rosterd OWNER rosterd")
    finally:
        await connection.close()


def test_what_differs_between_nodes_is_in_the_environment(tmp_path: Path) -> None:
    lines = (DEPLOYED.parent / "patroni.env").read_text().splitlines()
    named = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    assert named == set(Node(tmp_path, "one", 2379).environment)


@pytest.mark.slow
@pytest.mark.skipif("FAULT_PATRONI" not in os.environ, reason="a part of make faults")
def test_nothing_is_lost_when_patroni_fails_over(tmp_path: Path) -> None:
    with patroni() as made:
        asyncio.run(_database(made))
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
