"""Commands within the process of the tests: what they print and how they end, without what a start costs.

They open the data beside a running server as a process of their own does. What only a process can show
(signals, a stream that is followed, the installed command itself) is tested with ``harness.COMMAND``.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from rosterd.cli import app

PLAIN: Mapping[str, str] = {"NO_COLOR": "1", "COLUMNS": "200"}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def invoke(*arguments: str | Path, typed: str | None = None, **environment: str) -> Done:
    """Run a command to its end; ``typed`` is its standard input. A fault that it does not tell is raised."""
    run = partial(CliRunner().invoke, app, [*map(str, arguments)], env={**PLAIN, **environment}, input=typed)
    with ThreadPoolExecutor(1) as thread:  # the thread of the test may have an event loop that runs
        done = thread.submit(run).result()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def said(*arguments: str | Path, code: int = 0, **environment: str) -> str:
    """Standard output of a command that must end with the code."""
    done = invoke(*arguments, **environment)
    assert done.returncode == code, f"rosterd {arguments}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout
