"""A form that makes something is believed once: sent again, or sent by a reload, it does nothing.

Each page carries a mark of its own in such forms, signed and with its time. What was used is remembered in
this process for as long as marks hold, and marks of before the process began are not taken.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

HOLDS: Final = 43_200_000
"""ms that a page may lie open before its form is sent."""
_MOST: Final = 100_000

NEW: Final = "new"
USED: Final = "used"
OLD: Final = "old"


class Once:
    """The marks of one process. ``now`` gives milliseconds since the epoch."""

    def __init__(self, secret: bytes, now: Callable[[], int]) -> None:
        self._secret = secret
        self._now = now
        self._began = now()
        self._used: OrderedDict[str, int] = OrderedDict()

    def mark(self, request_id: str, session: str) -> str:
        """The mark of a page, which is one request of a session."""
        text = f"{self._now()}.{request_id}"
        return f"{text}.{self._sign(text, session)}"

    def spend(self, mark: str, session: str, address: str) -> str:
        """Use a mark for an address: it is ``NEW``, was ``USED`` before, or is ``OLD`` or none of ours."""
        text, _, signature = mark.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(text, session).encode()):
            return OLD
        now = self._now()
        at = int(text.partition(".")[0])
        key = f"{text} {address}"
        if key in self._used:
            return USED
        if at < self._began or at < now - HOLDS:
            return OLD
        self._used[key] = now
        while len(self._used) > _MOST or next(iter(self._used.values())) < now - HOLDS:
            self._used.popitem(last=False)
        return NEW

    def _sign(self, text: str, session: str) -> str:
        return hmac.digest(self._secret, f"once {session} {text}".encode(), "sha256").hex()[:32]
