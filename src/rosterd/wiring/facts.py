"""What there is to know about this process and its data file, for the console."""

import platform
from dataclasses import fields
from importlib.metadata import version

from rosterd.console.facts import Facts
from rosterd.wiring.engines import steps_of
from rosterd.wiring.settings import Settings


def database_bytes(settings: Settings) -> int:
    """What SQLite's file and its write-ahead log take on the disk."""
    files = (settings.database, settings.database.with_name(settings.database.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def facts_of(settings: Settings, started: int) -> Facts:
    """As it is now; ``started`` is when the process began to serve, in ms since the epoch."""
    return Facts(
        version=version("rosterd"),
        python=platform.python_version(),
        database_bytes=database_bytes(settings) if settings.database_url is None else None,
        schema_version=len(steps_of(settings)),
        started=started,
        environment=tuple(
            (f"ROSTERD_{field.name.upper()}", _told(getattr(settings, field.name)), changed)
            for field in fields(settings)
            if field.repr
            for changed in (getattr(settings, field.name) != field.default,)
        ),
    )


def _told(value: object) -> str:
    return "" if value is None else str(value)
