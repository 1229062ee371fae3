"""One engine: rosterd on it beside its raw limit, the empty application, and a peer on the same database.

All servers run at once, and each scenario is measured on one after the other, in rounds, so that whatever
else the machine does falls on all of them. The results of the rounds are added up.
"""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import uvloop

from bench import django_scim2, postgres, raw, report
from bench.batches import Committed, committed
from bench.load import World, seed
from bench.measuring import Plan, ceiling, measure, say
from bench.report import Result
from bench.scenarios import SCENARIOS
from bench.servers import RECIPES, Server, on_postgres, running, with_workers

ROUNDS: Final = 4
USERS: Final = 8000
OPERATIONS: Final = 10_000
"""Of a scenario in a round or at a size, at most: with fewer it is over in a fifth of a second, before disk,
caches and interpreter work as they go on, and its ratio to another one is chance."""
RAW: Final = "raw limit"
RAW_USERS: Final = 4000
COMPARED: Final = ("get", "filter_eq", "patch_active", "post")
OURS: Final = report.OURS
WANTED_OF_RAW: Final = {"postgres": (64, 0.35), "sqlite": (16, 0.45)}
"""At which concurrency POST is wanted to have which part of the raw limit."""
WORKERS: Final = {"postgres": (1, 2, 4), "sqlite": (1, 2)}
"""Of rosterd, if nothing else is said."""
WANTED_OF_EMPTY: Final = 0.5
"""What part of the empty application's rate GET is wanted to have."""


@dataclass(frozen=True, slots=True)
class Side:
    """A server under measurement, and what is known of its content."""

    server: Server
    world: World


def compare(engine: str, workers: Sequence[int], plan: Plan, where: Path | None, peer: bool) -> list[Result]:
    """Measure, and print what was measured and what was wanted. Raises ``ServerFailed``."""
    found: list[Result] = []
    with ExitStack() as stack:
        limits = _Limits(stack, engine, where, plan.seconds)
        empty = stack.enter_context(running(RECIPES["empty"]))
        sides = [Side(server, _world(server)) for server in _servers(stack, engine, workers, where, peer)]
        for side in sides:
            say(f"{side.server.name}: {side.server.how}")
            uvloop.run(seed(side.world, USERS, "post"))
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            found += uvloop.run(ceiling(empty, plan))
            for name in COMPARED:
                for concurrency in plan.concurrency:
                    if name == "post":
                        found += limits.measure(concurrency)
                    before = uvloop.run(_committed(sides)) if name == "post" and engine == "sqlite" else []
                    found += uvloop.run(_measured(sides, name, concurrency, plan))
                    after = uvloop.run(_committed(sides)) if before else []
                    for side, one, other in zip(sides, before, after, strict=False):
                        found += limits.alike(side.server.name, concurrency, other.a_batch_since(one))
    results = added(found)
    _print(engine, results, [side.server.name for side in sides])
    return results


def added(results: Sequence[Result]) -> list[Result]:
    """One line for all rounds of the same: rates over all, the slowest round's percentiles."""
    same: dict[tuple[str, str, int, int, str], list[Result]] = {}
    for r in results:
        note = r.note if r.server == RAW or r.failed else ""
        same.setdefault((r.server, r.scenario, r.size, r.concurrency, note), []).append(r)
    return [_sum(rounds) for rounds in same.values()]


def _sum(rounds: Sequence[Result]) -> Result:
    operations = sum(r.operations for r in rounds)

    def mean(values: Sequence[float | None]) -> float | None:
        known = [value * r.operations for value, r in zip(values, rounds, strict=True) if value is not None]
        return sum(known) / operations if operations and len(known) == len(rounds) else None

    return replace(
        rounds[0],
        operations=operations,
        seconds=sum(r.seconds for r in rounds),
        p50=max((r.p50 for r in rounds if r.p50 is not None), default=None),
        p99=max((r.p99 for r in rounds if r.p99 is not None), default=None),
        cpu=mean([r.cpu for r in rounds]),
        engine=mean([r.engine for r in rounds]),
        client=max(r.client for r in rounds),
    )


