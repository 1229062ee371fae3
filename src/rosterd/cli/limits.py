"""The limits of a connection on the command line: their options, and how limits are shown."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Final

import typer

from rosterd.cli.lifetime import parse_duration
from rosterd.service.limits import FUSE_FLOOR, JSON_NAMES, RANGES, Limits

DEFAULTS: Final = Limits()


def _limit(name: str, help: str, **more: Any) -> Any:
    """The option of a limit that is a plain number."""
    least, most = RANGES[name]
    return typer.Option(
        f"--{name.replace('_', '-')}",
        help=help,
        min=least,
        max=most,
        show_default=str(getattr(DEFAULTS, name)),
        rich_help_panel="Limits",
        **more,
    )


ReadRate = Annotated[int | None, _limit("read_rate", "Reading requests a second; 0 for no limit.")]
WriteRate = Annotated[
    int | None,
    _limit(
        "write_rate",
        "Changes a second; an operation of a bulk request is one. 0 for no limit.",
    ),
]
Burst = Annotated[
    int | None,
    _limit("burst", "Seconds of its rate that a connection may save up and use at once.", metavar="SECONDS"),
]
FuseCount = Annotated[
    int | None,
    _limit(
        "fuse_count",
        "Pause it before it deactivates or deletes more accounts than this in the window; 0 for no limit.",
    ),
]
FusePercent = Annotated[
    int | None,
    _limit(
        "fuse_percent",
        f"The same in percent of the accounts, but never before {FUSE_FLOOR}; 0 for no limit.",
    ),
]
FuseWindow = Annotated[
    int | None,
    typer.Option(
        "--fuse-window",
        parser=parse_duration,
        metavar="DURATION",
        help="Length of the window, which begins with the first account: 60s to 1y.",
        show_default="1h",
        rich_help_panel="Limits",
    ),
]


def changed(limits: Limits, **given: int | None) -> Limits:
    """The limits with what was given. Raises ``InvalidValue``."""
    return replace(limits, **{name: value for name, value in given.items() if value is not None})


def described(limits: Limits) -> dict[str, int]:
    """The limits as JSON has them, in their order."""
    return {JSON_NAMES[name]: value for name, value in asdict(limits).items()}


def shown(limits: Limits) -> Mapping[str, str]:
    """The limits as a person reads them."""
    return {
        "Read rate": _rate(limits.read_rate, limits.burst),
        "Write rate": _rate(limits.write_rate, limits.burst),
        "Fuse": _fuse(limits),
    }


def _rate(rate: int, burst: int) -> str:
    return f"{rate:,} a second, {rate * burst:,} at once" if rate else "no limit"


def _fuse(limits: Limits) -> str:
    marks = []
    if limits.fuse_count:
        marks.append(f"{limits.fuse_count:,} accounts")
    if limits.fuse_percent:
        marks.append(f"{limits.fuse_percent} % of the accounts (at least {FUSE_FLOOR})")
    return f"{' or '.join(marks)} in {limits.fuse_window:,} seconds" if marks else "off"
