"""Durations on the command line: ``90d``, ``10y``, ``3600``.

duration = 1*DIGIT [ unit ]
unit     = "s" / "m" / "h" / "d" / "w" / "y"    ; seconds if there is none; a year is 365 days
"""

import re
from collections.abc import Mapping
from typing import Final

import typer

from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME

_FORM: Final = re.compile(r"([0-9]{1,12})([smhdwy]?)")
_SECONDS: Final[Mapping[str, int]] = {
    "": 1,
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
    "y": 31_536_000,
}


def parse_duration(text: str) -> int:
    """Seconds. Raises ``typer.BadParameter``."""
    match = _FORM.fullmatch(text.strip().lower())
    if not match:
        raise typer.BadParameter(f"'{text}' is not a duration; write 90d, 12h, 10y or a number of seconds")
    return int(match[1]) * _SECONDS[match[2]]


def parse_lifetime(text: str) -> int:
    """Seconds, within what a token may live. Raises ``typer.BadParameter``."""
    seconds = parse_duration(text)
    if not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        raise typer.BadParameter(f"'{text}' is not between 60s and 10y")
    return seconds
