"""Whatever comes when, a bucket lets no more pass than its burst and its rate allow."""

from hypothesis import given
from hypothesis import strategies as st

from rosterd.service.limits import WRITE, Limits, Throttle

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
        quota = throttle.take(1, WRITE, allowed, cost)
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
        throttle.take(1, WRITE, allowed, cost)
    first = throttle.take(1, WRITE, allowed, wanted)
    assert first is not None
    if first.wait:
        clock.ns += (first.wait - 1) * SECOND
        early = throttle.take(1, WRITE, allowed, wanted)
        assert early is not None
        assert early.wait == 1
        clock.ns += SECOND
        late = throttle.take(1, WRITE, allowed, wanted)
        assert late is not None
        assert late.wait == 0


@given(limits, st.integers(1, 200))
def test_at_the_rate_nothing_is_ever_refused(allowed: Limits, count: int) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(count):
        quota = throttle.take(1, WRITE, allowed)
        assert quota is not None
        assert not quota.wait
        clock.ns += -(-SECOND // allowed.write_rate)
