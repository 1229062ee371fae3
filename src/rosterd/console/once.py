"""A form that makes something is believed once: sent again, or sent by a reload, it does nothing.

Each page carries a mark of its own in such forms, signed and with its time. What was used is written down
before the form is carried out, so that it counts for every process and after a restart, while marks hold.
"""

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from rosterd.service.sharing import FormMarks

HOLDS: Final = 43_200_000
"""ms that a page may lie open before its form is sent."""

NEW: Final = "new"
USED: Final = "used"
OLD: Final = "old"


class Once:
    """Marks of pages. ``now`` gives milliseconds since the epoch; ``secret`` is every process's."""

    def __init__(self, secret: bytes, marks: FormMarks, now: Callable[[], int]) -> None:
        self._secret = secret
        self._marks = marks
        self._now = now

    def mark(self, request_id: str, session: str) -> str:
        """The mark of a page, which is one request of a session."""
        text = f"{self._now()}.{request_id}"
        return f"{text}.{self._sign(text, session)}"

    async def spend(self, mark: str, session: str, address: str) -> str:
        """Use a mark for an address: it is ``NEW``, was ``USED`` before, or is ``OLD`` or none of ours."""
        text, _, signature = mark.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(text, session).encode()):
            return OLD
        now = self._now()
        if int(text.partition(".")[0]) < now - HOLDS:
            return OLD
        digest = sha256(f"{text} {address}".encode()).digest()
        return NEW if await self._marks.spend_mark(digest, now) else USED

    def _sign(self, text: str, session: str) -> str:
        return hmac.digest(self._secret, f"once {session} {text}".encode(), "sha256").hex()[:32]
