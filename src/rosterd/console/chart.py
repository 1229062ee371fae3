"""A bar chart of requests by the hour: the numbers become rectangles, and a sentence that says the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rosterd.service.request_log import HOUR, Activity

HOURS: Final = 24
WIDTH: Final = 240
HEIGHT: Final = 48
_STEP: Final = WIDTH / HOURS
_BAR: Final = _STEP - 2


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: two rectangles upon each other, in units of the drawing."""

    x: float
    ok_top: float
    ok_height: float
    failed_top: float
    failed_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The last ``HOURS`` hours."""

    bars: tuple[Bar, ...]
    text: str
    """What it shows, in words."""
    ok: int
    failed: int
    width: int = WIDTH
    height: int = HEIGHT


def chart(activities: Iterable[Activity], now: int) -> Chart:
    """The chart of these connections together; hours older than it shows are left out."""
    last = now // HOUR
    counts = {last - back: [0, 0] for back in range(HOURS)}
    for activity in activities:
        for one in activity.hours:
            if (count := counts.get(one.at // HOUR)) is not None:
                count[0] += one.ok
                count[1] += one.failed
    most = max(ok + failed for ok, failed in counts.values())
    bars = []
    for place, (hour, (ok, failed)) in enumerate(sorted(counts.items())):
        if ok or failed:
            whole = max(3.0, (ok + failed) / most * (HEIGHT - 2))
            bad = max(2.0, whole * failed / (ok + failed)) if failed else 0.0
            good = max(0.0, whole - bad)
            title = f"{_clock(hour)}: {ok:,} answered, {failed:,} failed"
            bars.append(
                Bar(
                    x=round(place * _STEP + 1, 2),
                    ok_top=round(HEIGHT - good, 2),
                    ok_height=round(good, 2),
                    failed_top=round(HEIGHT - whole, 2),
                    failed_height=round(bad, 2),
                    title=title,
                )
            )
    ok, failed = (sum(count[side] for count in counts.values()) for side in (0, 1))
    return Chart(tuple(bars), _text(counts, ok, failed), ok, failed)


BAR_WIDTH: Final = round(_BAR, 2)


def _text(counts: dict[int, list[int]], ok: int, failed: int) -> str:
    if not ok and not failed:
        return f"No requests in the last {HOURS} hours."
    busiest = max(counts, key=lambda hour: sum(counts[hour]))
    return (
        f"In the last {HOURS} hours {ok:,} requests were answered and {failed:,} failed; "
        f"most, {sum(counts[busiest]):,}, in the hour from {_clock(busiest)}."
    )


def _clock(hour: int) -> str:
    return datetime.fromtimestamp(hour * HOUR / 1000, UTC).strftime("%H:%M UTC")
