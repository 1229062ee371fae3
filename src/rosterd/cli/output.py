"""What a command shows: tables and panels on a terminal, plain text elsewhere, or one JSON value.

Results go to standard output, everything else to standard error. Nothing is coloured where nobody
looks, and no line of plain output is wrapped.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

GOOD: Final = "[green]✓[/green]"
BAD: Final = "[red]✗[/red]"


def console() -> Console:
    """The console for results."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def complain(message: str) -> None:
    """One line on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]rosterd:[/red] {escape(message)}")


def line(text: str = "") -> None:
    """One plain line on standard output, at once."""
    print(text, flush=True)


def as_json(value: Any) -> None:
    """The value as indented JSON on standard output."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    print(text.decode(), flush=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """A table; elsewhere than on a terminal the cells of a row are separated by tabs."""
    rows = list(rows)
    if not is_terminal():
        for row in rows:
            line("\t".join(row))
    elif not rows:
        console().print(f"[dim]{escape(empty)}[/dim]")
    else:
        grid = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
        for column in columns:
            grid.add_column(column, overflow="fold")
        for row in rows:
            grid.add_row(*map(escape, row))
        console().print(grid)


def fields(values: Mapping[str, str]) -> None:
    """Names and values, one a line."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        line(f"{name:<{width}}  {value}".rstrip())


def date(milliseconds: int | None) -> str:
    """A time of the store, e.g. ``2026-11-24 15:22 UTC``; ``never`` without one."""
    if milliseconds is None:
        return "never"
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def expiry(listed: Mapping[str, Any]) -> str:
    """The end of a credential in a list, with a mark if it is soon."""
    return f"{listed['expires']} (soon)" if listed["expiresSoon"] else str(listed["expires"])


def iso(milliseconds: int | None) -> str | None:
    """A time of the store for JSON, e.g. ``2026-11-24T15:22:47Z``."""
    if milliseconds is None:
        return None
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
