"""What makes the secrets of webhooks."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Made:
    """A new secret: how it is kept, and what the receiver is given (of ``v1a`` the public key)."""

    sealed: bytes
    shown: str
    public: str | None


class Keyring(Protocol):
    """Makes secrets; they can be used, and not read, by whoever has the database alone."""

    def make(self, webhook: str, scheme: str) -> Made:
        """A new secret of an endpoint."""

    def seal(self, whose: str, secret: bytes) -> bytes:
        """Encrypt a secret that somebody else made."""
