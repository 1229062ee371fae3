"""The ports by which processes tell each other what is no data: rates used up, forms sent.

Nothing here is waited for by a request to SCIM. Without it each process goes on with what it knows itself.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rosterd.service.limits import Drawn, Key


class SharedBuckets(Protocol):
    """What is left in the buckets that the processes of an installation have in common."""

    async def exchange_buckets(self, drawn: Sequence[Drawn]) -> Mapping[Key, int]:
        """Take from buckets what a process drew, once at the most; what is left of each, in millionths of a
        request.

        A bucket that was never drawn from is full, and each fills in the database's time
        (``service.limits.Level``). Raises ``StoreUnavailable``.
        """

    async def forget_buckets(self, most: int) -> int:
        """Forget buckets that are full again, so many at most; how many there were."""


class FormMarks(Protocol):
    """Which forms of the console were sent."""

    async def spend_mark(self, digest: bytes, at: int) -> bool:
        """Note a form as sent, durably; ``False`` if it was before. ``at`` is ms."""

    async def forget_marks(self, before: int, most: int) -> int:
        """Forget forms sent before a time (ms), so many at most; how many there were."""
