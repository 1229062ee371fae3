"""A stream of security event tokens: for whom, by which way, in which words, with how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rosterd.scim import errors

MAX_AUDIENCE: Final = 500
MAX_AUTHORIZATION: Final = 4000

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

    def check(self, url: str, directory: int | None) -> None:
        """Raise ``InvalidValue`` unless this can be the stream of an endpoint with this URL."""
        for name, value, known in (
            ("method", self.method, METHODS),
            ("detail", self.detail, DETAILS),
            ("vocabulary", self.vocabulary, VOCABULARIES),
        ):
            if value not in known:
                raise errors.InvalidValue(f"{name}: must be one of {', '.join(known)}.")
        if not 0 < len(self.audience) <= MAX_AUDIENCE:
            raise errors.InvalidValue(f"audience: must have 1 to {MAX_AUDIENCE} characters.")
        if self.method == POLL and (url or self.authorization):
            raise errors.InvalidValue("A stream that is polled has neither URL nor authorization.")
        if self.method == POLL and directory is None:
            raise errors.InvalidValue("A stream that is polled is of one directory: name it.")

    @property
    def told(self) -> dict[str, Any]:
        """What may be shown of it."""
        return {
            "audience": self.audience,
            "method": self.method,
            "detail": self.detail,
            "vocabulary": self.vocabulary,
            "authorization": self.authorization is not None,
        }


def check_authorization(value: str) -> None:
    """Raise ``InvalidValue`` unless this can be the value of a header ``Authorization``."""
    if not 0 < len(value) <= MAX_AUTHORIZATION or not value.isascii() or not value.isprintable():
        raise errors.InvalidValue(
            f"authorization: must be 1 to {MAX_AUTHORIZATION} printable characters such as 'Bearer abc'."
        )


def authorization_of(id: str) -> str:
    """Under which name the authorization of an endpoint is encrypted."""
    return f"authorization {id}"
