"""Commands within the process of the tests: what they print and how they end, without what a start costs.

They open the data beside a running server as a process of their own does. What only a process can show
(signals, a stream that is followed, the installed command itself) is tested with ``harness.COMMAND``.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rosterd.cli import app

PLAIN: Mapping[str, str] = {"NO_COLOR": "1", "COLUMNS": "200"}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def invoke(
    *arguments: str | Path, code: int | None = None, typed: str | None = None, **environment: str | None
) -> Done:
    """Run a command to its end, which must be with the ``code`` if one is given.

    ``typed`` is its standard input; ``None`` in the environment takes a variable away. A fault that the
    command does not tell of is raised.
    """
    run = partial(CliRunner().invoke, app, [*map(str, arguments)], env={**PLAIN, **environment}, input=typed)
    with ThreadPoolExecutor(1) as thread:  # the thread of the test may have an event loop that runs
        done = thread.submit(run).result()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert code in (None, done.exit_code), f"rosterd {arguments}: {done.exit_code} {done.stdout}{done.stderr}"
    return Done(done.exit_code, done.stdout, done.stderr)


def said(*arguments: str | Path, code: int = 0, typed: str | None = None, **environment: str | None) -> str:
    """Standard output of a command that ends with the code; what it complains of, if that is not 0."""
    done = invoke(*arguments, code=code, typed=typed, **environment)
    return done.stdout if code == 0 else done.stderr


def result(*arguments: str | Path, code: int = 0, typed: str | None = None, **environment: str | None) -> Any:
    """What it prints as JSON."""
    return json.loads(invoke(*arguments, "--json", code=code, typed=typed, **environment).stdout)
