"""Where the data of a test is, on each engine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from contract.postgres_server import namespace

from rosterd.wiring import Settings

NAMES: Final = ("sqlite", "postgres")
ENGINES: Final = pytest.mark.parametrize("engine", NAMES)


@contextlib.contextmanager
def database(engine: str, folder: Path) -> Iterator[Settings]:
    """In a file of the folder, or in a schema of its own."""
    if engine == "sqlite":
        yield Settings(data=folder / "data")
        return
    with namespace() as url:
        yield Settings(data=folder / "none", database_url=url)
