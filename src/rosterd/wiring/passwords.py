"""Hashing of passwords: argon2id (RFC 9106), in threads of its own, and only so many at a time.

The costs are OWASP's least memory and one more pass: about 50 ms and 19 MiB for each. A hash says its own
costs, so those kept with others stay good.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rosterd.scim import errors

T = TypeVar("T")

THREADS: Final = 2
WAITING: Final = 40
"""How many may be hashed or wait for it; they take about a second, and whoever comes then is sent away."""
_RETRY_AFTER: Final = 5
_EASY: Final = 1e10
_LOOKED_AT: Final = 32
"""Characters; the estimate takes long for more, and what is behind them makes nothing easier."""


class Argon2Hasher:
    """See ``rosterd.service.passwords.Hasher``."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rosterd-password")
        # One: zxcvbn keeps the words of a call where all look. It may take seconds; no log-in waits for it.
        self._estimating = ThreadPoolExecutor(1, thread_name_prefix="rosterd-guesses")
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """See ``Hasher``."""
        return await self._run(partial(self._argon2.hash, password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """See ``Hasher``."""
        if kept is not None:
            return await self._run(partial(self._matches, kept, password))
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        await self._run(partial(self._matches, self._nobody, password))
        return False

    async def guessable(self, password: str, words: Sequence[str]) -> bool:
        """See ``Hasher``."""
        work = partial(_guesses, password[:_LOOKED_AT], list(words))
        return await self._run(work, self._estimating) < _EASY

    def close(self) -> None:
        """Begin nothing more."""
        for threads in (self._threads, self._estimating):
            threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._argon2.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], threads: ThreadPoolExecutor | None = None) -> T:
        if self._waiting >= WAITING:
            raise errors.Unavailable("Too many are logging in at once. Try again.", retry_after=_RETRY_AFTER)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(threads or self._threads, work)
        finally:
            self._waiting -= 1


def _guesses(password: str, words: list[str]) -> float:
    """How many others are likely tried before it."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take a tenth of a second, and few processes want them

    return float(zxcvbn(password, user_inputs=words)["guesses"])
