"""The arithmetic and the tables: percentiles, growth slopes, ratios, and what was wanted of them.

Pure: numbers in, text or JSON-able values out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

OURS, THEIRS = "rosterd", "scim2-server"
RATIO_SIZE = 1000

WANTED_RATIO: Mapping[tuple[str, int], float] = {
    ("post", 1000): 4,
    ("get", 1000): 8,
    ("filter_eq", 1000): 15,
    ("patch_active", 1000): 4,
    ("patch_title", 1000): 4,
    ("member_add", 10_000): 500,
}
"""(scenario, size) → how many times the peer's operations a second are wanted."""

WANTED_SLOPE = 0.1
WANTED_SLOPE_OF_PARTS = 0.3
"""For ``filter_co``, which looks for parts of texts."""
SLOPED = (
    "get",
    "filter_eq",
    "patch_active",
    "patch_title",
    "member_add",
    "member_remove",
    "walk_index",
    "walk_cursor",
)
"""Scenarios whose cost must hardly grow with the size."""


@dataclass(frozen=True, slots=True)
class Result:
    """One measured line. Times in milliseconds; ``None`` where it could not be read or there is none."""

    server: str
    scenario: str
    size: int
    """Users in the directory, or members in the group for the member scenarios."""
    concurrency: int
    operations: int = 0
    seconds: float = 0.0
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    """Server CPU seconds per 1,000 operations."""
    engine: float | None = None
    """The same of its database's sessions, where it has a database beside it."""
    rss: int | None = None
    """Resident bytes of the server after it."""
    client: float = 0.0
    """Share of the time the client's one thread was busy."""
    note: str = ""
    failed: bool = False

    @property
    def spent(self) -> float | None:
        """``cpu``, its database's included."""
        return None if self.cpu is None else self.cpu + (self.engine or 0.0)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds if self.seconds > 0 else 0.0


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile, ``share`` in 0…1; ``None`` of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(points: Iterable[tuple[float, float]]) -> float | None:
    """The growth d log(y) / d log(x) by least squares: 0 constant, 1 linear; ``None`` below two sizes."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    above = sum((x - mean_x) * (y - mean_y) for x, y in logs)
    return above / sum((x - mean_x) ** 2 for x, _ in logs)


def depth_ratio(latencies: Sequence[int], pages: int) -> float | None:
    """Median time of a walk's last tenth of pages over that of its first; ``None`` below 20 pages."""
    walk = latencies[:pages]
    tenth = len(walk) // 10
    if tenth < 2:
        return None
    first, last = percentile(walk[:tenth], 0.5), percentile(walk[-tenth:], 0.5)
    return last / first if first and last else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A number with what was wanted of it, if anything was."""

    scenario: str
    size: int | None
    concurrency: int
    value: float
    """By the clock: this is what is wanted."""
    by_cpu: float | None
    """The same by the server's CPU time, which busy neighbours on the machine disturb less."""
    wanted: float | None
    met: bool | None


def ratios(
    results: Sequence[Result],
    peer: str = THEIRS,
    name: str = OURS,
    wishes: Mapping[tuple[str, int], float] = WANTED_RATIO,
) -> list[Verdict]:
    """Operations a second, ours over theirs, at the same concurrency, wherever both measured the same.

    ``wishes`` are by scenario and size."""
    ours, theirs = ({_key(r): r for r in results if r.server == one and r.rate} for one in (name, peer))
    found = []
    for key in ours:
        if key in theirs:
            one, other, wanted = ours[key], theirs[key], wishes.get(key[:2])
            value = one.rate / other.rate
            by_cpu = other.spent / one.spent if one.spent and other.spent else None
            met = value >= wanted if wanted is not None else None
            found.append(Verdict(*key, value, by_cpu, wanted, met))
    return found


def slopes(results: Sequence[Result], server: str = OURS) -> list[Verdict]:
    """How the time per operation grows with the size, by scenario and concurrency."""
    series: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        if result.server == server and result.rate:
            series.setdefault((result.scenario, result.concurrency), []).append(result)
    found = []
    for (scenario, concurrency), line in series.items():
        value = slope((result.size, 1 / result.rate) for result in line)
        by_cpu = slope((result.size, result.spent) for result in line if result.spent)
        wanted = WANTED_SLOPE if scenario in SLOPED else None
        wanted = WANTED_SLOPE_OF_PARTS if scenario == "filter_co" else wanted
        if value is not None:
            met = value <= wanted if wanted is not None else None
            found.append(Verdict(scenario, None, concurrency, value, by_cpu, wanted, met))
    return found


def _key(result: Result) -> tuple[str, int, int]:
    return result.scenario, result.size, result.concurrency


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2) -> str:
    """Plain columns; the first ``left`` of them and the last flush left, numbers flush right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if column < left or column == len(head) - 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


RESULT_HEAD = (
    "server",
    "scenario",
    "size",
    "conc",
    "ops",
    "ops/s",
    "p50 ms",
    "p99 ms",
    "cpu s/1k",
    "db s/1k",
    "rss MiB",
    "client",
    "note",
)


def result_cells(result: Result) -> tuple[str, ...]:
    """One line of the results' table."""
    return (
        result.server,
        result.scenario,
        str(result.size),
        str(result.concurrency),
        str(result.operations),
        number(result.rate),
        number(result.p50),
        number(result.p99),
        "-" if result.cpu is None else f"{result.cpu:.3f}",
        "-" if result.engine is None else f"{result.engine:.3f}",
        "-" if result.rss is None else f"{result.rss / 2**20:.0f}",
        f"{result.client:.0%}",
        result.note,
    )


def verdict_table(title: str, verdicts: Sequence[Verdict], sign: str) -> str:
    """Ratios or slopes; ``sign`` stands before what is wanted."""
    rows = [
        (
            verdict.scenario,
            "" if verdict.size is None else str(verdict.size),
            str(verdict.concurrency),
            f"{verdict.value:.2f}",
            "" if verdict.by_cpu is None else f"{verdict.by_cpu:.2f}",
            "" if verdict.wanted is None else f"{sign} {verdict.wanted:g}",
            {None: "", True: "met", False: "MISSED"}[verdict.met],
        )
        for verdict in verdicts
    ]
    head = ("scenario", "size", "conc", "value", "by cpu", "wanted", "")
    return f"{title}\n{table(head, rows, left=1)}" if rows else f"{title}\n(nothing to compare)"


def number(value: float | None) -> str:
    """Three significant digits, without exponent."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 3)}f}"


def document(facts: Mapping[str, object], results: Sequence[Result], peer: str) -> dict[str, object]:
    """Everything, JSON-able."""
    return {
        "facts": dict(facts),
        "results": [asdict(result) | {"rate": result.rate} for result in results],
        "ratios": [asdict(verdict) for verdict in ratios(results, peer)],
        "slopes": [asdict(verdict) for verdict in slopes(results)],
    }
