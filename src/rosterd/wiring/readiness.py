"""Whether the store takes changes: found out by a durable write that means nothing.

Asked at most once a second, by one at a time; who asks meanwhile is told the same. A store that does not
answer within ``PATIENCE`` seconds is not ready, though it may be a moment later.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from rosterd.service.ports import StoreUnavailable

AGE: Final = 1.0
PATIENCE: Final = 2.0


class Readiness:
    """``probe`` writes, or raises ``StoreUnavailable``."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._found = -AGE
        self._ready = False
        self._finding: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        """Whether changes are taken at present. Raises what ``probe`` raises but ``StoreUnavailable``."""
        if time.monotonic() - self._found < AGE:
            return self._ready
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._find())
        finding = self._finding
        done, _ = await asyncio.wait((finding,), timeout=PATIENCE)
        return bool(done) and finding.result()

    async def _find(self) -> bool:
        try:
            await self._probe()
        except StoreUnavailable:
            self._ready = False
        else:
            self._ready = True
        self._found = time.monotonic()
        return self._ready
