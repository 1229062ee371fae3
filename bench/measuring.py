"""How scenarios are run on a server: bounded, counted, and what goes wrong becomes a line too."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import report
from bench.client import BadResponse, Connection, drive, expect
from bench.load import World, seed, seed_group
from bench.report import Result
from bench.scenarios import FAMILIES, SCENARIOS, Phase, Scenario, pages
from bench.servers import Server, usage

PEERS = ("scim2-server", "scim2-server-command", "none")
PEER_SIZE, PEER_GROUP, PEER_GROUP_SECONDS = 1000, 10_000, 3.0
"""Bigger ones take the peer too long. One member of 10,000 takes it about a second, whatever the
concurrency, so its member scenarios run at concurrency 1 only, and long enough for a few of them."""


PROBLEMS = (BadResponse, OSError, ValueError, LookupError)
"""What a server that answers wrongly, or not at all, comes to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``operations`` and ``seconds`` bound every scenario at every size and concurrency."""

    sizes: tuple[int, ...]
    groups: tuple[int, ...]
    concurrency: tuple[int, ...]
    operations: int
    seconds: float
    families: tuple[str, ...] = FAMILIES
    seeding: str = "auto"


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def failure(server: str, scenario: str, size: int, concurrency: int, problem: Exception) -> Result:
    """The line of something that went wrong."""
    note = " ".join(f"FAILED: {type(problem).__name__}: {problem}".split())
    return Result(server, scenario, size, concurrency, note=note[:300], failed=True)


async def measure(
    server: Server, world: World, scenario: Scenario, size: int, concurrency: int, plan: Plan
) -> Result:
    """Run one scenario once; what goes wrong becomes a failed line, not the end."""
    here = (server.name, scenario.name, size, concurrency)
    most = plan.operations
    if scenario.creates:
        most = max(concurrency, min(most, len(world.users) // 2 // scenario.creates))
    try:
        run = await scenario.prepare(world, most + scenario.warm)
        if run is None:
            return Result(*here, note="not offered")
        if scenario.warm:
            await drive(server.target, run.step, concurrency, 0, scenario.warm, plan.seconds)
        before, engine = usage(server.pid), await asyncio.to_thread(server.engine)
        count = run.count - scenario.warm
        timing = await drive(server.target, run.step, concurrency, scenario.warm, count, plan.seconds)
        after, engine_after = usage(server.pid), await asyncio.to_thread(server.engine)
    except PROBLEMS as problem:
        return failure(*here, problem)
    operations = len(timing.latencies) * scenario.weight
    middle, high = (report.percentile(timing.latencies, share) for share in (0.5, 0.99))
    deep = report.depth_ratio(timing.latencies, pages(world)) if scenario.serial else None
    return Result(
        *here,
        operations,
        timing.seconds,
        p50=middle / 1e6 if middle is not None else None,
        p99=high / 1e6 if high is not None else None,
        cpu=(after.cpu - before.cpu) / operations * 1000 if before and after and operations else None,
        engine=(engine_after - engine) / operations * 1000
        if engine and engine_after and operations
        else None,
        rss=after.rss if after else None,
        client=timing.client_cpu / timing.seconds,
        note=f"last pages / first pages: {deep:.2f}" if deep is not None else "",
    )


async def session(
    server: Server, size: int, groups: Sequence[int], plan: Plan, results: list[Result]
) -> None:
    """All scenarios on one server of one size, added to ``results`` as they end. Raises ``PROBLEMS`` when
    the server cannot be filled."""
    world = World(server.target, f"b{secrets.token_hex(3)}")

    async def block(phase: Phase, measured: int, levels: Sequence[int], plan: Plan) -> None:
        for concurrency in levels:
            for scenario in SCENARIOS:
                wanted = scenario.phase is phase and scenario.family in plan.families
                if wanted and not (scenario.serial and concurrency != levels[0]):
                    at_once = 1 if scenario.serial else concurrency
                    result = await measure(server, world, scenario, measured, at_once, plan)
                    say("  " + "  ".join(report.result_cells(result)[1:]))
                    results.append(result)

    say(f"  {await seed(world, size, plan.seeding)}")
    await block(Phase.CHANGE, size, plan.concurrency, plan)
    await block(Phase.CREATE, size, plan.concurrency, plan)
    peer = server.name in PEERS
    levels = (1,) if peer else tuple(sorted({1, *plan.concurrency}))
    longer = replace(plan, seconds=max(plan.seconds, PEER_GROUP_SECONDS)) if peer else plan
    for group in groups if "members" in plan.families else ():
        if not peer and (said := await seed(world, group, plan.seeding)):
            say(f"  {said}")
        say(f"  {await seed_group(world, group, real=not peer)}")
        await block(Phase.GROUP, group, levels, longer)


async def ceiling(server: Server, plan: Plan) -> list[Result]:
    """What the client reaches when the server has nothing to do."""
    results = []
    request = server.target.request("GET", "/")

    async def step(connection: Connection, number: int) -> None:
        expect(await connection.exchange(request), 200)

    for concurrency in plan.concurrency:
        await drive(server.target, step, concurrency, 0, 200, 1.0)
        before = usage(server.pid)
        timing = await drive(server.target, step, concurrency, 0, 20_000, min(plan.seconds, 2.0))
        after = usage(server.pid)
        done = len(timing.latencies)
        cpu = (after.cpu - before.cpu) / done * 1000 if before and after and done else None
        middle, high = (report.percentile(timing.latencies, share) or 0 for share in (0.5, 0.99))
        busy = timing.client_cpu / timing.seconds
        here = (server.name, "ceiling", 0, concurrency)
        note = f"the client alone: {done / timing.client_cpu:.0f} ops/s" if timing.client_cpu else ""
        results.append(
            Result(*here, done, timing.seconds, middle / 1e6, high / 1e6, cpu, client=busy, note=note)
        )
    return results
