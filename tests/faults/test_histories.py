"""Servers are killed and stopped under load, and whatever clients and the feed saw meanwhile still holds.

A few seconds each in the suite; ``make faults MINUTES=10`` does it for longer. A history that shows a fault
is left as ``history.jsonl``, and CONTRIBUTING.md says how to read it.
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract.postgres_server import namespace
from e2e.faulty import Faulty
from e2e.supervised import pids
from faults.access import Access, access
from faults.clusters import wait_until
from faults.history import UNKNOWN, History
from faults.load import Load
from faults.model import end_state, problems

from rosterd.wiring import Settings

pytestmark = pytest.mark.slow
SECONDS = float(os.environ.get("FAULT_SECONDS", "0"))


@contextmanager
def started(servers: Sequence[Faulty]) -> Iterator[None]:
    """The servers run, and are killed at the end."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            if server.process is not None:
                server.kill()


def ends(number: signal.Signals) -> Callable[[Faulty], None]:
    """A server is sent a signal, and started again once it has ended."""

    def harm(server: Faulty) -> None:
        assert server.process is not None
        server.process.send_signal(number)
        server.process.wait(30)
        server.start()

    return harm


def loses_a_worker(server: Faulty) -> None:
    """One of its workers is killed, and another one takes its place by itself."""
    number, pid = random.choice(list(pids(server.log).items()))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pids(server.log)[number] != pid, "it is not replaced")


async def under_load(
    servers: Sequence[Faulty], may: Access, harm: Callable[[Faulty], None], least: int = 1
) -> History:
    """Harm one server after another under load; so often at least."""
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    end, times = loop.time() + SECONDS, 0
    async with Load([server.origin for server in servers], may, seed) as load:
        while times < least or loop.time() < end:
            await load.reach(len(load.history.operations) + chance.randrange(100, 400))
            await asyncio.to_thread(harm, chance.choice(servers))
            times += 1
        await load.reach(len(load.history.operations) + 100)
        history = await load.finish()
    print(
        f"seed {seed}, {times} times, {len(history.operations)} operations, {history.count(UNKNOWN)} unknown"
    )
    return history


async def nothing_is_wrong(history: History, server: Faulty, may: Access, folder: Path) -> None:
    """All that the model says holds; else the history is left in the folder."""
    found = problems(history, await end_state(server.origin, may))
    if found:
        history.write(folder / "history.jsonl")
    assert found == [], f"the history is in {folder}/history.jsonl\n" + "\n".join(found[:20])


def test_a_server_on_sqlite_is_killed(tmp_path: Path) -> None:
    async def main() -> None:
        may = await access(Settings(data=tmp_path / "data"))
        server = Faulty(tmp_path / "data", may.token)
        with started([server]):
            history = await under_load([server], may, ends(signal.SIGKILL), least=2)
            await nothing_is_wrong(history, server, may, tmp_path)
        assert history.count(UNKNOWN) > 0

    asyncio.run(main())


def test_workers_on_sqlite_are_killed(tmp_path: Path) -> None:
    async def main() -> None:
        may = await access(Settings(data=tmp_path / "data"))
        server = Faulty(tmp_path / "data", may.token, workers="3")
        with started([server]):
            history = await under_load([server], may, loses_a_worker, least=3)
            await nothing_is_wrong(history, server, may, tmp_path)
        assert history.count(UNKNOWN) > 0

    asyncio.run(main())


def test_one_of_two_servers_on_postgresql_is_killed(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        may = await access(Settings(data=tmp_path, database_url=url))
        servers = [Faulty(tmp_path / name, may.token, database_url=url) for name in ("one", "two")]
        with started(servers):
            history = await under_load(servers, may, ends(signal.SIGKILL))
            for server in servers:
                await nothing_is_wrong(history, server, may, tmp_path)

    with namespace() as url:
        asyncio.run(main(url))


def test_a_server_that_is_told_to_stop_answers_what_it_carries_out(tmp_path: Path) -> None:
    """Connections that it had not read from yet are cut off, and nothing is done for them."""

    async def main() -> None:
        may = await access(Settings(data=tmp_path / "data"))
        server = Faulty(tmp_path / "data", may.token)
        with started([server]):
            history = await under_load([server], may, ends(signal.SIGTERM))
            await nothing_is_wrong(history.certain(), server, may, tmp_path)

    asyncio.run(main())
