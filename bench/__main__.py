"""``python -m bench``: start the servers, measure, print, stop everything."""

import argparse
import os
import platform
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

import orjson
import uvloop

from bench import console, report, request_log, webhooks
from bench.client import BadResponse, Connection, Target, drive, expect
from bench.load import World, seed, seed_group
from bench.report import Result
from bench.scenarios import FAMILIES, SCENARIOS, Phase, Scenario, pages
from bench.servers import RECIPES, Server, ServerFailed, fsync_milliseconds, running, usage

PEERS = ("scim2-server", "scim2-server-command", "none")
PEER_SIZE, PEER_GROUP, PEER_GROUP_SECONDS = 1000, 10_000, 3.0
"""Bigger ones take the peer too long. One member of 10,000 takes it about a second, whatever the
concurrency, so its member scenarios run at concurrency 1 only, and long enough for a few of them."""


BUSY = 0.7
"""Load average of the last minute above which the machine is not idle."""

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


PLANS = {
    "quick": Plan((1000,), (10_000,), (1, 16), 1000, 0.5),
    "default": Plan((1000, 10_000), (1000, 10_000), (1, 16), 2000, 3.0),
    "full": Plan((1000, 10_000, 100_000), (1000, 10_000, 100_000), (1, 16, 64), 5000, 5.0),
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Benchmark a SCIM server over loopback."
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--quick", action="store_true", help="1,000 users, few operations, under a minute")
    mode.add_argument("--full", action="store_true", help="up to 100,000 users and concurrency 1, 16, 64")
    parser.add_argument("--sizes", type=_numbers, metavar="N,N", help="users in the directory")
    parser.add_argument("--groups", type=_numbers, metavar="N,N", help="members in the group")
    parser.add_argument("--concurrency", type=_numbers, metavar="N,N", help="connections at a time")
    parser.add_argument("--ops", type=int, metavar="N", help="most operations of a scenario")
    parser.add_argument("--seconds", type=float, metavar="S", help="most seconds of a scenario")
    parser.add_argument("--only", type=_families, metavar="NAME,NAME", help=f"of {', '.join(FAMILIES)}")
    parser.add_argument(
        "--seed", choices=("auto", "bulk", "post"), help="how users are loaded (auto: the faster)"
    )
    parser.add_argument("--against", choices=PEERS, default=PEERS[0], help="what to compare with")
    parser.add_argument("--url", help="measure a running server instead; leaves its users and groups there")
    parser.add_argument("--token", default="", help="bearer token for --url")
    parser.add_argument("--pid", type=int, help="process of the --url server, for CPU and memory")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="directory on the disk to measure (default: temporary)"
    )
    parser.add_argument(
        "--request-log",
        choices=("on", "off", "both"),
        help="measure rosterd with its request log on or off; both: only what it costs, in some 25 seconds",
    )
    parser.add_argument(
        "--webhooks", action="store_true", help="only how many webhooks a worker delivers, in some 20 seconds"
    )
    parser.add_argument(
        "--console", action="store_true", help="only what each page of the console costs with 100,000 users"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    options = parser.parse_args(argv)
    if options.url and len(options.sizes or ()) > 1:
        parser.error("--url fills one server, so --sizes can be one size only")
    return options


def _numbers(text: str) -> tuple[int, ...]:
    found = tuple(sorted({int(part) for part in text.split(",")}))
    if not found or found[0] < 1:
        raise argparse.ArgumentTypeError("expects numbers above 0, separated by commas")
    return found


def _families(text: str) -> tuple[str, ...]:
    found = tuple(text.split(","))
    if unknown := set(found) - set(FAMILIES):
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(FAMILIES)}"
        )
    return found


