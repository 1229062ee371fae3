"""The mark that a directory's requirements leave on an attribute of its model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tightening:
    """That a directory asks more of an attribute than its schema does (``scim.requirements``)."""

    by: str
    """Who asks, as clients are told: ``directory 'acme'``."""
    part_only: bool = False
    """It must have a value because a part of it must."""
    primary: bool = False
    """One of its values must be marked as primary."""
    values: bool = False
    """It may have none but its canonical values."""
