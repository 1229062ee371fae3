"""``python -m bench``: start the servers, measure, print, stop everything."""

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

import orjson
import uvloop

from bench import console, engines, growth, report, request_log, webhooks
from bench.client import Target
from bench.measuring import PEER_GROUP, PEER_SIZE, PEERS, PROBLEMS, Plan, ceiling, failure, say, session
from bench.report import Result
from bench.scenarios import FAMILIES
from bench.servers import RECIPES, Server, ServerFailed, fsync_milliseconds, running

BUSY = 0.7
"""Load average of the last minute above which the machine is not idle."""

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
    parser.add_argument(
        "--engine",
        choices=("sqlite", "postgres"),
        help="only one engine: rosterd on it beside its raw limit, an empty application and django-scim2",
    )
    parser.add_argument(
        "--workers",
        type=_numbers,
        metavar="N,N",
        help="processes of rosterd on the engine; 1,2 and on PostgreSQL 1,2,4 if it is not given",
    )
    parser.add_argument(
        "--growth",
        choices=("sqlite", "postgres", "both"),
        help="only how the cost of an operation grows from 1,000 to 100,000 users, in a few minutes",
    )
    parser.add_argument("--million", action="store_true", help="--growth up to a million users")
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
    if options.engine or options.growth:
        return _engines(options, plan)
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


def _engines(options: argparse.Namespace, plan: Plan) -> int:
    """What concerns engines; the exit code is 1 if a scenario failed."""
    plan = replace(plan, operations=options.ops or engines.OPERATIONS)
    if options.growth:
        several = ("sqlite", "postgres") if options.growth == "both" else (options.growth,)
        results = growth.compare(several, plan, options.data, million=options.million)
    else:
        plan = replace(plan, concurrency=options.concurrency or (1, 16, 64))
        peer = options.against != "none"
        results = engines.compare(
            options.engine, options.workers or engines.WORKERS[options.engine], plan, options.data, peer
        )
    if options.json:
        rows = [asdict(result) | {"rate": result.rate} for result in results]
        options.json.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    return 1 if any(result.failed for result in results) else 0


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
