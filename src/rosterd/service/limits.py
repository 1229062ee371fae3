"""How fast a connection may be, and how much it may take away: arithmetic in whole numbers, nothing else.

Requests go through token buckets, one for each connection and class of request (read, write):

    level   nano-tokens, at most rate × burst × 10⁹; grows by rate a second
    cost    1 a request, the number of operations for a bulk request
    pass    if the level covers the cost, or all of the bucket where the cost is larger; the level may then
            be below nothing, and what follows waits
    wait    whole seconds, rounded up, until the same cost passes

So in any t seconds one process lets pass at most max(rate × burst, the largest cost) + rate × t.

Processes share their buckets: each draws from its own without asking, tells the others now and then what
it drew (``Throttle.drawn``), and is told what they all left (``Throttle.follow``), which can only take away.
What was drawn too much is owed, so over a long time the rate holds for all together. With N processes that
exchange every d seconds there pass in any t seconds at most

    N × max(rate × burst, the largest cost) + rate × t + N × rate × 2d

instead of N times the first formula: a process may learn d late what others told d late. Those whom the
database does not answer go on with their own buckets, each by the first formula.

Losses (accounts deactivated or deleted) are counted in windows, by the store, for all processes.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import Final

from rosterd.scim import errors

READ: Final = "read"
WRITE: Final = "write"
BUCKETS: Final = 10_000
"""More than these are not kept; the one unused for the longest goes first, and would begin full again."""
FUSE_FLOOR: Final = 20
"""A percentage means nothing where no more accounts than these are or would be lost: a small directory
changes as a whole, and so does whoever makes and deletes accounts to test."""

Key = tuple[int, str]
"""A bucket: the directory that it belongs to, or 0, and its name there."""

_SECOND: Final = 1_000_000_000
MILLION: Final = 1_000_000
"""Parts of a request in which shared buckets are counted."""
_MICRO: Final = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in a connection's policy; 0 is none. Raises ``InvalidValue`` for what makes no sense."""

    read_rate: int = 25_000
    """Reading requests a second."""
    write_rate: int = 25_000
    """Changing requests a second; each operation of a bulk request is one."""
    burst: int = 5
    """Seconds of its rate that a connection may save up and use at once."""
    fuse_count: int = 0
    """So many accounts may be deactivated or deleted in a window; one more pauses the connection."""
    fuse_percent: int = 0
    """The same in percent of the live accounts, but never fewer than ``FUSE_FLOOR``."""
    fuse_window: int = 3600
    """Length of a window in seconds; it begins with the first account lost."""

    def rate(self, kind: str) -> int:
        """Requests a second of a class."""
        return self.write_rate if kind == WRITE else self.read_rate

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise errors.InvalidValue(f"{name} must be a number from {least} to {most}, not {value}.")


RANGES: Final = {
    "read_rate": (0, 1_000_000),
    "write_rate": (0, 1_000_000),
    "burst": (1, 3600),
    "fuse_count": (0, 1_000_000_000),
    "fuse_percent": (0, 100),
    "fuse_window": (60, 31_536_000),
}
"""What each limit may be, from and to."""


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


JSON_NAMES: Final = {field.name: _camel(field.name) for field in fields(Limits)}
"""The limits by their names in JSON: ``fuse_count`` is ``fuseCount`` there."""


@dataclass(slots=True)
class Quota:
    """What is left after one request."""

    limit: int
    """What a full bucket holds."""
    remaining: int
    reset: int
    """Whole seconds until the bucket is full."""
    wait: int = 0
    """Whole seconds until this request may be sent again; 0: it passes."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a process drew from a bucket since it told the others last."""

    key: Key
    rate: int
    """Requests a second."""
    size: int
    """Requests that a full bucket holds."""
    cost: int
    """Requests drawn."""
    ago: int
    """Microseconds since the first of them."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a shared bucket held at a time: millionths of a request, microseconds by the database's clock."""

    amount: int
    """May be below nothing."""
    at: int

    @classmethod
    def full(cls, drawn: Drawn, now: int) -> "Level":
        """Of a bucket from which nobody has drawn."""
        return cls(drawn.size * MILLION, now - drawn.ago)

    def less(self, drawn: Drawn, now: int) -> "Level":
        """After what a process drew. All of it counts from the first: who draws steadily is not refused for
        telling it late."""
        first = now - drawn.ago
        filled = min(drawn.size * MILLION, self.amount + max(0, first - self.at) * drawn.rate)
        # A time to come is one from before the clock was set back.
        return Level(filled - drawn.cost * MILLION, max(min(self.at, now), first))

    def filled(self, drawn: Drawn, now: int) -> int:
        """What it holds now."""
        return min(drawn.size * MILLION, self.amount + (now - self.at) * drawn.rate)


