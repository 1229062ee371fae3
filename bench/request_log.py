"""What the request log costs: two servers, one with it and one without, get the same POSTs in turn.

Rounds alternate, so that whatever else the machine does falls on both. The CPU time of a round includes the
flush that comes after it.
"""

import asyncio
import secrets
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from bench.client import Connection, Step, drive, expect
from bench.load import user
from bench.report import OURS, table
from bench.servers import RECIPES, Recipe, Server, running, usage

CONCURRENCY = 16
ROUNDS = 8
SECONDS = 0.6
OPERATIONS = 8000
SETTLED_SECONDS = 0.8
"""More than the time until the log is flushed."""


@dataclass(slots=True)
class Side:
    """One of the two servers and what was measured of it, round by round."""

    name: str
    server: Server
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds of CPU for 1,000 operations."""


def recipe(setting: str) -> Recipe:
    """rosterd with the request log ``on`` or ``off``."""
    return replace(RECIPES[OURS], environment={"ROSTERD_REQUEST_LOG": setting})


def compare(say: Callable[[str], None], where: Path | None = None) -> None:
    """Measure both in turn and print what it costs. Raises ``ServerFailed`` and what a step raises."""
    with ExitStack() as stack:
        sides = [
            Side(setting, stack.enter_context(running(recipe(setting), where))) for setting in ("off", "on")
        ]
        asyncio.run(_rounds(sides))
    rows = [
        [
            f"request log {side.name}",
            f"{statistics.median(side.rates):.0f}",
            f"{statistics.median(side.cpu):.3f}",
        ]
        for side in sides
    ]
    say(table(("POST, concurrency 16", "ops/s, median", "cpu s/1k, median"), rows))
    off, on = sides
    by_clock = [1 - b / a for a, b in zip(off.rates, on.rates, strict=True)]
    by_cpu = [b / a - 1 for a, b in zip(off.cpu, on.cpu, strict=True)]
    for name, shares in (("throughput lost", by_clock), ("CPU more", by_cpu)):
        low, high = min(shares), max(shares)
        say(f"{name}: {statistics.median(shares):.1%} (of {ROUNDS} rounds {low:.1%} to {high:.1%})")


async def _rounds(sides: list[Side]) -> None:
    for number in range(ROUNDS + 1):
        for side in sides if number % 2 else sides[::-1]:
            await _round(side, warm=number == 0)


async def _round(side: Side, *, warm: bool) -> None:
    server, run = side.server, secrets.token_hex(3)
    bodies = [orjson.dumps(user(f"{run}{number}", number)) for number in range(OPERATIONS)]
    requests = [server.target.request("POST", "/Users", body) for body in bodies]
    before = usage(server.pid)
    timing = await drive(server.target, _step(requests), CONCURRENCY, 0, OPERATIONS, SECONDS)
    await asyncio.sleep(SETTLED_SECONDS)
    after = usage(server.pid)
    if warm or before is None or after is None:
        return
    done = len(timing.latencies)
    side.rates.append(done / timing.seconds)
    side.cpu.append((after.cpu - before.cpu) / done * 1000)


def _step(requests: list[bytes]) -> Step:
    async def step(connection: Connection, number: int) -> None:
        expect(await connection.exchange(requests[number]), 201)

    return step