def plan_of(options: argparse.Namespace) -> Plan:
    """The mode's plan with what the command line changes."""
    base = PLANS["quick" if options.quick else "full" if options.full else "default"]
    return Plan(
        options.sizes or (base.sizes[:1] if options.url else base.sizes),
        options.groups or base.groups,
        options.concurrency or base.concurrency,
        options.ops or base.operations,
        options.seconds or base.seconds,
        options.only or base.families,
        options.seed or base.seeding,
    )


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
        before = usage(server.pid)
        count = run.count - scenario.warm
        timing = await drive(server.target, run.step, concurrency, scenario.warm, count, plan.seconds)
        after = usage(server.pid)
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
        timing = await drive(server.target, step, concurrency, 0, 20_000, min(plan.seconds, 2.0))
        done = len(timing.latencies)
        middle, high = (report.percentile(timing.latencies, share) or 0 for share in (0.5, 0.99))
        busy = timing.client_cpu / timing.seconds
        here = (server.name, "ceiling", 0, concurrency)
        note = f"the client alone: {done / timing.client_cpu:.0f} ops/s" if timing.client_cpu else ""
        results.append(Result(*here, done, timing.seconds, middle / 1e6, high / 1e6, client=busy, note=note))
    return results


def parts(
    options: argparse.Namespace, plan: Plan
) -> Iterator[tuple[AbstractContextManager[Server], int, list[int]]]:
    """The servers one after the other, each with its number of users and the groups it has to hold."""
    left = list(plan.groups)
    for size in plan.sizes:
        groups = [group for group in left if group <= size or size == plan.sizes[-1]]
        left = [group for group in left if group not in groups]
        if options.url:
            target = Target.of(options.url, options.token)
            yield nullcontext(Server(report.OURS, target, options.pid, options.url)), size, groups
        else:
            recipe = request_log.recipe(options.request_log or "on")
            yield running(recipe, options.data), size, groups
    if options.against != "none":
        groups = [group for group in plan.groups if group <= PEER_GROUP]
        yield running(RECIPES[options.against]), min(PEER_SIZE, plan.sizes[0]), groups


def execute(options: argparse.Namespace) -> int:
    """Everything; the exit code is 1 if a scenario failed, 130 if it was stopped."""
    if options.console:
        return 0 if console.measure(say) else 1
    if options.webhooks:
        webhooks.measure(say, options.data)
        return 0
    if options.request_log == "both":
        request_log.compare(say, options.data)
        return 0
    plan = plan_of(options)
    facts = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "fsync_ms": round(fsync_milliseconds(options.data), 3),
        "load_before": round(os.getloadavg()[0], 2),
        "plan": asdict(plan),
    }
    say("{machine}, Python {python}, fsync {fsync_ms} ms, load {load_before}".format_map(facts))
    if os.getloadavg()[0] > BUSY:
        say("Others are using this machine: the numbers by the clock will be too low.")
    results: list[Result] = []
    begin, stopped = time.monotonic(), False
    try:
        with running(RECIPES["empty"]) as server:
            say(f"\n{server.name}: {server.how}: the ceiling of this benchmark")
            results += uvloop.run(ceiling(server, plan))
        for context, size, groups in parts(options, plan):
            with context as server:
                say(f"\n{server.name}, {size} users: {server.how}")
                try:
                    uvloop.run(session(server, size, groups, plan, results))
                except PROBLEMS as problem:
                    results.append(failure(server.name, "seed", size, 0, problem))
    except KeyboardInterrupt:
        stopped = True
        say("\nstopped; what was measured until then:")
    _print(results, options.against)
    say(f"\n{time.monotonic() - begin:.0f} s in all")
    if options.json:
        content = report.document(facts, results, options.against)
        options.json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return 130 if stopped else 1 if any(result.failed for result in results) else 0


def _print(results: Sequence[Result], peer: str) -> None:
    say("\n" + report.table(report.RESULT_HEAD, map(report.result_cells, results)))
    say(
        "\n"
        + report.verdict_table(
            "Growth: d log(time per operation) / d log(size)", report.slopes(results), "<="
        )
    )
    if peer != "none":
        title = f"Operations a second, {report.OURS} / {peer}"
        say("\n" + report.verdict_table(title, report.ratios(results, peer), ">="))


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(execute(arguments()))
    except ServerFailed as problem:
        sys.exit(f"bench: {problem}")
