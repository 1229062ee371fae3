"""What there is to know about the process and its data that nobody changes in the console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Read when a page asks for it; nothing here is a secret."""

    version: str
    python: str
    database_bytes: int | None
    """Of the data file and its write-ahead log; ``None``: the data is in PostgreSQL."""
    schema_version: int
    """Number of the newest migration that the data file has."""
    started: int
    """ms since the epoch."""
    environment: tuple[tuple[str, str, bool], ...]
    """Variable, value, and whether it is another one than the default; secrets are left out."""
