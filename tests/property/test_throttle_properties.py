"""Whatever comes when, a bucket lets no more pass than its burst and its rate allow."""

from hypothesis import given
from hypothesis import strategies as st

from rosterd.service.limits import WRITE, Drawn, Key, Level, Limits, Throttle

SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


limits = st.builds(Limits, write_rate=st.integers(1, 50), burst=st.integers(1, 5))
gaps = st.integers(0, SECOND) | st.integers(0, 20 * SECOND)
arrivals = st.lists(st.tuples(gaps, st.integers(1, 30) | st.integers(1, 1000)), max_size=60)


@given(limits, arrivals)
def test_never_more_than_burst_and_rate(allowed: Limits, comings: list[tuple[int, int]]) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    passed: list[tuple[int, int]] = []
    size = allowed.write_rate * allowed.burst
    for gap, cost in comings:
        clock.ns += gap
        quota = throttle.take(1, 1, WRITE, allowed, cost)
        assert quota is not None
        assert 0 <= quota.remaining <= quota.limit == size
        assert quota.reset >= 0
        if not quota.wait:
            passed.append((clock.ns, cost))
    for first in range(len(passed)):
        total = largest = 0
        for at, cost in passed[first:]:
            total += cost
            largest = max(largest, cost)
            elapsed = at - passed[first][0]
            assert total * SECOND <= max(size, largest) * SECOND + allowed.write_rate * elapsed


@given(limits, arrivals, st.integers(1, 1000))
def test_who_waits_as_told_passes_and_who_comes_a_second_earlier_does_not(
    allowed: Limits, comings: list[tuple[int, int]], wanted: int
) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for gap, cost in comings:
        clock.ns += gap
        throttle.take(1, 1, WRITE, allowed, cost)
    first = throttle.take(1, 1, WRITE, allowed, wanted)
    assert first is not None
    if first.wait:
        clock.ns += (first.wait - 1) * SECOND
        early = throttle.take(1, 1, WRITE, allowed, wanted)
        assert early is not None
        assert early.wait == 1
        clock.ns += SECOND
        late = throttle.take(1, 1, WRITE, allowed, wanted)
        assert late is not None
        assert late.wait == 0


@given(limits, st.integers(1, 200))
def test_at_the_rate_nothing_is_ever_refused(allowed: Limits, count: int) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(count):
        quota = throttle.take(1, 1, WRITE, allowed)
        assert quota is not None
        assert not quota.wait
        clock.ns += -(-SECOND // allowed.write_rate)


class Shared:
    """Processes with the buckets that they share, at one speed; the first's clock is the database's too."""

    def __init__(self, count: int) -> None:
        self.clocks = [Clock() for _ in range(count)]
        self.throttles = [Throttle(clock) for clock in self.clocks]
        self.levels: dict[Key, Level] = {}
        self.asked: list[list[Drawn]] = [[] for _ in range(count)]
        for number, clock in enumerate(self.clocks):
            clock.ns = number * 7 * SECOND

    def pass_time(self, ns: int) -> None:
        for clock in self.clocks:
            clock.ns += ns

    def ask(self, number: int) -> None:
        self.asked[number] = self.throttles[number].drawn(9)

    def answer(self, number: int) -> None:
        now = self.clocks[0].ns // 1000
        left = {}
        for one in self.asked[number]:
            level = self.levels.get(one.key, Level.full(one, now)).less(one, now)
            self.levels[one.key] = level
            left[one.key] = level.filled(one, now)
        self.throttles[number].follow(left)
        self.asked[number] = []

    def tick(self, at: int, late: int) -> None:
        """Every process asks in one of the ticks of an interval, and has the answer so many later."""
        for number in range(len(self.throttles)):
            place = (at + number * 3) % EVERY
            if place == late:
                self.answer(number)
            if place == 0:
                self.ask(number)
        self.pass_time(SECOND // TICKS)

    def all_it_gives(self, who: int, allowed: Limits) -> int:
        """How many requests pass at once."""
        passed, throttle = 0, self.throttles[who % len(self.throttles)]
        while (quota := throttle.take(1, 1, WRITE, allowed)) and not quota.wait:
            passed += 1
        return passed


TICKS = 20
"""In a second."""
EVERY = 10
"""Ticks from one exchange of a process to the next."""

small = st.builds(Limits, write_rate=st.integers(1, 10), burst=st.integers(1, 3))
greedy = st.sampled_from([(), (0,), (1,), (2,), (0, 1, 2, 3)])
stories = st.lists(st.tuples(st.sampled_from([0, 3, 10, 40]), greedy), max_size=20)


@given(small, st.integers(1, 4), stories, st.integers(0, EVERY - 1))
def test_processes_that_exchange_let_no_more_pass_together_than_is_said(
    allowed: Limits, count: int, story: list[tuple[int, tuple[int, ...]]], late: int
) -> None:
    shared = Shared(count)
    passed: list[tuple[int, int]] = []
    at = 0
    for pause, comers in story:
        for _ in range(pause):
            shared.tick(at, late)
            at += 1
        passed.append((at, sum(shared.all_it_gives(who, allowed) for who in comers)))
    size, rate = allowed.write_rate * allowed.burst, allowed.write_rate
    for first in range(len(passed)):
        total = 0
        for end, number in passed[first:]:
            total += number
            most = count * size + (rate * (end - passed[first][0]) + count * rate * 2 * EVERY) / TICKS
            assert total <= most


@given(limits, arrivals, st.lists(st.integers(0, 3_000_000), max_size=20), st.integers(0, 3_000_000))
def test_a_process_alone_loses_nothing_by_exchanging_however_late_it_is_told(
    allowed: Limits, comings: list[tuple[int, int]], exchanges: list[int], latency: int
) -> None:
    shared, alone = Shared(1), Shared(1)
    turns = iter(exchanges)

    def pass_time(microseconds: int) -> None:
        for each in (shared, alone):
            each.pass_time(microseconds * 1000)

    for gap, cost in comings:
        pass_time(gap // 1000)
        quotas = [each.throttles[0].take(1, 1, WRITE, allowed, cost) for each in (shared, alone)]
        assert quotas[0] == quotas[1]
        before = next(turns, None)
        if before is not None:
            pass_time(before)
            shared.ask(0)
            pass_time(latency)
            shared.answer(0)


def test_what_was_drawn_too_much_is_owed_by_all() -> None:
    shared = Shared(3)
    allowed = Limits(write_rate=10, burst=2)
    assert [shared.all_it_gives(who, allowed) for who in range(3)] == [20, 20, 20]
    for number in range(3):
        shared.ask(number)
        shared.answer(number)
    quotas = [throttle.take(1, 1, WRITE, allowed) for throttle in shared.throttles]
    assert [(quota.remaining, quota.wait) for quota in quotas if quota] == [(0, 1), (0, 3), (0, 5)]
    assert shared.throttles[0].drawn(9) == []
