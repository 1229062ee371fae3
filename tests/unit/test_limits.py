"""Token buckets and fuses, case by case; every number is exact."""

from typing import Any

import pytest

from rosterd.scim import errors
from rosterd.service.limits import (
    READ,
    WRITE,
    Limits,
    Loss,
    Quota,
    Throttle,
    allowance,
    lost,
)

SECOND = 1_000_000_000
LIMITS = Limits(read_rate=100, write_rate=10, burst=2)  # buckets of 200 and 20


class Clock:
    def __init__(self) -> None:
        self.ns = 5 * SECOND

    def __call__(self) -> int:
        return self.ns


# Each row: (seconds later, class, cost) → (remaining, reset, wait).
TABLES: dict[str, list[tuple[tuple[float, str, int], tuple[int, int, int]]]] = {
    "one by one": [((0, WRITE, 1), (19, 1, 0)), ((0, WRITE, 1), (18, 1, 0)), ((0.2, WRITE, 1), (19, 1, 0))],
    "all at once, then at the rate": [
        ((0, WRITE, 20), (0, 2, 0)),
        ((0, WRITE, 1), (0, 1, 1)),
        ((0.099, WRITE, 1), (0, 1, 1)),
        ((0.001, WRITE, 1), (0, 2, 0)),
        ((0, WRITE, 15), (0, 2, 2)),
        ((1.5, WRITE, 15), (0, 2, 0)),
    ],
    "it saves up no more than the burst": [
        ((0, WRITE, 20), (0, 2, 0)),
        ((1000, WRITE, 20), (0, 2, 0)),
        ((0, WRITE, 1), (0, 1, 1)),
    ],
    "the classes do not disturb each other": [
        ((0, WRITE, 20), (0, 2, 0)),
        ((0, READ, 50), (150, 1, 0)),
        ((0, WRITE, 1), (0, 1, 1)),
    ],
    "a bulk request larger than the bucket wants all of it and is paid for afterwards": [
        ((0, WRITE, 50), (0, 5, 0)),
        ((0, WRITE, 1), (0, 4, 4)),
        ((3, WRITE, 1), (0, 1, 1)),
        ((0.1, WRITE, 1), (0, 2, 0)),
        ((0, WRITE, 50), (0, 2, 2)),
        ((1.9, WRITE, 50), (19, 1, 1)),
        ((0.1, WRITE, 50), (0, 5, 0)),
    ],
    "cost 0 looks for debt only": [
        ((0, WRITE, 0), (20, 0, 0)),
        ((0, WRITE, 20), (0, 2, 0)),
        ((0, WRITE, 0), (0, 2, 0)),
        ((10, WRITE, 21), (0, 3, 0)),
        ((0, WRITE, 0), (0, 1, 1)),
    ],
    "waiting is rounded up to whole seconds": [
        ((0, WRITE, 20), (0, 2, 0)),
        ((0, WRITE, 11), (0, 2, 2)),
        ((0, WRITE, 10), (0, 1, 1)),
    ],
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_bucket(table: list[tuple[tuple[float, str, int], tuple[int, int, int]]]) -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for (later, kind, cost), (remaining, reset, wait) in table:
        clock.ns += round(later * SECOND)
        full = 20 if kind == WRITE else 200
        assert throttle.take(1, 1, kind, LIMITS, cost) == Quota(full, remaining, reset, wait)


def test_a_connection_has_buckets_of_its_own() -> None:
    throttle = Throttle(Clock())
    assert throttle.take(1, 1, WRITE, LIMITS, 20) == Quota(20, 0, 2)
    assert throttle.take(1, 2, WRITE, LIMITS, 1) == Quota(20, 19, 1)


def test_rate_0_is_no_limit() -> None:
    throttle = Throttle(Clock())
    for kind in (READ, WRITE):
        assert throttle.take(1, 1, kind, Limits(read_rate=0, write_rate=0), 10**9) is None


def test_a_changed_rate_holds_at_once_and_gives_nothing_away() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    throttle.take(1, 1, WRITE, LIMITS, 20)
    higher = Limits(write_rate=100, burst=2)
    assert throttle.take(1, 1, WRITE, higher) == Quota(200, 0, 1, 1)
    clock.ns += SECOND
    assert throttle.take(1, 1, WRITE, higher) == Quota(200, 99, 2)
    clock.ns += 10 * SECOND
    assert throttle.take(1, 1, WRITE, LIMITS, 20) == Quota(20, 0, 2)


def test_no_more_buckets_are_kept_than_agreed_and_the_one_in_use_is_among_them() -> None:
    throttle = Throttle(Clock(), buckets=3)
    throttle.take(1, 1, WRITE, LIMITS, 20)
    for connection in range(2, 100):
        throttle.take(1, connection, WRITE, LIMITS)
        refused = throttle.take(1, 1, WRITE, LIMITS)
        assert refused is not None
        assert refused.wait
    assert len(throttle._buckets) == 3


MINUTE = 60_000


@pytest.mark.parametrize(
    ("before", "live", "at", "after"),
    [
        (None, 40, 7, Loss(7, 1, 40)),
        (Loss(7, 1, 40), 39, 8, Loss(7, 2, 40)),
        (Loss(7, 2, 40), 90, 9, Loss(7, 3, 90)),
        (Loss(7, 2, 40), 38, 7 + MINUTE - 1, Loss(7, 3, 40)),
        (Loss(7, 2, 40), 38, 7 + MINUTE, Loss(7 + MINUTE, 1, 38)),
        (Loss(7, 2, 40), 38, 3, Loss(7, 3, 40)),
    ],
)
def test_a_window_of_losses(before: Loss | None, live: int, at: int, after: Loss) -> None:
    assert lost(Limits(fuse_window=60), before, live, at) == after


@pytest.mark.parametrize(
    ("limits", "of", "most"),
    [
        ({}, 10_000, None),
        ({"fuse_percent": 30}, 0, None),
        ({"fuse_percent": 30}, 20, None),
        ({"fuse_percent": 30}, 21, 20),
        ({"fuse_percent": 30}, 66, 20),
        ({"fuse_percent": 1}, 100, 20),
        ({"fuse_count": 3}, 5, 3),
        ({"fuse_percent": 30}, 70, 21),
        ({"fuse_percent": 30}, 10_000, 3000),
        ({"fuse_percent": 0}, 10, None),
        ({"fuse_percent": 0, "fuse_count": 3}, 10_000, 3),
        ({"fuse_count": 3}, 10_000, 3),
        ({"fuse_percent": 30, "fuse_count": 500}, 1000, 300),
        ({"fuse_percent": 100}, 1000, 1000),
    ],
)
def test_how_many_accounts_may_be_lost(limits: dict[str, Any], of: int, most: int | None) -> None:
    assert allowance(Limits(**limits), of) == most


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("read_rate", -1),
        ("write_rate", 1_000_001),
        ("burst", 0),
        ("burst", 3601),
        ("fuse_count", -1),
        ("fuse_percent", 101),
        ("fuse_window", 59),
    ],
)
def test_limits_that_make_no_sense_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(errors.InvalidValue, match=f"{name} must be a number from .* not {value}"):
        Limits(**{name: value})


def test_the_defaults_are_well_above_what_entra_requires() -> None:
    assert min(Limits().read_rate, Limits().write_rate) >= 25 * 10
