"""What the parts of a service have counted, as metrics by the names that docs/operations.md explains.

The registry is this service's own. The parts count plain numbers; they become metrics when somebody looks,
at most once in ``AGE`` seconds as far as the database has to be asked. What a process has counted is told
for each worker, what the database knows is told once. No label has a value that a client or an administrator
chooses.
"""

import asyncio
import platform
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from rosterd.http.measure import STEPS, Requests
from rosterd.service.feed import Feed
from rosterd.service.measures import DAYS, FOREVER, Backlog, Measured, Tally
from rosterd.service.ports import StoreUnavailable
from rosterd.wiring.doors import Doors
from rosterd.wiring.journal import Journal
from rosterd.wiring.siblings import Siblings

AGE: Final = 5.0
"""Seconds for which what the database said is told again."""

_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_REFUSED: Final = (401, 403, 404, 405, 406, 413, 415, 429, 503)
"""Statuses by which a request is not admitted."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts that have counted."""

    store: Measured
    requests: Requests
    feed: Feed
    journal: Journal
    doors: Doors


class Collection:
    """Answers ``GET /metrics`` for ``workers`` processes. ``now`` gives ms since the epoch."""

    def __init__(self, sources: Sources, now: Callable[[], int], workers: int = 1) -> None:
        self._sources = sources
        self._now = now
        self._workers = workers
        self.siblings: Siblings | None = None
        """The workers, if this process is one of several."""
        self._backlog: Backlog | None = None
        self._looked = -AGE
        self._turn = asyncio.Lock()
        self._process = ProcessCollector(registry=None)

    async def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        async with self._turn:
            if time.monotonic() - self._looked >= AGE:
                try:
                    self._backlog = await self._sources.store.backlog(self._now())
                except StoreUnavailable:  # what is not known is not told
                    self._backlog = None
                self._looked = time.monotonic()
        counted, answering = (self.counted(), 1) if self.siblings is None else await self.siblings.gather()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Told((*counted, *self._known(answering))))
        return generate_latest(registry)

    def counted(self) -> Iterator[Metric]:
        """What this process has counted."""
        yield from self._process.collect()
        yield _built()
        starts = 1 if self.siblings is None else self.siblings.starts
        yield _count("rosterd_worker_starts", "How often a worker was started", starts)
        yield from _requests(self._sources.requests)
        yield from _steps(self._sources)
        yield from _commit(self._sources.store)
        yield from _deliver(self._sources)

    def _known(self, answering: int) -> Iterator[Metric]:
        """What is the same whichever process tells it."""
        yield _gauge("rosterd_workers", "Workers that there are to be", self._workers)
        yield _gauge("rosterd_workers_answering", "Workers whose numbers are told here", answering)
        if self._backlog is not None:
            yield from _backlog(self._backlog, self._now())
        yield _gauge(
            "rosterd_deliver_backlog_known", "1 if the database told the backlog", self._backlog is not None
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Metrics as ``prometheus_client.registry.Collector`` wants them."""

    metrics: tuple[Metric, ...]

    def collect(self) -> tuple[Metric, ...]:
        """All of them."""
        return self.metrics


def _built() -> Metric:
    built = GaugeMetricFamily("rosterd_build_info", "What runs", labels=("version", "python", "sqlite"))
    built.add_metric((metadata.version("rosterd"), platform.python_version(), sqlite3.sqlite_version), 1)
    return built


def _requests(requests: Requests) -> Iterator[Metric]:
    counts: dict[tuple[str, ...], int] = {}
    refused: dict[tuple[str, ...], int] = {}
    for (area, method, status), count in tuple(requests.answered.items()):
        key = (area, method if method in _METHODS else "other", f"{status // 100}xx")
        counts[key] = counts.get(key, 0) + count
        if status in _REFUSED:
            refused[area, str(status)] = refused.get((area, str(status)), 0) + count
    yield _counter(
        "rosterd_requests", "Requests answered, by class of status", ("area", "method", "status"), counts
    )
    yield _counter("rosterd_admit_refused", "Requests not let in", ("area", "status"), refused)
    seconds = HistogramMetricFamily(
        "rosterd_request_seconds", "Seconds until the reply began", labels=("area",)
    )
    for area, tally in tuple(requests.seconds.items()):
        seconds.add_metric((area,), *_cumulated(tally))
    yield seconds


def _steps(sources: Sources) -> Iterator[Metric]:
    requests, doors = sources.requests, sources.doors
    steps = SummaryMetricFamily(
        "rosterd_step_seconds",
        "Seconds of SCIM requests in each step",
        labels=("step",),
    )
    for step in STEPS:
        steps.add_metric((step,), count_value=requests.stepped, sum_value=getattr(requests, step))
    yield steps
    yield _gauge("rosterd_admit_connections", "Connections that are open", doors.open())
    yield _gauge("rosterd_admit_connections_limit", "Connections that may be open", doors.bounds.connections)
    yield _counter(
        "rosterd_admit_turned_away",
        "Connections and requests ended for their number, size or slowness",
        ("reason",),
        {(reason,): count for reason, count in doors.turned_away.items()},
    )
    yield _counter(
        "rosterd_decode_tolerated",
        "SCIM requests that needed a tolerance",
        ("tolerance",),
        {(name,): count for name, count in tuple(requests.tolerated.items())},
    )
    yield _counter(
        "rosterd_check_refused",
        "SCIM requests refused, by scimType or status",
        ("error",),
        {(name,): count for name, count in tuple(requests.refused.items())},
    )


def _commit(store: Measured) -> Iterator[Metric]:
    load = store.load()
    for name, text, tally in (
        ("rosterd_commit_batch_changes", "Changes in one transaction", load.jobs),
        ("rosterd_commit_work_seconds", "Seconds of a transaction up to its commit", load.work),
        ("rosterd_commit_sync_seconds", "Seconds until a commit was durable", load.sync),
    ):
        family = HistogramMetricFamily(name, text)
        family.add_metric((), *_cumulated(tally))
        yield family
    yield _gauge("rosterd_commit_waiting", "Changes that wait for the writer", load.waiting())
    yield _count("rosterd_commit_refused", "Changes refused because too many waited", load.refused)
    yield _count("rosterd_commit_failed", "Changes that failed because the store was away", load.failed)
    yield _gauge("rosterd_read_waiting", "Long reads that wait for a thread", load.reads())


def _deliver(sources: Sources) -> Iterator[Metric]:
    lag = HistogramMetricFamily(
        "rosterd_deliver_feed_lag_seconds", "Age of the first event of each page of the feed that was read"
    )
    lag.add_metric((), *_cumulated(sources.feed.lag))
    yield lag
    journal = sources.journal
    yield _gauge(
        "rosterd_request_log_waiting", "Requests that wait to be written to the log", journal.waiting
    )
    yield _count("rosterd_request_log_left_out", "Requests not logged because too many came", journal.omitted)
    yield _count(
        "rosterd_request_log_lost", "Requests not logged because they could not be written", journal.lost
    )


def _backlog(backlog: Backlog, now: int) -> Iterator[Metric]:
    for name, text, value in (
        ("rosterd_deliver_lanes_behind", "Webhook lanes with events to send", backlog.lanes),
        (
            "rosterd_deliver_oldest_seconds",
            "Age of the oldest undelivered event",
            _age(backlog.undelivered, now),
        ),
        ("rosterd_deliver_dead_letters", "Messages that were given up", backlog.dead),
        ("rosterd_deliver_mappings_behind", "Directories whose mapping lags", backlog.unmapped),
        (
            "rosterd_deliver_mapping_lag_seconds",
            "Age of the oldest unmapped event",
            _age(backlog.mapping, now),
        ),
    ):
        yield _gauge(name, text, value)
    tokens = GaugeMetricFamily(
        "rosterd_tokens_ending",
        "Valid tokens that end within so many days; clients' own left out",
        labels=("days",),
    )
    for days in (*DAYS, FOREVER):
        tokens.add_metric(("+Inf" if days == FOREVER else str(days),), backlog.tokens[days])
    yield tokens
    states = GaugeMetricFamily("rosterd_connections", "Connections, by how they stand", labels=("state",))
    for state, count in backlog.connections.items():
        states.add_metric((state,), count)
    yield states


def _age(at: int | None, now: int) -> float:
    return 0.0 if at is None else max(0.0, (now - at) / 1000)


def _cumulated(tally: Tally) -> tuple[list[tuple[str, float]], float]:
    """Buckets as Prometheus wants them, each holding those before it; and the sum."""
    buckets, total = [], 0
    for bound, count in zip((*map(str, map(float, tally.bounds)), "+Inf"), tuple(tally.counts), strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets, tally.total


def _counter(name: str, text: str, labels: Iterable[str], values: Mapping[tuple[str, ...], int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=tuple(labels))
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _count(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
