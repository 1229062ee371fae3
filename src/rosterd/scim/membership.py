"""Group members as set operations, so that no change ever needs the group as a document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One membership: ``type`` is the member's kind, ``display`` what the IdP sent, or when rendered
    and the IdP sent none, the member's own displayName or userName."""

    value: str
    type: str | None = None
    display: str | None = None
