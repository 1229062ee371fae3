"""What is counted about a running service: plain numbers, that whoever wants to know reads at any time.

A part counts for itself and knows nothing of who looks. Numbers only grow, but for those that say how much
waits at present. Each tally has one thread that adds to it; a look from elsewhere may be a moment late.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
JOBS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LAGS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 86_400.0)


class Tally:
    """How often values were up to each bound, the last number being of those above all, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, *values: float) -> None:
        """Count values."""
        bounds, counts = self.bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum(values)


@dataclass(slots=True)
class Load:
    """What the commit step of one process has done, and what waits for it."""

    jobs: Tally = field(default_factory=lambda: Tally(JOBS))
    """Changes in a transaction."""
    work: Tally = field(default_factory=lambda: Tally(SECONDS))
    """Seconds of a transaction, its checks included, up to its commit."""
    sync: Tally = field(default_factory=lambda: Tally(SECONDS))
    """Seconds that a commit took to be durable."""
    refused: int = 0
    """Changes refused because too many waited."""
    failed: int = 0
    """Changes that failed because the store was away."""
    waiting: Callable[[], int] = int
    """Changes that wait at present."""
    reads: Callable[[], int] = int
    """Long reads that wait at present for a thread."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done for the application, and what ends; times in ms, ``None``: nothing waits."""

    lanes: int
    """Lanes of webhooks and handlers that are not at the end of their feed."""
    undelivered: int | None
    """When the oldest event happened that one of them has not come past."""
    dead: int
    """Messages given up and kept, up to ``MOST``."""
    unmapped: int
    """Directories whose mapping is not carried out up to the newest event."""
    mapping: int | None
    """When the oldest event happened that one of them has not come past."""
    tokens: Mapping[int, int]
    """Valid tokens that were not fetched by a client, by the days of ``DAYS`` within which they end."""
    connections: Mapping[str, int]
    """Connections by the state of their standing."""


MOST: Final = 100_000
DAYS: Final = (1, 7, 30, 90)
"""The last group is of all valid tokens, under the number ``FOREVER``."""
FOREVER: Final = 36_500


class Measured(Protocol):
    """A store that can be looked at."""

    def load(self) -> Load:
        """What this process has written."""

    async def backlog(self, now: int) -> Backlog:
        """How far deliveries and mappings are, and what ends, at a time (ms)."""

    async def room(self) -> int | None:
        """How many connections the database has for us, and nobody else; ``None``: as many as wanted."""

    async def probe(self) -> None:
        """Write something that means nothing, durably. Raises ``StoreUnavailable``."""
