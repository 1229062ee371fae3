"""rosterd on PostgreSQL under load, while whatever the test does to the database is done; checked at the end.

with site(url, folder) as run:
    primary.kill()                  # the load goes on meanwhile, in a thread of its own
    replica.promote()
    run.recovered()                 # until changes are acknowledged again
# every acknowledged change is there, nothing is half done, the feed has no gap: see ``model.problems``
"""

import asyncio
import contextlib
import itertools
import os
import random
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from e2e.faulty import Faulty
from faults.access import Access, access
from faults.clusters import wait_until
from faults.history import ANSWERED, REFUSED, UNKNOWN, History, Operation
from faults.load import Load
from faults.model import State, end_state, problems

from rosterd.wiring import Settings

T = TypeVar("T")

LONG = "FAULT_SECONDS" in os.environ
"""Whether this is ``make faults``."""
READS = frozenset(("read", "find", "look"))
WITHIN = 45.0
"""Seconds in which everything is to work again once the database does; mostly it takes one or two."""


@dataclass
class Run:
    """Servers under load. Times are of ``time.monotonic_ns``."""

    servers: list[Faulty]
    load: Load
    loop: asyncio.AbstractEventLoop
    harms: int = 0
    outages: list[float] = field(default_factory=list)
    """For each harm, the longest time in which no change was acknowledged (s)."""

    def wait(self, work: Coroutine[Any, Any, T], seconds: float = 90.0) -> T:
        """Run something in the loop of the load."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def more(self, operations: int) -> None:
        """Let so many more operations be done."""
        self.wait(self.load.reach(len(self.load.history.operations) + operations))

    @property
    def history(self) -> list[Operation]:
        return list(self.load.history.operations)

    @contextlib.contextmanager
    def harm(self) -> Iterator[None]:
        """Something is done to the database inside, and it works again at the end; measures the outage."""
        began = time.monotonic_ns()
        self.harms += 1
        yield
        self.recovered()
        done = [each.ended or 0 for each in self.history if acknowledged(each)]
        ends = sorted(end for end in done if end >= began - 10**9)
        gaps = [later - earlier for earlier, later in itertools.pairwise(ends) if later > began]
        self.outages.append(max(gaps, default=0) / 1e9)

    def recovered(self) -> None:
        """Wait until each server is ready, and changes that began after that are acknowledged."""
        for server in self.servers:
            wait_until(lambda server=server: server.status("/readyz") == 200, "not ready again", WITHIN)
        self.acknowledged_after(time.monotonic_ns())

    def acknowledged_after(self, moment: int) -> None:
        """Wait for a change that began then or later."""
        wait_until(
            lambda: any(acknowledged(each) and each.began >= moment for each in self.history),
            "no change is acknowledged",
            WITHIN,
        )

    def refused_after(self, moment: int) -> None:
        """Wait for a change that began then or later and was refused by 503."""
        wait_until(
            lambda: any(each.status == 503 and each.began >= moment for each in self.history[-2000:]),
            "no change is refused",
            WITHIN,
        )

    def figures(self) -> str:
        """What happened, in a line."""
        counts = {
            name: sum(each.outcome == name and each.kind not in READS for each in self.history)
            for name in (REFUSED, UNKNOWN)
        }
        done = sum(map(acknowledged, self.history))
        gaps = ", ".join(f"{gap:.2f}" for gap in self.outages)
        return (
            f"{len(self.history)} operations: {done} changes acknowledged, {counts[REFUSED]} refused, "
            f"{counts[UNKNOWN]} unknown; {self.harms} harms, without a change for {gaps} s"
        )


def acknowledged(each: Operation) -> bool:
    """Whether it is a change that was answered with success."""
    return each.kind not in READS and each.outcome == ANSWERED and (each.status or 500) < 300


@contextlib.contextmanager
def served(url: str, folder: Path, count: int = 2, **settings: str) -> Iterator[tuple[Access, list[Faulty]]]:
    """So many servers on one database, killed at the end."""
    may = asyncio.run(access(Settings(data=folder, database_url=url)))
    servers = [
        Faulty(folder / f"{number}", may.token, database_url=url, **settings) for number in range(count)
    ]
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.until("/readyz", 200)
        yield may, servers
    finally:
        for server in servers:
            if server.process is not None:
                server.kill()


@contextlib.contextmanager
def loaded(
    servers: list[Faulty], may: Access, folder: Path, urls: Sequence[str] = (), **options: Any
) -> Iterator[Run]:
    """A load on servers while the context lasts; then it ends, and its history is in the folder.

    ``urls`` are the origins to ask, if not the servers' own.
    """
    seed = random.randrange(1_000_000)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="load")
    thread.start()
    try:
        origins = urls or [each.origin for each in servers]
        load = Load(origins, may, seed, **{"teams": 20 if LONG else 6} | options)
        run = Run(servers, load, loop)
        run.wait(load.__aenter__())
        try:
            yield run
            run.wait(load.finish(), 90)
        finally:
            run.wait(load.__aexit__(None, None, None))
            load.history.write(folder / "history.jsonl")
            print(f"\nseed {seed}: {run.figures()}")
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def nothing_is_wrong(history: History, state: State, folder: Path) -> None:
    """All that the model says holds; the folder is where ``loaded`` left the history."""
    found = problems(history, state)
    assert found == [], f"the history is in {folder}/history.jsonl\n" + "\n".join(found[:20])


@contextlib.contextmanager
def site(url: str, folder: Path, count: int = 2, **options: Any) -> Iterator[Run]:
    """Servers under load while the context lasts; then everything is looked through."""
    with served(url, folder, count) as (may, servers):
        with loaded(servers, may, folder, **options) as run:
            yield run
        nothing_is_wrong(run.load.history, asyncio.run(end_state(servers[0].origin, may)), folder)


def resident(server: Faulty) -> int:
    """The memory of a server process, in MiB."""
    assert server.process is not None
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096 // 2**20


def asked(server: Faulty) -> httpx.Response:
    """One read as an identity provider makes it."""
    with server.client() as http:
        return http.get("/Users", params={"count": 1})