def verdicts(
    engine: str, results: Sequence[Result], names: Sequence[str]
) -> Iterator[tuple[str, list[report.Verdict]]]:
    """Titles, and what each of our servers has of the raw limit, the empty application, and the peer."""
    best = {r.concurrency: r for r in sorted(results, key=lambda r: r.rate) if r.server == RAW}
    empty = [replace(r, scenario="get", size=USERS) for r in results if r.scenario == "ceiling"]
    at, part = WANTED_OF_RAW[engine]
    for name in names:
        if name == django_scim2.NAME:
            continue
        wanted = report.ratios(
            [*results, *(replace(r, server="best") for r in best.values())],
            "best",
            name,
            {("post", USERS): part},
        )
        alike = report.ratios(results, _as(name), name, {("post", USERS): part})
        for limit, found in (("(the fastest way)", wanted), ("with the batches that it made", alike)):
            if found:
                yield (
                    f"POST: {name} / raw limit {limit}",
                    [v if v.concurrency == at else replace(v, wanted=None, met=None) for v in found],
                )
        yield (
            f"GET: {name} / empty application",
            report.ratios([*results, *empty], "empty", name, {("get", USERS): WANTED_OF_EMPTY}),
        )
        if django_scim2.NAME in names:
            yield f"{name} / {django_scim2.NAME}", report.ratios(results, django_scim2.NAME, name, {})


def _print(engine: str, results: Sequence[Result], names: Sequence[str]) -> None:
    say("\n" + report.table(report.RESULT_HEAD, map(report.result_cells, results)))
    for title, found in verdicts(engine, results, names):
        say("\n" + report.verdict_table(title, found, ">="))


class _Limits:
    """The raw limit of an engine, at any concurrency.

    On SQLite each that is compared has a file of its own, so that it grows as a server's does and no faster.
    """

    def __init__(self, stack: ExitStack, engine: str, where: Path | None, seconds: float) -> None:
        self._stack = stack
        self._where = where
        self._seconds = seconds
        self._files: dict[str, raw.SqliteLimit] = {}
        self._postgres: raw.PostgresLimit | None = None
        if engine == "postgres":
            self._postgres = raw.PostgresLimit(stack.enter_context(postgres.namespace()), USERS, RAW_USERS)

    def measure(self, concurrency: int) -> list[Result]:
        """A line for each way, in batches of as many users as there are connections."""
        if self._postgres is None:
            return self._of_sqlite(RAW, concurrency, concurrency, "sqlite")
        ways = [self._postgres.measure(how, concurrency, self._seconds) for how in raw.WAYS]
        return [_line(RAW, concurrency, one, one.how) for one in ways]

    def alike(self, name: str, concurrency: int, batch: int) -> list[Result]:
        """A line for SQLite in batches as a server made them at this concurrency."""
        return self._of_sqlite(_as(name), concurrency, batch, f"batches of {batch}")

    def _of_sqlite(self, name: str, concurrency: int, batch: int, note: str) -> list[Result]:
        if name not in self._files:
            folder = self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="bench-raw-", dir=self._where)
            )
            self._files[name] = self._stack.enter_context(closing(raw.SqliteLimit(Path(folder), USERS)))
        return [_line(name, concurrency, self._files[name].measure(batch, RAW_USERS, self._seconds), note)]


def _as(name: str) -> str:
    return f"{RAW} as {name}"


def _line(name: str, concurrency: int, one: raw.Limit, note: str) -> Result:
    cpu = one.cpu / one.count * 1000
    return Result(name, "post", USERS, concurrency, one.count, one.seconds, cpu=cpu, note=note)


def _servers(
    stack: ExitStack, engine: str, workers: Sequence[int], where: Path | None, peer: bool
) -> Iterator[Server]:
    for count in workers:
        recipe = with_workers(count)
        if engine == "postgres":
            recipe = on_postgres(stack.enter_context(postgres.namespace()), count)
        server = stack.enter_context(running(recipe, where))
        yield replace(server, name=f"{OURS} x{count}")
    if peer and engine == "postgres":
        python = django_scim2.environment(Path(tempfile.gettempdir()) / "rosterd-bench")
        space = stack.enter_context(postgres.namespace())
        yield stack.enter_context(running(django_scim2.recipe(space, python)))


def _world(server: Server) -> World:
    return World(server.target, f"b{secrets.token_hex(3)}")


async def _committed(sides: Sequence[Side]) -> list[Committed]:
    return [await committed(side.server.target) for side in sides]


async def _measured(sides: Sequence[Side], name: str, concurrency: int, plan: Plan) -> list[Result]:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    found = []
    for side in sides:
        result = await measure(side.server, side.world, scenario, USERS, concurrency, plan)
        say("  " + "  ".join(report.result_cells(result)))
        found.append(result)
    return found
