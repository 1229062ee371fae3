"""What an endpoint is told that gets security event tokens: to whom, by which way, in which words, how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PUSH: Final = "push"
POLL: Final = "poll"
METHODS: Final[Mapping[str, str]] = {
    PUSH: "rosterd sends each token to a URL (RFC 8935)",
    POLL: "the receiver fetches them (RFC 8936)",
}

FULL: Final = "full"
NOTICE: Final = "notice"
DETAILS: Final[Mapping[str, str]] = {
    FULL: "what changed and to what",
    NOTICE: "which attributes changed, without values",
}

SCIM: Final = "scim"
CAEP: Final = "caep"
BOTH: Final = "both"
VOCABULARIES: Final[Mapping[str, str]] = {
    BOTH: "the events of RFC 9967, and `session-revoked` of CAEP beside deactivation and deletion",
    SCIM: "the events of RFC 9967 only",
    CAEP: "`session-revoked` of CAEP only",
}


@dataclass(frozen=True, slots=True)
class Stream:
    """What an endpoint is that gets security event tokens."""

    audience: str
    """The claim ``aud``: the receiver's name for itself."""
    method: str = PUSH
    detail: str = FULL
    vocabulary: str = BOTH
    authorization: bytes | None = None
    """The value of the header ``Authorization`` of a push, encrypted."""