class _Bucket:
    __slots__ = ("at", "burst", "drawn", "first", "less_one", "level", "limit", "rate", "second", "size")

    def __init__(self, rate: int, burst: int, at: int) -> None:
        self.become(rate, burst)
        self.level = self.size
        self.at = at
        self.drawn = 0
        self.first = at

    def become(self, rate: int, burst: int) -> None:
        """Hold ``burst`` seconds of a rate from now on."""
        self.rate = rate
        self.burst = burst
        self.limit = rate * burst
        self.size = self.limit * _SECOND
        self.second = rate * _SECOND
        self.less_one = Quota(self.limit, self.limit - 1, 1)
        """What one request leaves of a full bucket: so it is with nearly every one."""

    def fill(self, now: int) -> int:
        """Let it fill until now; the level."""
        self.level = min(self.level + (now - self.at) * self.rate, self.size)
        self.at = now
        return self.level


class Throttle:
    """The buckets of one process. ``clock`` gives nanoseconds that never go back."""

    def __init__(self, clock: Callable[[], int], buckets: int = BUCKETS) -> None:
        self._clock = clock
        self._most = buckets
        self._buckets: OrderedDict[Key, _Bucket] = OrderedDict()
        self._untold: dict[Key, _Bucket] = {}
        self._asked = 0

    def take(self, directory: int, connection: int, kind: str, limits: Limits, cost: int = 1) -> Quota | None:
        """Take the cost of a request of a class, if there is enough; ``None`` where there is no limit.

        A changed rate holds from the next request; what was saved up stays, as far as it fits.
        """
        rate = limits.write_rate if kind == WRITE else limits.read_rate
        return self.draw((directory, f"{kind} {connection}"), rate, limits.burst, cost) if rate else None

    def draw(self, key: Key, rate: int, burst: int, cost: int = 1) -> Quota:
        """Take a cost from the bucket of this key, which holds ``burst`` seconds of its rate, if it can."""
        now, bucket = self._clock(), self._buckets.get(key)
        if bucket is None:
            bucket = self._begin(key, rate, burst, now)
        else:
            self._buckets.move_to_end(key)
            if bucket.rate != rate or bucket.burst != burst:
                bucket.fill(now)
                bucket.become(rate, burst)
        size = bucket.size
        # ``fill``, at each request, and without what was saved up beyond a limit that is lower now.
        level = bucket.level + (now - bucket.at) * rate
        bucket.at = now
        wanted = cost * _SECOND
        full = level >= size
        if full:
            level = size
        elif level < wanted and (missing := min(wanted, size) - level) > 0:
            bucket.level = level
            wait = -(-missing // bucket.second)
            return Quota(bucket.limit, max(0, level // _SECOND), wait, wait)
        bucket.level = level = level - wanted
        if bucket.drawn:
            bucket.drawn += cost
        elif cost:
            bucket.drawn, bucket.first = cost, now
            self._untold[key] = bucket
        if full and cost == 1:
            return bucket.less_one
        reset = -((level - size) // bucket.second)
        return Quota(bucket.limit, level // _SECOND if level > 0 else 0, reset)

    def drawn(self, most: int) -> list[Drawn]:
        """What was drawn and is not told yet, of so many buckets at most; it counts as told then."""
        self._asked = now = self._clock()
        told = []
        for key in list(islice(self._untold, most)):
            bucket = self._untold.pop(key)
            ago = (now - bucket.first) // _MICRO
            told.append(Drawn(key, bucket.rate, bucket.limit, bucket.drawn, ago))
            bucket.drawn = 0
        return told

    def follow(self, levels: Mapping[Key, int]) -> None:
        """Have no more in a bucket than all left in it when ``drawn`` was told: millionths of a request."""
        now = self._clock()
        for key, level in levels.items():
            bucket = self._buckets.get(key)
            if bucket is not None:
                since = (now - self._asked) * bucket.rate - bucket.drawn * _SECOND
                bucket.level = min(bucket.fill(now), level * _MICRO + since)

    def _begin(self, key: Key, rate: int, burst: int, now: int) -> _Bucket:
        bucket = self._buckets[key] = _Bucket(rate, burst, now)
        if len(self._buckets) > self._most:
            gone, _ = self._buckets.popitem(last=False)
            self._untold.pop(gone, None)
        return bucket


@dataclass(frozen=True, slots=True)
class Loss:
    """What a connection has taken away in the present window."""

    began: int
    """ms."""
    count: int
    """Accounts deactivated or deleted."""
    of: int
    """The most live accounts there were at any of them, so that the share does not grow by deleting."""


def lost(limits: Limits, before: Loss | None, live: int, at: int) -> Loss:
    """The window with one loss more; ``live`` accounts are there before it, ``at`` is ms."""
    if before is None or at >= before.began + limits.fuse_window * 1000:
        return Loss(at, 1, live)
    return Loss(before.began, before.count + 1, max(before.of, live))


def allowance(limits: Limits, of: int) -> int | None:
    """How many of so many accounts may be lost in a window; ``None``: all of them."""
    marks = []
    if limits.fuse_count:
        marks.append(limits.fuse_count)
    if limits.fuse_percent and of > FUSE_FLOOR:
        marks.append(max(FUSE_FLOOR, of * limits.fuse_percent // 100))
    return min(marks, default=None)
