"""Growth: what an operation costs at 1,000, 10,000, 100,000 and a million users, on both engines.

One server is filled step by step, the first thousand users through it, the others as copies (``copies``).
At each size the same operations are measured; a group of all users takes and gives up members like a small
one.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import orjson
import uvloop

from bench import copies, postgres, report
from bench.load import GROUP, World, once, seed
from bench.measuring import Plan, measure, say
from bench.report import Result
from bench.scenarios import SCENARIOS
from bench.servers import RECIPES, Server, on_postgres, running

BASE: Final = 1000
"""Users that are made through the server; the others are their copies."""
SIZES: Final = (BASE, 10 * BASE, 100 * BASE)
MILLION: Final = 1000 * BASE
PARTS_UP_TO: Final = 100 * BASE
"""Above it there is no index of parts of texts, and ``filter_co`` is not measured."""
MEASURED: Final = ("get", "filter_eq", "filter_co", "patch_title", "walk_cursor", "post")
CONCURRENCY: Final = 16


@dataclass(frozen=True, slots=True)
class Filled:
    """A server, and how it is filled beside its own interface."""

    server: Server
    copy: Callable[[Sequence[copies.User], int, int, bool], None]
    """Makes copies of users from one number to another, with or without parts of texts."""
    join: Callable[[str, int], None]
    """Makes so many users the members of a group."""


def compare(engines: Sequence[str], plan: Plan, where: Path | None, *, million: bool) -> list[Result]:
    """Measure each engine, and print what it costs at each size and the slopes. Raises ``ServerFailed``."""
    found: list[Result] = []
    for engine in engines:
        with ExitStack() as stack:
            filled = _filled(stack, engine, where)
            sizes = (*SIZES, MILLION) if million else SIZES
            found += _measured(filled, sizes, plan)
    say("\n" + report.table(report.RESULT_HEAD, map(report.result_cells, found)))
    for engine in engines:
        title = f"Growth on {engine}: d log(time per operation) / d log(size)"
        say("\n" + report.verdict_table(title, report.slopes(found, f"{report.OURS} {engine}"), "<="))
    return found


def _filled(stack: ExitStack, engine: str, where: Path | None) -> Filled:
    name = f"{report.OURS} {engine}"
    if engine == "postgres":
        space = stack.enter_context(postgres.namespace())
        server = replace(stack.enter_context(running(on_postgres(space))), name=name)

        def copy(base: Sequence[copies.User], first: int, last: int, parts: bool) -> None:
            copies.copy_postgres(space, base, first, last, parts=parts)

        return Filled(server, copy, partial(copies.fill_group_postgres, space))
    server = replace(stack.enter_context(running(RECIPES[report.OURS], where)), name=name)
    data = server.data

    def copy_file(base: Sequence[copies.User], first: int, last: int, parts: bool) -> None:
        copies.copy_sqlite(data, base, first, last, parts=parts)

    return Filled(server, copy_file, partial(copies.fill_group_sqlite, data))


def _measured(filled: Filled, sizes: Sequence[int], plan: Plan) -> list[Result]:
    world = World(filled.server.target, f"b{secrets.token_hex(3)}")
    uvloop.run(seed(world, BASE, "post"))
    base, size, found = list(world.users), BASE, list[Result]()
    for wanted in sizes:
        begin = time.perf_counter()
        if wanted > size:
            first, last = size // BASE, wanted // BASE - 1
            filled.copy(base, first, last, wanted <= PARTS_UP_TO)
            world.users += copies.copies_of(base, first, last)
            size = wanted
        say(f"{filled.server.name}, {size} users after {time.perf_counter() - begin:.0f} s")
        for name in MEASURED:
            if name != "filter_co" or size <= PARTS_UP_TO:
                found.append(uvloop.run(_one(filled.server, world, name, size, plan)))
        found += _members(filled, world, size, plan)
    return found


def _members(filled: Filled, world: World, size: int, plan: Plan) -> list[Result]:
    """Members are taken out of a group of all users, and put back."""
    document = {"schemas": [GROUP], "displayName": f"{world.tag} of {size}"}
    body = asyncio.run(once(world.target, "POST", "/Groups", orjson.dumps(document), 201))
    world.group, world.out = orjson.loads(body)["id"], []
    filled.join(world.group, size)
    ids = sorted(id for _, _, id in world.users)[:size]
    world.members = ids[:: max(1, len(ids) // (2 * plan.operations))]
    names = ("member_remove", "member_add")
    return [uvloop.run(_one(filled.server, world, name, size, plan)) for name in names]


async def _one(server: Server, world: World, name: str, size: int, plan: Plan) -> Result:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    result = await measure(server, world, scenario, size, 1 if scenario.serial else CONCURRENCY, plan)
    say("  " + "  ".join(report.result_cells(result)))
    return result
