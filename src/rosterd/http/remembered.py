"""Credentials that were verified once: each is good for as long as the control plane's epoch lasts.

Kept by a digest of the header that a client sends, never a failure, in bounded memory. Pausing, revoking,
another policy, scope or schema all begin another epoch (``Control.epoch``), and then all is looked up again.
Whose credential it was is remembered for longer, for the request log while nothing can be looked up.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from rosterd.service.control import Credential

MOST: Final = 10_000
"""With more than these in one epoch, all of them are looked up again."""


@dataclass(frozen=True, slots=True)
class Known:
    """A credential that was verified, and what follows from it until the epoch ends."""

    credential: Credential
    until: int
    """Before this time (ms) there is nothing to refuse it for; 0: its connection is not active."""


class Remembered:
    """The credentials of one process."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._epoch: Hashable = None
        self._known: dict[bytes, Known] = {}
        self._whose: dict[bytes, Credential] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, epoch: Hashable, digest: bytes) -> Known | None:
        """What was verified in this epoch; ``None`` if nothing was."""
        return self._known.get(digest) if epoch == self._epoch else None

    def keep(self, epoch: Hashable, digest: bytes, known: Known) -> None:
        """Remember what was looked up after the epoch was asked for, and is valid."""
        if epoch != self._epoch or len(self._known) >= self._most:
            self._known.clear()
            self._epoch = epoch
        self._known[digest] = known
        self._whose[digest] = known.credential
        if len(self._whose) > self._most:
            del self._whose[next(iter(self._whose))]

    def whose(self, digest: bytes) -> Credential | None:
        """What was verified last, in whichever epoch: it says whose a request is, and admits nobody."""
        return self._whose.get(digest)
